"""Rules of policies in words, as reports that explain quote them."""

from __future__ import annotations

from podwall.explain.wording import blocks_text, peer_text, ports_text
from podwall.model import IpPeer, Operator, Peer, PodPeer, Requirement, Rule, Unknown
from podwall.reachability.namespaces import NAME_LABEL
from podwall.reachability.port_rules import Direction
from podwall.reports.words import printable

__all__ = ["rule_words"]


def rule_words(rule: Rule | Unknown, direction: Direction, namespace: str) -> str:
    """Return a rule of a policy in `namespace` as a person would say it.

    >>> from podwall.model import PortRule
    >>> rule_words(Rule(None, (PortRule(port=80),)), Direction.INGRESS, "shop")
    'from anyone on TCP 80'
    """
    way = "from" if direction is Direction.INGRESS else "to"
    if isinstance(rule, Unknown):
        return printable(f"a rule that is not known yet ({rule.cause})")
    return printable(f"{way} {_peers(rule, namespace)} on {ports_text(rule.ports)}")


def _peers(rule: Rule, namespace: str) -> str:
    if rule.peers is None:
        return "anyone"
    if isinstance(rule.peers, Unknown):
        return peer_text(rule.peers, namespace)
    blocks = tuple(peer for peer in rule.peers if isinstance(peer, IpPeer))
    pods = [_peer(peer, namespace) for peer in rule.peers if not isinstance(peer, IpPeer)]
    return ", or ".join([*pods, *([blocks_text(blocks)] if blocks else [])])


def _peer(peer: Peer, namespace: str) -> str:
    """Return a peer in words; a namespace that is asked for by its name is simply named."""
    if isinstance(peer, PodPeer) and peer.namespaces and not peer.namespaces.unknown:
        match peer.namespaces.requirements:
            case (Requirement(key, Operator.IN, (name,), None),) if key == NAME_LABEL:
                return peer_text(PodPeer(peer.pods), name)
            case _:
                pass
    return peer_text(peer, namespace)
