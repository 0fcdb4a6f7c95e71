"""Find what is open for a while, because of the order in which a deployment changes things.

Four states are analysed: before, after, everything that stands during the deployment, and the same
without the policies that are away. A connection that is open in the last one only is opened by the
absence. Each policy is taken away alone, and all together if none alone opens anything, because
independent steps run at the same time.

A deployment changes objects one by one, and independent ones in any order. So there is a moment at
which a policy is new and the pods still have their old labels, and a rollout keeps old pods for a
while; or the pods are new already and the policy is not. Two states are analysed for each policy
that is updated: it is changed first, after what it depends on, or last, before what depends on it.
A connection that is open in one of them, and closed before and afterwards, is open for a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Final, NamedTuple

from podwall.diff import ConnectionChange, diff
from podwall.model import IpNetwork
from podwall.plan.documents import is_object
from podwall.plan.model import Operation, Plan, PlannedResource, depends_on_any
from podwall.policies.errors import Finding, Severity
from podwall.portset import PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import AnyEndpoint, ExternalRange, Reachability, UnseenPods
from podwall.sources.existence import Existence, lost_object
from podwall.sources.object_steps import NETWORK_POLICY, Absence, AbsenceKind, object_name

__all__ = [
    "Analyse",
    "States",
    "end_named",
    "opened_meanwhile",
    "selection_gaps",
    "temporary_openings",
]

Analyse = Callable[[Plan], Reachability]
"""How a plan is analysed; the review knows, and so the engine is the same everywhere."""

_KEEPING: Final = frozenset({Operation.SAME, Operation.UPDATE, Operation.READ, Operation.RETAIN})
_WORKLOADS: Final = ("kubernetes:apps/", "kubernetes:batch/", "kubernetes:core/v1:Pod")
_LINK_OF_REPLACEMENT: Final = (
    "https://www.pulumi.com/docs/iac/concepts/options/deletebeforereplace/"
)


def temporary_openings(existence: Existence, analyse: Analyse) -> Iterator[Finding]:
    """Yield an error for each policy whose absence opens what is closed before and afterwards.

    Only workloads that run through the whole deployment count. A policy that is made under a name
    that is taken and then deleted is an error whatever it opens.

    Args:
        existence: what there is before the deployment, on its way and after it.
        analyse: returns who reaches whom in a plan.
    """
    absences = existence.absences
    yield from (_lost(each) for each in absences if each.fate is AbsenceKind.LOST)
    away = [each for each in absences if each.fate is not AbsenceKind.LOST]
    if away:
        yield from _opened(existence.before, existence.after.afterwards(), away, analyse)


class States(NamedTuple):
    """Who reaches whom before, after, and with everything that stands during the deployment."""

    before: Reachability
    after: Reachability
    during: Reachability


def _opened(
    before: Plan, after: Plan, away: Sequence[Absence], analyse: Analyse
) -> Iterator[Finding]:
    """Yield a finding for each policy that is missed, or one for all if only all of them are.

    Independent steps run at the same time, so that all may be away at once.
    """
    whole = _during(before, after)
    states = States(analyse(before), analyse(after), analyse(whole))

    def missed(policies: Sequence[Absence]) -> Finding | None:
        without = analyse(replace(whole, resources=_without(whole, policies)))
        return _missed(policies, states, without)

    alone = [missed([each]) for each in away]
    together = missed(away) if len(away) > 1 and not any(alone) else None
    yield from filter(None, (*alone, together))


def _missed(away: Sequence[Absence], states: States, without: Reachability) -> Finding | None:
    """Return the finding on policies that open something while they are away, all at once."""
    opened = opened_meanwhile(states, without)
    first = next(opened, None)
    if first is None:
        return None
    return _finding(away, first, sum(1 for _ in islice(opened, 1_000)))


def _during(before: Plan, after: Plan) -> Plan:
    """Return what stands during the deployment: what stays, and policies old and new."""
    kept_resources = [each for each in after.resources if _is_there_all_the_time(each)]
    kept = {each.urn: object_name(each) for each in kept_resources if each.type == NETWORK_POLICY}
    old = [
        each
        for each in before.resources
        if each.type == NETWORK_POLICY and kept.get(each.urn, "") != object_name(each)
    ]
    return replace(after, resources=(*kept_resources, *old))


def _is_there_all_the_time(resource: PlannedResource) -> bool:
    return resource.change in _KEEPING or not resource.type.startswith(_WORKLOADS)


def _without(plan: Plan, away: Sequence[Absence]) -> tuple[PlannedResource, ...]:
    """Return what is there while policies are away: neither they nor what takes their place."""
    urns, names = {each.policy.urn for each in away}, {each.name for each in away}
    return tuple(
        each
        for each in plan.resources
        if each.type != NETWORK_POLICY or (each.urn not in urns and object_name(each) not in names)
    )


def opened_meanwhile(states: States, moment: Reachability) -> Iterator[ConnectionChange]:
    """Yield connections that a moment opens, and that are closed before and afterwards."""
    for change in diff(states.during, moment).changes():
        sides = product(_passing(states.before, change), _passing(states.after, change))
        if any(change.opened - (then | later) for then, later in sides):
            yield change


def _passing(state: Reachability, change: ConnectionChange) -> Iterator[PortSet]:
    """Yield what passes in another state, once for every part that it makes of a range."""
    for source, destination in product(
        _parts(change.source, state), _parts(change.destination, state)
    ):
        yield state.connection(source, destination).allowed


def _parts(end: AnyEndpoint, state: Reachability) -> list[str]:
    if isinstance(end, UnseenPods):
        shown = end.namespaces if isinstance(end.namespaces, tuple) else ()
        return [end.id] if set(shown) <= set(state.cluster.shown_namespaces) else []
    if isinstance(end, ExternalRange):
        return [each.id for each in state.externals if _touch(each.network, end.network)]
    return [each.id for each in state.workloads if each.id == end.id]


def _touch(one: IpNetwork, other: IpNetwork) -> bool:
    return one.version == other.version and one.overlaps(other)


def _finding(away: Sequence[Absence], first: ConnectionChange, further: int) -> Finding:
    more = f" and {further:,} more connections" if further else ""
    names = ", ".join(f"`{each.name}`" for each in away)
    it_is = "policy {} before it is" if len(away) == 1 else "policies {} before they are"
    return Finding(
        "policy-away",
        Severity.ERROR,
        f"the deployment deletes {it_is.format(names)} made again: meanwhile "
        f"{end_named(first.source)} reaches {end_named(first.destination)}{more}",
        away[0].policy.line_or_urn,
        "deploy a policy of another name that denies the same first, and replace this one then",
        _LINK_OF_REPLACEMENT,
    )


def _lost(absence: Absence) -> Finding:
    return lost_object("policy-lost", f"policy `{absence.name}`", absence.policy.line_or_urn)


def end_named(end: AnyEndpoint) -> str:
    """Return an end of a connection for a message: pods that are not shown in words.

    >>> from podwall.model import Selector
    >>> end_named(UnseenPods(Selector(), ("shop",)))
    'any other pod of shop'
    """
    return str(end) if isinstance(end, UnseenPods) else f"`{end.id}`"


_LINK_OF_ORDER: Final = (
    "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-updates"
)


def selection_gaps(existence: Existence, analyse: Analyse) -> Iterator[Finding]:
    """Yield an error for each policy whose update opens something for a moment.

    Args:
        existence: what there is before the deployment, on its way and after it.
        analyse: returns who reaches whom in a plan.
    """
    ends = _Ends(existence.before, existence.after.afterwards())
    moments = {each.urn: list(ends.moments(each)) for each in ends.updated()}
    if not any(moments.values()):
        return
    before = analyse(ends.before)
    states = States(before, analyse(ends.after), before)
    for urn, plans in moments.items():
        found = (_gap(ends.new[urn], states, analyse(each)) for each in plans)
        yield from islice(filter(None, found), 1)


@dataclass(frozen=True)
class _Ends:
    """What there is before a deployment and after it."""

    before: Plan
    after: Plan

    @property
    def old(self) -> Mapping[str, PlannedResource]:
        return {each.urn: each for each in self.before.resources}

    @property
    def new(self) -> Mapping[str, PlannedResource]:
        return {each.urn: each for each in self.after.resources}

    def updated(self) -> Iterator[PlannedResource]:
        """Yield the policies that stay and say something else afterwards."""
        old = self.old
        for each in self.after.resources:
            is_kept = each.type == NETWORK_POLICY and each.urn in old
            is_updated = is_kept and each.change is Operation.UPDATE
            if is_updated and each.inputs.get("spec") != old[each.urn].inputs.get("spec"):
                yield each

    def moments(self, policy: PlannedResource) -> Iterator[Plan]:
        """Yield what there is once the policy is changed first, or once it alone is left."""
        ends = [_meaning(self.before), _meaning(self.after)]
        for plan in (self._changed_first(policy), self._changed_last(policy)):
            if _meaning(plan) not in ends:
                yield plan

    def _changed_first(self, policy: PlannedResource) -> Plan:
        new = self.new
        done = {urn for urn in new if depends_on_any(policy.urn, {urn}, new)}
        kept = (each for each in self.before.resources if each.urn not in done)
        return replace(self.before, resources=(*kept, *(new[urn] for urn in new if urn in done)))

    def _changed_last(self, policy: PlannedResource) -> Plan:
        """Return the state in which nothing is deleted yet, for that is done after all else."""
        old, new = self.old, self.new
        waiting = {urn for urn in new if depends_on_any(urn, {policy.urn}, new)}
        done = (each for each in self.after.resources if each.urn not in waiting)
        left = (old[urn] for urn in old if urn in waiting or _is_dropped(old[urn], new))
        return replace(self.after, resources=(*done, *left))


def _is_dropped(resource: PlannedResource, new: Mapping[str, PlannedResource]) -> bool:
    return resource.type == NETWORK_POLICY and resource.urn not in new


def _meaning(plan: Plan) -> list[tuple[str, Mapping[str, object]]]:
    """Return what tells plans apart: their objects, whatever their order."""
    objects = (each for each in plan.resources if is_object(each))
    return sorted(((each.urn, each.inputs) for each in objects), key=lambda each: each[0])


def _gap(policy: PlannedResource, states: States, moment: Reachability) -> Finding | None:
    opened = opened_meanwhile(states, moment)
    first = next(opened, None)
    if first is None:
        return None
    further = sum(1 for _ in islice(opened, 1_000))
    more = f" and {further:,} more connections" if further else ""
    return Finding(
        "selection-gap",
        Severity.ERROR,
        f"the deployment changes policy `{object_name(policy) or policy.name}` together with "
        f"pods or policies that it depends on: meanwhile {end_named(first.source)} reaches "
        f"{end_named(first.destination)}{more}",
        policy.line_or_urn,
        "let the policy hold for the old and the new labels first (`In`), then change the pods",
        _LINK_OF_ORDER,
    )
