"""Read the steps of a preview as what they do to the objects of a cluster, one after another.

What the steps of a resource found comes first: the step of a refresh only repeats the state, so
that what it found is the old state of the next step, and where none follows, the object is gone. A
creation that `--target` or `--exclude` skips has no id, and does not exist. What is imported or
read exists already.

A replaced resource is made first where its old state waits to be deleted (`delete`), and then
deleted at the end; otherwise it is deleted first. What is dropped with `retainOnDelete` stays.

https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step.go
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step_generator.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from podwall.plan.documents import identity_of, with_known_namespaces
from podwall.plan.model import Operation, Plan, PlannedResource
from podwall.plan.providers import cluster_identity
from podwall.quick_dataclass import dataclass
from podwall.sources.pulumi_documents import (
    EngineOperation,
    PreviewStep,
    PulumiPreview,
    ResourceState,
    is_refresh,
    left_out,
    planned_resource,
)

__all__ = [
    "NETWORK_POLICY",
    "Absence",
    "AbsenceKind",
    "Effect",
    "EffectKind",
    "Key",
    "ObjectStep",
    "effects",
    "found_before",
    "object_name",
    "object_steps",
    "with_stored",
]


def with_stored(inputs: Mapping[str, Any], outputs: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the inputs of a policy with the directions that the server has stored for it.

    >>> with_stored({"spec": {"egress": [{}]}}, {"spec": {"policyTypes": ["Ingress"]}})
    {'spec': {'egress': [{}], 'policyTypes': ['Ingress']}}
    """
    spec, stored = inputs.get("spec"), (outputs or {}).get("spec")
    types = stored.get("policyTypes") if isinstance(stored, Mapping) else None
    if not isinstance(spec, Mapping) or spec.get("policyTypes") or not isinstance(types, list):
        return inputs
    return {**inputs, "spec": {**spec, "policyTypes": types}}


NETWORK_POLICY: Final = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


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


def object_name(resource: PlannedResource) -> str | None:
    """Return `namespace/name` of an object in the cluster, None where only deployment tells."""
    metadata = resource.inputs.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    namespace, name = metadata.get("namespace", "default"), metadata.get("name")
    known = isinstance(namespace, str) and isinstance(name, str)
    return f"{namespace}/{name}" if known else None


Key = tuple[str, ...]
"""What one thing is called: an object in its cluster, any other resource in the state."""


class ObjectStep(NamedTuple):
    """A step with both its states as resources, and what each of them is called."""

    op: EngineOperation
    old: PlannedResource | None
    new: PlannedResource | None
    old_key: Key
    new_key: Key
    is_made_first: bool


_OPERATIONS: Final = {
    EngineOperation.CREATE: Operation.CREATE,
    EngineOperation.CREATE_REPLACEMENT: Operation.REPLACE,
    EngineOperation.IMPORT_REPLACEMENT: Operation.REPLACE,
    EngineOperation.READ: Operation.READ,
    EngineOperation.READ_REPLACEMENT: Operation.READ,
    EngineOperation.REPLACE: Operation.REPLACE,
    EngineOperation.UPDATE: Operation.UPDATE,
}


def object_steps(preview: PulumiPreview) -> tuple[ObjectStep, ...]:
    """Return the steps that decide what exists, without refreshes that another step follows."""
    steps = tuple(_decisive(preview))
    default = preview.default_provider
    olds = _settled((_old(each) for each in steps), default)
    news = _settled((_new(each) for each in steps), default)
    names = _Names(steps, olds, news, default)
    return tuple(
        ObjectStep(
            step.op,
            old,
            new,
            names.of_old(old) if old else (),
            names.of_new(new) if new else (),
            step.old_state is not None and step.old_state.delete,
        )
        for step, old, new in zip(steps, olds, news, strict=True)
    )


def _decisive(preview: PulumiPreview) -> Iterator[PreviewStep]:
    followed = {urn for each in preview.steps if not _looks(each) for urn in _urns(each)}
    is_whole = _is_whole(preview)
    for step in preview.steps:
        if _looks(step):
            is_gone = step.new_state is None or is_whole
            if not is_gone and followed.isdisjoint(_urns(step)):
                yield step
        elif not _is_skipped(step):
            yield step


def _is_whole(preview: PulumiPreview) -> bool:
    """Return whether everything that a refresh finds has a further step; a count proves it."""
    is_counted = preview.change_summary is not None
    return is_counted and left_out(preview) <= 0 and not is_refresh(preview)


def _looks(step: PreviewStep) -> bool:
    return step.op is EngineOperation.REFRESH


def _urns(step: PreviewStep) -> set[str]:
    return {each.urn for each in (step.old_state, step.new_state) if each is not None}


def _is_skipped(step: PreviewStep) -> bool:
    """Return whether a step announces what it does not make: all that exists has an id."""
    states = [each for each in (step.old_state, step.new_state) if each is not None]
    is_same = step.op is EngineOperation.SAME
    return is_same and all(each.custom and not each.id for each in states)


def _old(step: PreviewStep) -> PlannedResource | None:
    state = step.old_state
    if state is None or step.op is EngineOperation.REMOVE_PENDING_REPLACE:
        return None
    known = planned_resource(state, Operation.READ if state.external else Operation.SAME)
    old = _as_stored(known, state)
    now = step.new_state and planned_resource(step.new_state).name
    return replace(old, called=now) if now and now != old.name else old


def _new(step: PreviewStep) -> PlannedResource | None:
    state = step.new_state
    if state is None:
        return None
    change = _OPERATIONS.get(step.op, Operation.SAME)
    new = planned_resource(_seen(state, step.old_state), change, _replaced_by(step))
    return new if change in _ANEW else _as_stored(new, step.old_state)


_ANEW: Final = frozenset({Operation.CREATE, Operation.REPLACE})


def _as_stored(resource: PlannedResource, state: ResourceState | None) -> PlannedResource:
    """Return a policy with the directions that the server has stored and does not compute again."""
    if state is None or resource.type != NETWORK_POLICY:
        return resource
    inputs = with_stored(resource.inputs, state.outputs)
    return replace(resource, inputs=MappingProxyType({**inputs}))


def _seen(state: ResourceState, old: ResourceState | None) -> ResourceState:
    """Return the state that shows most: a preview does not repeat what was read before."""
    is_shown = not state.external or state.outputs or state.inputs
    return state if is_shown or old is None or not old.external else old


def _replaced_by(step: PreviewStep) -> list[str]:
    """Return the paths that force a replacement, which a step tells twice and in any order."""
    differences = (step.detailed_diff or {}).items()
    forced = (path for path, each in differences if (each.kind or "").endswith("-replace"))
    return sorted({*(step.replace_reasons or ()), *forced})


def _settled(
    resources: Iterable[PlannedResource | None], default: PlannedResource | None
) -> list[PlannedResource | None]:
    """Return resources with the namespaces that a Namespace or a provider among them gives."""
    listed = list(resources)
    known_ones = tuple(each for each in listed if each is not None)
    plan = Plan("", "", known_ones, default_provider=default)
    known = iter(with_known_namespaces(plan).resources)
    return [None if each is None else next(known) for each in listed]


class _Names:
    """What objects are called, each in the cluster that its provider speaks to.

    Providers with the same configuration speak to the same cluster. One that is replaced speaks to
    another cluster than before.
    """

    def __init__(
        self,
        steps: Iterable[PreviewStep],
        olds: Iterable[PlannedResource | None],
        news: Iterable[PlannedResource | None],
        default: PlannedResource | None,
    ) -> None:
        self._default = default
        self._old = {each.urn: each for each in olds if each is not None}
        self._new = {each.urn: each for each in news if each is not None}
        self._clusters: dict[str, str] = {}
        self._replaced = {
            urn for each in steps if "replace" in each.op for urn in _urns(each)
        } & self._new.keys()

    def of_old(self, resource: PlannedResource) -> Key:
        return self._key(resource, "")

    def of_new(self, resource: PlannedResource) -> Key:
        made = resource.change in {Operation.CREATE, Operation.REPLACE}
        is_elsewhere = made and resource.provider in self._replaced
        return self._key(resource, "another" if is_elsewhere else "", made="made" * made)

    def _key(self, resource: PlannedResource, generation: str, made: str = "") -> Key:
        urn = resource.provider or ""
        identity = identity_of(resource)
        if identity is None:
            return resource.urn, made
        if urn not in self._clusters:
            self._clusters[urn] = self._cluster(urn)
        return self._clusters[urn], generation, *identity

    def _cluster(self, urn: str) -> str:
        """Return what tells the cluster of a provider from those of others."""
        resources = self._old if urn in self._old else self._new
        return repr(
            cluster_identity(urn, resources.get(urn) or (None if urn else self._default), resources)
        )


def found_before(steps: Iterable[ObjectStep]) -> dict[Key, PlannedResource]:
    """Return what the steps found: what exists before the deployment."""
    found: dict[Key, PlannedResource] = {}
    for step in steps:
        if step.old is not None:
            found.setdefault(step.old_key, step.old)
        elif step.new is not None and step.op in _EXISTING:
            found.setdefault(step.new_key, step.new)
    return found


_EXISTING: Final = frozenset(
    {EngineOperation.IMPORT, EngineOperation.READ, EngineOperation.READ_REPLACEMENT}
)
_MAKING: Final = frozenset({EngineOperation.CREATE, EngineOperation.CREATE_REPLACEMENT})
_DELETING: Final = frozenset({EngineOperation.DELETE, EngineOperation.DELETE_REPLACED})
_LEAVING: Final = frozenset({EngineOperation.DISCARD, EngineOperation.DISCARD_REPLACED})
_PARTS: Final = frozenset(
    each for each in EngineOperation if each.endswith(("-replacement", "-replaced"))
)


class EffectKind(Enum):
    """What is done to one object; `RETAIN` drops it from the state alone."""

    KEEP = auto()
    MAKE = auto()
    DELETE = auto()
    RETAIN = auto()


class Effect(NamedTuple):
    """One thing done to one object, which is as it was before where it is deleted."""

    kind: EffectKind
    key: Key
    resource: PlannedResource


def effects(steps: Iterable[ObjectStep]) -> list[Effect]:
    """Return what the steps do, in the order in which it is done."""
    listed = list(steps)
    in_parts = {_urn(each) for each in listed if each.op in _PARTS}
    found = [each for each in listed if not _is_listed_in_parts(each, in_parts)]
    first = [effect for step in found for effect in _first(step)]
    last = [effect for step in reversed(found) for effect in _last(step)]
    return list(_without_deleted_with([*first, *last]))


def _urn(step: ObjectStep) -> str:
    return next(each.urn for each in (step.new, step.old) if each is not None)


def _is_listed_in_parts(step: ObjectStep, in_parts: set[str]) -> bool:
    """Return whether a step does nothing itself: an engine may list the parts of a replacement."""
    if step.old is None and step.new is None:
        return True
    return step.op is EngineOperation.REPLACE and _urn(step) in in_parts


def _first(step: ObjectStep) -> Iterator[Effect]:
    if step.op in _DELETING or (step.op is EngineOperation.REPLACE and not step.is_made_first):
        yield from _dropped(step)
    if step.op in _LEAVING and step.old is not None:
        yield Effect(EffectKind.RETAIN, step.old_key, step.old)
    if step.new is None:
        return
    if step.op in _MAKING or step.op is EngineOperation.REPLACE:
        yield Effect(EffectKind.MAKE, step.new_key, step.new)
    else:
        key = step.new_key if step.old is None or "replace" in step.op else step.old_key
        yield Effect(EffectKind.KEEP, key, step.new)


def _last(step: ObjectStep) -> Iterator[Effect]:
    if step.op is EngineOperation.REPLACE and step.is_made_first:
        yield from _dropped(step)


def _dropped(step: ObjectStep) -> Iterator[Effect]:
    if step.old is not None:
        stays = step.old.options.retain_on_delete or step.old.change is Operation.READ
        yield Effect(EffectKind.RETAIN if stays else EffectKind.DELETE, step.old_key, step.old)


def _without_deleted_with(found: list[Effect]) -> Iterator[Effect]:
    """Leave out the deletion of what goes with something else that is dropped."""
    dropped = {each.resource.urn for each in found if each.kind in _DROPPING}
    for effect in found:
        if (
            effect.kind is not EffectKind.DELETE
            or effect.resource.options.deleted_with not in dropped
        ):
            yield effect


_DROPPING: Final = frozenset({EffectKind.DELETE, EffectKind.RETAIN})
