"""What the rules of a workload allow unseen pods, and grants to these as numbers.

Pod classes under the same rules, as far as these mean unseen pods, share one list of grants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS
from podwall.reachability.analysis import Analysis
from podwall.reachability.arrays import (
    Csr,
    IntArray,
    Registry,
    group_by_membership,
    packed,
    unique_rows,
)
from podwall.reachability.few_arrays import np
from podwall.reachability.label_conditions import (
    EVERY_LABEL_MAP,
    LabelConditions,
)
from podwall.reachability.matching import Match
from podwall.reachability.policy_reader import Overruling, overruled
from podwall.reachability.port_rules import (
    UNSEEN_PORTS,
    exposed_ports,
    has_names,
    opens,
)
from podwall.reachability.unseen_peers import UnseenPeer, UnseenPeers
from podwall.reachability.values import ALL, Bounds

__all__ = ["GrantLists", "OwnRules", "PodGrant", "UnseenGrant", "backends"]


class UnseenGrant(NamedTuple):
    """Unseen pods with some labels, of namespaces shown (bits) and of others, and their ports."""

    pods: LabelConditions
    shown: int
    others: LabelConditions | None
    ports: Bounds


PodGrant = tuple[LabelConditions, Bounds]
"""Unseen pods by their labels, and their ports."""


class GrantLists:
    """Numbers grants to unseen pods, and lists of these numbers: equal ones are looked at once."""

    def __init__(self) -> None:
        self._grants = Registry[PodGrant]()
        self._lists = Registry[tuple[int, ...]]()

    def of_grant(self, pods: LabelConditions, ports: Bounds) -> int:
        """Return the number of a grant."""
        return self._grants.number((pods, ports))

    def grant(self, number: int) -> PodGrant:
        """Return the grant with a number."""
        return self._grants.values[number]

    def of_list(self, grants: Iterable[int]) -> int:
        """Return the number of a list; the order does not matter, and nor do repetitions."""
        return self._lists.number(tuple(sorted(set(grants))))

    def grants(self, number: int) -> tuple[int, ...]:
        """Return the grants in the list with a number."""
        return self._lists.values[number]


_OPEN: Final = 0
"""No policy isolates a pod."""
_ISOLATED: Final = 1
_BY_ONE_PERHAPS: Final = 2
_BY_SEVERAL_PERHAPS: Final = 3


class OwnRules:
    """The rules of pod classes in one direction, as far as they mean unseen pods.

    `number_of` numbers what they grant, for each class.
    """

    def __init__(self, analysis: Analysis, direction: Direction, peers: UnseenPeers) -> None:
        self._analysis = analysis
        self._direction = direction
        self._peers = peers
        self._groups = analysis.rules.groups[direction]
        count = len(analysis.classes)
        isolating = analysis.rules.isolating[direction]
        self._isolating = Csr(
            isolating.starts[: count + 1], isolating.items[: isolating.starts[count]]
        )
        self._state = _states(self._isolating)
        parts, self._of_class = self._relevant()
        self._parts: list[list[int]] = parts.tolist()
        ends, ingress = analysis.destinations, direction is Direction.INGRESS
        self._naming = ends.naming[:count]
        self._exposure = ends.exposure[:count] if ingress else np.zeros_like(self._naming)
        named = self._naming if ingress and self._names() else np.zeros_like(self._naming)
        self._overruled = analysis.rules.overruled[direction][:count]
        # What passes whatever the policies say makes no difference to who is not isolated.
        free = (self._state == _OPEN) & (self._overruled == Overruling.NOT)
        exempt = np.where(free, 0, self._exposure)
        kinds = packed(self._state, named, exempt, self._overruled)
        self.number_of = group_by_membership(kinds, self._of_class)
        self._firsts = np.unique(self.number_of, return_index=True)[1].tolist()
        self._grants: dict[int, list[UnseenGrant]] = {}

    def _relevant(self) -> tuple[IntArray, Csr]:
        """Return the distinct peers and ports that matter, and which of them each class has.

        For the latter a number is twice the place among the former, plus one if only perhaps.
        """
        group, peer_set, ports = self._groups.parts()
        known, place = np.unique(peer_set, return_inverse=True)
        meaning = np.array([bool(self._peers.of(each)) for each in known.tolist()], dtype=np.bool_)
        kept = meaning[place] if len(known) else np.zeros(0, dtype=np.bool_)
        parts, row = unique_rows(np.stack([peer_set[kept], ports[kept]], axis=1))
        by_group = Csr.of_pairs(group[kept], row, len(self._groups.targets))
        owner, code = self._isolating.owners(), self._isolating.items
        index, position = by_group.gather(code // 2)
        items = 2 * by_group.items[position] + (code % 2)[index]
        rows, _ = unique_rows(np.stack([owner[index], items], axis=1))
        return parts, Csr.of_pairs(rows[:, 0], rows[:, 1], len(self._isolating))

    def _names(self) -> bool:
        written = {ports for _, ports in self._parts}
        return any(has_names(self._groups.ports.values[each]) for each in written)

    def isolation(self, class_: int) -> Match:
        """Return whether some policy isolates a class."""
        state = int(self._state[class_])
        return {_OPEN: Match.NO, _ISOLATED: Match.YES}.get(state, Match.MAYBE)

    def exempt(self, class_: int) -> Iterator[UnseenGrant]:
        """Yield what passes a class, if anything restricts it, whatever its policies say."""
        every = self._peers.shown.every
        ports = self._analysis.destinations.exposures[self._exposure[class_]]
        if ports.may:
            yield UnseenGrant(EVERY_LABEL_MAP, every, EVERY_LABEL_MAP, ports)
        if self._direction is Direction.EGRESS and opens(
            self._analysis.cluster.engine, self._direction
        ):
            yield from backends(self._analysis, self._peers)

    def grants(self, number: int) -> list[UnseenGrant]:
        """Return what the rules of the classes with a number allow unseen pods."""
        if number not in self._grants:
            self._grants[number] = list(self._of_one(self._firsts[number]))
        return self._grants[number]

    def _of_one(self, class_: int) -> Iterator[UnseenGrant]:
        state, every = int(self._state[class_]), self._peers.shown.every
        by = Overruling(self._overruled[class_])
        if state == _OPEN or by is Overruling.OPEN:
            ports = overruled(ALL, by)
            yield UnseenGrant(EVERY_LABEL_MAP, every, EVERY_LABEL_MAP, ports)
            if by is Overruling.NOT:
                return
        elif by is Overruling.NOT:
            yield from self._stated(class_, state)
        else:
            for each in self._stated(class_, state):
                yield each._replace(ports=overruled(each.ports, by))
        if state not in {_OPEN, _ISOLATED} and by is not Overruling.OPEN:
            perhaps = Bounds.perhaps(ALL_PORTS)
            yield UnseenGrant(EVERY_LABEL_MAP, every, EVERY_LABEL_MAP, perhaps)
        yield from self.exempt(class_)

    def _stated(self, class_: int, state: int) -> Iterator[UnseenGrant]:
        namings, reader = self._analysis.destinations.namings, self._analysis.cluster.ports
        ingress = self._direction is Direction.INGRESS
        names = namings[self._naming[class_]] if ingress else UNSEEN_PORTS
        for item in self._of_class[class_].tolist():
            peer_set, number = self._parts[item // 2]
            written = self._groups.ports.values[number]
            ports = reader.bounds(written, names, self._direction)
            surely = item % 2 == 0 or state == _BY_ONE_PERHAPS
            for peer in self._peers.of(peer_set) if ports.may else ():
                yield _granted(peer, ports, surely=surely)


def _states(isolating: Csr) -> IntArray:
    """Return how surely each pod class is isolated."""
    owner, doubtful = isolating.owners(), isolating.items % 2
    certain = np.bincount(owner[doubtful == 0], minlength=len(isolating))
    perhaps = np.bincount(owner[doubtful == 1], minlength=len(isolating))
    unsure = np.select([perhaps == 0, perhaps == 1], [_OPEN, _BY_ONE_PERHAPS], _BY_SEVERAL_PERHAPS)
    return np.where(certain > 0, _ISOLATED, unsure)


def _granted(peer: UnseenPeer, ports: Bounds, *, surely: bool) -> UnseenGrant:
    bounds = ports if surely and peer.certain else Bounds.perhaps(ports.may)
    return UnseenGrant(peer.pods, peer.shown, peer.others, bounds)


def backends(analysis: Analysis, peers: UnseenPeers) -> Iterator[UnseenGrant]:
    """Yield the unseen pods to which services open a way, with the ports."""
    for peer_set, service in analysis.rules.services:
        for peer in peers.of(peer_set):
            selected = Match.YES if peer.certain else Match.MAYBE
            ports = exposed_ports(service, selected, UNSEEN_PORTS, analysis.cluster.engine)
            yield UnseenGrant(peer.pods, peer.shown, None, ports)
