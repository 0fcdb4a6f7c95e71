"""What became of the records of observed flows: how many counted, and why others did not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from podwall.policies.errors import Finding, Place, Severity

__all__ = ["FlowRecords", "NotCounted"]

_MOST_FINDINGS: Final = 10


class NotCounted(StrEnum):
    """Why a record that could be read counts as no flow."""

    OTHER_EVENT = "events of another kind"
    OTHER_DROP = "dropped, and not by a policy"
    NO_VERDICT = "without a verdict"
    NO_DIRECTION = "neither a request nor a reply for certain"
    BEFORE_SERVICE = "to a service, before its address is translated"
    NO_PORT = "without a protocol or a port"


@dataclass(slots=True)
class FlowRecords:
    """What became of the records: filled while they are read.

    `lost` is how many events the recorder itself says were lost. `first` and `last` are the times
    of the records that were read, to the second, in RFC 3339; empty without any.
    """

    counted: int = 0
    not_counted: Counter[NotCounted] = field(default_factory=Counter)
    unreadable: int = 0
    lost: int = 0
    first: str = ""
    last: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many records there were, those that can't be read included."""
        return self.counted + self.not_counted.total() + self.unreadable

    def note_time(self, time: str) -> None:
        """Widen the time that the records cover."""
        second = time[: len("2026-01-01T00:00:00")]
        if second:
            self.first = min(self.first or second, second)
            self.last = max(self.last, second)

    def refuse(self, problem: str, place: Place) -> None:
        """Count a line that is no record, and keep the first ones as findings."""
        self.unreadable += 1
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(
                Finding(
                    "flow-record-not-read",
                    Severity.WARNING,
                    f"this line is no flow record: {problem}",
                    place,
                    "give one JSON object a line; `jq -c '.[]'` makes lines of a list",
                )
            )
