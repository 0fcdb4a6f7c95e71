"""The judge of Calico's kinds: manifests read naively, tier by tier, one packet at a time.

It shares nothing with the analysis; what a single NetworkPolicy says it asks the other judge.
Selectors are turned into Python and evaluated.
https://docs.tigera.io/calico/latest/reference/resources/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from math import inf
from typing import Any

from podwall.model import IpProtocol, Snapshot
from tests.oracle import End, Pod, consulted, covers_any

__all__ = ["passes"]

Manifest = Mapping[str, Any]


def passes(
    cluster: Snapshot,
    objects: Sequence[Manifest],
    source: End,
    destination: End,
    packet: tuple[IpProtocol, int],
) -> bool:
    """Return whether a packet passes."""
    if source == destination:
        return True
    return _side(cluster, objects, "egress", source, destination, packet) and _side(
        cluster, objects, "ingress", source, destination, packet
    )


def _side(  # noqa: PLR0913, PLR0917 - both ends, the direction and the packet
    cluster: Snapshot,
    objects: Sequence[Manifest],
    direction: str,
    source: End,
    destination: End,
    packet: tuple[IpProtocol, int],
) -> bool:
    subject, peer = (source, destination) if direction == "egress" else (destination, source)
    if not isinstance(subject, Pod) or subject.workload.host_network:
        return True
    if isinstance(peer, Pod) and peer.workload.host_network and peer.node == subject.node:
        return True
    for tier, passing in _tiers(objects):
        verdict = _in_tier(cluster, objects, tier, direction, source, destination, packet)
        if verdict in {"Allow", "Deny"}:
            return verdict == "Allow"
        if verdict == "no match" and not passing:
            return False
    return True


def _tiers(objects: Sequence[Manifest]) -> Iterator[tuple[str, bool]]:
    """Yield the tiers in order, and whether each passes on what it does not match."""
    written = [each for each in objects if each["kind"] == "Tier"]
    listed = [
        (each["spec"].get("order", inf), each["metadata"]["name"],
         each["spec"].get("defaultAction") == "Pass")
        for each in written
    ]  # fmt: skip
    for _, name, passing in sorted([*listed, (1_000_000, "default", False)]):
        yield name, passing


def _in_tier(  # noqa: PLR0913, PLR0917 - both ends, the tier and the packet
    cluster: Snapshot,
    objects: Sequence[Manifest],
    tier: str,
    direction: str,
    source: End,
    destination: End,
    packet: tuple[IpProtocol, int],
) -> str:
    """Return what a tier does: an action, `no match`, or `not about it`."""
    subject, peer = (source, destination) if direction == "egress" else (destination, source)
    assert isinstance(subject, Pod)
    own = [
        (each["spec"].get("order", inf), each)
        for each in objects
        if each["kind"].endswith("NetworkPolicy") and each["spec"].get("tier", "default") == tier
        and direction.capitalize() in _types(each) and _selects(cluster, each, subject)
    ]  # fmt: skip
    network_policies = _plain(cluster, direction, subject, peer) if tier == "default" else []
    if not own and not network_policies:
        return "not about it"
    ordered: list[tuple[float, int, Any]] = [*((order, 0, each) for order, each in own),
               *((1000, 0, each) for each in network_policies)]  # fmt: skip
    for _, _, policy in sorted(ordered, key=lambda each: each[0]):
        if isinstance(policy, list):
            if covers_any(policy, destination, *packet):
                return "Allow"
            continue
        for rule in policy["spec"].get(direction, ()):
            matches = _matches(cluster, objects, policy, rule, source, destination, packet)
            if matches and rule["action"] != "Log":
                return str(rule["action"])
    return "no match"


def _plain(cluster: Snapshot, direction: str, subject: Pod, peer: End) -> list[list[Any]]:
    """Return for each NetworkPolicy about the pod its rules about the other end."""
    found = []
    policies = {(each.namespace, each.name): each for each in cluster.policies}
    for policy in policies.values():
        alone = replace(cluster, policies=(policy,))
        rules = consulted(alone, direction, subject, peer)
        if rules is not None:
            found.append(rules)
    return found


def _types(policy: Manifest) -> list[str]:
    spec = policy["spec"]
    if spec.get("types"):
        return list(spec["types"])
    if policy["apiVersion"].startswith("crd."):
        return ["Ingress", "Egress"]
    if not spec.get("egress"):
        return ["Ingress"]
    return ["Ingress", "Egress"] if spec.get("ingress") else ["Egress"]


def _selects(cluster: Snapshot, policy: Manifest, pod: Pod) -> bool:
    spec, own = policy["spec"], policy["metadata"].get("namespace")
    there = _space_labels(cluster, pod)
    if own is not None and there["projectcalico.org/name"] != own:
        return False
    spaces = _says(spec.get("namespaceSelector", ""), there)
    return spaces and _says(spec.get("selector", ""), _pod_labels(cluster, pod))


def _space_labels(cluster: Snapshot, pod: Pod) -> dict[str, str]:
    name = str(pod.workload.namespace)
    declared = (dict(each.labels.items) for each in cluster.namespaces if each.name == name)
    own = {key: str(value) for key, value in next(declared, {}).items()}
    return {**own, "kubernetes.io/metadata.name": name, "projectcalico.org/name": name}


def _pod_labels(cluster: Snapshot, pod: Pod) -> dict[str, str]:
    own = {key: str(value) for key, value in pod.workload.labels.items}
    spaces = {f"pcns.{key}": each for key, each in _space_labels(cluster, pod).items()}
    fixed = {"projectcalico.org/namespace": str(pod.workload.namespace),
             "projectcalico.org/orchestrator": "k8s"}  # fmt: skip
    return {**own, **spaces, **fixed}


def _says(selector: str, labels: Mapping[str, str]) -> bool:
    """Evaluate a selector, its words put into Python's."""
    if not selector.strip():
        return True
    texts: list[str] = []

    def kept(found: re.Match[str]) -> str:
        texts.append(found[0][1:-1])
        return f"<{len(texts) - 1}>"

    code = re.sub(r"'[^']*'|\"[^\"]*\"", kept, selector)
    key, text = r"([\w./-]+)", r"\s*<(\d+)>"
    for pattern, put in (
        (rf"has\({key}\)", r"('\1' in L)"),
        (rf"{key}\s*=={text}", r"(L.get('\1') == T[\2])"),
        (rf"{key}\s*!={text}", r"(L.get('\1') != T[\2])"),
        (rf"{key}\s+starts\s*with{text}", r"('\1' in L and L['\1'].startswith(T[\2]))"),
        (rf"{key}\s+ends\s*with{text}", r"('\1' in L and L['\1'].endswith(T[\2]))"),
        (rf"{key}\s+contains{text}", r"('\1' in L and T[\2] in L['\1'])"),
        (rf"{key}\s+not\s+in\s*{{([^}}]*)}}", r"(L.get('\1') not in [\2])"),
        (rf"{key}\s+in\s*{{([^}}]*)}}", r"(L.get('\1') in [\2])"),
        (r"all\(\)", "True"),
        (r"&&", " and "),
        (r"\|\|", " or "),
        (r"!(?!=)", " not "),
        (r"<(\d+)>", r"T[\1]"),
    ):
        code = re.sub(pattern, put, code)
    return bool(eval(code.strip(), {"L": labels, "T": texts}))  # noqa: S307 - our own texts


def _matches(  # noqa: PLR0913, PLR0917 - both ends, the rule and the packet
    cluster: Snapshot,
    objects: Sequence[Manifest],
    policy: Manifest,
    rule: Manifest,
    source: End,
    destination: End,
    packet: tuple[IpProtocol, int],
) -> bool:
    both = ((rule.get("source", {}), source), (rule.get("destination", {}), destination))
    return _speaks(rule, destination, *packet) and all(
        _is_end(cluster, objects, policy, each, end) for each, end in both
    )


def _is_end(
    cluster: Snapshot, objects: Sequence[Manifest], policy: Manifest, asked: Manifest, end: End
) -> bool:
    address = end.address if isinstance(end, Pod) else end
    inside = address is not None and _in(asked.get("nets", ()), address)
    outside = address is None or not _in(asked.get("notNets", ()), address)
    if (asked.get("nets") and not inside) or not outside:
        return False
    wanted, unwanted = asked.get("selector", ""), asked.get("notSelector", "")
    spaces, own = asked.get("namespaceSelector"), policy["metadata"].get("namespace")
    if not wanted and not unwanted and spaces is None:
        return True
    if spaces is None and own is None and not wanted:
        return not _is_among(cluster, objects, unwanted, "all", end)
    where = spaces if spaces is not None else "any" if own is None else own
    is_own = spaces is None and own is not None
    found = _is_among(cluster, objects, wanted, "own " + where if is_own else where, end)
    return found and not (unwanted and _is_among(cluster, objects, unwanted, "any", end))


def _is_among(
    cluster: Snapshot, objects: Sequence[Manifest], selector: str, where: str, end: End
) -> bool:
    """Return whether an end has the labels: a pod its own, an address those of its sets."""
    if isinstance(end, Pod) and not end.workload.host_network:
        there = _space_labels(cluster, end)
        if where.startswith("own "):
            placed = there["projectcalico.org/name"] == where.removeprefix("own ")
        else:
            placed = where in {"any", "all"} or (where != "global()" and _says(where, there))
        if placed and _says(selector, _pod_labels(cluster, end)):
            return True
    address = end.address if isinstance(end, Pod) else end
    if address is None or not (where in {"any", "all"} or _outside(where)):
        return False
    return any(
        _in(each["spec"]["nets"], address) and _says(selector, each["metadata"].get("labels", {}))
        for each in objects
        if each["kind"] == "GlobalNetworkSet"
    )


def _outside(where: str) -> bool:
    """Return whether a selector of namespaces holds for what is in none: it has no such label."""
    if where.startswith("own "):
        return False
    return _says(where.replace("all()", "has(in.a/namespace)").replace("global()", "all()"), {})


def _in(nets: Sequence[str], address: Any) -> bool:
    return any(
        address.version == ip_network(each).version and address in ip_network(each) for each in nets
    )


def _speaks(rule: Manifest, destination: End, protocol: IpProtocol, port: int) -> bool:
    if rule.get("notProtocol") == str(protocol):
        return False
    if rule.get("protocol") not in {None, str(protocol)}:
        return False
    there = rule.get("destination", {})
    listed, left_out = there.get("ports"), there.get("notPorts")
    if listed and not any(_is_port(each, destination, protocol, port) for each in listed):
        return False
    return not any(_is_port(each, destination, protocol, port) for each in left_out or ())


def _is_port(written: int | str, destination: End, protocol: IpProtocol, port: int) -> bool:
    first, _, last = str(written).partition(":")
    if first.isdigit():
        return int(first) <= port <= int(last or first)
    if not isinstance(destination, Pod) or destination.workload.host_network:
        return False
    declared = destination.workload.ports
    return any((e.name, e.protocol, e.number) == (written, protocol, port) for e in declared)
