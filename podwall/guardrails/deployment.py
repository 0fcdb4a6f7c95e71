"""What a stack will be, and what it means: the same reading and analysis as the command line's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Final

import msgspec

from podwall.engines import ENGINES, SPEC
from podwall.lint.context import LintContext
from podwall.model import UnreadPolicy
from podwall.plan import Plan, PlannedResource
from podwall.plan.cluster import planned_cluster
from podwall.plan.documents import is_object
from podwall.plan.model import UNKNOWN
from podwall.plan.providers import only_of, provider_clusters
from podwall.policies.errors import Finding
from podwall.reachability import Reachability
from podwall.reading import SnapshotReading, shown_namespaces
from podwall.review import Review, review
from podwall.sources import SourceKind, source_of_plan
from podwall.sources.pulumi_documents import ResourceState, plan_of, planned_resource

__all__ = ["NAMESPACE", "Deployment", "SourceSettings", "Text", "UnreadKind", "deployment_of"]


_SEVERAL: Final = 2
NAMESPACE: Final = "kubernetes:core/v1:Namespace"


Text = Annotated[str, msgspec.Meta(min_length=1)]


class UnreadKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind whose objects need not be read: they make no pods and policies that matter."""

    kind: Annotated[Text, msgspec.Meta(description="the kind, such as HelmRelease")]
    reason: Annotated[Text, msgspec.Meta(description="why it is no matter, for reviewers")]


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a stack does not say of its cluster: which kinds need not be read, and if it is whole.

    By default everything counts that is not read, and there may be pods that the stack does not
    show.
    """

    accept_unread: tuple[UnreadKind, ...] = ()
    closed: bool = False


class Deployment:
    """The resources of a stack, their snapshot, who can reach whom in it, and the findings."""

    def __init__(
        self,
        plan: Plan,
        states: Sequence[ResourceState],
        settings: SourceSettings,
        engine: str = "",
    ) -> None:
        """Take the plan, the states that it was read from, and the engine if it is given."""
        self.plan = plan
        self.settings = settings
        self._states = states
        self._engine = engine

    @cached_property
    def parts(self) -> tuple[Deployment, ...]:
        """The deployment as far as it goes to each cluster, of which nothing is judged together."""
        found = provider_clusters(self.plan)
        if len(found) < _SEVERAL:
            return (self,)
        every = frozenset(urn for each in found for urn in each.providers)
        plans = (only_of(self.plan, each.providers, every - each.providers) for each in found)
        return tuple(Deployment(each, self._states, self.settings) for each in plans)

    @property
    def unclear(self) -> Iterator[tuple[str, str]]:
        """Pairs of providers of which nothing tells whether they speak to the same cluster."""
        for each in provider_clusters(self.plan):
            yield from ((each.name, name) for name in sorted(each.perhaps) if each.name < name)

    @property
    def made(self) -> frozenset[str]:
        """The URNs of resources whose outputs are still to come, although all inputs are known."""
        return self._urns(_is_made)

    @property
    def existing(self) -> frozenset[str]:
        """The URNs of resources that have all their outputs already."""
        return self._urns(_exists)

    @property
    def unseen(self) -> frozenset[str]:
        """The URNs of Kubernetes objects about which nothing is known."""
        return self._urns(_is_unseen)

    def _urns(self, holds: Callable[[ResourceState], bool]) -> frozenset[str]:
        return frozenset(state.urn for state in self._states if holds(state))

    def under(self, engine: str) -> Deployment:
        """Return the same deployment, to a cluster with this engine."""
        return Deployment(self.plan, self._states, self.settings, engine)

    @cached_property
    def engine(self) -> str | None:
        """The engine of the cluster, `none` where it has none, None where nobody knows."""
        named = self._engine or planned_cluster(self.plan).engine
        return named if named in ENGINES else None

    @cached_property
    def review(self) -> Review:
        """What the stack means; an engine that nobody knows is taken for the specification."""
        found = source_of_plan(SourceKind.STATE, self.plan.project, self.plan)
        accepted = frozenset(each.kind for each in self.settings.accept_unread)
        source = replace(found, closed=self.settings.closed, acknowledged=accepted)
        return review(source, SPEC if self.engine is None else self.engine)

    @property
    def reading(self) -> SnapshotReading:
        """The snapshot, with the findings on its documents."""
        return self.review.reading

    @property
    def reach(self) -> Reachability:
        """Who can reach whom."""
        return self.review.reachability

    @cached_property
    def unread_policies(self) -> tuple[UnreadPolicy, ...]:
        """The policies that are not read, of those that the engine enforces or may enforce."""
        engine = self.reach.engine
        listed = self.reading.snapshot.unread_policies if engine.enforces else ()
        return tuple(each for each in listed if each.enforced_by(engine.name))

    @cached_property
    def context(self) -> LintContext:
        """The snapshot and the analysis, as lints look at them."""
        return LintContext(self.reach)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What `podwall lint` says about the stack, without what annotations silence."""
        return self.review.findings

    def kept(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Return the findings that no annotation silences, each once."""
        return self.review.kept(findings)

    @cached_property
    def namespaces(self) -> Mapping[str, object]:
        """The namespace of every Kubernetes object, a Namespace's own name for itself, by URN.

        Each has the name that it is shown by.
        """
        documents = zip(self._objects, self.review.source.planned.documents, strict=False)
        return {each.urn: self.shown(_namespace(document.manifest)) for each, document in documents}

    def shown(self, namespace: object) -> object:
        """Return the name that a namespace is shown by, which may have a made-up one."""
        return self._shown.get(namespace, namespace) if isinstance(namespace, str) else namespace

    @cached_property
    def _shown(self) -> Mapping[str, str]:
        return shown_namespaces(self.review.source.planned.documents)

    @cached_property
    def resources(self) -> Mapping[str, PlannedResource]:
        """The resources by URN."""
        return {each.urn: each for each in self.plan.resources}

    @property
    def _objects(self) -> list[PlannedResource]:
        return [each for each in self.review.plan.resources if is_object(each)]


def deployment_of(
    states: Iterable[ResourceState], settings: SourceSettings | None = None
) -> Deployment:
    """Return the deployment of resource states in the form in which Pulumi exports them."""
    listed = list(states)
    return Deployment(plan_of(map(planned_resource, listed)), listed, settings or SourceSettings())


def _is_made(state: ResourceState) -> bool:
    """Return whether outputs are still to come, although every input is known."""
    outputs, inputs = (state.outputs or {}).values(), (state.inputs or {}).values()
    return UNKNOWN in outputs and UNKNOWN not in inputs


def _exists(state: ResourceState) -> bool:
    return bool(state.outputs) and UNKNOWN not in (state.outputs or {}).values()


def _is_unseen(state: ResourceState) -> bool:
    return state.type.startswith("kubernetes:") and not (state.inputs or state.type == NAMESPACE)


def _namespace(manifest: Mapping[str, Any]) -> object:
    metadata = manifest.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    cluster_wide = manifest.get("kind") == "Namespace"
    return fields.get("name") if cluster_wide else fields.get("namespace", "default")
