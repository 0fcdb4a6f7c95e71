"""What a guardrail is, how it is configured, and what those about clusters have in common.

It answers with findings, or that it can't tell yet and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, TypeVar

import msgspec
from pulumi_policy import EnforcementLevel, PolicyConfigSchema, Severity

from podwall.aks.network_engine import DATAPLANE, PLUGIN, PLUGIN_MODE, POLICY, declared_engine
from podwall.aks.refusal import LEARN
from podwall.aks.resource_types import choice, leaf
from podwall.documents import convert
from podwall.guardrails.deployment import Deployment, Text
from podwall.plan import PlannedResource
from podwall.plan.cluster import unread_cluster
from podwall.plan.model import planned_value
from podwall.policies.errors import Finding, Place
from podwall.policies.errors import Severity as FindingSeverity
from podwall.policies.unknown import Unknown
from podwall.reading.ledger import ACCEPTABLE, UNREAD_KIND

__all__ = [
    "UNREAD",
    "AddressSettings",
    "ClusterExemption",
    "ClusterGuardrail",
    "ClusterProblem",
    "ClusterRuleSettings",
    "DeployedSettings",
    "EndSettings",
    "EngineSettings",
    "ExpectationSettings",
    "Guardrail",
    "IsolationSettings",
    "Judgement",
    "Judgements",
    "NamespaceExemption",
    "NamespaceRuleSettings",
    "NoSettings",
    "StackGuardrail",
    "UndeterminedJudgement",
    "cluster_finding",
    "read_settings",
    "schema_of",
    "undetermined_cluster",
    "undetermined_engine",
    "undetermined_leaves",
]

Name = Annotated[Text, msgspec.Meta(description="the name, exactly")]
Reason = Annotated[Text, msgspec.Meta(description="why the rule does not apply, for reviewers")]
DeniedDirection = Literal["ingress", "egress"]
S = TypeVar("S", bound=msgspec.Struct)


UNREAD: Final = ACCEPTABLE | {UNREAD_KIND, "not-closed"}
"""The findings on what is not read, which no rule can judge: the policy `undetermined` has them."""


class NoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule with nothing to set but its enforcement level."""


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
