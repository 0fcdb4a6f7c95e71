"""Whether one rule certainly allows everything that another one does."""

from __future__ import annotations

from functools import reduce

from podwall.model import IpNetwork, IpPeer, Peer, PodPeer, PortRule, Rule, Selector, Unknown
from podwall.portset import LAST_PORT, NO_PORTS, PortSet

__all__ = ["rule_covers"]


def rule_covers(broad: Rule | Unknown, narrow: Rule | Unknown) -> bool:
    """Say whether `broad` allows all that `narrow` does, whatever the cluster contains.

    >>> rule_covers(Rule(), Rule(ports=(PortRule(port=80),)))
    True
    """
    if isinstance(broad, Unknown) or isinstance(narrow, Unknown):
        return False
    return _peers_cover(broad.peers, narrow.peers) and _ports_cover(broad.ports, narrow.ports)


def _peers_cover(
    broad: tuple[Peer, ...] | Unknown | None, narrow: tuple[Peer, ...] | Unknown | None
) -> bool:
    if broad is None:
        return True
    if not isinstance(broad, tuple) or not isinstance(narrow, tuple):
        return False
    return all(any(_peer_covers(one, other) for one in broad) for other in narrow)


def _peer_covers(broad: Peer, narrow: Peer) -> bool:
    match broad, narrow:
        case PodPeer(), PodPeer():
            return _selector_covers(broad.pods, narrow.pods) and _namespaces_cover(broad, narrow)
        case IpPeer(), IpPeer():
            return _block_covers(broad, narrow)
        case _:
            return False


def _namespaces_cover(broad: PodPeer, narrow: PodPeer) -> bool:
    if broad.namespaces is None:
        return narrow.namespaces is None
    if narrow.namespaces is None:
        return broad.namespaces == Selector()
    return _selector_covers(broad.namespaces, narrow.namespaces)


def _selector_covers(broad: Selector, narrow: Selector) -> bool:
    """Fewer requirements select more; what is unknown may be anything."""
    if broad.unknown is not None or any(item.unknown for item in broad.requirements):
        return False
    return set(broad.requirements) <= set(narrow.requirements)


def _block_covers(broad: IpPeer, narrow: IpPeer) -> bool:
    if not _contains(broad.network, narrow.network):
        return False
    return all(
        not hole.overlaps(narrow.network)
        or any(_contains(same, hole) for same in narrow.exceptions)
        for hole in broad.exceptions
    )


def _contains(outer: IpNetwork, inner: IpNetwork) -> bool:
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and inner.network_address in outer
    )


def _ports_cover(
    broad: tuple[PortRule | Unknown, ...] | Unknown | None,
    narrow: tuple[PortRule | Unknown, ...] | Unknown | None,
) -> bool:
    if broad is None:
        return True
    if not isinstance(broad, tuple) or not isinstance(narrow, tuple):
        return False
    allowed = reduce(PortSet.__or__, map(_numbers, broad), NO_PORTS)
    return all((_is_known(entry) and entry in broad) or _is_in(entry, allowed) for entry in narrow)


def _is_known(entry: PortRule | Unknown) -> bool:
    if isinstance(entry, Unknown):
        return False
    parts = (entry.protocol, entry.port, entry.end_port)
    return not any(isinstance(part, Unknown) for part in parts)


def _is_in(entry: PortRule | Unknown, allowed: PortSet) -> bool:
    if isinstance(entry, PortRule) and isinstance(entry.port, str):
        whole = PortRule(entry.protocol)
        return bool(_numbers(whole)) and not _numbers(whole) - allowed
    return bool(_numbers(entry)) and not _numbers(entry) - allowed


def _numbers(entry: PortRule | Unknown) -> PortSet:
    """Return the ports of an entry that are known for certain; none of a name or an unknown."""
    if isinstance(entry, Unknown) or isinstance(entry.protocol, Unknown):
        return NO_PORTS
    if entry.port is None:
        return PortSet.of(entry.protocol, 1, LAST_PORT)
    if not isinstance(entry.port, int) or isinstance(entry.end_port, Unknown):
        return NO_PORTS
    return PortSet.of(entry.protocol, entry.port, entry.end_port)
