"""What exists in a cluster before a deployment, on its way, and after it; and what to know of it.

The steps of a preview say what the engine does to each resource of its state. What becomes of the
objects is another question, which is answered by playing the steps on a set of objects, each under
the name that it has in its cluster. What is deleted takes others with it, whatever their own steps
say: a namespace all that is in it, a cluster or a replaced provider all that is not made anew, and
each of them what is `deletedWith` it. What is left is there afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from podwall.aks.resource_types import is_any_cluster
from podwall.plan.documents import NAMESPACE, identity_of
from podwall.plan.model import Operation, Plan, PlannedResource, depends_on_any, kind_of
from podwall.plan.providers import PROVIDER
from podwall.policies.errors import Finding, Place, Severity
from podwall.quick_dataclass import dataclass
from podwall.sources.object_steps import (
    NETWORK_POLICY,
    Absence,
    AbsenceKind,
    Effect,
    EffectKind,
    Key,
    effects,
    found_before,
    object_name,
    object_steps,
)
from podwall.sources.pulumi_documents import (
    EngineOperation,
    PulumiPreview,
    plan_of,
    planned_resource,
)

__all__ = [
    "Existence",
    "Taking",
    "existence",
    "existence_findings",
    "lost_object",
]


@dataclass(frozen=True, slots=True)
class Taking:
    """What a deployment deletes, and what goes with it although the program keeps it.

    `is_replaced` says whether the program keeps the cause itself, so that it is made again.
    """

    cause: PlannedResource
    taken: tuple[PlannedResource, ...]
    is_replaced: bool


@dataclass(frozen=True, slots=True)
class Existence:
    """What there is before a deployment and after it, and what happens on the way.

    `before` are the resources that exist. `after` are those that will; what does not exist any more
    is marked as deleted in it, and what only the cluster keeps as retained. `absences` are the
    policies that do not stand all the time, `takings` what goes with something else, and `lost`
    other objects that are made under a name that is taken, and then deleted. `drift` is what others
    deleted or changed since the last deployment, as far as a refresh found it: the resources as
    they were, each with what it is now.
    """

    before: Plan
    after: Plan
    absences: tuple[Absence, ...] = ()
    takings: tuple[Taking, ...] = ()
    lost: tuple[PlannedResource, ...] = ()
    drift: tuple[tuple[PlannedResource, PlannedResource | None], ...] = ()


def existence(preview: PulumiPreview) -> Existence:
    """Return what exists before, during and after the deployment that a preview is of."""
    steps = object_steps(preview)
    before, done = found_before(steps), effects(steps)
    play = _Play(before, {each.new.urn: each.new for each in steps if each.new})
    for effect in done:
        play.effect(effect)
    return Existence(
        plan_of(before.values()),
        plan_of((*play.there.values(), *play.gone())),
        tuple(_absences(done, play)),
        tuple(play.takings()),
        tuple(each for each in play.lost.values() if each.type != NETWORK_POLICY),
        tuple(_drift(preview, before)),
    )


class _Play:
    """The objects that there are at one moment of a deployment, and what became of the others."""

    def __init__(
        self, before: Mapping[Key, PlannedResource], wanted: Mapping[str, PlannedResource]
    ) -> None:
        self.there = dict(before)
        self.lost: dict[Key, PlannedResource] = {}
        self._wanted = wanted
        self._made: set[Key] = set()
        self._deleted: list[PlannedResource] = []
        self._with: list[tuple[PlannedResource, list[PlannedResource]]] = []

    def effect(self, effect: Effect) -> None:
        match effect.kind:
            case EffectKind.KEEP if effect.key in self.there:
                self.there[effect.key] = effect.resource
            case EffectKind.MAKE:
                self.there[effect.key] = effect.resource
                self._made.add(effect.key)
            case EffectKind.DELETE:
                self._delete(effect)
            case EffectKind.RETAIN if effect.key not in self._made and effect.key in self.there:
                self.there[effect.key] = replace(effect.resource, change=Operation.RETAIN)

    def _delete(self, effect: Effect) -> None:
        if effect.key in self._made:
            self.lost[effect.key] = effect.resource
        taken: list[PlannedResource] = []
        waiting = [(effect.key, effect.resource)]
        while waiting:
            key, cause = waiting.pop()
            self._deleted += [self.there.pop(key)] if key in self.there else []
            self._made.discard(key)
            following = [
                (other, each)
                for other, each in self.there.items()
                if self._goes_with(other, each, key, cause)
            ]
            taken += [each for _, each in following]
            self._deleted += [self.there.pop(other) for other, _ in following]
            waiting += following
        self._with.append((effect.resource, taken))

    def _goes_with(
        self, key: Key, resource: PlannedResource, cause_key: Key, cause: PlannedResource
    ) -> bool:
        if resource.options.deleted_with == cause.urn:
            return True
        if cause.type == NAMESPACE:
            return _is_in(key, cause_key)
        if key in self._made or not resource.type.startswith("kubernetes:"):
            return False
        if cause.type == PROVIDER:
            return cause.urn in self._wanted and resource.provider == cause.urn
        return is_any_cluster(cause.type, cause.inputs) and depends_on_any(
            resource.provider or "", {cause.urn}, self._wanted
        )

    def gone(self) -> Iterator[PlannedResource]:
        """Yield what was deleted and is not there under another name, each once."""
        there = {each.urn for each in self.there.values()}
        gone = {each.urn: each for each in self._deleted if each.urn not in there}
        return (replace(each, change=Operation.DELETE) for each in gone.values())

    def takings(self) -> Iterator[Taking]:
        """Yield what takes something that the program keeps, and what moves or goes as a whole."""
        there = {each.urn for each in self.there.values()}
        for cause, taken in self._with:
            missed = {each.urn: each for each in taken if each.urn in self._wanted.keys() - there}
            if missed or self._is_first_cause(cause):
                yield Taking(cause, tuple(missed.values()), cause.urn in self._wanted)

    def _is_first_cause(self, cause: PlannedResource) -> bool:
        """Return whether a namespace or a provider goes for no other reason than its own."""
        deleted = {each.urn: each for each, _ in self._with}
        replaced = deleted.keys() & self._wanted.keys()
        if cause.type == NAMESPACE:
            return cause.provider not in replaced
        clusters = {urn for urn, each in deleted.items() if is_any_cluster(each.type, each.inputs)}
        is_moved = cause.type == PROVIDER and cause.urn in replaced
        return is_moved and not depends_on_any(cause.urn, clusters, self._wanted)


_CLUSTER_AND_NAMESPACE: Final = 2
_NAMESPACE_OF_KEY: Final = 4


def _is_in(key: Key, namespace: Key) -> bool:
    """Return whether an object is in a namespace of its cluster."""
    is_object = len(key) > _NAMESPACE_OF_KEY and len(namespace) > _NAMESPACE_OF_KEY
    same_cluster = key[:_CLUSTER_AND_NAMESPACE] == namespace[:_CLUSTER_AND_NAMESPACE]
    return is_object and same_cluster and key[_NAMESPACE_OF_KEY] == namespace[-1]


def _absences(done: Sequence[Effect], play: _Play) -> Iterator[Absence]:
    """Yield the policies that are deleted before they are made again, or afterwards."""
    for number, effect in enumerate(done):
        name = object_name(effect.resource)
        if (
            effect.kind is not EffectKind.DELETE
            or effect.resource.type != NETWORK_POLICY
            or name is None
        ):
            continue
        if effect.key in play.lost:
            yield Absence(effect.resource, name, AbsenceKind.LOST)
        elif any(_makes_again(each, effect) for each in done[number:]):
            yield Absence(effect.resource, name, AbsenceKind.AWAY)


def _makes_again(effect: Effect, deleted: Effect) -> bool:
    if effect.kind is not EffectKind.MAKE:
        return False
    same_cluster = effect.key[:_CLUSTER_AND_NAMESPACE] == deleted.key[:_CLUSTER_AND_NAMESPACE]
    return effect.key == deleted.key or (
        same_cluster and effect.resource.urn == deleted.resource.urn
    )


def _drift(
    preview: PulumiPreview, before: Mapping[Key, PlannedResource]
) -> Iterator[tuple[PlannedResource, PlannedResource | None]]:
    """Yield the objects that a refresh found changed or gone."""
    found = {each.urn: each for each in before.values()}
    for step in preview.steps:
        if step.op is EngineOperation.REFRESH and step.old_state is not None:
            known = planned_resource(step.old_state)
            now = found.get(known.urn)
            is_object = known.type.startswith("kubernetes:") and known.custom
            if is_object and (now is None or now.inputs != known.inputs):
                yield known, now


_RETAIN: Final = "https://www.pulumi.com/docs/iac/concepts/options/retainondelete/"
_DELETED_WITH: Final = "https://www.pulumi.com/docs/iac/concepts/options/deletedwith/"
_ALIASES: Final = "https://www.pulumi.com/docs/iac/concepts/options/aliases/"
_REFRESH: Final = "https://www.pulumi.com/docs/iac/cli/commands/pulumi_refresh/"
_NAMESPACES: Final = (
    "https://kubernetes.io/docs/tasks/administer-cluster/namespaces/#deleting-a-namespace"
)
_PROVIDERS: Final = "https://www.pulumi.com/docs/iac/concepts/resources/providers/"
_NAMED: Final = 3


def existence_findings(existence: Existence) -> Iterator[Finding]:
    """Yield what goes with something else, what stays, what is lost, and what others changed.

    A namespace or a provider that is replaced is always an error, and so is what takes with it
    something that the program keeps. A namespace that is deleted with everything that the program
    had in it is a warning, because others may have something in it.
    """
    yield from map(_taken, existence.takings)
    yield from (_lost(each) for each in existence.lost if each.type != NAMESPACE)
    retained = (each for each in existence.after.resources if each.change is Operation.RETAIN)
    yield from (_retained(each) for each in retained if each.options.retain_on_delete)
    for then, now in existence.drift:
        yield _drifted(then, now)


def _taken(taking: Taking) -> Finding:
    match taking.cause.type:
        case str() as type_ if type_ == NAMESPACE:
            return _namespace(taking)
        case str() as type_ if type_ == PROVIDER:
            return _provider(taking)
        case _:
            return _with_another(taking)


def _namespace(taking: Taking) -> Finding:
    is_error = taking.is_replaced or taking.taken
    return Finding(
        "namespace-replace" if taking.is_replaced else "namespace-delete",
        Severity.ERROR if is_error else Severity.WARNING,
        f"{_does(taking)}, with everything in it{_kept(taking)}",
        _place(taking.cause),
        "make a new namespace beside it, move what is in it, and delete the old one last",
        _NAMESPACES,
    )


def _provider(taking: Taking) -> Finding:
    return Finding(
        "provider-replace",
        Severity.ERROR,
        f"the deployment replaces the provider `{taking.cause.name}`, so that its objects are "
        f"deleted from one cluster and made in another{_kept(taking)}",
        _place(taking.cause),
        "keep the provider, and give what goes to another cluster a provider of its own",
        _PROVIDERS,
    )


def _with_another(taking: Taking) -> Finding:
    return Finding(
        "deleted-with",
        Severity.ERROR,
        f"{_does(taking)}, with which goes what the program keeps{_kept(taking)}",
        _place(taking.cause),
        "replace what goes with it in the same deployment (`--target-dependents`, `--replace`)",
        _DELETED_WITH,
    )


def _does(taking: Taking) -> str:
    does = "replaces" if taking.is_replaced else "deletes"
    return f"the deployment {does} {_called(taking.cause)}"


def _kept(taking: Taking) -> str:
    return f": {_listed(taking)} not made again" if taking.taken else ""


def _listed(taking: Taking) -> str:
    names = [_called(each) for each in taking.taken]
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED])
    if more > 0:
        return f"{shown} and {more} more are"
    return f"{shown} {'is' if len(names) == 1 else 'are'}"


def lost_object(id_: str, called: str, place: Place) -> Finding:
    """Return the finding on an object that is deleted after it was made under another name.

    Args:
        id_: what the finding is called.
        called: the object in words.
        place: where the program has it.
    """
    return Finding(
        id_,
        Severity.ERROR,
        f"the deployment makes {called} a second time and then deletes it: "
        "afterwards it is gone, or the deployment stops half-way",
        place,
        "keep the name that it has in the program, or give it `aliases` with the old one",
        _ALIASES,
    )


def _lost(resource: PlannedResource) -> Finding:
    return lost_object("object-lost", _called(resource), _place(resource))


def _retained(resource: PlannedResource) -> Finding:
    return Finding(
        "object-retained",
        Severity.WARNING,
        f"the program no longer has {_called(resource)}, and the cluster keeps it "
        "(`retainOnDelete`): it goes on having its effect",
        _place(resource),
        "delete it with kubectl where it is not meant to stay",
        _RETAIN,
    )


def _drifted(then: PlannedResource, now: PlannedResource | None) -> Finding:
    did = "deleted" if now is None else "changed"
    return Finding(
        f"{did}-outside",
        Severity.WARNING,
        f"others {did} {_called(then)} since the last deployment",
        _place(then),
        "find out who did, and put it into the program where it is meant to stay so",
        _REFRESH,
    )


def _called(resource: PlannedResource) -> str:
    identity = identity_of(resource)
    return f"{kind_of(resource.type)} `{resource.name}`" if identity is None else str(identity)


def _place(resource: PlannedResource) -> Place:
    return resource.place if resource.place.source else Place(resource.urn)
