"""Find what is open for a while, because a deployment takes policies away on its way.

Four states are analysed: before, after, everything that stands during the deployment, and the same
without the policies that are away. A connection that is open in the last one only is opened by the
absence. Each policy is taken away alone, and all together if none alone opens anything, because
independent steps run at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Final, NamedTuple

from podwall.diff import ConnectionChange, diff
from podwall.model import IpNetwork
from podwall.plan.model import Operation, Plan, PlannedResource
from podwall.policies.errors import Finding, Severity
from podwall.portset import PortSet
from podwall.reachability import AnyEndpoint, ExternalRange, Reachability, UnseenPods
from podwall.sources.existence import Existence
from podwall.sources.existence_findings import lost_object
from podwall.sources.policy_absences import NETWORK_POLICY, Absence, AbsenceKind, object_name

__all__ = ["Analyse", "States", "end_named", "opened_meanwhile", "temporary_openings"]

Analyse = Callable[[Plan], Reachability]
"""How a plan is analysed; the review knows, and so the engine is the same everywhere."""

_KEEPING: Final = frozenset({Operation.SAME, Operation.UPDATE, Operation.READ, Operation.RETAIN})
_WORKLOADS: Final = ("kubernetes:apps/", "kubernetes:batch/", "kubernetes:core/v1:Pod")
_LINK: Final = "https://www.pulumi.com/docs/iac/concepts/options/deletebeforereplace/"


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
        _LINK,
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
