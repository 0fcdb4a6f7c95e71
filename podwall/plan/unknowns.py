"""Say why an input of a planned resource is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from podwall.plan.wire import planned_value
from podwall.policies.unknown import Unknown

__all__ = ["Steps", "kind_of", "unknown_inputs", "unknowns_in"]

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
