"""What a guardrail is, what it judges, how it is configured, and what those about clusters share.

It judges a deployment: a stack as Pulumi shows it to the pack, analysed once for all guardrails. It
answers with findings, or that it can't tell yet and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, TypeVar

import msgspec
from pulumi_policy import EnforcementLevel, PolicyConfigSchema, Severity

from podwall.aks.limits import LEARN
from podwall.aks.network_engine import DATAPLANE, PLUGIN, PLUGIN_MODE, POLICY, declared_engine
from podwall.aks.resource_types import choice, leaf
from podwall.documents import convert
from podwall.engines import ENGINES, SPEC
from podwall.lint.context import LintContext
from podwall.model import UnreadPolicy
from podwall.plan import Plan, PlannedResource
from podwall.plan.cluster import planned_cluster, unread_cluster
from podwall.plan.documents import is_object
from podwall.plan.model import UNKNOWN, planned_value
from podwall.plan.providers import only_of, provider_clusters
from podwall.policies.errors import Finding, Place, Unknown
from podwall.policies.errors import Severity as FindingSeverity
from podwall.reachability import Reachability
from podwall.reading import SnapshotReading, shown_namespaces
from podwall.reading.ledger import ACCEPTABLE, UNREAD_KIND
from podwall.review import Review, review
from podwall.sources import SourceKind, source_of_plan
from podwall.sources.pulumi_documents import ResourceState, plan_of, planned_resource

__all__ = [
    "UNREAD",
    "AddressSettings",
    "ClusterExemption",
    "ClusterGuardrail",
    "ClusterProblem",
    "ClusterRuleSettings",
    "DeployedSettings",
    "Deployment",
    "EndSettings",
    "EngineSettings",
    "ExpectationSettings",
    "Guardrail",
    "IsolationSettings",
    "Judgement",
    "Judgements",
    "NamespaceExemption",
    "NamespaceRuleSettings",
    "SourceSettings",
    "StackGuardrail",
    "UndeterminedJudgement",
    "UnreadKind",
    "cluster_finding",
    "deployment_of",
    "read_settings",
    "schema_of",
    "undetermined_cluster",
    "undetermined_engine",
    "undetermined_leaves",
]


_SEVERAL: Final = 2
_NAMESPACE: Final = "kubernetes:core/v1:Namespace"


_Text = Annotated[str, msgspec.Meta(min_length=1)]


class UnreadKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind whose objects need not be read: they make no pods and policies that matter."""

    kind: Annotated[_Text, msgspec.Meta(description="the kind, such as HelmRelease")]
    reason: Annotated[_Text, msgspec.Meta(description="why it is no matter, for reviewers")]


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
    return state.type.startswith("kubernetes:") and not (state.inputs or state.type == _NAMESPACE)


def _namespace(manifest: Mapping[str, Any]) -> object:
    metadata = manifest.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    cluster_wide = manifest.get("kind") == "Namespace"
    return fields.get("name") if cluster_wide else fields.get("namespace", "default")


Name = Annotated[_Text, msgspec.Meta(description="the name, exactly")]
Reason = Annotated[_Text, msgspec.Meta(description="why the rule does not apply, for reviewers")]
DeniedDirection = Literal["ingress", "egress"]
S = TypeVar("S", bound=msgspec.Struct)


UNREAD: Final = ACCEPTABLE | {UNREAD_KIND, "not-closed"}
"""The findings on what is not read, which no rule can judge: the policy `undetermined` has them."""


class NamespaceExemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A namespace to whose objects a rule does not apply."""

    namespace: Name
    reason: Reason


class NamespaceRuleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a rule about what is in namespaces."""

    exempt: tuple[NamespaceExemption, ...] = ()


class ClusterExemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cluster, by the name of its resource in the program, to which a rule does not apply."""

    cluster: Name
    reason: Reason


class ClusterRuleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a rule about clusters."""

    exempt: tuple[ClusterExemption, ...] = ()


class EndSettings(ClusterRuleSettings, frozen=True):
    """How many days before the end of support a rule speaks up."""

    notice_days: Annotated[int, msgspec.Meta(ge=0)] = 730


class AddressSettings(ClusterRuleSettings, frozen=True):
    """The largest share of the Internet that may reach an API server, as a prefix length."""

    shortest_prefix: Annotated[int, msgspec.Meta(ge=1, le=32)] = 8


class DeployedSettings(ClusterRuleSettings, frozen=True):
    """The state before the deployment: a file that `pulumi stack export` wrote."""

    deployed: str = ""


class IsolationSettings(NamespaceRuleSettings, frozen=True):
    """The directions that have to be denied by default."""

    directions: Annotated[tuple[DeniedDirection, ...], msgspec.Meta(min_length=1)] = ("ingress",)


class EngineSettings(NamespaceRuleSettings, frozen=True):
    """The engine of the cluster, for a stack that does not tell it."""

    engine: Literal["", "azure", "calico", "cilium"] = ""


class ExpectationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of expectations, as `podwall check` reads it."""

    file: str = ""


def read_settings(type_: type[S], configuration: Mapping[str, Any]) -> S:
    """Return the settings in a policy's configuration.

    >>> read_settings(EndSettings, {"notice_days": 90.0}).notice_days
    90

    Raises:
        InvalidValue: a setting is unknown, missing or of the wrong kind.
    """
    values = {key: value for key, value in configuration.items() if key != "enforcementLevel"}
    return convert(planned_value(values, str), type_, Place(path="configuration"))


def schema_of(type_: type[msgspec.Struct]) -> PolicyConfigSchema | None:
    """Return what Pulumi checks a configuration against; None where nothing can be set."""
    (document,), parts = msgspec.json.schema_components([type_], ref_template="{name}")
    fields = msgspec.to_builtins(_inlined(parts[document["$ref"]], parts))["properties"]
    return PolicyConfigSchema(fields) if fields else None


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    """Return a schema without references, which Pulumi does not follow, and without titles."""
    if isinstance(schema, list | tuple):
        return [_inlined(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = {**parts[schema["$ref"]], **{k: v for k, v in schema.items() if k != "$ref"}}
        return _inlined(found, parts)
    return {key: _inlined(value, parts) for key, value in schema.items() if key != "title"}


@dataclass(frozen=True, slots=True)
class UndeterminedJudgement:
    """A rule depends on something that is not known: neither kept nor broken, and why."""

    because: str
    place: Place


Judgement = Finding | UndeterminedJudgement
Judgements = Iterator[Judgement]


C = TypeVar("C", bound=ClusterRuleSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """One guardrail: a stable `id`, what it asks for in a sentence, and what to do about it.

    `enforcement` is what happens to a deployment that breaks it, unless the configuration says
    otherwise; `link` is the source of the rule.
    """

    id: str
    description: str
    severity: Severity
    enforcement: EnforcementLevel
    remediation: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterGuardrail(Guardrail, Generic[C]):
    """A guardrail for one AKS cluster, judged before the deployment touches it."""

    settings: type[C]
    judge: Callable[[PlannedResource, C], Judgements]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackGuardrail(Guardrail, Generic[S]):
    """A guardrail for everything that a stack contains, judged together."""

    settings: type[S]
    judge: Callable[[Deployment, S], Judgements]


def undetermined_cluster(cluster: PlannedResource) -> UndeterminedJudgement:
    """Return what every rule answers about a cluster that is not recognised."""
    return UndeterminedJudgement(unread_cluster(cluster), Place(cluster.urn))


_CHOICES: Final = frozenset({DATAPLANE, PLUGIN, PLUGIN_MODE, POLICY})


def undetermined_engine(cluster: PlannedResource) -> Judgements:
    """Yield a judgement if it is not known which engine a cluster has, or whether it has any."""
    engine = declared_engine(cluster.inputs)
    if isinstance(engine, Unknown):
        yield UndeterminedJudgement(
            f"the engine of cluster `{cluster.name}` is not known: {engine.cause}",
            Place(cluster.urn, path=POLICY),
        )


def undetermined_leaves(cluster: PlannedResource, *paths: str) -> Judgements:
    """Yield a judgement for every one of these paths that is not known yet."""
    for path in paths:
        found = (choice if path in _CHOICES else leaf)(cluster.inputs, path)
        if isinstance(found, Unknown):
            yield UndeterminedJudgement(found.cause, Place(cluster.urn, path=path))


class ClusterProblem(NamedTuple):
    """What is wrong with a cluster; `page` is one of the AKS documentation."""

    id: str
    message: str
    help: str
    page: str


def cluster_finding(cluster: PlannedResource, path: str, problem: ClusterProblem) -> Finding:
    """Return the finding that something is wrong with a property of a cluster."""
    id_, message, help_, page = problem
    place = Place(cluster.urn, path=path)
    return Finding(id_, FindingSeverity.ERROR, message, place, help_, f"{LEARN}/{page}")
