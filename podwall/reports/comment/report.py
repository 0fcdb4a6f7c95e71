"""What the comment is made of, as small values from the difference of two analyses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import islice
from typing import Final, NamedTuple

from podwall.change_review import change_severity
from podwall.diff import (
    ChangeCause,
    ConnectionChange,
    ConnectionChangeKind,
    Diff,
    PolicyChange,
    PolicyChangeKind,
    TierPolicyChange,
    rule_changes,
)
from podwall.exit_code import ExitCode, FailOn
from podwall.expectations import StatedBy, Statement
from podwall.migrate import EngineDifference, under_other_engines
from podwall.overview import Summary, summary
from podwall.policies.errors import Finding, Place, Severity
from podwall.quick_dataclass import dataclass
from podwall.reachability import AnyEndpoint, ExternalRange, Reachability, UnseenPods
from podwall.reports.changes import nobody, passage_text, shown_part
from podwall.reports.formats import code_span, markdown_text
from podwall.reports.reach import engine_sentence, headline
from podwall.reports.words import counted, listed, place_words, statement_name
from podwall.verdict_table import verdict_table

__all__ = [
    "MOST_CHANGES",
    "AskedPart",
    "ChangeReport",
    "ChangedConnection",
    "ChangedObject",
    "GateVerdict",
    "StatedIn",
    "asked_part",
    "change_report",
]


class StatedIn(NamedTuple):
    """Who states that an opening is meant: in words, and where that is written."""

    words: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class ChangedConnection:
    """A connection before and after, in words such as `TCP 80` or `nothing`.

    `because` names the policies that are behind it, and `rules` has their rules that do it, as far
    as that was asked; `reason` says what is behind it where no policy is.
    `accepted`: who states all that opens. `only_perhaps`: nothing of the change is certain.
    `weight` is how much it matters to the check, None where it stops nothing.
    """

    source: str
    destination: str
    kind: ConnectionChangeKind
    before: str
    after: str
    because: tuple[str, ...] = ()
    reason: str = ""
    accepted: tuple[StatedIn, ...] = ()
    only_perhaps: bool = False
    weight: Severity | None = Severity.ERROR
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """A policy or a workload that is new, gone or different, and where it is written.

    `rules` is what a policy says now (`+`), and no longer says (`-`); `rule_places` has where it
    says what is new, by these words, as far as that is in a file.
    """

    name: str
    change: PolicyChangeKind
    place: str = ""
    rules: tuple[str, ...] = ()
    rule_places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether the change passes, at a level.

    `findings` are all that count, and `certain` says whether every connection that changes is.
    """

    fail_on: FailOn
    code: ExitCode
    findings: tuple[Finding, ...] = ()
    certain: bool = True


@dataclass(frozen=True, slots=True)
class AskedPart:
    """The connections that are asked for, which alone are listed, and a sentence that says so."""

    connections: tuple[ChangedConnection, ...]
    words: str


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """Everything that is in the comment.

    `subject` is what changes, such as `stack dev`. `namespaces` has the workloads of each namespace
    after the change, so that the comment can name a whole namespace instead of its workloads;
    `ranges` are the ends that are addresses outside the cluster, and `unseen` those that are pods
    which are not shown, in words. `state` is a sentence on how things are afterwards, `judged` says
    on which engine that rests, in Markdown. `artifact` is the address of the full report.
    `partial`: more connections change than are listed. `verdict` is whether the change passes, None
    where nobody asks; `delta` how many connections are open before and after, `held` how many
    expectations hold, and `links` has addresses of places such as `shop.yaml:3`.
    `renamed` has the ids before and after of workloads that go by another generated name.
    `lacking` says what was not read, a sentence each. `asked` is the part of the connections that
    is listed, None for all; the verdict is about all of them.
    """

    subject: str
    connections: tuple[ChangedConnection, ...] = ()
    policies: tuple[ChangedObject, ...] = ()
    workloads: tuple[ChangedObject, ...] = ()
    findings: tuple[Finding, ...] = ()
    namespaces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ranges: frozenset[str] = frozenset()
    unseen: Mapping[str, str] = field(default_factory=dict)
    state: str = ""
    judged: str = ""
    artifact: str = ""
    partial: bool = False
    verdict: GateVerdict | None = None
    delta: str = ""
    held: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    renamed: tuple[tuple[str, str], ...] = ()
    lacking: tuple[str, ...] = ()
    asked: AskedPart | None = None


MOST_CHANGES: Final = 100_000
"""At most so many changed connections are listed; nobody reads more."""

_REASONS: Final = {
    ChangeCause.POLICY: "",
    ChangeCause.NEW: "a workload is new",
    ChangeCause.GONE: "a workload is gone",
    ChangeCause.OTHER: "labels, ports, services, namespaces, the engine, tiers or what is not read",
}


def change_report(
    difference: Diff,
    subject: str,
    findings: Sequence[Finding] = (),
    *,
    most: int = MOST_CHANGES,
    stated_by: StatedBy = nobody,
) -> ChangeReport:
    """Return the report of a difference; its own findings come before the given ones."""
    changes = difference.port_changes()
    listed_changes = list(islice(changes, most))
    ends = [end for each in listed_changes for end in (each.source, each.destination)]
    before, after = (summary(verdict_table(side)) for side in (difference.old, difference.new))
    return ChangeReport(
        subject=subject,
        connections=tuple(_connections(difference, listed_changes, stated_by)),
        policies=tuple(map(_changed_policy, difference.every_policy)),
        workloads=tuple(_changed_workloads(difference)),
        renamed=difference.renamed,
        findings=(*difference.findings, *findings),
        namespaces=_namespaces(difference.new),
        ranges=frozenset(each.id for each in ends if isinstance(each, ExternalRange)),
        unseen={each.id: str(each) for each in ends if isinstance(each, UnseenPods)},
        state=headline(after),
        delta=_delta(before, after),
        judged=" ".join(_judged(difference.new)),
        partial=next(changes, None) is not None,
    )


def asked_part(difference: Diff, stated_by: StatedBy) -> AskedPart | None:
    """Return the part of a difference that is asked for, None where everything is."""
    if not difference.focus:
        return None
    changes = tuple(islice(difference.port_changes(), MOST_CHANGES))
    shown = tuple(_connections(difference, changes, stated_by))
    return AskedPart(shown, shown_part(difference, len(shown)))


_MOST_WITH_RULES: Final = 2_000
"""Of so many connections it is asked which rules do it."""


def _connections(
    difference: Diff, changes: Sequence[ConnectionChange], stated_by: StatedBy
) -> Iterator[ChangedConnection]:
    for number, each in enumerate(changes):
        found = _connection(each, stated_by(each))
        rules = difference.rules_behind(each) if number < _MOST_WITH_RULES else ()
        yield replace(found, rules=rules) if rules else found


def _connection(change: ConnectionChange, stated: Sequence[Statement]) -> ChangedConnection:
    return ChangedConnection(
        change.source.id,
        change.destination.id,
        change.port_kind or change.kind,
        passage_text(change.before),
        passage_text(change.after),
        tuple(policy.name for policy in change.policies),
        _reason(change),
        tuple(map(_stated_in, stated)),
        change.only_perhaps,
        change_severity(change, accepted=bool(stated)),
    )


def _stated_in(statement: Statement) -> StatedIn:
    return StatedIn(statement_name(statement), _written(statement.place))


def _delta(before: Summary, after: Summary) -> str:
    """Return how many connections between workloads are open before and after.

    >>> _delta(Summary(3, 2, 6, 2, 0, (), (), ()), Summary(3, 2, 6, 1, 1, (), (), ()))
    '2 → 1 of 6 connections between workloads open, 0 → 1 undetermined'
    """
    was = f" of {before.connections:,}" if before.connections != after.connections else ""
    words = (
        f"{before.open:,}{was} → {after.open:,} of "
        f"{counted(after.connections, 'connection')} between workloads open"
    )
    if not before.undetermined and not after.undetermined:
        return words
    return f"{words}, {before.undetermined:,} → {after.undetermined:,} undetermined"


def _judged(after: Reachability) -> Iterator[str]:
    """Yield on whose behaviour the verdicts rest, and which would differ under another engine."""
    yield engine_sentence(after.engine)
    others = under_other_engines(after)
    yield from map(_differing, (each for each in others if each.count))
    same = [each.engine.title for each in others if not each.count]
    if same:
        yield f"The verdicts are the same under {listed(same)}."


def _differing(other: EngineDifference) -> str:
    change = other.first
    if change is None:
        return ""
    ends = f"{_code(change.source)} → {_code(change.destination)}"
    ports = markdown_text(f"{passage_text(change.before)} → {passage_text(change.after)}")
    more = f", and {counted(other.count - 1, 'more connection')}" if other.count > 1 else ""
    return f"**Would differ under {other.engine.title}**: {ends} ({ports}){more}."


def _code(end: AnyEndpoint) -> str:
    return markdown_text(str(end)) if isinstance(end, UnseenPods) else code_span(end.id)


def _reason(change: ConnectionChange) -> str:
    """Return what is behind a change beside policies, and what undetermined ports depend on."""
    if change.because and change.cause is ChangeCause.OTHER:
        return change.because
    return listed(list(filter(None, (_REASONS[change.cause], change.because))))


def _changed_policy(change: PolicyChange | TierPolicyChange) -> ChangedObject:
    place = _written(change.latest.place)
    return ChangedObject(change.name, change.kind, place, rule_changes(change))


def _changed_workloads(difference: Diff) -> Iterator[ChangedObject]:
    for kind, found in (
        (PolicyChangeKind.ADDED, difference.added),
        (PolicyChangeKind.REMOVED, difference.gone),
    ):
        for each in found:
            yield ChangedObject(each.id, kind, _written(each.workload.place))


def _written(place: Place) -> str:
    return place_words(Place(place.source, place.line))


def _namespaces(reachability: Reachability) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for each in reachability.workloads:
        found[each.namespace].add(each.id)
    return {name: frozenset(workloads) for name, workloads in found.items()}
