"""Find the policies that a deployment takes away for a while or for good, and what that opens.

First the steps of a preview tell which policies are deleted before their successors are made. The
engine makes the successor of a replaced resource first, unless the provider or
`deleteBeforeReplace` asks for the old one to be deleted first. It tells which by the old state of
the `replace` step: what waits to be deleted, because its successor is there, is marked `delete`.
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step.go

Then four states are analysed: before, after, everything that stands during the deployment, and the
same without the policies that are away. A connection that is open in the last one only is opened by
the absence. Each policy is taken away alone, and all together if none alone opens anything, because
independent steps run at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice, product
from typing import Final

from podwall.diff import ConnectionChange as Changed
from podwall.diff import diff
from podwall.model import IpNetwork
from podwall.plan import Operation, Plan, PlannedResource
from podwall.plan.cluster import planned_cluster
from podwall.plan.documents import documents, with_known_namespaces
from podwall.policies.errors import Finding, Place, Severity
from podwall.portset import PortSet
from podwall.reachability import Endpoint, ExternalRange, Reachability, reachability
from podwall.reading import snapshot
from podwall.sources.pulumi_documents import EngineOperation, PreviewStep

__all__ = [
    "NETWORK_POLICY",
    "Absence",
    "AbsenceKind",
    "absences",
    "object_name",
    "temporary_openings",
]


NETWORK_POLICY: Final = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_PROVIDER: Final = "pulumi:providers:kubernetes"
_MADE: Final = frozenset({EngineOperation.CREATE, EngineOperation.CREATE_REPLACEMENT})
_DELETED: Final = frozenset({EngineOperation.DELETE, EngineOperation.DELETE_REPLACED})


class AbsenceKind(StrEnum):
    """What a deployment does to a policy that is there before it.

    `AWAY`: it is deleted before its successor is made. `LOST`: it is made under a name that is
    taken, and then deleted under that name.
    """

    AWAY = "away"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Absence:
    """A policy as it was, and its fate; `name` is its `namespace/name` in the cluster."""

    policy: PlannedResource
    name: str
    fate: AbsenceKind


def absences(before: Plan, after: Plan, steps: Sequence[PreviewStep]) -> Iterator[Absence]:
    """Yield the policies that do not stay in force all the time, in the order of their plan.

    A provider that is replaced speaks to another cluster, where nothing is there before.
    """
    elsewhere = {each.urn for each in after.resources if _is_another_cluster(each)}
    new = {each.urn: each for each in after.resources if each.type == NETWORK_POLICY}
    made = {name: each for each in new.values() if (name := _made_as(each))}
    for policy in before.resources:
        name = object_name(policy)
        if policy.type != NETWORK_POLICY or name is None:
            continue
        successor = new.get(policy.urn, made.get(name))
        if successor is None or successor.provider in elsewhere:
            continue
        if policy.urn not in new or successor.change is Operation.REPLACE:
            fate = _kind_of_absence(
                object_name(successor) == name, _made_first(policy, successor, steps)
            )
            if fate is not None:
                yield Absence(policy, name, fate)


def _is_another_cluster(resource: PlannedResource) -> bool:
    return resource.type == _PROVIDER and resource.change is Operation.REPLACE


def _made_as(policy: PlannedResource) -> str | None:
    """Return the name under which a deployment makes a policy, None for one that it leaves."""
    return object_name(policy) if policy.change in {Operation.CREATE, Operation.REPLACE} else None


def _kind_of_absence(keeps_its_name: bool, made_first: bool) -> AbsenceKind | None:  # noqa: FBT001 - two answers
    if not made_first:
        return AbsenceKind.AWAY
    return AbsenceKind.LOST if keeps_its_name else None


def _made_first(
    policy: PlannedResource, successor: PlannedResource, steps: Sequence[PreviewStep]
) -> bool:
    """Say whether the successor of a policy is there before the policy is deleted."""
    for step in steps:
        if step.urn == successor.urn and step.op in _MADE:
            return True
        if step.urn == policy.urn and step.op is EngineOperation.REPLACE:
            return step.old_state is not None and step.old_state.delete
        if step.urn == policy.urn and step.op in _DELETED:
            return False
    return False


def object_name(resource: PlannedResource) -> str | None:
    """Return `namespace/name` of an object in the cluster, None where only deployment tells."""
    metadata = resource.inputs.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    namespace, name = metadata.get("namespace", "default"), metadata.get("name")
    known = isinstance(namespace, str) and isinstance(name, str)
    return f"{namespace}/{name}" if known else None


_KEEPING: Final = frozenset({Operation.SAME, Operation.UPDATE, Operation.READ})
_WORKLOADS: Final = ("kubernetes:apps/", "kubernetes:batch/", "kubernetes:core/v1:Pod")
_LINK: Final = "https://www.pulumi.com/docs/iac/concepts/options/deletebeforereplace/"
_ALIASES: Final = "https://www.pulumi.com/docs/iac/concepts/options/aliases/"


def temporary_openings(
    before: Plan, after: Plan, steps: Sequence[PreviewStep]
) -> Iterator[Finding]:
    """Yield an error for each policy whose absence opens what is closed before and afterwards.

    Only workloads that run through the whole deployment count. A policy that is made under a name
    that is taken and then deleted is an error whatever it opens.
    """
    before, after = with_known_namespaces(before), with_known_namespaces(after)
    found = tuple(absences(before, after, steps))
    for each in found:
        if each.fate is AbsenceKind.LOST:
            yield _lost(each)
    away = [each for each in found if each.fate is not AbsenceKind.LOST]
    if away:
        yield from _opened(before, after, away)


def _opened(before: Plan, after: Plan, away: Sequence[Absence]) -> Iterator[Finding]:
    """Yield a finding for each policy that is missed, or one for all if only all of them are.

    Independent steps run at the same time, so that all may be away at once.
    """
    whole = _during(before, after)
    ends = (_analysed(before), _analysed(after), _analysed(whole))
    alone = [_missed(whole, [each], ends) for each in away]
    together = _missed(whole, away, ends) if len(away) > 1 and not any(alone) else None
    yield from filter(None, (*alone, together))


def _missed(
    whole: Plan, away: Sequence[Absence], ends: tuple[Reachability, Reachability, Reachability]
) -> Finding | None:
    """Return the finding on policies that open something while they are away, all at once."""
    opened = _only_during(ends, _analysed(replace(whole, resources=_without(whole, away))))
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


def _analysed(plan: Plan) -> Reachability:
    return reachability(snapshot(documents(plan), cluster=planned_cluster(plan)).snapshot)


def _only_during(
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
