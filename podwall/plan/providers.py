"""What Kubernetes providers say about their objects: the namespace, and the cluster they go to.

The provider puts an object without a namespace into its own: that of its `namespace`, else that of
the context in its `kubeconfig`. The default provider takes both from the configuration of the
stack; a provider of the program's own does not.

https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/provider.go
https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/

An object goes to the cluster that its provider speaks to. Two providers speak to the same cluster
for certain where they have the same kubeconfig, or kubeconfigs of one server; where one that is not
known yet depends on the same cluster of the stack; and where neither has any, so that both take
what the environment says. In any other case nobody knows, and they are kept apart: a policy of one
cluster protects no pod of another.

https://www.pulumi.com/docs/iac/concepts/resources/providers/
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import yaml

from podwall.aks.resource_types import is_any_cluster, is_managed_namespace, is_node_pool
from podwall.plan.model import (
    SECRET,
    UNKNOWN,
    Kubeconfig,
    Operation,
    Plan,
    PlannedResource,
    depends_on_any,
    is_secret,
    is_unknown,
)
from podwall.policies.errors import Unknown
from podwall.quick_dataclass import dataclass
from podwall.yaml_values import yaml_values

__all__ = [
    "PROVIDER",
    "ProviderCluster",
    "cluster_identity",
    "default_provider",
    "kubeconfig",
    "kubeconfig_of",
    "only_of",
    "provider_clusters",
    "provider_namespace",
]

PROVIDER: Final = "pulumi:providers:kubernetes"
_PACKAGE: Final = "kubernetes"


def default_provider(
    config: Mapping[str, Any], secret_keys: Collection[str] = ()
) -> PlannedResource | None:
    """Return the default provider of a stack with this configuration, None if it says nothing.

    Keys are full, as `kubernetes:namespace`, or in the old form `kubernetes:config:namespace`.

    >>> found = default_provider({"kubernetes:namespace": "shop", "shop:replicas": "2"})
    >>> dict(found.inputs)
    {'namespace': 'shop'}
    """
    found = dict(_settings(config, secret_keys))
    if not found:
        return None
    own = {key: value for key, value in _values(config) if value}
    return PlannedResource(
        "", PROVIDER, "default", MappingProxyType(found), kubeconfig=kubeconfig_of(own)
    )


def _values(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        package, _, name = key.replace(":config:", ":").partition(":")
        if package == _PACKAGE:
            yield name, value


def _settings(config: Mapping[str, Any], secret_keys: Collection[str]) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        package, _, name = key.replace(":config:", ":").partition(":")
        if package != _PACKAGE or not value:
            continue
        is_unknown = isinstance(value, str) and UNKNOWN in value
        unknown = Unknown(f"`{key}` of the stack's configuration is encrypted")
        yield name, unknown if is_unknown else SECRET if key in secret_keys else value


def provider_namespace(provider: PlannedResource | None) -> str | Unknown | None:
    """Return the namespace of objects that name none, None where the provider names none either.

    >>> context = {"name": "aks", "context": {"cluster": "aks", "namespace": "shop"}}
    >>> kubeconfig = str({"current-context": "aks", "contexts": [context]})
    >>> provider_namespace(PlannedResource("", PROVIDER, "k8s", {"kubeconfig": kubeconfig}))
    'shop'
    """
    if provider is None:
        return None
    given = provider.inputs.get("namespace")
    if given is SECRET:
        return Unknown(f"the namespace of Provider `{provider.name}` is secret")
    if given:
        return given if isinstance(given, str | Unknown) else None
    return _context_namespace(provider)


def _context_namespace(provider: PlannedResource) -> str | None:
    found = kubeconfig(provider)
    return found.namespace or None if found else None


def kubeconfig(provider: PlannedResource) -> Kubeconfig | None:
    """Return what is known of a provider's kubeconfig, None where that is nothing."""
    return provider.kubeconfig or kubeconfig_of(provider.inputs)


def kubeconfig_of(inputs: Mapping[str, Any]) -> Kubeconfig | None:
    """Return what the kubeconfig says in a provider's inputs, as the engine is sent them.

    Of a server there is a digest, and of a kubeconfig that names none (a path of one, for example)
    a digest of the whole: whether two are equal is all that anybody asks.

    >>> kubeconfig = {"current-context": "aks", "contexts": [{"name": "aks", "context": {
    ...     "cluster": "aks", "namespace": "shop"}}],
    ...     "clusters": [{"name": "aks", "cluster": {"server": "https://aks"}}]}
    >>> kubeconfig_of({"kubeconfig": str(kubeconfig)})
    Kubeconfig(server='78485b6ededb1e85', namespace='shop')
    """
    text = _plain(inputs.get("kubeconfig"))
    if not isinstance(text, str) or not text or is_unknown(text) or text == str(SECRET):
        return None
    read = _read(text)
    context = _context(inputs, read)
    cluster = inputs.get("cluster") or context.get("cluster")
    server = _text(_entry(read, "clusters", cluster).get("server"))
    chosen = [str(inputs.get(key) or "") for key in ("context", "cluster")]
    return Kubeconfig(
        _digest(server or "\0".join((text, *chosen))), _text(context.get("namespace")) or ""
    )


def _plain(value: Any) -> Any:
    """Return what a secret holds if a preview shows it; an encrypted one holds nothing."""
    return value.get("value") if isinstance(value, Mapping) and is_secret(value) else value


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGITS]


_DIGITS: Final = 16


def _context(inputs: Mapping[str, Any], kubeconfig: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = inputs.get("context") or kubeconfig.get("current-context")
    return _entry(kubeconfig, "contexts", wanted)


def _entry(kubeconfig: Mapping[str, Any], field: str, name: Any) -> Mapping[str, Any]:
    """Return what one of a kubeconfig's lists has under a name; nothing if it is not there."""
    listed = kubeconfig.get(field)
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping) and each.get("name") == name:
            found = each.get(field.removesuffix("s"))
            return found if isinstance(found, Mapping) else {}
    return {}


def _text(value: Any) -> str | None:
    return value if value and isinstance(value, str) else None


def _read(kubeconfig: str) -> Mapping[str, Any]:
    """Return a kubeconfig that is given as text; a path of one, or no YAML, says nothing."""
    try:
        values = [each.value for each in yaml_values(kubeconfig.encode("utf-8", "replace"))]
    except yaml.YAMLError:
        return {}
    return values[0] if values and isinstance(values[0], Mapping) else {}


ResourcesByUrn = Mapping[str, PlannedResource]
_DEFAULT: Final = "default"
_STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"


@dataclass(frozen=True, slots=True)
class ProviderCluster:
    """A cluster as the providers of a stack tell it: their URNs, and what it is called.

    `name` is that of its first provider; `also` are the other providers, and the AKS clusters.
    `perhaps` are the names of others of which nothing tells whether they are this one.
    """

    name: str
    providers: frozenset[str]
    also: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


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
    named = list(_named(groups.all(), plans))
    return tuple(replace(each, perhaps=_perhaps(each, named, plans)) for each in named)


def _perhaps(
    one: ProviderCluster, named: Iterable[ProviderCluster], plans: Sequence[Plan]
) -> frozenset[str]:
    return frozenset(
        other.name
        for other in named
        if other is not one and not any(_apart(one, other, plan) for plan in plans)
    )


def _apart(one: ProviderCluster, other: ProviderCluster, plan: Plan) -> bool:
    """Return whether some plan tells that two clusters are not the same."""
    by_urn = {each.urn: each for each in plan.resources}
    ours, theirs = (
        [cluster_identity(urn, _provider_of(urn, plan, by_urn), by_urn) for urn in each.providers]
        for each in (one, other)
    )
    return any(_are_different(first, second, by_urn) for first in ours for second in theirs)


def _are_different(
    first: tuple[object, ...], second: tuple[object, ...], resources: ResourcesByUrn
) -> bool:
    """Return whether two identities are certainly those of different clusters.

    Two servers are two clusters, and so are two clusters of the program, and a folder is none. Of
    a kubeconfig that is not read, or that is the environment's, nothing tells whose it is.
    """
    kinds = {str(first[0]), str(second[0])}
    if "folder" in kinds:
        return True
    if kinds == {"of"}:
        origins = {str(first[1]), str(second[1])}
        return len(origins) > 1 and origins <= set(_clusters(resources))
    return kinds == {"kubeconfig"} and first != second


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
        provider = _provider_of(urn, plan, by_urn)
        found.setdefault(cluster_identity(urn, provider, by_urn), []).append(urn)
    return found.values()


def _provider_of(urn: str, plan: Plan, resources: ResourcesByUrn) -> PlannedResource | None:
    return resources.get(urn, None if urn else plan.default_provider)


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
