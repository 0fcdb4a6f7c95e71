"""The judge of Cilium's kinds: manifests read naively, one packet at a time, no shared code.

What NetworkPolicies say it asks the other judge. Of an end that is no pod it knows the address.
Labels that are not of a pod's identity are taken off first, so that every selector misses them.
https://docs.cilium.io/en/stable/security/policy/
https://docs.cilium.io/en/stable/operations/performance/scalability/identity-relevant-labels/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from podwall.model import IpProtocol, LabelMap, Snapshot
from tests.oracle import End, Pod, consulted, covers_any

__all__ = ["passes"]

Manifest = Mapping[str, Any]
_NAMESPACE = "io.kubernetes.pod.namespace"
_NO_IDENTITY = re.compile(
    r"(io\.)?kubernetes(\.io)?/|k8s\.io|.*beta\.kubernetes\.io|pod-template-(generation|hash)|annotation"
    r"|controller-revision-hash|etcd_node"
)
_NO_NAMESPACE_LABEL = re.compile(r".*beta\.kubernetes\.io")


def passes(
    cluster: Snapshot,
    objects: Sequence[Manifest],
    source: End,
    destination: End,
    packet: tuple[IpProtocol, int],
) -> bool:
    """Return whether a packet passes, which both ends have to let it."""
    if source == destination:
        return True
    cluster, source, destination = _seen(cluster), _seen_end(source), _seen_end(destination)
    leaves = _side(cluster, objects, "egress", source, destination, packet)
    return leaves and _side(cluster, objects, "ingress", destination, source, packet)


def _seen(cluster: Snapshot) -> Snapshot:
    """Return the cluster as Cilium sees its namespaces; pods come as ends."""
    spaces = (replace(each, labels=_without(_NO_NAMESPACE_LABEL, each.labels))
              for each in cluster.namespaces)  # fmt: skip
    return replace(cluster, namespaces=tuple(spaces))


def _seen_end(end: End) -> End:
    if not isinstance(end, Pod):
        return end
    labels = _without(_NO_IDENTITY, end.workload.labels)
    return end._replace(workload=replace(end.workload, labels=labels))


def _without(pattern: re.Pattern[str], labels: LabelMap) -> LabelMap:
    kept = ((key, value) for key, value in labels.items if not pattern.match(key))
    return LabelMap(tuple(kept))


def _side(  # noqa: PLR0913, PLR0917 - the two ends, once as source and once as destination
    cluster: Snapshot,
    objects: Sequence[Manifest],
    direction: str,
    subject: End,
    peer: End,
    packet: tuple[IpProtocol, int],
) -> bool:
    if not isinstance(subject, Pod):
        return True
    mine = [
        (namespace, spec)
        for namespace, spec in _specs(objects)
        if _subject(spec["endpointSelector"], namespace, subject)
    ]
    rules = {
        key: [(namespace, rule) for namespace, spec in mine for rule in spec.get(key) or ()]
        for key in (direction, f"{direction}Deny")
    }
    matching = {
        key: any(_speaks(each, namespace, direction, peer, packet)
                 for namespace, each in those)
        for key, those in rules.items()
    }  # fmt: skip
    if matching[f"{direction}Deny"]:
        return False
    plain = consulted(cluster, direction, subject, peer)
    if matching[direction]:
        return True
    if plain is not None and covers_any(plain, peer, *packet):
        return True
    return plain is None and not any(_isolates(spec, direction) for _, spec in mine)


def _specs(objects: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for each in objects:
        namespace = each["metadata"].get("namespace", "")
        yield from ((namespace, spec) for spec in each.get("specs", ()))
        if "spec" in each:
            yield namespace, each["spec"]


def _isolates(spec: Manifest, direction: str) -> bool:
    has_rules = bool(spec.get(direction)) or bool(spec.get(f"{direction}Deny"))
    return bool(spec.get("enableDefaultDeny", {}).get(direction, has_rules))


def _labels(pod: Pod) -> dict[str, str]:
    """Return the labels that a pod has to Cilium, without their source."""
    name = str(pod.workload.namespace)
    own = {key: str(value) for key, value in pod.workload.labels.items}
    return {**own, _NAMESPACE: name}


def _subject(selector: Manifest, namespace: str, pod: Pod) -> bool:
    there = not namespace or pod.workload.namespace == namespace
    return there and _selects(selector, _labels(pod))


def _selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    equal = (labels.get(_key(k)) == v for k, v in selector.get("matchLabels", {}).items())
    return all(equal) and all(_holds(e, labels) for e in selector.get("matchExpressions", ()))


def _key(written: str) -> str:
    return written.partition(":")[2] if ":" in written else written


def _holds(expression: Manifest, labels: Mapping[str, str]) -> bool:
    value = labels.get(_key(expression["key"]))
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def _speaks(
    rule: Manifest,
    namespace: str,
    direction: str,
    peer: End,
    packet: tuple[IpProtocol, int],
) -> bool:
    way = "from" if direction == "ingress" else "to"
    lists = {key.removeprefix(way): those for key, those in rule.items() if key.startswith(way)}
    ports = lists.pop("Ports", rule.get("toPorts"))
    if not lists and not ports:
        return False
    meant = not lists or any(_means(*each, namespace, peer) for each in lists.items())
    return meant and (not ports or any(_opens(each, *packet) for each in ports))


def _means(kind: str, listed: Any, namespace: str, peer: End) -> bool:
    if kind == "Entities":
        return any(_is_entity(each, peer) for each in listed)
    if kind == "Endpoints":
        return isinstance(peer, Pod) and any(
            _is_endpoint(each, namespace, _labels(peer)) for each in listed
        )
    blocks = ({"cidr": each} if isinstance(each, str) else each for each in listed)
    return not isinstance(peer, Pod) and any(
        peer in ip_network(each["cidr"])
        and not any(peer in ip_network(hole) for hole in each.get("except", ()))
        for each in blocks
    )


def _is_endpoint(selector: Manifest, namespace: str, labels: Mapping[str, str]) -> bool:
    asked = [*selector.get("matchLabels", {})]
    asked += [each["key"] for each in selector.get("matchExpressions", ())]
    elsewhere = any(_key(each) == _NAMESPACE for each in asked) or not namespace
    return (elsewhere or labels[_NAMESPACE] == namespace) and _selects(selector, labels)


def _is_entity(name: str, peer: End) -> bool:
    if name in {"all", "cluster"} and isinstance(peer, Pod):
        return True
    if isinstance(peer, Pod):
        return False
    return name in {"all", "world", f"world-ipv{peer.version}"}


def _opens(entry: Manifest, protocol: IpProtocol, port: int) -> bool:
    for each in entry.get("ports", ()):
        first = int(each["port"])
        among = first == 0 or first <= port <= each.get("endPort", first)
        mine = each.get("protocol", "ANY")
        if among and protocol is not IpProtocol.OTHER and mine in {"ANY", str(protocol)}:
            return True
    return False
