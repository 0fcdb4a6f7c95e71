"""A guarded cluster: large namespaces with their policies, and cluster policies in both tiers.

Every cluster policy has 25 rules, half of them incoming, about namespaces and, outgoing, about
networks, each for a port of its own.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from random import Random

from benchmarks.antrea import large_namespaces
from podwall.model import (
    EMPTY_SELECTOR,
    IpPeer,
    IpProtocol,
    Operator,
    PodPeer,
    PortRule,
    Selector,
    SelectorRequirement,
    Snapshot,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
)

__all__ = ["guarded"]

_RULES = 25
_SUBJECTS = 6


def guarded(namespaces: int, policies: int = 50) -> Snapshot:
    """Return a cluster of large namespaces with cluster policies, half of them in each tier."""
    rng = Random(7)
    cluster = large_namespaces(namespaces)
    names = [each.name for each in cluster.namespaces]
    made = tuple(_policy(rng, number, names) for number in range(policies))
    return replace(cluster, tier_policies=made)


def _policy(rng: Random, number: int, names: list[str]) -> TierPolicy:
    tier = TierName.ADMIN if number % 2 else TierName.BASELINE
    ingress = tuple(_rule(rng, names, outgoing=False) for _ in range(_RULES // 2))
    egress = tuple(_rule(rng, names, outgoing=True) for _ in range(_RULES - _RULES // 2))
    subject = PodPeer(EMPTY_SELECTOR, _among(rng, names, rng.choice((1, 3, _SUBJECTS, 0))))
    name = f"{tier.lower()}-{number}"
    return TierPolicy("ClusterNetworkPolicy", name, tier, number, subject, ingress, egress)


def _rule(rng: Random, names: list[str], *, outgoing: bool) -> TierRule:
    action = rng.choice(tuple(TierAction))
    ports = (PortRule(rng.choice((IpProtocol.TCP, IpProtocol.UDP)), rng.randint(1, 9000)),)
    if outgoing and rng.random() < 0.2:
        block = ip_network((rng.getrandbits(24) << 8, 24))
        return TierRule(action, (IpPeer(block),), ports)
    return TierRule(
        action, (PodPeer(EMPTY_SELECTOR, _among(rng, names, rng.randint(1, 4))),), ports
    )


def _among(rng: Random, names: list[str], count: int) -> Selector:
    """Return a selector of some namespaces by name, of all for none."""
    if not count:
        return EMPTY_SELECTOR
    values = tuple(sorted(rng.sample(names, count)))
    key = "kubernetes.io/metadata.name"
    return Selector((SelectorRequirement(key, Operator.IN, values),))
