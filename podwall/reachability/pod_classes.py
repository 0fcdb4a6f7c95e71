"""Classes of pods: pods that no policy of the cluster can tell apart are analysed once.

How it works: of each pod only what policies can look at is kept: the namespace, the labels that
some selector mentions (any other value is one value), the ports whose names some rule mentions, the
host network, and the address parts in which known addresses lie. Equal rests are one class. Which
label maps a selector matches is found through lists of who carries which label.

    selectors mention    app in (web, api)
    pods                 a: app=web, version=1    b: app=web, version=2    c: app=db, version=1
    kept                 a: app=web               b: app=web               c: app=*
    classes              {a, b}, {c}

It is exact: a selector, a rule or a block gives the same answer for two pods with an equal rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import reduce
from ipaddress import ip_network
from operator import and_, sub
from typing import Final, NamedTuple

from podwall.model import (
    LabelMap,
    Operator,
    Selector,
    SelectorRequirement,
    SnapshotWorkload,
    Unknown,
    WorkloadPort,
)
from podwall.portset import Ranges
from podwall.quick_dataclass import dataclass
from podwall.reachability.arrays import Atoms, Csr, IntArray, Registry, unique_rows
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import END, FIRST_V6, Match, first_address, host_match
from podwall.reachability.values import Bound

__all__ = [
    "UNKNOWN_LOCATION",
    "LabelIndex",
    "MentionedLabels",
    "PodClasses",
    "PodLocations",
    "PortNaming",
    "SelectedMaps",
    "address_atoms",
    "pod_classes",
]


_OTHER_VALUE: Final = "\0"
"""Stands for every value that no selector mentions; no label can have it."""

_NONE: Final[frozenset[int]] = frozenset()
_VALUED: Final = frozenset({Operator.IN, Operator.NOT_IN})
_POSITIVE: Final = frozenset({Operator.IN, Operator.EXISTS})


class SelectedMaps(NamedTuple):
    """Label maps by their indices, in ascending order: these, or, if `negated`, all but these."""

    these: IntArray
    negated: bool


class MentionedLabels:
    """The labels that some selector mentions: all others make no difference to any policy."""

    def __init__(self, selectors: Iterable[Selector]) -> None:
        """Collect the keys and their values."""
        self._values: dict[str, set[str]] = defaultdict(set)
        for selector in selectors:
            for requirement in selector.requirements:
                self._values[requirement.key].update(requirement.values)

    def abstract(self, labels: LabelMap) -> LabelMap:
        """Return the labels without what no selector can tell apart."""
        values = self._values
        return LabelMap(
            tuple(
                (key, value if isinstance(value, Unknown) or value in values[key] else _OTHER_VALUE)
                for key, value in labels.items
                if key in values
            ),
            labels.more if values else None,
        )


class _Carriers:
    """Who carries one key: with which value, with a value that is not known, or at all."""

    __slots__ = ("by_value", "everyone", "unknown")

    def __init__(self) -> None:
        self.by_value: defaultdict[str, set[int]] = defaultdict(set)
        self.unknown: set[int] = set()
        self.everyone: set[int] = set()


class LabelIndex:
    """Answers selectors over label maps, by their indices."""

    def __init__(self, maps: Iterable[LabelMap]) -> None:
        """Note for each label who carries it, and who may carry more labels than are known."""
        self._carriers: defaultdict[str, _Carriers] = defaultdict(_Carriers)
        self._open: set[int] = set()
        self._maybe_carriers: dict[str, AbstractSet[int]] = {}
        self.is_known = True
        for index, labels in enumerate(maps):
            self.add(index, labels)

    def add(self, index: int, labels: LabelMap) -> None:
        """Take a label map under an index at which there is none."""
        self._maybe_carriers.clear()
        if labels.more is not None:
            self._open.add(index)
            self.is_known = False
        for key, value in labels.items:
            carriers = self._carriers[key]
            carriers.everyone.add(index)
            if isinstance(value, Unknown):
                carriers.unknown.add(index)
                self.is_known = False
            else:
                carriers.by_value[value].add(index)

    def remove(self, index: int, labels: LabelMap) -> None:
        """Take away the label map that is at an index; what was not known counts as before."""
        self._maybe_carriers.clear()
        self._open.discard(index)
        for key, value in labels.items:
            carriers = self._carriers[key]
            carriers.everyone.discard(index)
            if isinstance(value, Unknown):
                carriers.unknown.discard(index)
            else:
                carriers.by_value[value].discard(index)

    def select(self, selector: Selector, bound: Bound) -> SelectedMaps:
        """Return the maps that a selector matches for certain (`MUST`), or may match (`MAY`)."""
        if selector.unknown is not None and bound is Bound.MUST:
            return SelectedMaps(_sorted(_NONE), negated=False)
        needed: list[AbstractSet[int]] = []
        barred: list[AbstractSet[int]] = []
        for each in selector.requirements:
            if each.operator in _POSITIVE:
                needed.append(self._with(each, bound))
            else:
                barred.append(self._with(each, bound.other))
        if not needed:
            return SelectedMaps(_sorted(_NONE.union(*barred)), negated=True)
        first, *rest = sorted(needed, key=len)
        found = reduce(and_, rest, first)
        return SelectedMaps(_sorted(reduce(sub, barred, found)), negated=False)

    def _with(self, requirement: SelectorRequirement, bound: Bound) -> AbstractSet[int]:
        """Return the maps that have the key, with one of the values if it names values."""
        if requirement.overlooked:
            return _NONE
        carriers = self._carriers.get(requirement.key)
        valued = requirement.operator in _VALUED
        found: AbstractSet[int] = _NONE
        if carriers is not None and valued:
            found = _union([carriers.by_value.get(value, _NONE) for value in requirement.values])
        elif carriers is not None:
            found = carriers.everyone
        if bound is Bound.MUST:
            return found
        return found | self._perhaps(requirement, carriers, valued=valued)

    def _perhaps(
        self, requirement: SelectorRequirement, carriers: _Carriers | None, *, valued: bool
    ) -> AbstractSet[int]:
        """Return the maps of which it is not known whether the requirement's key and value fit."""
        if requirement.key not in self._maybe_carriers:
            known = _NONE if carriers is None else carriers.everyone
            self._maybe_carriers[requirement.key] = self._open - known
        found = self._maybe_carriers[requirement.key]
        if carriers is not None and valued:
            found = found | (carriers.everyone if requirement.unknown else carriers.unknown)
        return found


def _union(sets: Sequence[AbstractSet[int]]) -> AbstractSet[int]:
    return sets[0] if len(sets) == 1 else _NONE.union(*sets)


def _sorted(indices: AbstractSet[int]) -> IntArray:
    found = np.fromiter(indices, dtype=np.int64, count=len(indices))
    found.sort()
    return found


PortNaming = tuple[tuple["WorkloadPort", ...], Unknown | None]
"""The declared ports whose names some rule mentions, and why there may be more."""


def address_atoms(blocks: Sequence[Ranges]) -> Atoms:
    """Return the parts into which ip blocks cut all addresses; no part mixes the families."""
    return Atoms(blocks, (0, FIRST_V6, END))


UNKNOWN_LOCATION: Final = 0
"""The location of pods whose addresses are not known."""


class PodLocations:
    """Numbers the locations of pods: the address parts in which the addresses of a pod lie."""

    def __init__(self, addresses: Atoms) -> None:
        """Begin with the location that is not known."""
        self._addresses = addresses
        self._parts = Registry[tuple[int, ...]]()
        self._parts.number(())

    def __len__(self) -> int:
        """Return the number of locations."""
        return len(self._parts.values)

    def number(self, workload: SnapshotWorkload) -> int:
        """Return the number of a workload's location."""
        if not workload.addresses:
            return UNKNOWN_LOCATION
        firsts = (first_address(ip_network(each)) for each in workload.addresses)
        return self._parts.number(tuple(sorted({self._addresses.at(each) for each in firsts})))

    def within(self, parts: IntArray) -> IntArray:
        """Return for each location whether it is in some address parts, wholly or partly."""
        locations = Csr.of_lists([np.array(each, dtype=np.int64) for each in self._parts.values])
        inside = np.zeros(len(self._addresses), dtype=np.int64)
        inside[parts] = 1
        count = np.bincount(
            locations.owners(), weights=inside[locations.items], minlength=len(self)
        )
        some = np.where(count > 0, Match.MAYBE, Match.NO)
        return np.where(count == locations.lengths, Match.YES, some)


@dataclass(frozen=True, slots=True)
class PodClasses:
    """The classes of a cluster's workloads.

    `of_workload` gives each workload's class; the other arrays have one entry for each class:
    numbers into `namespaces`, `labels`, `namings` and `locations`, and whether its pods use the
    host network.
    """

    of_workload: IntArray
    namespace: IntArray
    label: IntArray
    naming: IntArray
    host: IntArray
    location: IntArray
    namespaces: tuple[str | Unknown, ...]
    labels: tuple[LabelMap, ...]
    namings: tuple[PortNaming, ...]
    locations: PodLocations

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.namespace)


def pod_classes(
    workloads: Sequence[SnapshotWorkload],
    mentions: MentionedLabels,
    port_names: AbstractSet[str],
    locations: PodLocations,
) -> PodClasses:
    """Return the classes of workloads, given what the selectors and rules of a cluster mention.

    Pods whose doubts have other causes are in other classes.
    """
    looks = _Looks(mentions, _Namings(port_names), locations)
    numbers = np.fromiter(map(looks.number, workloads), dtype=np.int64, count=len(workloads))
    classes, of_look = unique_rows(np.array(looks.rows, dtype=np.int64).reshape(-1, 6))
    return PodClasses(
        of_workload=of_look[numbers],
        namespace=classes[:, 0],
        label=classes[:, 1],
        naming=classes[:, 2],
        host=classes[:, 3],
        location=classes[:, 4],
        namespaces=tuple(looks.namespaces.values),
        labels=tuple(looks.labels.values),
        namings=tuple(looks.namings.registry.values),
        locations=locations,
    )


class _Looks:
    """Numbers all that is written of a pod and that its class may depend on.

    Many pods of a large cluster look alike, and only for each look is asked what it means. `rows`
    have that: what is equal in two rows no policy can tell apart.
    """

    def __init__(
        self, mentions: MentionedLabels, namings: _Namings, locations: PodLocations
    ) -> None:
        self.namespaces = Registry[str | Unknown]()
        self.labels = Registry[LabelMap]()
        self.namings = namings
        self.rows: list[tuple[int, ...]] = []
        self._hosts = Registry[bool | Unknown]()
        self._locations = locations
        self._mentions = mentions
        self._written: dict[object, int] = {}
        self._known: dict[tuple[object, ...], int] = {}

    def number(self, each: SnapshotWorkload) -> int:
        labels, naming = each.labels, self.namings.number(each)
        written = labels.items if labels.more is None else (labels.items, labels.more)
        label = self._written.get(written)
        if label is None:
            label = self.labels.number(self._mentions.abstract(labels))
            self._written[written] = label
        location = self._locations.number(each) if each.addresses else UNKNOWN_LOCATION
        look = each.namespace, label, naming, location, each.host_network
        number = self._known.setdefault(look, len(self.rows))
        if number == len(self.rows):
            self.rows.append(self._row(each, *look[1:4]))
        return number

    def _row(
        self, each: SnapshotWorkload, label: int, naming: int, location: int
    ) -> tuple[int, ...]:
        host = each.host_network
        unknown = self._hosts.number(host) if isinstance(host, Unknown) else 0
        namespace = self.namespaces.number(each.namespace)
        return namespace, label, naming, host_match(each), location, unknown


class _Namings:
    """Numbers the ways in which pods name the ports that rules mention by name."""

    def __init__(self, names: AbstractSet[str]) -> None:
        self.registry = Registry[PortNaming]()
        self.registry.number(((), None))
        self._names = names

    def number(self, workload: SnapshotWorkload) -> int:
        if not self._names:
            return 0
        named = {port for port in workload.ports if port.name in self._names}
        if not named and workload.open_ports is None:
            return 0
        order = sorted(named, key=lambda p: (p.name or "", p.protocol, p.number, p.sidecar))
        return self.registry.number((tuple(order), workload.open_ports))
