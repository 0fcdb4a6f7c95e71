"""What a Kubernetes provider says about its objects: their namespace, where they name none.

The provider puts an object without a namespace into its own: that of its `namespace`, else that of
the context in its `kubeconfig`. The default provider takes both from the configuration of the
stack; a provider of the program's own does not.

https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/provider.go
https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import yaml

from podwall.plan.model import SECRET, Kubeconfig, PlannedResource
from podwall.plan.values import UNKNOWN, is_secret, is_unknown
from podwall.policies.unknown import Unknown
from podwall.yaml_values import yaml_values

__all__ = ["PROVIDER", "default_provider", "kubeconfig", "kubeconfig_of", "provider_namespace"]

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
    """Return what a secret holds, where the engine is told; an encrypted one holds nothing."""
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
