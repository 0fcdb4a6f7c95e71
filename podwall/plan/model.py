"""What a stack will consist of: planned resources, and their inputs as the engine sends them.

Values are JSON with a few marked forms. The marks are part of Pulumi's protocol, see
`sdk/proto/pulumi/resource.proto` and
https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/serialization-concepts/.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any, Final

from podwall.policies.errors import Finding, Place, Unknown
from podwall.quick_dataclass import dataclass

__all__ = [
    "SECRET",
    "SECRET_MARK",
    "UNKNOWN",
    "Kubeconfig",
    "Operation",
    "Origin",
    "Plan",
    "PlannedResource",
    "ResourceOptions",
    "Secret",
    "Steps",
    "depends_on_any",
    "inside",
    "is_marked",
    "is_secret",
    "is_unknown",
    "kind_of",
    "planned_value",
    "unknown_inputs",
    "unknowns_in",
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
    `built` says that a tool built all of its objects, which are those below it, of a folder here.
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
    built: bool = False
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


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_PART = UNKNOWN.partition("-")[0]
_MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark of a secret
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"

#: What an object carries that stands for a secret, beside its `value`.
SECRET_MARK = MappingProxyType({_MARK: _SECRET})

Cause = Callable[[str], str]

_DEEPEST: Final = 100
"""How many levels of a value are read; Kubernetes' own objects have some 20."""


def is_marked(value: Any) -> bool:
    """Return whether a value is one of the protocol's marked forms (a secret, an asset, ...)."""
    return isinstance(value, Mapping) and _MARK in value


def is_secret(value: Mapping[str, Any]) -> bool:
    """Return whether a mapping stands for a secret value in one of the protocol's forms."""
    return value.get(_MARK) == _SECRET or (
        value.get(_MARK) == _OUTPUT and bool(value.get("secret"))
    )


def planned_value(value: Any, cause: Cause, path: str = "", depth: int = 0) -> Any:
    """Return a value with `Unknown` and `SECRET` in the places that the protocol marks.

    Whole floats become integers and keys are sorted: the protocol knows only doubles, and keeps no
    order. `cause` is given the path of an unknown value and says why it is unknown. So is what is
    nested deeper than 100 levels; `depth` is how many there are above.

    >>> planned_value({"port": 80.0, "key": "[secret]"}, str)
    {'key': <Secret.VALUE: '[secret]'>, 'port': 80}
    """
    match value:
        case str():
            return _text(value, cause, path)
        case float() if value.is_integer():
            return int(value)
        case Mapping() | list() | tuple():
            return _nested(value, cause, path, depth)
        case _:
            return value


def _nested(value: Any, cause: Cause, path: str, depth: int) -> Any:
    if depth >= _DEEPEST:
        return Unknown(f"it is nested deeper than {_DEEPEST} levels")
    if not isinstance(value, Mapping):
        inner = enumerate(value)
        return [planned_value(v, cause, f"{path}[{i}]", depth + 1) for i, v in inner]
    if any(map(is_unknown, value)):
        return Unknown(cause(path))
    read = _marked if _MARK in value else _mapping
    return read(value, cause, path, depth + 1)


def is_unknown(text: str) -> bool:
    """Return whether a text holds the mark of an unknown, or what a program has left of it.

    >>> is_unknown(f"AKS-{UNKNOWN.upper()}"[:24]), is_unknown("aks")
    (True, False)
    """
    # A stand-in of `podwall.plan.stand_ins` is a text that answers no question about itself.
    return str.__contains__(str.casefold(text), _PART)


def _text(value: str, cause: Cause, path: str) -> Any:
    if is_unknown(value):
        return Unknown(cause(path))
    return SECRET if value == str(SECRET) else value


def _mapping(value: Mapping[str, Any], cause: Cause, path: str, depth: int) -> dict[str, Any]:
    keys = sorted(value)
    return {key: planned_value(value[key], cause, inside(path, key), depth) for key in keys}


def inside(path: str, key: str) -> str:
    """Return the path of a key inside the value at `path`.

    >>> inside("metadata.labels", "role"), inside("metadata.labels", "example.com/role")
    ('metadata.labels.role', 'metadata.labels[example.com/role]')
    """
    step = key if key.isidentifier() else f"[{key}]"
    return f"{path}{step}" if step.startswith("[") else f"{path}.{step}".lstrip(".")


def _marked(value: Mapping[str, Any], cause: Cause, path: str, depth: int) -> Any:
    match value[_MARK]:
        case str() as mark if mark == _SECRET:
            return SECRET
        case str() as mark if mark == _OUTPUT:
            return _output(value, cause, path, depth)
        case str() as mark if mark == _RESOURCE:
            return value.get("urn", "")
        case _:
            return _mapping({k: v for k, v in value.items() if k != _MARK}, cause, path, depth)


def _output(value: Mapping[str, Any], cause: Cause, path: str, depth: int) -> Any:
    if value.get("secret"):
        return SECRET
    known = planned_value(value.get("value"), cause, path, depth)
    return known if "value" in value else Unknown(cause(path))


Steps = tuple[str | int, ...]


def unknown_inputs(
    inputs: Mapping[str, Any],
    kind: str,
    name: str,
    dependencies: Mapping[str, Sequence[str]],
) -> Mapping[str, Any]:
    """Return a resource's inputs with every unknown named by its cause.

    >>> sentinel = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    >>> urn = "urn:pulumi:dev::shop::azure-native:containerservice:ManagedCluster::aks"
    >>> found = unknown_inputs({"id": sentinel}, "kubernetes:core/v1:Pod", "web", {"id": [urn]})
    >>> print(found["id"])
    unknown: `id` of Pod `web` is known only after deployment of ManagedCluster `aks`
    """

    def cause(path: str) -> str:
        top = path.partition(".")[0].partition("[")[0]
        origins = " or ".join(_label(urn) for urn in dependencies.get(top, ()))
        after = f" of {origins}" if origins else ""
        return f"`{path}` of {kind_of(kind)} `{name}` is known only after deployment{after}"

    return MappingProxyType({key: planned_value(inputs[key], cause, key) for key in sorted(inputs)})


def unknowns_in(value: Any, path: Steps = ()) -> Iterator[tuple[Steps, Unknown]]:
    """Yield every unknown inside a value with the keys and numbers that lead to it.

    >>> list(unknowns_in({"ports": [80, Unknown("later")]}))
    [(('ports', 1), Unknown(cause='later'))]
    """
    if isinstance(value, Unknown):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from unknowns_in(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from unknowns_in(item, (*path, index))


def kind_of(token: str) -> str:
    """Return what kind of resource a type token stands for.

    >>> kind_of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    'NetworkPolicy'
    >>> kind_of("pulumi:providers:kubernetes")
    'Provider'
    """
    return "Provider" if token.startswith("pulumi:providers:") else token.rpartition(":")[2]


def _label(urn: str) -> str:
    """Return a resource's kind and name from its URN."""
    parts = urn.split("::", 3)
    return f"{kind_of(parts[2])} `{parts[3]}`"
