"""The Markdown comment on a pull request that changes the network."""

from podwall.reports.comment.rendering import comment, marker, unread_comment
from podwall.reports.comment.report import (
    ChangedConnection,
    ChangedObject,
    ChangeReport,
    GateVerdict,
    asked_part,
    change_report,
)
from podwall.reports.comment.wording import change_sentence

__all__ = [
    "ChangeReport",
    "ChangedConnection",
    "ChangedObject",
    "GateVerdict",
    "asked_part",
    "change_report",
    "change_sentence",
    "comment",
    "marker",
    "unread_comment",
]
