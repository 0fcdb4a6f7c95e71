"""The Markdown comment on a pull request that changes the network."""

from podwall.reports.comment.rendering import comment, marker
from podwall.reports.comment.reporting import change_report
from podwall.reports.comment.sentence import change_sentence
from podwall.reports.comment.unread import unread_comment
from podwall.reports.comment.values import (
    ChangedConnection,
    ChangedObject,
    ChangeReport,
    Existence,
)

__all__ = [
    "ChangeReport",
    "ChangedConnection",
    "ChangedObject",
    "Existence",
    "change_report",
    "change_sentence",
    "comment",
    "marker",
    "unread_comment",
]
