"""Two reviews side by side: what changes, what the change brings, and how the command ends.

A state that declares no engine is judged by that of the other one, so that the answer shows what
the change does and not what an engine is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from podwall.accepted import NOTHING_ACCEPTED, Accepted
from podwall.diff import ChangeCause, ConnectionChange, Diff, diff
from podwall.engines import Engine
from podwall.exit_code import ExitCode, FailOn, exit_code
from podwall.expectations import (
    Expectation,
    Result,
    StatedBy,
    check,
    stated_by,
    unmet,
)
from podwall.lint import ranked
from podwall.model import UnreadPolicy
from podwall.policies.errors import Finding, InvalidValue, Severity
from podwall.review import Review, review
from podwall.sources.model import Source
from podwall.sources.stored_types import with_types_in_doubt

__all__ = ["ChangeReview", "change_review", "change_severity", "stages"]


def change_review(
    before: Source,
    after: Source,
    engine: Engine | str | None = None,
    expectations: Iterable[Expectation] = (),
    accepted: Accepted = NOTHING_ACCEPTED,
) -> ChangeReview:
    """Return what changes between two sources.

    Args:
        before: what there was.
        after: what there will be.
        engine: who enforces the policies; None means what each of the two declares.
        expectations: what must hold afterwards; an opening that one of them states passes.
        accepted: further openings that pass.
    """
    after = with_types_in_doubt(before, after)
    declared = before.planned.cluster.engine, after.planned.cluster.engine
    old = review(before, engine or declared[0] or declared[1])
    new = review(after, engine or declared[1] or declared[0])
    return ChangeReview(old, new, tuple(expectations), accepted)


def stages(source: Source) -> tuple[Source, Source]:
    """Return what there is and what there will be, of a source that knows both.

    Raises:
        InvalidValue: it knows only one.
    """
    before = source.as_deployed()
    if before is None:
        raise InvalidValue(
            f"`{source.name}` holds one state, and a diff needs two",
            help="give OLD and NEW, or the output of `pulumi preview --json --show-sames`",
        )
    return before, source


@dataclass(frozen=True, eq=False)
class ChangeReview:
    """What changes from one review to the next, and which expectations hold afterwards."""

    before: Review
    after: Review
    expectations: tuple[Expectation, ...] = ()
    accepted: Accepted = NOTHING_ACCEPTED

    @cached_property
    def difference(self) -> Diff:
        """What changes between the two analyses."""
        return diff(self.before.reachability, self.after.reachability)

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """What becomes of each expectation afterwards."""
        return check(self.difference.new, self.expectations)

    @cached_property
    def unmet(self) -> tuple[Finding, ...]:
        """The expectations that do not hold afterwards, or not for certain."""
        return tuple(unmet(self.results))

    @cached_property
    def stated_by(self) -> StatedBy:
        """Who states what a change opens: expectations, and what is accepted today."""
        return stated_by(self.difference.new, (*self.expectations, *self.accepted.counting()))

    @cached_property
    def idle(self) -> tuple[Finding, ...]:
        """What is accepted and expired, or opens nothing in this change."""
        return tuple(self.accepted.idle(self.difference, self.stated_by))

    @cached_property
    def lost(self) -> tuple[Finding, ...]:
        """The policies that are not read and that were there before, and are not afterwards."""
        there = {(each.kind, each.full_name) for each in self.after.reachability.cluster.unread}
        before = self.before.reachability.cluster.unread
        return tuple(_lost(each) for each in before if (each.kind, each.full_name) not in there)

    @cached_property
    def weighed(self) -> tuple[Finding, ...]:
        """What the exit code weighs beside the change: the reading of what comes, what is unmet."""
        known = frozenset(self.difference.findings)
        found = ranked((*self.after.reading_findings, *self.lost, *self.unmet, *self.idle))
        return tuple(each for each in found if each not in known)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that is worth knowing of what comes, the difference and lints included."""
        found = ranked((*self.unmet, *self.lost, *self.idle, *self.after.findings))
        return tuple(dict.fromkeys((*self.difference.findings, *found)))

    @cached_property
    def brought(self) -> tuple[Finding, ...]:
        """The findings that the change brings: those that were not there before.

        What the difference itself finds is not among them.
        """
        there = (*self.before.findings, *self.difference.findings)
        known = {(each.id, each.message) for each in there}
        return tuple(each for each in self.findings if (each.id, each.message) not in known)

    def exit_code(self, fail_on: FailOn) -> ExitCode:
        """Return how a command ends that shows the change.

        The table of docs/pull-requests.md says what stops it; each of its rows is a test.
        """
        changes = tuple(self.difference.port_changes())
        weights = (change_severity(each, accepted=bool(self.stated_by(each))) for each in changes)
        found: list[Finding | Severity] = [*self.counting, *filter(None, weights)]
        certain = not any(each.after.undetermined for each in changes)
        return exit_code(fail_on, found, certain=certain)

    @property
    def counting(self) -> tuple[Finding, ...]:
        """The findings that the exit code weighs: of the difference, and beside it."""
        return (*self.difference.findings, *self.weighed)


def change_severity(change: ConnectionChange, *, accepted: bool) -> Severity | None:
    """Return how much a change matters: what opens is an error, unless it is accepted.

    The connections of workloads that are new or gone are notes. None: it stops nothing.
    """
    if accepted and not change.closed.without_other:
        return None
    if change.cause in {ChangeCause.NEW, ChangeCause.GONE}:
        return Severity.INFO
    return Severity.ERROR if change.opened and not accepted else Severity.WARNING


def _lost(policy: UnreadPolicy) -> Finding:
    return Finding(
        "unread-policy-lost",
        Severity.WARNING,
        f"{policy.kind} `{policy.full_name}` was there, and is not afterwards",
        help="what it may have decided was undetermined, because podwall does not read its kind",
        link=policy.link,
    )
