"""The endpoints of the page, each once for one or two analyses, and the first notes on them.

Ranges outside the cluster that behave alike in every analysis are one endpoint here, so that the
rest of the internet is one row and not the forty ranges that it takes to write it. Each analysis
covers all addresses, and networks contain each other or do not touch: the common parts are the
networks that contain no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from podwall.model import IpNetwork, LabelMap, SnapshotWorkload, Unknown
from podwall.overview import Summary, external_names
from podwall.reachability import WorkloadEndpoint
from podwall.reachability.arrays import IntArray
from podwall.reports.page.document import PageEndpoint, PageNote
from podwall.reports.words import printable
from podwall.verdict_table import VerdictTable

__all__ = ["PageEndpoints", "first_notes", "labels_of", "page_endpoints"]


UNKNOWN: Final = "…"


@dataclass(frozen=True, slots=True)
class PageEndpoints:
    """The endpoints, and for each analysis their places in its `endpoints` (-1: not there)."""

    endpoints: tuple[PageEndpoint, ...]
    places: tuple[IntArray, ...]


def page_endpoints(tables: Sequence[VerdictTable]) -> PageEndpoints:
    """Return the endpoints of one or more analyses of the same stack."""
    by_id: dict[str, WorkloadEndpoint] = {}
    for table in tables:
        by_id.update((each.id, each) for each in table.reachability.workloads)
    ids = sorted(by_id, key=lambda name: (by_id[name].namespace, name))
    groups = list(_groups(tables))
    workloads = [_workload(by_id[name]) for name in ids]
    networks = [group for group, _ in groups]
    outside = map(_outside, external_names(networks), networks)
    places = [_places(table, ids) for table in tables]
    for number, found in enumerate(places):
        found.extend(group_places[number] for _, group_places in groups)
    return PageEndpoints(
        (*workloads, *outside), tuple(np.array(each, dtype=np.int64) for each in places)
    )


def _places(table: VerdictTable, ids: Sequence[str]) -> list[int]:
    place = {each.id: number for number, each in enumerate(table.endpoints)}
    return [place.get(name, -1) for name in ids]


def _workload(endpoint: WorkloadEndpoint) -> PageEndpoint:
    workload = endpoint.workload
    return PageEndpoint(
        id=printable(endpoint.id),
        namespace=printable(endpoint.namespace),
        name=printable(endpoint.name),
        kind=printable(workload.kind),
        replicas=None if isinstance(workload.replicas, Unknown) else workload.replicas,
        labels=labels_of(workload.labels),
        host=workload.host_network is True,
        place=printable(_written(workload)),
    )


def _written(workload: SnapshotWorkload) -> str:
    place = workload.place
    return place.source if place.line is None else f"{place.source}:{place.line}"


def labels_of(labels: LabelMap) -> tuple[tuple[str, str], ...]:
    """Return labels as the page shows them; a value that is not known yet is an ellipsis."""
    return tuple(
        (printable(key), UNKNOWN if isinstance(value, Unknown) else printable(value))
        for key, value in labels.items
    )


_NetworkGroup = tuple[list[IpNetwork], tuple[int, ...]]


def _groups(tables: Sequence[VerdictTable]) -> Iterator[_NetworkGroup]:
    """Yield networks that all analyses treat alike, with the place of one of them in each."""
    groups: dict[tuple[int, ...], _NetworkGroup] = {}
    for network, places in _parts(tables):
        roles = [
            role
            for table, place in zip(tables, places, strict=True)
            for role in (int(table.sources[place]), int(table.destinations[place]))
        ]
        groups.setdefault(tuple(roles), ([], places))[0].append(network)
    # The rest of the internet comes last.
    yield from sorted(groups.values(), key=lambda group: _addresses(group[0]))


def _parts(tables: Sequence[VerdictTable]) -> Iterator[tuple[IpNetwork, tuple[int, ...]]]:
    """Yield the networks into which all analyses together cut the outside.

    Each analysis covers all addresses, and networks contain each other or do not touch: the parts
    are the networks that contain no other.
    """
    known = [_by_network(table) for table in tables]
    found = {network for each in known for network in each}
    containing: defaultdict[IpNetwork, bool] = defaultdict(bool)
    for network in found:
        for above in _supernets(network):
            containing[above] = True
    for network in sorted((each for each in found if not containing[each]), key=_order):
        yield network, tuple(_holder(each, network) for each in known)


def _by_network(table: VerdictTable) -> dict[IpNetwork, int]:
    first = len(table.reachability.workloads)
    return {each.network: first + k for k, each in enumerate(table.reachability.externals)}


def _holder(known: dict[IpNetwork, int], network: IpNetwork) -> int:
    if network in known:
        return known[network]
    return next(known[above] for above in _supernets(network) if above in known)


def _supernets(network: IpNetwork) -> Iterator[IpNetwork]:
    for prefix in range(network.prefixlen - 1, -1, -1):
        yield network.supernet(new_prefix=prefix)


def _order(network: IpNetwork) -> tuple[int, int]:
    return network.version, int(network.network_address)


def _addresses(networks: Sequence[IpNetwork]) -> int:
    return sum(network.num_addresses for network in networks)


def _outside(name: str, networks: Sequence[IpNetwork]) -> PageEndpoint:
    shown = tuple(("range", str(network)) for network in networks)
    return PageEndpoint(name, "", name, replicas=None, labels=shown, external=True)


_PHRASES: Final = (
    ("can be reached from outside the cluster", "can be reached from outside the cluster"),
    ("accepts connections from anyone", "accept connections from anyone"),
    ("may connect to anyone", "may connect to anyone"),
)


def first_notes(found: Summary, ends: PageEndpoints) -> Iterator[PageNote]:
    """Yield the notes on an analysis, the first of those in `ends`."""
    if not found.workloads:
        return
    number = {place: k for k, place in enumerate(ends.places[0].tolist())}
    lists = (found.from_outside, found.open_ingress, found.open_egress)
    for places, (one, many) in zip(lists, _PHRASES, strict=True):
        yield _note(tuple(number[place] for place in places), found.workloads, one, many)


def _note(endpoints: tuple[int, ...], workloads: int, one: str, many: str) -> PageNote:
    match len(endpoints):
        case 0:
            return PageNote("No", f"workload {one}.")
        case count if count == workloads:
            # To name all of them would tell nothing.
            return PageNote("Every", f"workload {one}.")
        case 1:
            return PageNote("1", f"workload {one}:", endpoints)
        case count:
            return PageNote(f"{count:,}", f"workloads {many}:", endpoints)
