"""Rules for one workload, collected pair by pair and written as few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from podwall.policies import EgressRule, IngressRule, Ports
from podwall.policies.addresses import Anywhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from podwall.policies import Peer

__all__ = ["Allowance", "egress_rules", "ingress_rules", "merged"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """Peers with ports, in one direction of one workload."""

    peers: tuple[Peer, ...] | Anywhere
    ports: Ports


def merged(allowances: Iterable[Allowance]) -> tuple[Allowance, ...]:
    """Return allowances that mean the same together, with every peer and every set of ports once.

    The ports of one peer are united first, and then the peers that have the same ports.
    """
    by_peer: dict[Peer | Anywhere, Ports] = {}
    for each in allowances:
        for peer in _each(each.peers):
            by_peer[peer] = by_peer[peer] | each.ports if peer in by_peer else each.ports
    by_ports: dict[Ports, list[Peer]] = {}
    alone: list[Allowance] = []
    for peer, ports in by_peer.items():
        if isinstance(peer, Anywhere):
            alone.append(Allowance(peer, ports))
        else:
            by_ports.setdefault(ports, []).append(peer)
    return (*alone, *(Allowance(tuple(peers), ports) for ports, peers in by_ports.items()))


def _each(peers: tuple[Peer, ...] | Anywhere) -> tuple[Peer | Anywhere, ...]:
    return (peers,) if isinstance(peers, Anywhere) else peers


def ingress_rules(allowances: Iterable[Allowance]) -> Iterator[IngressRule]:
    """Yield the rules that let peers connect."""
    for each in allowances:
        yield IngressRule(each.peers, each.ports)


def egress_rules(allowances: Iterable[Allowance]) -> Iterator[EgressRule]:
    """Yield the rules that let a workload connect to peers."""
    for each in allowances:
        yield EgressRule(each.peers, each.ports)
