"""What is accepted on a day: what of it counts, and what of it is expired or not needed.

An acceptance is written for a change. What stays behind would let the same opening pass a second
time, without anybody looking, so that each one that is idle is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from podwall.diff import Diff
from podwall.expectations import (
    Acceptance,
    Expectation,
    Kind,
    Outcome,
    StatedBy,
    Statement,
    check,
)
from podwall.policies.errors import Finding, Severity

__all__ = ["NOTHING_ACCEPTED", "Accepted"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is accepted, and the day on which somebody asks, as in `2027-01-31`."""

    acceptances: tuple[Acceptance, ...] = ()
    today: str = ""

    def counting(self) -> tuple[Acceptance, ...]:
        """Return what counts on this day."""
        return tuple(each for each in self.acceptances if not each.is_over(self.today))

    def idle(self, difference: Diff, stated_by: StatedBy) -> Iterator[Finding]:
        """Yield a finding on each acceptance that is expired, or states nothing of a change.

        Args:
            difference: what changes.
            stated_by: who states what opens.
        """
        if not self.acceptances:
            return
        used: set[Statement] = set()
        for change in difference.port_changes():
            used.update(stated_by(change))
        for each in self.acceptances:
            if each.is_over(self.today):
                yield _expired(each)
            elif each not in used:
                yield _unused(each, is_open=_is_open(each, difference))


NOTHING_ACCEPTED: Final = Accepted()


def _is_open(acceptance: Acceptance, difference: Diff) -> bool:
    """Return whether anything that is accepted is open, or may be, after the change."""
    ends = acceptance.sources, acceptance.destinations
    nothing = Expectation("", Kind.DENIED, *ends, acceptance.ports, may_be_empty=True)
    (result,) = check(difference.new, [nothing])
    return result.outcome is not Outcome.PASS


def _expired(acceptance: Acceptance) -> Finding:
    return _finding(
        "accepted-expired",
        Severity.WARNING,
        acceptance,
        f"expired on {acceptance.until}, and accepts nothing any more",
        "close what it was for, or agree on another day",
    )


def _unused(acceptance: Acceptance, *, is_open: bool) -> Finding:
    if is_open:
        what = "nothing that it accepts opens with this change: it was open before"
        return _finding("accepted-unused", Severity.INFO, acceptance, what, _REMOVE)
    what = "nothing that it accepts opens with this change, or is open"
    return _finding(
        "accepted-unused", Severity.WARNING, acceptance, what, f"{_REMOVE}, or correct it"
    )


_REMOVE: Final = "remove it: it would let the same opening pass again"


def _finding(
    id_: str, severity: Severity, acceptance: Acceptance, what: str, help_: str
) -> Finding:
    place = replace(acceptance.place, path="")
    return Finding(
        id_, severity, f"accepted because of `{acceptance.because}`: {what}", place, help_
    )
