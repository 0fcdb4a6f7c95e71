"""Find the moments of a deployment in which a policy is away, and what is open meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any, Final

from podwall.diff import Change as Changed
from podwall.diff import diff
from podwall.model import IpNetwork
from podwall.plan import Change, Plan, PlannedResource
from podwall.plan.cluster import planned_cluster
from podwall.plan.documents import documents
from podwall.policies.errors import Place
from podwall.policies.findings import Finding, Severity
from podwall.portset import PortSet
from podwall.reachability import Endpoint, ExternalRange, Reachability, reachability
from podwall.reading import snapshot
from podwall.sources.absences import NETWORK_POLICY, Absence, Fate, absences, object_name
from podwall.sources.namespaces import with_known_namespaces

__all__ = ["open_moments"]

_STAYS: Final = frozenset({Change.SAME, Change.UPDATE, Change.READ})
_WORKLOADS: Final = ("kubernetes:apps/", "kubernetes:batch/", "kubernetes:core/v1:Pod")
_LINK: Final = "https://www.pulumi.com/docs/iac/concepts/options/deletebeforereplace/"
_ALIASES: Final = "https://www.pulumi.com/docs/iac/concepts/options/aliases/"


def open_moments(before: Plan, after: Plan, steps: Sequence[Any]) -> Iterator[Finding]:
    """Yield an error for each policy whose absence opens what is closed before and afterwards.

    Only workloads that run through the whole deployment count. A policy that is made under a name
    that is taken and then deleted is an error whatever it opens.
    """
    before, after = with_known_namespaces(before), with_known_namespaces(after)
    found = tuple(absences(before, after, steps))
    for each in found:
        if each.fate is Fate.LOST:
            yield _lost(each)
    away = [each for each in found if each.fate is not Fate.LOST]
    if away:
        yield from _opened(before, after, away)


def _opened(before: Plan, after: Plan, away: Sequence[Absence]) -> Iterator[Finding]:
    """Yield a finding for each policy that is missed, or one for all if only all of them are.

    Independent steps run at the same time, so that all may be away at once.
    """
    whole = _meanwhile(before, after)
    ends = (_judged(before), _judged(after), _judged(whole))
    alone = [_missed(whole, [each], ends) for each in away]
    together = _missed(whole, away, ends) if len(away) > 1 and not any(alone) else None
    yield from filter(None, (*alone, together))


def _missed(
    whole: Plan, away: Sequence[Absence], ends: tuple[Reachability, Reachability, Reachability]
) -> Finding | None:
    """Return the finding on policies that open something while they are away, all at once."""
    opened = _only_meanwhile(ends, _judged(replace(whole, resources=_without(whole, away))))
    first = next(opened, None)
    if first is None:
        return None
    return _finding(away, first, sum(1 for _ in islice(opened, 1_000)))


def _meanwhile(before: Plan, after: Plan) -> Plan:
    """Return what stands during the deployment: what stays, and policies old and new."""
    stay = [each for each in after.resources if _is_there_all_the_time(each)]
    kept = {each.urn: object_name(each) for each in stay if each.type == NETWORK_POLICY}
    old = [
        each
        for each in before.resources
        if each.type == NETWORK_POLICY and kept.get(each.urn, "") != object_name(each)
    ]
    return replace(after, resources=(*stay, *old))


def _is_there_all_the_time(resource: PlannedResource) -> bool:
    return resource.change in _STAYS or not resource.type.startswith(_WORKLOADS)


def _without(plan: Plan, away: Sequence[Absence]) -> tuple[PlannedResource, ...]:
    """Return what is there while policies are away: neither they nor what takes their place."""
    urns, names = {each.policy.urn for each in away}, {each.name for each in away}
    return tuple(
        each
        for each in plan.resources
        if each.type != NETWORK_POLICY or (each.urn not in urns and object_name(each) not in names)
    )


def _judged(plan: Plan) -> Reachability:
    return reachability(snapshot(documents(plan), cluster=planned_cluster(plan)).snapshot)


def _only_meanwhile(
    ends: tuple[Reachability, Reachability, Reachability], without: Reachability
) -> Iterator[Changed]:
    """Yield connections that the absence opens, and that are closed before and afterwards."""
    before, after, whole = ends
    for change in diff(whole, without).changes():
        sides = list(product(_passing(before, change), _passing(after, change)))
        if any(change.opened - (then | later) for then, later in sides):
            yield change


def _passing(state: Reachability, change: Changed) -> Iterator[PortSet]:
    """Yield what passes in another state, once for every part that it makes of a range."""
    for source, destination in product(
        _parts(change.source, state), _parts(change.destination, state)
    ):
        yield state.connection(source, destination).allowed


def _parts(end: Endpoint, state: Reachability) -> list[str]:
    if isinstance(end, ExternalRange):
        return [each.id for each in state.externals if _touch(each.network, end.network)]
    return [each.id for each in state.workloads if each.id == end.id]


def _touch(one: IpNetwork, other: IpNetwork) -> bool:
    return one.version == other.version and one.overlaps(other)


def _finding(away: Sequence[Absence], first: Changed, further: int) -> Finding:
    more = f" and {further:,} more connections" if further else ""
    names = ", ".join(f"`{each.name}`" for each in away)
    it_is = "policy {} before it is" if len(away) == 1 else "policies {} before they are"
    return Finding(
        "policy-away",
        Severity.ERROR,
        f"the deployment deletes {it_is.format(names)} made again: meanwhile "
        f"`{first.source.id}` reaches `{first.destination.id}`{more}",
        _place(away[0]),
        "deploy a policy of another name that denies the same first, and replace this one then",
        _LINK,
    )


def _lost(absence: Absence) -> Finding:
    return Finding(
        "policy-lost",
        Severity.ERROR,
        f"the deployment makes policy `{absence.name}` a second time and then deletes it: "
        "afterwards it is gone, or the deployment stops half-way",
        _place(absence),
        "keep the name that it has in the program, or give it `aliases` with the old one",
        _ALIASES,
    )


def _place(absence: Absence) -> Place:
    place = absence.policy.place
    return place if place.source else Place(absence.policy.urn)
