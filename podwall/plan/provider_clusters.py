"""Tell which cluster of a stack each object goes to, and take a plan apart by them.

An object goes to the cluster that its provider speaks to. Two providers speak to the same cluster
for certain where they have the same kubeconfig, or kubeconfigs of one server; where one that is not
known yet depends on the same cluster of the stack; and where neither has any, so that both take
what the environment says. In any other case nobody knows, and they are kept apart: a policy of one
cluster protects no pod of another.

https://www.pulumi.com/docs/iac/concepts/resources/providers/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from podwall.aks.resource_types import is_any_cluster, is_managed_namespace, is_node_pool
from podwall.plan.model import Operation, Plan, PlannedResource, depends_on_any
from podwall.plan.providers import PROVIDER, kubeconfig

__all__ = ["ProviderCluster", "cluster_identity", "only_of", "provider_clusters"]

ResourcesByUrn = Mapping[str, PlannedResource]
_DEFAULT: Final = "default"
_STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"


@dataclass(frozen=True, slots=True)
class ProviderCluster:
    """A cluster as the providers of a stack tell it: their URNs, and what it is called.

    `name` is that of its first provider; `also` are the other providers, and the AKS clusters.
    """

    name: str
    providers: frozenset[str]
    also: frozenset[str] = frozenset()


def provider_clusters(*plans: Plan) -> tuple[ProviderCluster, ...]:
    """Return the clusters that the objects of some plans go to, in the order of their objects.

    The plans are of one stack at different times.
    """
    used: dict[str, None] = {}
    for plan in plans:
        used |= dict.fromkeys(each.provider or "" for each in plan.resources if _goes(each))
    groups = _Groups(used)
    for plan in plans:
        groups.join(_by_identity(plan, used))
    return tuple(_named(groups.all(), plans))


def _goes(resource: PlannedResource) -> bool:
    """Return whether a resource goes to a cluster, or is there."""
    return resource.custom and resource.type.startswith("kubernetes:")


class _Groups:
    """Provider URNs, joined into groups."""

    def __init__(self, urns: Iterable[str]) -> None:
        self._of = {urn: urn for urn in urns}

    def join(self, groups: Iterable[Sequence[str]]) -> None:
        for first, *others in groups:
            for other in others:
                old, new = self._of[other], self._of[first]
                self._of = {urn: new if of == old else of for urn, of in self._of.items()}

    def all(self) -> list[list[str]]:
        found: dict[str, list[str]] = {}
        for urn, of in self._of.items():
            found.setdefault(of, []).append(urn)
        return list(found.values())


def _by_identity(plan: Plan, used: Iterable[str]) -> Iterable[list[str]]:
    by_urn = {each.urn: each for each in plan.resources}
    found: dict[object, list[str]] = {}
    for urn in used:
        provider = by_urn.get(urn, None if urn else plan.default_provider)
        found.setdefault(cluster_identity(urn, provider, by_urn), []).append(urn)
    return found.values()


def cluster_identity(
    urn: str, provider: PlannedResource | None, resources: ResourcesByUrn
) -> tuple[object, ...]:
    """Return what is equal for two providers only where they speak to the same cluster.

    Args:
        urn: the provider's URN, empty for a default provider that is not listed.
        provider: the provider, None where the plan does not show it.
        resources: those of the plan, by URN.
    """
    if provider is None:
        return ("environment", "", "") if _is_default(urn) else ("provider", urn)
    inputs = provider.inputs
    chosen = tuple(each if isinstance(each := inputs.get(key), str) else "" for key in _CHOICES)
    if folder := inputs.get("renderYamlToDirectory"):
        return "folder", folder if isinstance(folder, str) else urn
    known = kubeconfig(provider)
    if known is not None:
        return "kubeconfig", known.server
    of = _only_origin(provider, resources)
    if of is None:
        return ("provider", urn) if inputs.get("kubeconfig") else ("environment", *chosen)
    return ("of", of, *chosen)


_CHOICES: Final = ("context", "cluster")


def _is_default(urn: str) -> bool:
    name = urn.rpartition("::")[2]
    return not urn or name == _DEFAULT or name.startswith(f"{_DEFAULT}_")


def _only_origin(provider: PlannedResource, resources: ResourcesByUrn) -> str | None:
    """Return the one cluster that a kubeconfig comes from, None where that is not certain."""
    given = frozenset(provider.property_dependencies.get("kubeconfig", ()))
    depends = given or provider.dependencies
    clusters = {urn for urn in _clusters(resources) if _depends(depends, urn, resources)}
    is_shared = any(_type(urn) == _STACK_REFERENCE for urn in given)
    found = clusters or (frozenset() if is_shared else given)
    return next(iter(found)) if len(found) == 1 else None


def _type(urn: str) -> str:
    return urn.rpartition("::")[0].rpartition("::")[2].rpartition("$")[2]


def _clusters(resources: ResourcesByUrn) -> Iterator[str]:
    return (urn for urn, each in resources.items() if is_any_cluster(each.type, each.inputs))


def _depends(urns: Iterable[str], wanted: str, resources: ResourcesByUrn) -> bool:
    return any(depends_on_any(urn, {wanted}, resources) for urn in urns)


def _named(groups: Sequence[Sequence[str]], plans: Sequence[Plan]) -> Iterator[ProviderCluster]:
    names = [_name(group[0]) for group in groups]
    count = Counter(names)
    for name, group in zip(names, groups, strict=True):
        also = {_name(urn) for urn in group} | set(_aks_clusters(group, plans))
        own = name if count[name] == 1 else group[0]
        yield ProviderCluster(own, frozenset(group), frozenset(also - {own}))


def _name(urn: str) -> str:
    return _DEFAULT if _is_default(urn) else urn.rpartition("::")[2]


def _aks_clusters(providers: Iterable[str], plans: Iterable[Plan]) -> Iterator[str]:
    for plan in plans:
        by_urn = {each.urn: each for each in plan.resources}
        yield from (
            by_urn[urn].name for urn in _clusters(by_urn) if _depends(providers, urn, by_urn)
        )


def only_of(plan: Plan, wanted: frozenset[str], others: frozenset[str]) -> Plan:
    """Return a plan without what goes to other clusters, and without those.

    Args:
        plan: the plan of a stack.
        wanted: the URNs of the providers of the cluster that is wanted.
        others: those of the providers of the other ones.
    """
    by_urn = {each.urn: each for each in plan.resources}
    theirs = {
        urn
        for urn in _clusters(by_urn)
        if _depends(others, urn, by_urn) and not _depends(wanted, urn, by_urn)
    }
    gone = {each.urn for each in plan.resources if _is_elsewhere(each, others, theirs, by_urn)}
    gone |= set(_emptied(plan.resources, gone))
    return replace(plan, resources=tuple(each for each in plan.resources if each.urn not in gone))


def _is_elsewhere(
    resource: PlannedResource, others: frozenset[str], clusters: set[str], resources: ResourcesByUrn
) -> bool:
    if resource.type.startswith("kubernetes:"):
        is_unsaid = not resource.custom and resource.provider is None
        return not is_unsaid and (resource.provider or "") in others
    if resource.type == PROVIDER:
        return resource.urn in others
    is_part = is_node_pool(resource.type) or is_managed_namespace(resource.type)
    return resource.urn in clusters or (
        is_part and bool(clusters) and depends_on_any(resource.urn, clusters, resources)
    )


def _emptied(resources: Iterable[PlannedResource], gone: set[str]) -> Iterator[str]:
    """Yield the components of objects all of which go elsewhere."""
    children: dict[str, list[Any]] = {}
    listed = list(resources)
    for each in listed:
        if each.parent and each.change is not Operation.DELETE:
            children.setdefault(each.parent, []).append(each.urn)
    for each in listed:
        own = children.get(each.urn, ())
        is_component = not each.custom and each.type.startswith("kubernetes:")
        if is_component and own and all(urn in gone for urn in own):
            yield each.urn
