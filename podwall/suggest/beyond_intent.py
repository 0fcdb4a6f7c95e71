"""What stays open although nothing states it, one finding for one thing.

The analysis cuts addresses where rules do, so that one opening is many connections. They are put
together again: sources with the same destination and ports, then destinations with the same
sources. What is uncertain for one reason is one finding, however many connections it is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Final

from podwall.policies import Finding, Severity
from podwall.portset import PortSet
from podwall.reachability.values import AnyEndpoint, Connection, ExternalRange

__all__ = ["Excess", "beyond_intent"]

_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Excess:
    """Ports of a connection that are open, or may be, and that nothing states."""

    connection: Connection
    open: PortSet
    doubtful: PortSet

    @property
    def because(self) -> str:
        """What the doubtful ports depend on."""
        parts = self.connection.undetermined
        return ", ".join(
            dict.fromkeys(part.because for part in parts if part.ports & self.doubtful)
        )


def beyond_intent(found: Iterable[Excess]) -> Iterator[Finding]:
    """Yield a finding for each set of like connections, and one for each cause of doubt."""
    certain: list[tuple[Connection, PortSet]] = []
    doubtful: defaultdict[str, list[tuple[Connection, PortSet]]] = defaultdict(list)
    for each in found:
        if each.open:
            certain.append((each.connection, each.open))
        if each.doubtful:
            doubtful[each.because].append((each.connection, each.doubtful))
    for flow in _flows(certain):
        yield Finding(
            "open-beyond-intent",
            Severity.ERROR,
            f"{flow}, which no expectation states".replace(" on ", " stays open on ", 1),
            help="see why with `podwall explain`",
        )
    for because, connections in doubtful.items():
        yield _perhaps(_flows(connections), because)


def _perhaps(flows: list[str], because: str) -> Finding:
    return Finding(
        "perhaps-open-beyond-intent",
        Severity.WARNING,
        f"{_some(flows, 'other connections')} may stay open, "
        f"which no expectation states: {because}",
    )


def _flows(connections: Iterable[tuple[Connection, PortSet]]) -> list[str]:
    """Return the connections in words, those that are alike as one."""
    sources: defaultdict[tuple[str, PortSet], dict[str, AnyEndpoint]] = defaultdict(dict)
    ends: dict[str, AnyEndpoint] = {}
    for connection, ports in connections:
        sources[connection.destination_id, ports][connection.source_id] = connection.source
        ends[connection.destination_id] = connection.destination
    targets: defaultdict[tuple[tuple[str, ...], PortSet], list[AnyEndpoint]] = defaultdict(list)
    from_: dict[tuple[str, ...], list[AnyEndpoint]] = {}
    for (destination, ports), several in sources.items():
        key = tuple(several)
        from_[key] = list(several.values())
        targets[key, ports].append(ends[destination])
    return [
        f"{_ends(from_[key])} -> {_ends(to)} on {ports}" for (key, ports), to in targets.items()
    ]


def _ends(ends: Iterable[AnyEndpoint]) -> str:
    """Return endpoints in words: workloads by name, and addresses as few networks as cover them."""
    names: list[str] = []
    ipv4: list[IPv4Network] = []
    ipv6: list[IPv6Network] = []
    for end in ends:
        if not isinstance(end, ExternalRange):
            names.append(end.id)
        elif isinstance(end.network, IPv4Network):
            ipv4.append(end.network)
        else:
            ipv6.append(end.network)
    networks = [*map(str, collapse_addresses(ipv4)), *map(str, collapse_addresses(ipv6))]
    shown = [_some(names, "workloads")] if names else []
    return ", ".join([*shown, _some(networks, "ranges of addresses")] if networks else shown)


def _some(words: list[str], kind: str) -> str:
    """Return the first few, and how many more there are."""
    more = len(words) - _MOST_NAMED
    if more <= 1:
        return ", ".join(words)
    return f"{', '.join(words[:_MOST_NAMED])} and {more} {kind} more"
