"""The endpoints of the page, each once for one or two analyses, and the first notes on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from podwall.diff import SideBySide
from podwall.model import IpNetwork, LabelMap, SnapshotWorkload, Unknown
from podwall.overview import Summary, external_names
from podwall.reachability import WorkloadEndpoint
from podwall.reports.page.document import PageEndpoint, PageNote
from podwall.reports.words import printable

__all__ = ["first_notes", "labels_of", "page_endpoints"]


UNKNOWN: Final = "…"


def page_endpoints(view: SideBySide) -> tuple[PageEndpoint, ...]:
    """Return the endpoints of one or two analyses of the same stack."""
    outside = map(_outside, external_names(view.outside), view.outside)
    return (*map(_workload, view.workloads), *outside)


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


def _outside(name: str, networks: Sequence[IpNetwork]) -> PageEndpoint:
    shown = tuple(("range", str(network)) for network in networks)
    return PageEndpoint(name, "", name, replicas=None, labels=shown, external=True)


_PHRASES: Final = (
    ("can be reached from outside the cluster", "can be reached from outside the cluster"),
    ("accepts connections from anyone", "accept connections from anyone"),
    ("may connect to anyone", "may connect to anyone"),
)
_PERHAPS: Final = "can perhaps be reached from outside the cluster"


def first_notes(found: Summary, view: SideBySide) -> Iterator[PageNote]:
    """Yield the notes on an analysis, that after the change.

    Where something is undetermined, "no workload" is not more than what is certain.
    """
    if not found.workloads:
        return
    number = {index: k for k, index in enumerate(view.after.indices.tolist())}
    lists = (found.from_outside, found.open_ingress, found.open_egress)
    in_doubt = bool(found.undetermined or found.perhaps_from_outside)
    for indices, (one, many) in zip(lists, _PHRASES, strict=True):
        endpoints = tuple(number[index] for index in indices)
        if in_doubt and not endpoints:
            yield PageNote("No", f"workload {one} for certain.")
        else:
            yield _note(endpoints, found.workloads, one, many)
    if perhaps := tuple(number[index] for index in found.perhaps_from_outside):
        yield _note(perhaps, found.workloads, _PERHAPS, _PERHAPS)


def _note(endpoints: tuple[int, ...], workloads: int, one: str, many: str) -> PageNote:
    match len(endpoints):
        case 0:
            return PageNote("No", f"workload {one}.")
        case count if count == workloads:
            # Their names would add nothing.
            return PageNote("Every", f"workload {one}.")
        case 1:
            return PageNote("1", f"workload {one}:", endpoints)
        case count:
            return PageNote(f"{count:,}", f"workloads {many}:", endpoints)
