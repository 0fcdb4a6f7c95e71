"""The judge of tiers: manifests read naively, one packet at a time, in every order there may be.

It shares nothing with the analysis; what NetworkPolicies say it asks the other judge.
https://network-policy-api.sigs.k8s.io/api-overview/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from itertools import chain, groupby, permutations, product
from typing import Any

from podwall.model import IpProtocol, Snapshot
from tests.oracle import End, Pod, consulted, covers_any

__all__ = ["verdicts"]

Manifest = Mapping[str, Any]
_OLD = {"AdminNetworkPolicy": "Admin", "BaselineAdminNetworkPolicy": "Baseline"}


def verdicts(
    cluster: Snapshot,
    objects: Sequence[Manifest],
    source: End,
    destination: End,
    packet: tuple[IpProtocol, int],
) -> set[bool]:
    """Return whether a packet passes: both answers, where policies of one priority disagree."""
    if source == destination:
        return {True}
    egress = set(_side(cluster, objects, "egress", source, destination, destination, packet))
    ingress = set(_side(cluster, objects, "ingress", destination, source, destination, packet))
    return {out and into for out in egress for into in ingress}


def _side(  # noqa: PLR0913, PLR0917 - the two ends, once as source and once as destination
    cluster: Snapshot,
    objects: Sequence[Manifest],
    direction: str,
    subject: End,
    peer: End,
    destination: End,
    packet: tuple[IpProtocol, int],
) -> Iterator[bool]:
    if not isinstance(subject, Pod) or subject.workload.host_network:
        yield True
        return
    if isinstance(peer, Pod) and peer.workload.host_network and peer.node == subject.node:
        yield True
        return

    asked = (cluster, objects, direction, subject, peer, destination, packet)
    for admin in set(_of("Admin", *asked)):
        if admin in {"Accept", "Deny"}:
            yield admin == "Accept"
            continue
        rules = consulted(cluster, direction, subject, peer)
        if rules is not None:
            yield covers_any(rules, destination, *packet)
        else:
            for last in set(_of("Baseline", *asked)):
                yield last != "Deny"


def _of(  # noqa: PLR0913, PLR0917 - as above
    tier: str,
    cluster: Snapshot,
    objects: Sequence[Manifest],
    direction: str,
    subject: Pod,
    peer: End,
    destination: End,
    packet: tuple[IpProtocol, int],
) -> Iterator[str]:
    """Yield what the first matching rule of a tier does, in every order of its policies."""
    for order in _orders(each for each in objects if _tier(each) == tier):
        rules = chain.from_iterable(
            each["spec"].get(direction, ())
            for each in order
            if _selects_pods(cluster, each["spec"]["subject"], subject)
        )
        matching = (
            _action(each)
            for each in rules
            if _means(cluster, each, direction, peer) and _speaks(each, destination, *packet)
        )
        yield next(matching, "None")


def _tier(manifest: Manifest) -> str:
    return _OLD.get(manifest["kind"]) or str(manifest["spec"]["tier"])


def _orders(objects: Any) -> Iterator[tuple[Manifest, ...]]:
    """Yield the objects in every order that their priorities leave open."""
    ascending = sorted(objects, key=_priority)
    groups = [list(group) for _, group in groupby(ascending, _priority)]
    for order in product(*(permutations(group) for group in groups)):
        yield tuple(chain.from_iterable(order))


def _priority(manifest: Manifest) -> int:
    return int(manifest["spec"].get("priority", 0))


def _action(rule: Manifest) -> str:
    return {"Allow": "Accept"}.get(rule["action"], str(rule["action"]))


def _selects_pods(cluster: Snapshot, peer: Manifest, end: End) -> bool:
    if not isinstance(end, Pod) or end.workload.host_network:
        return False
    pods = peer.get("pods", {"namespaceSelector": peer.get("namespaces", {})})
    name = str(end.workload.namespace)
    declared = (dict(each.labels.items) for each in cluster.namespaces if each.name == name)
    there = {**next(declared, {}), "kubernetes.io/metadata.name": name}
    own = dict(end.workload.labels.items)
    return _selects(pods.get("namespaceSelector", {}), there) and _selects(
        pods.get("podSelector", {}), own
    )


def _selects(selector: Manifest, labels: Mapping[str, Any]) -> bool:
    equal = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return equal and all(_holds(each, labels) for each in selector.get("matchExpressions", ()))


def _holds(expression: Manifest, labels: Mapping[str, Any]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value is not None and value in expression["values"]
        case "NotIn":
            return value is None or value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def _means(cluster: Snapshot, rule: Manifest, direction: str, end: End) -> bool:
    peers = rule["from" if direction == "ingress" else "to"]
    return any(
        _in_networks(each["networks"], end)
        if "networks" in each
        else _selects_pods(cluster, each, end)
        for each in peers
    )


def _in_networks(networks: Sequence[str], end: End) -> bool:
    address = end.address if isinstance(end, Pod) else end
    return address is not None and any(
        address.version == ip_network(each).version and address in ip_network(each)
        for each in networks
    )


def _speaks(rule: Manifest, destination: End, protocol: IpProtocol, port: int) -> bool:
    if not rule.get("protocols") and not rule.get("ports"):
        return True
    is_pod = isinstance(destination, Pod) and not destination.workload.host_network
    declared = destination.workload.ports if isinstance(destination, Pod) and is_pod else ()
    named = {each.name for each in declared if (each.protocol, each.number) == (protocol, port)}
    return any(
        _names(entry, named) or _numbers(entry, protocol, port)
        for entry in (*rule.get("protocols", ()), *rule.get("ports", ()))
    )


def _names(entry: Manifest, named: set[str | None]) -> bool:
    return entry.get("destinationNamedPort", entry.get("namedPort", "")) in named


def _numbers(entry: Manifest, protocol: IpProtocol, port: int) -> bool:
    old = entry.get("portNumber") or entry.get("portRange")
    if old is not None:
        mine = str(old.get("protocol", "TCP")) == str(protocol)
        return mine and old.get("start", old.get("port")) <= port <= old.get("end", old.get("port"))
    inner = entry.get(str(protocol).lower())
    if inner is None:
        return False
    written = inner["destinationPort"]
    among = written.get("range") or {"start": written["number"], "end": written["number"]}
    return bool(among["start"] <= port <= among["end"])
