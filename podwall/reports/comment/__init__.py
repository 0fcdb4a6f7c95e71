"""The Markdown comment on a pull request that changes the network."""

from podwall.reports.comment.rendering import change_sentence, comment, marker
from podwall.reports.comment.values import (
    ChangedConnection,
    ChangedObject,
    ChangeKind,
    ChangeReport,
    Existence,
)

__all__ = [
    "ChangeKind",
    "ChangeReport",
    "ChangedConnection",
    "ChangedObject",
    "Existence",
    "change_sentence",
    "comment",
    "marker",
]
