"""Connections that one side allows by name and the other side never does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial, reduce
from typing import Final

from podwall.explain.wording import peer_text
from podwall.lint.lint import Lint, Said
from podwall.lint.scene import PeerAt, Scene
from podwall.model import PodPeer, PortRule, Rule, Selector, Unknown
from podwall.policies.findings import Severity
from podwall.portset import ALL_PORTS, LAST_PORT, NO_PORTS, PortSet
from podwall.reachability.port_rules import Direction

__all__ = ["LINTS"]

DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#the-two-sorts-of-pod-isolation"
)
#: Of rules about more pairs than this nothing is said.
MOST_PAIRS: Final = 400


def _one_sided(direction: Direction, scene: Scene) -> Iterator[Said]:
    for found in scene.peers:
        peer = found.peer
        if found.at.direction is direction and isinstance(peer, PodPeer) and _is_named(peer):
            pairs = list(_pairs(scene, found, peer))
            if pairs and not _any_passes(scene, pairs, _ports(found.at.rule)):
                yield _said(found, peer)


def _is_named(peer: PodPeer) -> bool:
    """Say whether a peer means certain pods; one that means everyone promises nothing."""
    return bool(peer.pods.requirements) or bool((peer.namespaces or Selector()).requirements)


def _pairs(scene: Scene, found: PeerAt, peer: PodPeer) -> Iterator[tuple[str, str]]:
    """Yield the clients and servers that the rule is about, if they are certain and not many."""
    own = scene.pods.of_policy(found.at.policy).must
    others = scene.pods.of_peer(found.at.policy, peer).must
    if len(own) * len(others) > MOST_PAIRS:
        return
    for one in sorted(own):
        for other in sorted(others):
            ends = (scene.endpoint(one), scene.endpoint(other))
            if one != other and None not in ends:
                yield ends if found.at.direction is Direction.EGRESS else ends[::-1]  # type: ignore[misc]  # None is not in it


def _any_passes(scene: Scene, pairs: list[tuple[str, str]], ports: PortSet) -> bool:
    for source, destination in pairs:
        connection = scene.reachability.connection(source, destination)
        parts = (connection.allowed, *(part.ports for part in connection.undetermined))
        if any(part & ports for part in parts):
            return True
    return False


def _ports(rule: Rule) -> PortSet:
    """Return the ports that a rule may mean; a name or an unknown may mean any."""
    if not isinstance(rule.ports, tuple):
        return ALL_PORTS
    return reduce(PortSet.__or__, map(_entry, rule.ports), NO_PORTS)


def _entry(entry: PortRule | Unknown) -> PortSet:
    if isinstance(entry, Unknown) or isinstance(entry.protocol, Unknown):
        return ALL_PORTS
    if not isinstance(entry.port, int) or isinstance(entry.end_port, Unknown):
        return PortSet.of(entry.protocol, 1, LAST_PORT)
    return PortSet.of(entry.protocol, entry.port, entry.end_port)


def _said(found: PeerAt, peer: PodPeer) -> Said:
    who = peer_text(peer, str(found.at.policy.namespace))
    if found.at.direction is Direction.EGRESS:
        return Said(found.place, f"egress to {who} is allowed, but their ingress never lets it in")
    return Said(found.place, f"ingress from {who} is allowed, but their egress never lets it out")


LINTS: Final = (
    Lint(
        "one-sided-egress",
        Severity.WARNING,
        partial(_one_sided, Direction.EGRESS),
        "a connection needs both sides: allow it in the ingress of the server, too",
        DOC,
    ),
    Lint(
        "one-sided-ingress",
        Severity.WARNING,
        partial(_one_sided, Direction.INGRESS),
        "a connection needs both sides: allow it in the egress of the client, too",
        DOC,
    ),
)
