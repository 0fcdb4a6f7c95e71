"""Two reviews side by side, of sources or of a followed cluster: what changes, what is accepted.

An acceptance is written for a change. What stays behind would let the same opening pass a second
time, without anybody looking, so that each one that is idle is a finding.

A state that declares no engine is judged by that of the other one, so that the answer shows what
the change does and not what an engine is.

The state before the first change and after each is one `Review`, made as that of any source; two
in a row are a `ChangeReview`. So what is said of a change is what `podwall diff` would say of two
dumps that are taken before and after it. Of an object that has not changed nothing is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from podwall.diff import ChangeCause, ConnectionChange, Diff, diff
from podwall.engines import Engine
from podwall.exit_code import ExitCode, FailOn, exit_code
from podwall.expectations import (
    Acceptance,
    Expectation,
    Kind,
    Outcome,
    Result,
    StatedBy,
    Statement,
    check,
    stated_by,
    unmet,
)
from podwall.lint import ranked
from podwall.model import Snapshot, UnreadPolicy
from podwall.policies.errors import Finding, InvalidValue, Severity
from podwall.quick_dataclass import dataclass
from podwall.reading import KeptReadings, LedgerEntry, SnapshotReading
from podwall.reading.ledger import ACCEPTS_NOTHING
from podwall.review import Review, review
from podwall.sources import source_of_cluster
from podwall.sources.model import Source, SourceKind, Stage
from podwall.sources.states import with_types_in_doubt

if TYPE_CHECKING:
    from podwall.live.cluster import ClusterReading  # they bring the client
    from podwall.live.policy_effects import PolicyEffects
    from podwall.live.watching import ClusterChange, ClusterWatch, WatchedObject

__all__ = [
    "NOTHING_ACCEPTED",
    "Accepted",
    "ChangeReview",
    "WatchedChange",
    "WatchedCluster",
    "change_review",
    "change_severity",
    "stages",
]


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
    def unenforced(self) -> tuple[Finding, ...]:
        """What kept the engine of the running cluster that there was from enforcing policies.

        What holds afterwards as well is among the findings.
        """
        if self.before.source.kind is not SourceKind.CLUSTER:
            return ()
        errors = (e for e in self.before.source.findings if e.severity is Severity.ERROR)
        return tuple(each for each in errors if each not in self.after.source.findings)

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

        What the difference itself finds is not among them. What is accepted as unread for nothing
        is so on both sides: one of them may have what the other no longer has.
        """
        there = (*self.before.findings, *self.difference.findings)
        known = {(each.id, each.message) for each in there}
        return tuple(
            each
            for each in self.findings
            if ((each.id, each.message) in known) is (each.id == ACCEPTS_NOTHING)
        )

    def exit_code(self, fail_on: FailOn) -> ExitCode:
        """Return how a command ends that shows the change.

        The table of docs/gate.md says what stops it; each of its rows is a test.
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


@dataclass(frozen=True, slots=True)
class WatchedChange:
    """What some changed objects change: the objects in the order in which they came."""

    objects: tuple[WatchedObject, ...]
    review: ChangeReview


@dataclass(frozen=True, eq=False)
class _KnownReview(Review):
    """The review of a snapshot that is known, in which NetworkPolicies differ from a `whole` one.

    Nothing was found on reading these, so that what was found on the others stays as it is.
    """

    whole: Review = field(kw_only=True)
    known: Snapshot = field(kw_only=True)

    @cached_property
    def reading(self) -> SnapshotReading:
        found = self.whole.reading
        return SnapshotReading(self.known, found.findings, found.ledger)

    @cached_property
    def reading_findings(self) -> tuple[Finding, ...]:
        return self.whole.reading_findings

    @cached_property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        return self.whole.ledger

    @cached_property
    def unread(self) -> tuple[LedgerEntry, ...]:
        return self.whole.unread

    @cached_property
    def not_read(self) -> tuple[LedgerEntry, ...]:
        return self.whole.not_read

    @cached_property
    def noted(self) -> tuple[Finding, ...]:
        return self.whole.noted


def _import_what_compares() -> None:
    """Import now, and not while somebody waits for the first change, what numpy imports late."""
    import numpy.ma  # noqa: F401, PLC0415 - few commands compare


class WatchedCluster:
    """A cluster whose meaning is followed; `review` is that of now.

    Where NetworkPolicies and pods alone change, only the part of the cluster is analysed that this
    may be about; the whole then waits until somebody asks for it. `full_analyses` counts how often
    a change had the whole analysed.
    """

    def __init__(self, watch: ClusterWatch, engine: Engine | str | None = None) -> None:
        """Begin with what the cluster shows now.

        Args:
            watch: what follows the cluster; its first reading is taken.
            engine: who enforces the policies; None means what runs there, at each time.

        Raises:
            ClusterError: the cluster does not answer, or refuses.
        """
        self._watch = watch
        self._engine = engine
        self._kept = KeptReadings()
        self.source = source_of_cluster(watch.first(), self._kept)
        self._whole = self.review = review(self.source, engine)
        self._effects: PolicyEffects | None = None
        self.full_analyses = 0

    def changes(self, most: float | None = None) -> Iterator[WatchedChange]:
        """Yield every change as it comes; it ends where none comes for `most` seconds.

        Raises:
            ClusterError: the cluster refuses to be followed any further.
        """
        self._prepare()
        _import_what_compares()
        for change in self._watch.changes(most):
            yield WatchedChange(change.objects, self._change(change))
            self._prepare()

    def _change(self, change: ClusterChange) -> ChangeReview:
        if change.reading is not None:
            return self._anew(change.reading)
        if not change.different.any():
            return self._nothing
        part = self._prepare().part(change.different)
        if part is None:
            return self._anew(self._watch.now())
        self.review = self._known(self._whole.source, self._prepare().snapshot)
        return self._of_part(*part)

    def _prepare(self) -> PolicyEffects:
        """Index what the next change may be about, where that is not done yet."""
        if self._effects is None:
            from podwall.live.policy_effects import PolicyEffects  # noqa: PLC0415 - as above

            engine = self._whole.reachability.engine
            self._effects = PolicyEffects(self._whole.reading.snapshot, engine)
        return self._effects

    @cached_property
    def _nothing(self) -> ChangeReview:
        """What objects change that decide nothing: of a part that is empty."""
        return self._of_part(Snapshot(), Snapshot())

    def _anew(self, reading: ClusterReading) -> ChangeReview:
        before = self.review
        self.full_analyses += 1
        self.source = source_of_cluster(reading, self._kept)
        self._whole = self.review = review(self.source, self._engine)
        self._effects = None
        self.__dict__.pop("_nothing", None)
        return ChangeReview(before, self.review)

    def _of_part(self, before: Snapshot, after: Snapshot) -> ChangeReview:
        source = replace(self._whole.source, planned=Stage(cluster=self.source.planned.cluster))
        return ChangeReview(self._known(source, before), self._known(source, after))

    def _known(self, source: Source, snapshot: Snapshot) -> Review:
        engine = self._whole.reachability.engine
        return _KnownReview(source, engine, whole=self._whole, known=snapshot)
