"""Rules that open more than they are likely meant to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from typing import Final

from podwall.lint.lint import Lint, Said
from podwall.lint.scene import RuleAt, Scene
from podwall.model import IpPeer, Peer, PodPeer, PortRule, Protocol, Selector, Unknown
from podwall.policies.findings import Severity
from podwall.reachability.port_rules import Direction

__all__ = ["LINTS"]

DOC: Final = (
    "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/"
    "#NetworkPolicySpec"
)
METADATA: Final = ip_address("169.254.169.254")
METADATA_DOC: Final = "https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service"
HTTP: Final = 80


def _everyone(direction: Direction, scene: Scene) -> Iterator[Said]:
    for at in scene.rules:
        if at.direction is direction and _is_for_everyone(at.rule.peers):
            which = "every port" if at.rule.ports is None else "the listed ports"
            severity = None if at.rule.ports is None else Severity.INFO
            words = {
                Direction.INGRESS: f"everyone may connect to {which}, also from outside",
                Direction.EGRESS: f"the pods may connect to {which} of everyone, also outside",
            }
            yield Said(at.place, words[direction], severity=severity)


def _is_for_everyone(peers: tuple[Peer, ...] | Unknown | None) -> bool:
    if peers is None:
        return True
    return isinstance(peers, tuple) and any(_is_all(peer) for peer in peers)


def _is_all(peer: Peer) -> bool:
    return isinstance(peer, IpPeer) and peer.network.prefixlen == 0 and not peer.exceptions


def _every_namespace(scene: Scene) -> Iterator[Said]:
    for found in scene.peers:
        ingress = found.at.direction is Direction.INGRESS
        if ingress and found.peer == PodPeer(Selector(), Selector()):
            yield Said(found.place, "every pod of every namespace may connect")


def _metadata_service(scene: Scene) -> Iterator[Said]:
    for at in scene.rules:
        if at.direction is Direction.EGRESS and _allows_http(at) and _allows_metadata(at):
            yield Said(
                at.place, f"the rule lets pods ask {METADATA}, which knows the node's secrets"
            )


def _allows_metadata(at: RuleAt) -> bool:
    peers = at.rule.peers
    if peers is None:
        return True
    return isinstance(peers, tuple) and any(
        isinstance(peer, IpPeer)
        and METADATA in peer.network
        and not any(METADATA in hole for hole in peer.exceptions)
        for peer in peers
    )


def _allows_http(at: RuleAt) -> bool:
    ports = at.rule.ports
    return not isinstance(ports, tuple) or any(_is_http(port) for port in ports)


def _is_http(port: PortRule | Unknown) -> bool:
    if isinstance(port, Unknown) or port.protocol is not Protocol.TCP:
        return False
    if not isinstance(port.port, int):
        return port.port is None
    last = port.port if port.end_port is None else port.end_port
    return port.port <= HTTP and (isinstance(last, Unknown) or last >= HTTP)


LINTS: Final = (
    Lint(
        "open-to-everyone",
        Severity.WARNING,
        partial(_everyone, Direction.INGRESS),
        "name the peers in `from`; a list that is left out or empty means all of them",
        DOC,
    ),
    Lint(
        "egress-to-everyone",
        Severity.WARNING,
        partial(_everyone, Direction.EGRESS),
        "name the peers in `to`; a list that is left out or empty means all of them",
        DOC,
    ),
    Lint(
        "open-to-every-namespace",
        Severity.INFO,
        _every_namespace,
        "select the namespaces that need it, or the pods",
        DOC,
    ),
    Lint(
        "metadata-service-open",
        Severity.WARNING,
        _metadata_service,
        f"except `{METADATA}/32` from the ip block",
        METADATA_DOC,
    ),
)
