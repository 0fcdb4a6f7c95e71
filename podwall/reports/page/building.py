"""Makes the page's document of one analysis, or of two, each endpoint once.

Pods that are not shown have rows and columns, too, a name each, or one for all, laid beside the
table of verdicts. Endpoints of one class in it have equal verdicts with one another, but may do
different things with pods that are not shown: a class is divided by these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from podwall.diff import AnalysisView, ConnectionChangeKind, PairVerdict, SideBySide, side_by_side
from podwall.engines import Engine
from podwall.model import IpNetwork, LabelMap, SnapshotWorkload, Unknown
from podwall.overview import (
    OTHER_PODS,
    ExposureGroup,
    Summary,
    either,
    exposure_groups,
    external_names,
    summary,
)
from podwall.policies.rules import Direction
from podwall.portset import NO_PORTS
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, Undetermined, UnseenPods, WorkloadEndpoint, np
from podwall.reports.page.document import (
    PageChange,
    PageDocument,
    PageEndpoint,
    PageEngine,
    PageEngineNote,
    PageIsolation,
    PageNote,
    PageSide,
)
from podwall.reports.page.policies import (
    EndpointSets,
    IntArray,
    Numbering,
    PagePolicies,
    VerdictNumbers,
    runs_of,
)
from podwall.reports.words import printable
from podwall.verdict_table import CausedVerdict

__all__ = [
    "UnseenRow",
    "UnseenVerdicts",
    "document_of",
    "page_document",
]


#: So many kinds of pods have a row and a column each; more share one, as do several of which a name
#: has more letters than these: it would turn the heads of all columns.
MOST_ROWS: Final = 2
_MOST_LETTERS: Final = 40
#: So many causes are looked up, a few milliseconds each.
_MOST_CAUSES: Final = 50
_SEE: Final = "ask `podwall explain` about these pods"
_NOTHING: Final = PairVerdict(NO_PORTS, NO_PORTS)
Ends = Mapping[str, PairVerdict]
_ABSENT: Final = -1


@dataclass(frozen=True, slots=True)
class UnseenRow:
    """A row and a column of the page: the pods that they are of, in words and by their ids."""

    name: str
    pods: tuple[UnseenPods, ...]

    def endpoint(self) -> PageEndpoint:
        """Return the row as an endpoint of the page."""
        name = printable(self.name)
        ids = tuple(("pods", printable(str(each))) for each in self.pods)
        return PageEndpoint(name, "", name, replicas=None, labels=ids, external=True, unseen=True)

    def verdicts(self, groups: Iterable[ExposureGroup], direction: Direction) -> Ends:
        """Return what passes between the pods and each workload; those of nothing are left out."""
        found: dict[str, PairVerdict] = {}
        mine = frozenset(self.pods)
        for group in groups:
            if group.direction is direction and not mine.isdisjoint(group.pods):
                for name in group.workloads:
                    found[name] = either(found.get(name, _NOTHING), group.ports)
        return found


def _unseen_rows(exposures: Sequence[Sequence[ExposureGroup]]) -> tuple[UnseenRow, ...]:
    """Return the rows for all that is exposed, in one analysis or two."""
    groups = (group for groups in exposures for group in groups)
    pods = tuple(dict.fromkeys(each for group in groups for each in group.pods))
    is_long = len(pods) > 1 and max(len(str(each)) for each in pods) > _MOST_LETTERS
    if len(pods) > MOST_ROWS or is_long:
        return (UnseenRow(OTHER_PODS, pods),)
    return tuple(UnseenRow(str(each), (each,)) for each in pods)


@dataclass(frozen=True, slots=True)
class UnseenVerdicts:
    """What passes between workloads and the pods of each row, by the page's numbers of verdicts.

    Both have a line for each endpoint of the table, and a column for each row.
    """

    into: IntArray
    out: IntArray

    @classmethod
    def of(
        cls,
        reachability: Reachability,
        rows: Sequence[UnseenRow],
        groups: Sequence[ExposureGroup],
        names: Sequence[str],
        numbers: VerdictNumbers,
    ) -> UnseenVerdicts:
        """Read them off the exposure of an analysis; `names` are the ids of the endpoints."""
        causes = _Causes(reachability)
        found = {way: np.zeros((len(names), len(rows)), np.int64) for way in Direction}
        lines = {name: line for line, name in enumerate(names)}
        for (column, row), way in product(enumerate(rows), Direction):
            known: dict[int, int] = {}  # by identity: thousands of workloads share what passes
            there = row.verdicts(groups, way)
            for name, verdict in there.items():
                if id(verdict) not in known:
                    known[id(verdict)] = numbers.verdict(causes.of(row, way, name, verdict))
                found[way][lines[name], column] = known[id(verdict)]
        return cls(found[Direction.INGRESS], found[Direction.EGRESS])


class _Causes:
    """Looks up why connections with pods that are not shown are undetermined, once for alike."""

    def __init__(self, reachability: Reachability) -> None:
        self._reachability = reachability
        self._known: dict[tuple[str, Direction, PairVerdict], CausedVerdict] = {}

    def of(
        self, row: UnseenRow, direction: Direction, workload: str, verdict: PairVerdict
    ) -> CausedVerdict:
        key = row.name, direction, verdict
        if key not in self._known:
            self._known[key] = self._looked_up(row, direction, workload, verdict)
        return self._known[key]

    def _looked_up(
        self, row: UnseenRow, direction: Direction, workload: str, verdict: PairVerdict
    ) -> CausedVerdict:
        if not verdict.undetermined:
            return CausedVerdict(verdict.allowed)
        unknown_cause = Undetermined(verdict.undetermined, _SEE)
        if len(row.pods) > 1 or len(self._known) > _MOST_CAUSES:
            return CausedVerdict(verdict.allowed, (unknown_cause,), exact=False)
        ends = row.pods[0].id, workload
        source, destination = ends if direction is Direction.INGRESS else ends[::-1]
        found = self._reachability.connection(source, destination).undetermined
        return CausedVerdict(verdict.allowed, found or (unknown_cause,), exact=False)


def _extended(
    sources: IntArray, destinations: IntArray, cells: IntArray, unseen: UnseenVerdicts
) -> tuple[IntArray, IntArray, IntArray]:
    """Return classes of sources and destinations, and their cells, with those of the rows.

    The rows come last among the endpoints and among the classes.
    """
    rows = unseen.into.shape[1]
    if not rows:
        return sources, destinations, cells
    wide, source_of, to_rows = _divided(sources, unseen.out)
    long, destination_of, from_rows = _divided(destinations, unseen.into)
    inner = cells[np.ix_(source_of, destination_of)]
    outer = np.zeros((rows, rows), np.int64)
    return (
        np.concatenate([wide, len(source_of) + np.arange(rows)]),
        np.concatenate([long, len(destination_of) + np.arange(rows)]),
        np.concatenate(
            [
                np.concatenate([inner, to_rows], axis=1),
                np.concatenate([from_rows.T, outer], axis=1),
            ]
        ),
    )


def _divided(classes: IntArray, verdicts: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the classes divided by verdicts, the old class of each, and the verdicts of each."""
    there = classes != _ABSENT
    keys, numbers = np.unique(
        np.column_stack([classes, verdicts])[there], axis=0, return_inverse=True
    )
    divided = np.full(len(classes), _ABSENT, np.int64)
    divided[there] = numbers.ravel()
    return divided, keys[:, 0], keys[:, 1:]


def _unseen_changes(
    before: UnseenVerdicts, after: UnseenVerdicts, numbers: VerdictNumbers
) -> Iterator[tuple[int, int, ConnectionChangeKind]]:
    """Yield each change of ports between a workload and a row, once, by the page's numbers.

    That is the number before, that after, and what it means.
    """
    pairs = ((before.into, after.into), (before.out, after.out))
    found = {
        each
        for old, new in pairs
        for each in zip(old.ravel().tolist(), new.ravel().tolist(), strict=True)
    }
    for old, new in sorted(found):
        was, is_ = numbers.passing(old), numbers.passing(new)
        if was != is_:
            yield old, new, ConnectionChangeKind.of(was, is_)


UNKNOWN: Final = "…"


def _page_endpoints(view: SideBySide) -> tuple[PageEndpoint, ...]:
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
        labels=_labels_of(workload.labels),
        host=workload.host_network is True,
        place=printable(_written(workload)),
    )


def _written(workload: SnapshotWorkload) -> str:
    place = workload.place
    return place.source if place.line is None else f"{place.source}:{place.line}"


def _labels_of(labels: LabelMap) -> tuple[tuple[str, str], ...]:
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


def _first_notes(found: Summary, view: SideBySide) -> Iterator[PageNote]:
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


_CHANGES: Final = {
    ConnectionChangeKind.ADDED: "opens",
    ConnectionChangeKind.WIDENED: "widens",
    ConnectionChangeKind.CHANGED: "changes",
    ConnectionChangeKind.NARROWED: "narrows",
    ConnectionChangeKind.REMOVED: "closes",
}


def page_document(after: Reachability, before: Reachability | None = None) -> PageDocument:
    """Return the document of an analysis, and of the change that led to it if `before` is given."""
    view = side_by_side(after, before)
    return document_of(view, summary(view.after.table), exposure_groups(after))


def document_of(
    view: SideBySide, found: Summary, exposure: Sequence[ExposureGroup]
) -> PageDocument:
    """Return the document of one or two analyses.

    `found` is the summary of that after, and `exposure` what it lets pods do that are not shown.
    """
    numbers = VerdictNumbers()
    sides = [each for each in (view.after, view.before) if each is not None]
    verdicts = [np.array([numbers.verdict(v) for v in side.verdicts.verdicts]) for side in sides]
    exposures = [exposure, *(exposure_groups(each.reachability) for each in sides[1:])]
    rows = _unseen_rows(exposures)
    names = [*(each.id for each in view.workloads), *("" for _ in view.outside)]
    unseen = [
        UnseenVerdicts.of(side.reachability, rows, groups, names, numbers)
        for side, groups in zip(sides, exposures, strict=True)
    ]
    written = [_side(*each, numbers) for each in zip(sides, verdicts, unseen, strict=True)]
    return PageDocument(
        engine=_engine(view.after.reachability.engine),
        endpoints=(*_page_endpoints(view), *(each.endpoint() for each in rows)),
        labels=_namespace_labels(view),
        ports=numbers.page_ports(),
        verdicts=numbers.page_verdicts(),
        after=written[0],
        before=written[1] if view.before is not None else None,
        changes=tuple(dict.fromkeys(_changes(view, verdicts, unseen, numbers))),
        notes=tuple(_first_notes(found, view)),
    )


def _side(
    side: AnalysisView, verdicts: IntArray, unseen: UnseenVerdicts, numbers: VerdictNumbers
) -> PageSide:
    """Return one analysis for the page; `verdicts` has the page's number of each verdict."""
    rows, columns, cells = _extended(
        side.sources, side.destinations, verdicts[side.verdicts.cells], unseen
    )
    nothing = np.zeros(len(rows) - len(side.sources), np.int64)
    sets = EndpointSets(side.elements, side.scopes.universe)
    policies = PagePolicies(side.scopes, sets, numbers)
    isolations: Numbering[PageIsolation] = Numbering(PageIsolation(()))
    ingress, egress = (
        tuple(map(isolations.of, policies.isolations(way, side.elements)))
        for way in (Direction.INGRESS, Direction.EGRESS)
    )
    return PageSide(
        rows=tuple(rows.tolist()),
        columns=tuple(columns.tolist()),
        cells=tuple(map(runs_of, cells)),
        selves=tuple(np.concatenate([verdicts[side.selves], nothing]).tolist()),
        isolations=isolations.values,
        ingress=(*ingress, *nothing.tolist()),
        egress=(*egress, *nothing.tolist()),
        policies=policies.policies(),
        exempt={way.field: policies.exemptions(way) for way in Direction},
        hiding=policies.hiding(),
        tiers={way.field: policies.tiers(way) for way in Direction},
        sets=sets.values,
    )


def _changes(
    view: SideBySide,
    verdicts: list[IntArray],
    unseen: list[UnseenVerdicts],
    numbers: VerdictNumbers,
) -> Iterator[PageChange]:
    """Yield the changes with the page's numbers of verdicts, which are those after, then before."""
    for before, after, kind in view.changes():
        yield PageChange(int(verdicts[1][before]), int(verdicts[0][after]), _CHANGES[kind])
    if view.before is not None:
        for old, new, kind in _unseen_changes(unseen[1], unseen[0], numbers):
            yield PageChange(old, new, _CHANGES[kind])


def _engine(engine: Engine) -> PageEngine:
    notes = tuple(PageEngineNote(fact.says, fact.link) for fact in engine.departures().values())
    pods, nodes = engine.pods_by_block.says, engine.nodes_by_block.says
    return PageEngine(engine.name, engine.title, pods, nodes, notes)


def _namespace_labels(view: SideBySide) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the labels of the namespaces that are shown, as they are after the change."""
    labels: dict[str, tuple[tuple[str, str], ...]] = {}
    sides = [each for each in (view.after, view.before) if each is not None]
    for reachability in (each.reachability for each in sides):
        for each in reachability.workloads:
            name = each.workload.namespace
            if isinstance(name, str) and printable(name) not in labels:
                labels[printable(name)] = _labels_of(reachability.cluster.namespaces.of(name))
    return labels
