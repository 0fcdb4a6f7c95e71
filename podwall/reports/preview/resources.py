"""Planned resources in a few words each: the properties by which a person knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from podwall.aks.network_engine import PLUGIN
from podwall.aks.resource_types import choice, is_cluster, is_node_pool
from podwall.plan.model import PlannedResource, kind_of
from podwall.policies.unknown import Unknown
from podwall.reports.words import counted

__all__ = ["policy_words", "resource_summary"]


def policy_words(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield whose policy it is, and what each direction that it isolates allows.

    >>> spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    >>> list(policy_words({"spec": spec}))
    ['for app=web', 'ingress closed']
    """
    spec = inputs.get("spec")
    if not isinstance(spec, Mapping):
        yield "known only after deployment"
        return
    yield f"for {_selected(spec.get('podSelector'))}"
    types = spec.get("policyTypes") or _implied_types(spec)
    for direction in ("ingress", "egress"):
        if direction.capitalize() in types:
            yield f"{direction} {_rule_count(spec.get(direction))}"


def _implied_types(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what `policyTypes` is when it is left out."""
    return ("Ingress", "Egress") if spec.get("egress") else ("Ingress",)


def _rule_count(rules: Any) -> str:
    if isinstance(rules, Unknown):
        return "[unknown]"
    number = len(rules or ())
    return counted(number, "rule") if number else "closed"


def _selected(selector: Any) -> str:
    if not isinstance(selector, Mapping):
        return "[unknown]" if isinstance(selector, Unknown) else "all pods"
    labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    if isinstance(labels, Unknown) or isinstance(expressions, Unknown):
        return "[unknown]"
    words = [*(f"{key}={value}" for key, value in labels.items()), *map(_expression, expressions)]
    return " ".join(words) or "all pods"


def _expression(expression: Any) -> str:
    if not isinstance(expression, Mapping):
        return "[unknown]"
    values = expression.get("values") or ()
    listed = f" {'|'.join(map(str, values))}" if isinstance(values, (list, tuple)) else ""
    return f"{expression.get('key')} {expression.get('operator')}{listed}".rstrip()


Inputs = Mapping[str, Any]
Words = Callable[[Inputs], Iterator[str]]


def resource_summary(resource: PlannedResource) -> str:
    """Return the properties of a resource that matter, or nothing for a kind that has none.

    >>> pool = {"vmSize": "Standard_D4ds_v5", "minCount": 1, "maxCount": 3, "mode": "User"}
    >>> resource_summary(PlannedResource("", "azure-native:containerservice:AgentPool", "p", pool))
    'User, Standard_D4ds_v5, 1 to 3 nodes'
    """
    words = _words_for(resource.type)
    return ", ".join(words(resource.inputs)) if words else ""


_PLUGINS: Final = {"azure": "Azure CNI", "none": "own networking", None: "default networking"}


def _words_for(type_: str) -> Words | None:
    if is_cluster(type_):
        return _cluster
    return _pool if is_node_pool(type_) else _WORDS.get(kind_of(type_))


def _cluster(inputs: Inputs) -> Iterator[str]:
    network = _mapping(inputs, "networkProfile")
    plugin = choice(inputs, PLUGIN)
    titled = _PLUGINS.get(plugin, plugin) if isinstance(plugin, str | None) else plugin
    yield " ".join(_plain(titled, network.get("networkPluginMode")))
    yield f"network policy {_text(network.get('networkPolicy', 'none'))}"
    yield from _labelled("Kubernetes", inputs.get("kubernetesVersion"))
    if _mapping(inputs, "apiServerAccessProfile").get("enablePrivateCluster"):
        yield "private"
    yield from _plain(_mapping(inputs, "sku").get("tier"), inputs.get("location"))


def _pool(inputs: Inputs) -> Iterator[str]:
    yield from _plain(inputs.get("mode"), inputs.get("vmSize"))
    least, most = inputs.get("minCount"), inputs.get("maxCount")
    if least is not None or most is not None:
        yield f"{_text(least)} to {_text(most)} nodes"
    else:
        yield from _counted(inputs.get("count"), "node")
    zones = _list(inputs, "availabilityZones")
    if zones:
        yield f"zones {' '.join(map(_text, zones))}"


def _address_space(inputs: Inputs) -> Iterator[str]:
    yield from map(_text, _list(_mapping(inputs, "addressSpace"), "addressPrefixes"))


def _subnet(inputs: Inputs) -> Iterator[str]:
    yield from _plain(inputs.get("addressPrefix"), *_list(inputs, "addressPrefixes"))


def _location(inputs: Inputs) -> Iterator[str]:
    yield from _plain(inputs.get("location"))


def _namespace(inputs: Inputs) -> Iterator[str]:
    labels = _mapping(_mapping(inputs, "metadata"), "labels")
    yield from _labelled("pod security", labels.get("pod-security.kubernetes.io/enforce"))


def _workload(inputs: Inputs) -> Iterator[str]:
    spec = _mapping(inputs, "spec")
    if _mapping(spec, "template"):
        yield from _counted(spec.get("replicas", 1), "pod")
        spec = _mapping(_mapping(spec, "template"), "spec")
    yield from _containers(spec)


def _containers(spec: Inputs) -> Iterator[str]:
    for container in _items(spec, "containers"):
        yield _text(container.get("image", "no image")).rpartition("/")[2]
        for port in _items(container, "ports"):
            yield f"port {_text(port.get('containerPort'))}"


def _service(inputs: Inputs) -> Iterator[str]:
    spec = _mapping(inputs, "spec")
    yield _text(spec.get("type", "ClusterIP"))
    yield from (f"port {_text(port.get('port'))}" for port in _items(spec, "ports"))


def _mapping(inputs: Inputs, key: str) -> Inputs:
    value = inputs.get(key)
    return value if isinstance(value, Mapping) else {}


def _items(inputs: Inputs, key: str) -> list[Inputs]:
    """Return the objects of a list, as far as they are known."""
    return [item for item in _list(inputs, key) if isinstance(item, Mapping)]


def _list(inputs: Inputs, key: str) -> Sequence[Any]:
    value = inputs.get(key)
    return value if isinstance(value, (list, tuple)) else ()


def _labelled(label: str, value: Any) -> Iterator[str]:
    if value is not None:
        yield f"{label} {_text(value)}"


def _plain(*values: Any) -> Iterator[str]:
    yield from (_text(value) for value in values if value is not None)


def _counted(number: Any, noun: str) -> Iterator[str]:
    if number is not None:
        known = isinstance(number, int)
        yield counted(number, noun) if known else f"{_text(number)} {noun}s"


def _text(value: Any) -> str:
    if isinstance(value, Unknown):
        return "[unknown]"
    return str(value)


_WORDS: Final[Mapping[str, Words]] = {
    "DaemonSet": _workload,
    "Deployment": _workload,
    "Job": _workload,
    "Namespace": _namespace,
    "NetworkPolicy": policy_words,
    "Pod": _workload,
    "ResourceGroup": _location,
    "Service": _service,
    "StatefulSet": _workload,
    "Subnet": _subnet,
    "VirtualNetwork": _address_space,
}
