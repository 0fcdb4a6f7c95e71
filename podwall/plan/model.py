"""What a stack will consist of: planned resources with their inputs, as plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any, Final

from podwall.policies.errors import Finding, Place

__all__ = [
    "SECRET",
    "Kubeconfig",
    "Operation",
    "Origin",
    "Plan",
    "PlannedResource",
    "ResourceOptions",
    "Secret",
    "depends_on_any",
]


class Secret(Enum):
    """Stands where a value is secret; the value itself is never kept."""

    VALUE = "[secret]"

    def __str__(self) -> str:
        """Write the mask."""
        return self.value


SECRET: Final = Secret.VALUE


class Origin(StrEnum):
    """Who made the plan."""

    EMBEDDED = "embedded"
    PULUMI = "pulumi"


class Operation(StrEnum):
    """What deployment will do to a resource; `SAME` is nothing.

    `RETAIN`: the program no longer has it, and the cluster keeps it.
    """

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    READ = "read"
    RETAIN = "retain"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class ResourceOptions:
    """The options of a resource that decide what deployment may do to it.

    `aliases` are URNs or `type::name` parts; `timeouts` maps `create`, `update` and `delete` to
    durations such as `60m`; `secret_outputs` are outputs the program declares secret.
    """

    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    deleted_with: str | None = None
    replace_with: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    timeouts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    secret_outputs: tuple[str, ...] = ()
    import_id: str | None = None


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """What a provider's kubeconfig says that is no secret.

    `server` is equal for two that are for the same server, and tells nothing else; `namespace` is
    that of the context, empty where it has none.
    """

    server: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class PlannedResource:
    """One resource of a plan.

    `inputs` are in the provider's own words (camelCase); an `Unknown` stands wherever only
    deployment tells the value, `SECRET` wherever it is secret. `parent` and `provider` are URNs;
    only the stack, which is a resource itself, has no parent. `provider` is None for components and
    for what uses the default provider. `replaced_by` are the property paths that force a
    replacement. `place` is the line of the program that made the resource. `unseen` says, of a
    component whose provider registers its objects, what of them the plan can't show, and why.
    `called` is what the program calls it now, where it has given it another name since.
    `kubeconfig` is what is left of that of a provider, whose text is secret.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    custom: bool = True
    parent: str | None = None
    provider: str | None = None
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    options: ResourceOptions = field(default_factory=ResourceOptions)
    change: Operation = Operation.CREATE
    replaced_by: tuple[str, ...] = ()
    place: Place = field(default_factory=Place)
    unseen: tuple[str, ...] = ()
    called: str = ""
    kubeconfig: Kubeconfig | None = None

    @property
    def protect(self) -> bool:
        """Whether deployment refuses to delete or replace the resource."""
        return self.options.protect

    @property
    def line_or_urn(self) -> Place:
        """The line of the program that made the resource; its URN where no line is known."""
        return self.place if self.place.source else Place(self.urn)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a stack will consist of, in the order in which the program asks for it.

    `outputs` are the stack's exports, with `Unknown` and `SECRET` as in a resource's inputs.
    `warnings` is what the program and Pulumi said while planning. `default_provider` is the default
    Kubernetes provider as the configuration of the stack describes it, where nothing else does.
    """

    project: str
    stack: str
    resources: tuple[PlannedResource, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[Finding, ...] = ()
    origin: Origin = Origin.EMBEDDED
    default_provider: PlannedResource | None = None

    def afterwards(self) -> Plan:
        """Return what there is after the deployment: the plan without what is deleted."""
        kept = (each for each in self.resources if each.change is not Operation.DELETE)
        return replace(self, resources=tuple(kept))


def depends_on_any(
    urn: str, wanted: Collection[str], resources: Mapping[str, PlannedResource]
) -> bool:
    """Return whether a resource waits, however indirectly, for one of those that are wanted.

    `resources` are those of the plan by URN.

    >>> web = PlannedResource("web", "", "web", {}, dependencies=("shop",))
    >>> shop = PlannedResource("shop", "", "shop", {}, dependencies=("deny",))
    >>> depends_on_any("web", {"deny"}, {"web": web, "shop": shop})
    True
    """
    seen: set[str] = set()
    waiting = [urn]
    while waiting:
        found = waiting.pop()
        if found in wanted:
            return True
        if found not in seen and found in resources:
            seen.add(found)
            waiting += resources[found].dependencies
    return False
