"""The difference of two analyses the long way: every pair looked up twice."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from podwall.diff import Diff, PairVerdict
from podwall.portset import NO_PORTS
from podwall.reachability import ExternalRange, Reachability
from podwall.reachability.matching import first_address

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["compared", "told"]

Key = tuple[str, str]
Outcomes = dict[Key, tuple[PairVerdict, PairVerdict]]

NOTHING = PairVerdict(NO_PORTS)


def compared(old: Reachability, new: Reachability) -> Outcomes:
    """Return what differs between workloads by id, and addresses that stand for every range."""
    probes = _probes(old, new)
    before, after = _expanded(old, probes), _expanded(new, probes)
    return {
        key: (before.get(key, NOTHING), after.get(key, NOTHING))
        for key in before.keys() | after.keys()
        if before.get(key, NOTHING) != after.get(key, NOTHING)
    }


def _probes(*sides: Reachability) -> dict[str, int]:
    """Return the first address of every range of both partitions."""
    ranges = {each.network.network_address for side in sides for each in side.externals}
    return {str(address): first_address(ip_network(address)) for address in ranges}


def _expanded(side: Reachability, probes: dict[str, int]) -> dict[Key, PairVerdict]:
    ends = {each.id: each.id for each in side.workloads}
    for name, place in probes.items():
        (ends[name],) = (each.id for each in side.externals if _holds(each, place))
    found: dict[Key, PairVerdict] = {}
    for source, from_ in ends.items():
        for destination, to in ends.items():
            connection = side.connection(from_, to)
            doubtful = NO_PORTS
            for part in connection.undetermined:
                doubtful |= part.ports
            found[source, destination] = PairVerdict(connection.allowed, doubtful)
    return found


def _holds(range_: ExternalRange, place: int) -> bool:
    first = first_address(range_.network)
    return first <= place < first + range_.network.num_addresses


def told(difference: Diff) -> Outcomes:
    """Return the changes in the same form; no pair may be told twice."""
    probes = _probes(difference.old, difference.new)
    found: Outcomes = {}
    for change in difference.changes():
        for source in _names(change.source, probes):
            for destination in _names(change.destination, probes):
                assert (source, destination) not in found
                found[source, destination] = (change.before, change.after)
    return found


def _names(end: object, probes: dict[str, int]) -> Iterator[str]:
    if isinstance(end, ExternalRange):
        yield from (name for name, place in probes.items() if _holds(end, place))
    else:
        yield getattr(end, "id", "")
