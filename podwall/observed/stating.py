"""What was observed, stated as expectations: the least that keeps it working.

Each pair of endpoints is one expectation for all its ports, so that `podwall.suggest` writes the
policies and proves them as it does for expectations that a person wrote. What no policy with ports
can keep is not stated, and said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from ipaddress import ip_network

from podwall.expectations import Addresses, Expectation, Selection, WorkloadId, allowed
from podwall.model import IpProtocol
from podwall.observed.comparing import MOST_ADDRESSES, FlowKey, ObservedFlow, ObservedFlows
from podwall.quick_dataclass import dataclass

__all__ = ["StatedFlows", "stated"]


@dataclass(frozen=True, slots=True)
class StatedFlows:
    """Expectations that state what was observed, and what is to be known of them.

    `rare` are the flows that were seen at most so often as was asked for, `left_out` how often
    something passed that is not kept, by the reason, and `silent` the workloads that no record
    shows.
    """

    expectations: tuple[Expectation, ...]
    rare: tuple[tuple[FlowKey, ObservedFlow], ...]
    left_out: Counter[str]
    silent: tuple[str, ...]
    ranges: tuple[FlowKey, ...]


def stated(observed: ObservedFlows, rare: int = 3) -> StatedFlows:
    """Return what was observed to pass as expectations.

    Args:
        observed: the flows, with the analysis that has their ends.
        rare: a flow that was seen so often at most is listed as rare; it is stated all the same.
    """
    kept: defaultdict[tuple[str, str], list[tuple[FlowKey, ObservedFlow]]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    workloads = {each.id for each in observed.found.workloads}
    for key, seen in observed.in_use():
        reason = _not_kept(key, workloads, observed.found.cluster.nodes.keys())
        if reason:
            left_out[reason] += seen.seen
        else:
            kept[key.source, key.destination].append((key, seen))
    flows = [each for pair in kept.values() for each in pair]
    shown = {id_ for pair in kept for id_ in pair}
    return StatedFlows(
        tuple(each for pair in kept.values() for each in _expectations(pair, workloads)),
        tuple((key, seen) for key, seen in flows if seen.seen <= rare),
        left_out,
        tuple(each.id for each in observed.found.workloads if each.id not in shown),
        tuple(key for key, seen in flows if seen.more_addresses),
    )


def _not_kept(key: FlowKey, workloads: set[str], nodes: AbstractSet[str]) -> str:
    """Return why no policy is written for a flow; empty where one is."""
    if key.protocol is IpProtocol.OTHER:
        return "ICMP, which no rule with ports allows"
    if not {key.source, key.destination} & workloads:
        return "traffic without a workload of the source at either end"
    if {key.source, key.destination} & nodes:
        return "traffic of nodes, whose addresses change, and which no selector means"
    return ""


def _expectations(
    flows: list[tuple[FlowKey, ObservedFlow]], workloads: set[str]
) -> Iterator[Expectation]:
    """Yield what states the flows of one pair: once, or for each set of addresses outside."""
    by_ends: defaultdict[tuple[tuple[Selection, ...], tuple[Selection, ...]], list[FlowKey]]
    by_ends = defaultdict(list)
    counts: Counter[tuple[tuple[Selection, ...], tuple[Selection, ...]]] = Counter()
    for key, seen in flows:
        ends = _end(key.source, seen, workloads), _end(key.destination, seen, workloads)
        by_ends[ends].append(key)
        counts[ends] += seen.seen
    for number, (ends, keys) in enumerate(by_ends.items(), 1):
        which = f" ({number})" if len(by_ends) > 1 else ""
        name = f"{keys[0].source} -> {keys[0].destination}{which}, seen in {counts[ends]:,}"
        yield allowed(name, *ends, [_port(each) for each in keys])


def _end(id_: str, seen: ObservedFlow, workloads: set[str]) -> tuple[Selection, ...]:
    """Return a workload, or the addresses that were seen: each, or the range that has them all."""
    if id_ in workloads:
        return (WorkloadId(id_),)
    if seen.more_addresses or not seen.addresses or len(seen.addresses) > MOST_ADDRESSES:
        return (Addresses(ip_network(id_)),)
    return tuple(Addresses(ip_network(each)) for each in sorted(seen.addresses))


def _port(key: FlowKey) -> str:
    return f"{key.port}/{key.protocol.value.lower()}"
