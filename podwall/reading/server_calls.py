"""Which services of the cluster the API server calls itself, and for what.

It calls webhooks of admission and of conversion, and passes requests on to the API servers that
extend it. An address (`url`) is outside of what policies of the cluster are about.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from podwall.model import ServerCall
from podwall.reading.metadata import ManifestObject

__all__ = ["server_calls"]

_ADMISSION: Final = frozenset({"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"})
_HTTPS: Final = 443


def server_calls(item: ManifestObject) -> tuple[ServerCall, ...]:
    """Return the calls that an object makes the API server do, as far as they are written."""
    if item.group == "admissionregistration.k8s.io" and item.kind in _ADMISSION:
        return tuple(_of_webhooks(item))
    if (item.group, item.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
        return tuple(_of_conversion(item))
    if (item.group, item.kind) == ("apiregistration.k8s.io", "APIService"):
        client = {"service": _at(item.manifest, "spec", "service")}
        return tuple(_call(item, client, f"API `{item.name}`", "spec.service"))
    return ()


def _of_webhooks(item: ManifestObject) -> Iterator[ServerCall]:
    """Yield the calls of webhooks; one without rules is never called."""
    webhooks = item.manifest.get("webhooks")
    for index, each in enumerate(webhooks if isinstance(webhooks, list | tuple) else ()):
        if _at(each, "rules"):
            what = f"webhook `{_at(each, 'name') or item.name}`"
            needed = _at(each, "failurePolicy") != "Ignore"
            path = f"webhooks[{index}].clientConfig.service"
            yield from _call(item, _at(each, "clientConfig"), what, path, needed=needed)


def _of_conversion(item: ManifestObject) -> Iterator[ServerCall]:
    conversion = _at(item.manifest, "spec", "conversion")
    if _at(conversion, "strategy") == "Webhook":
        client = _at(conversion, "webhook", "clientConfig")
        path = "spec.conversion.webhook.clientConfig.service"
        yield from _call(item, client, f"conversion webhook of `{item.name}`", path)


def _call(
    item: ManifestObject, client: object, what: str, path: str, *, needed: bool = True
) -> Iterator[ServerCall]:
    """Yield the call of a service, if it is one whose name is known."""
    service = _at(client, "service")
    namespace, name = _at(service, "namespace"), _at(service, "name")
    port = _at(service, "port")
    if port is None:
        port = _HTTPS
    if isinstance(namespace, str) and isinstance(name, str) and isinstance(port, int):
        yield ServerCall(what, namespace, name, port, needed, item.place.at(path))


def _at(node: object, *steps: str) -> Any:
    for step in steps:
        node = node.get(step) if isinstance(node, Mapping) else None
    return node
