"""How guardrails are configured: typed, checked, and described to Pulumi by the same types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from pulumi_policy import PolicyConfigSchema

from podwall.documents import convert
from podwall.plan.values import planned_value
from podwall.policies.errors import Place

__all__ = [
    "AddressSettings",
    "ClusterExemption",
    "ClusterRuleSettings",
    "DeployedSettings",
    "EndSettings",
    "EngineSettings",
    "ExpectationSettings",
    "IsolationSettings",
    "NamespaceExemption",
    "NamespaceRuleSettings",
    "NoSettings",
    "read_settings",
    "schema_of",
]


Text = Annotated[str, msgspec.Meta(min_length=1)]
Name = Annotated[Text, msgspec.Meta(description="the name, exactly")]
Reason = Annotated[Text, msgspec.Meta(description="why the rule does not apply, for reviewers")]
DeniedDirection = Literal["ingress", "egress"]
S = TypeVar("S", bound=msgspec.Struct)


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
