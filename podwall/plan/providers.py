"""What a Kubernetes provider says about its objects: their namespace, where they name none.

The provider puts an object without a namespace into its own: that of its `namespace`, else that of
the context in its `kubeconfig`. The default provider takes both from the configuration of the
stack; a provider of the program's own does not.

https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/provider.go
https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import yaml

from podwall.plan.model import SECRET, PlannedResource
from podwall.plan.values import UNKNOWN
from podwall.policies.unknown import Unknown
from podwall.yaml_values import yaml_values

__all__ = ["PROVIDER", "default_provider", "kubeconfig_server", "provider_namespace"]

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
    return PlannedResource("", PROVIDER, "default", MappingProxyType(found))


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
    return _text(_context(provider, _read(provider.inputs.get("kubeconfig"))).get("namespace"))


def kubeconfig_server(provider: PlannedResource) -> str | None:
    """Return the address of the server that a kubeconfig is for, None where it does not say.

    >>> kubeconfig = {"current-context": "aks", "contexts": [{"name": "aks", "context": {
    ...     "cluster": "aks"}}], "clusters": [{"name": "aks", "cluster": {"server": "https://aks"}}]}
    >>> kubeconfig_server(PlannedResource("", PROVIDER, "k8s", {"kubeconfig": str(kubeconfig)}))
    'https://aks'
    """
    kubeconfig = _read(provider.inputs.get("kubeconfig"))
    cluster = provider.inputs.get("cluster") or _context(provider, kubeconfig).get("cluster")
    return _text(_entry(kubeconfig, "clusters", cluster).get("server"))


def _context(provider: PlannedResource, kubeconfig: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = provider.inputs.get("context") or kubeconfig.get("current-context")
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


def _read(kubeconfig: Any) -> Mapping[str, Any]:
    """Return a kubeconfig that is given as text; a path of one, or no YAML, says nothing."""
    if not isinstance(kubeconfig, str):
        return {}
    try:
        values = [each.value for each in yaml_values(kubeconfig.encode("utf-8", "replace"))]
    except yaml.YAMLError:
        return {}
    return values[0] if values and isinstance(values[0], Mapping) else {}
