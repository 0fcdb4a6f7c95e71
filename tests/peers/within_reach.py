"""Generated clusters without what np-guard gets wrong; each rule says what it leaves out.

The same rules, with what was observed, are listed in docs/exactness.md.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from podwall.model import (
    IpPeer,
    LabelMap,
    Policy,
    PortRule,
    Rule,
    Snapshot,
    SnapshotNamespace,
    SnapshotWorkload,
    Unknown,
)
from tests.core.changes import distinct
from tests.core.clusters import KNOWN_REPLICAS, NAMESPACES, Size, random_cluster

__all__ = ["cluster"]

SIZE = Size(workloads=8, policies=8, keys=3, ipv6=False, hosts=False, replicas=KNOWN_REPLICAS)
"""Reads an IPv6 block as garbage IPv4, and takes a hostNetwork pod for any other."""


def cluster(rng: Random) -> Snapshot:
    """Return a random cluster, written so that np-guard reads all of it as it is meant."""
    snapshot = distinct(random_cluster(rng, SIZE))  # refuses two policies of one name
    declared = {each.name: each for each in snapshot.namespaces}
    return replace(
        snapshot,
        namespaces=tuple(
            declared.get(name, SnapshotNamespace(name, LabelMap())) for name in NAMESPACES
        ),
        workloads=tuple(map(_with_each_name_once, snapshot.workloads)),
        policies=tuple(map(_without_names_towards_addresses, snapshot.policies)),
    )


def _with_each_name_once(workload: SnapshotWorkload) -> SnapshotWorkload:
    """Of a port name that several containers declare, it sees the first only."""
    named = {port.name: port for port in reversed(workload.ports) if port.name}
    unnamed = (port for port in workload.ports if not port.name)
    return replace(workload, ports=(*named.values(), *unnamed))


def _without_names_towards_addresses(policy: Policy) -> Policy:
    """It gives up on all where an egress rule names a port and may meet an address."""
    if not isinstance(policy.egress, tuple):
        return policy
    return replace(policy, egress=tuple(map(_numbered, policy.egress)))


def _numbered(rule: Rule | Unknown) -> Rule | Unknown:
    assert isinstance(rule, Rule)
    meets = rule.peers is None or (
        isinstance(rule.peers, tuple) and any(isinstance(each, IpPeer) for each in rule.peers)
    )
    if not meets or not isinstance(rule.ports, tuple):
        return rule
    return replace(rule, ports=tuple(map(_with_a_number, rule.ports)))


def _with_a_number(entry: PortRule | Unknown) -> PortRule | Unknown:
    if isinstance(entry, PortRule) and isinstance(entry.port, str):
        return replace(entry, port=80)
    return entry
