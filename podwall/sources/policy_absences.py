"""Find the policies that a deployment takes away for a while, or for good.

The steps of a preview show which policies are deleted before their successors are made. The engine
makes the successor of a replaced resource first, unless the provider or
`deleteBeforeReplace` asks for the old one to be deleted first. It tells which by the old state of
the `replace` step: what waits to be deleted, because its successor is there, is marked `delete`.
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step.go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from podwall.plan.model import Operation, Plan, PlannedResource
from podwall.sources.pulumi_documents import EngineOperation, PreviewStep

__all__ = [
    "NETWORK_POLICY",
    "Absence",
    "AbsenceKind",
    "absences",
    "object_name",
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
    """Return whether the successor of a policy is there before the policy is deleted."""
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
