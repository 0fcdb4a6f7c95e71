"""What tiers do to the verdicts of all pairs: a small table between kinds of pods and of peers.

How it works: pods that the same policies with tiers are about are one *kind*, and ends that the
same of their peers mean one *cell*. For each kind and cell the rules are gone through in order, all
cells at a time: every rule takes the ports that it matches, with its action, from those that are
left (see `tier_replay`). What remains of a tier is two sets of ports: what passes whatever the
NetworkPolicies say, and what passes if they let it.

    passes = accepted | (left to them & what NetworkPolicies allow)

Pods that no NetworkPolicy isolates are left to the Baseline tier, which is put into the second set
beforehand. So a pair needs one look into the table beside its NetworkPolicies, whose lists of pairs
stay as short as they are without tiers.

It is exact: the rules ask for nothing of an end but its kind or its cell. Of a match that is not
certain, both outcomes are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Final, NamedTuple

from podwall.model import TierAction, TierName, Unknown
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability.arrays import (
    BoolArray,
    Csr,
    IntArray,
    Registry,
    WordArray,
    group_by_membership,
    packed,
)
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.destinations import NAMELESS, Destinations, Exemptions, OutsideElements
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import Match
from podwall.reachability.peers import BlockEnds, PeerSetElements, block_elements
from podwall.reachability.policy_reader import Overruling
from podwall.reachability.policy_rules import NumberedPolicy, NumberedRule, TierRules
from podwall.reachability.port_rules import RulePorts, has_names
from podwall.reachability.port_table import ALL_PORTS_NUMBER, NO_PORTS_NUMBER, PortTable
from podwall.reachability.values import Bounds

__all__ = ["TierEnds", "TierPorts", "TierTable", "policies_about", "tier_table"]


@dataclass(frozen=True, slots=True)
class TierTable:
    """What tiers do, by the kind of a pod and the cell of the other end.

    `kind` and `cell` give each element's; `accept` and `rest` are numbers of a port table: what
    passes whatever NetworkPolicies say, and what passes if they let it. Pods of a kind that is
    `free` are left to NetworkPolicies in everything.
    """

    kind: IntArray
    cell: IntArray
    accept: IntArray
    rest: IntArray
    free: BoolArray


class TierEnds(NamedTuple):
    """With what the rules are resolved: the elements of the universe and what is known of them."""

    cluster: EnforcedCluster
    elements: PeerSetElements
    blocks: BlockEnds
    destinations: Destinations

    def of(self, rule: NumberedRule) -> tuple[IntArray, IntArray]:
        """Return the elements that a rule's peers mean for certain, and those they may mean."""
        found = [self.elements.of(each) for each in rule.peer_sets]
        surely, perhaps = [each for each, _ in found], [each for _, each in found]
        if rule.networks:
            fact = self.cluster.engine.networks
            for match, those in block_elements(rule.networks, (fact, fact), self.blocks):
                (surely if match is Match.YES else perhaps).append(those)
        if rule.addresses:
            classes, addresses = self.blocks.classes, self.blocks.addresses
            outside = np.arange(len(classes), len(classes) + len(addresses))
            perhaps += [np.flatnonzero(classes.host != Match.NO), outside]
        certain, doubtful = _united(surely), _united([each for each in perhaps if len(each)])
        return certain, np.setdiff1d(doubtful, certain) if len(doubtful) else doubtful


def _united(parts: Sequence[IntArray]) -> IntArray:
    if len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *parts]))


def tier_table(  # noqa: PLR0913, PLR0917 - what decides a pair, each part from its own module
    rules: TierRules,
    ends: TierEnds,
    isolating: Csr,
    exemptions: Exemptions,
    overruled: IntArray,
    ports: TierPorts,
    table: PortTable,
    outside: OutsideElements,
) -> TierTable:
    """Return the table of one direction.

    Args:
        rules: the policies with tiers.
        ends: the elements of the universe, and what is known of them.
        isolating: for each element the groups that isolate it, as `profiles` takes them.
        exemptions: what passes each element that something restricts, whatever policies say.
        overruled: what policies that are not read do to each element's rules.
        ports: the ports of the rules and of the exemptions.
        table: numbers sets of ports, those among them.
        outside: the elements that are no pods, and those for nodes that hide clients.
    """
    naming = ends.destinations.naming if rules.have_names else np.zeros_like(overruled)
    outgoing = rules.direction is Direction.EGRESS
    own, theirs = (np.zeros_like(naming), naming) if outgoing else (naming, np.zeros_like(naming))
    meant = [[ends.of(rule) for rule in policy.rules] for policy in rules.policies]
    cells = _Cells(meant, exemptions, theirs, _Clients() if outgoing else _Clients.of(outside))
    about = policies_about(rules.policies, ends.elements, len(naming))
    group = group_by_membership(own, about)
    states = _states(isolating)
    keys = packed(group, states, exemptions.of, overruled)
    _, examples, kind = np.unique(keys, return_index=True, return_inverse=True)
    reader = _PortWords(ports, table)
    fold = _Fold(rules, cells, reader)
    rows = _Rows(reader, cells, exemptions)
    free = (about.lengths == 0) & (states == _OPEN) & (overruled == Overruling.NOT)
    outcome, known = fold.outcome((), 0), -1
    for e in examples.tolist():  # those of a group follow each other, so that one is kept at a time
        if free[e]:
            rows.add_free()
            continue
        if known != group[e]:
            outcome, known = fold.outcome(about[e].tolist(), int(own[e])), int(group[e])
        rows.add(outcome, int(states[e]), int(exemptions.of[e]), int(overruled[e]))
    return _merged(kind, cells.of, rows)


def policies_about(policies: Sequence[NumberedPolicy], elements: PeerSetElements, size: int) -> Csr:
    """Return for each element the policies about it: `2 * policy`, plus one if only perhaps."""
    rows, items = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for number, policy in enumerate(policies):
        for perhaps, those in enumerate(elements.of(policy.subject)):
            rows.append(those)
            items.append(np.full_like(those, 2 * number + (perhaps or policy.doubtful)))
    return Csr.of_pairs(np.concatenate(rows), np.concatenate(items), size)


_OPEN: Final = 0
_ISOLATED: Final = 1
_PERHAPS: Final = 2


def _states(isolating: Csr) -> IntArray:
    """Return for each element whether NetworkPolicies isolate it: not, for certain, or perhaps."""
    owner, doubtful = isolating.owners(), isolating.items % 2
    certain = np.bincount(owner[doubtful == 0], minlength=len(isolating))
    perhaps = np.bincount(owner[doubtful == 1], minlength=len(isolating))
    return np.select([certain > 0, perhaps > 0], [_ISOLATED, _PERHAPS], _OPEN)


class _Clients(NamedTuple):
    """Clients that a service may hide: the addresses of a family, and the node of it."""

    addresses: tuple[IntArray, ...] = ()
    nodes: tuple[int, ...] = ()

    @classmethod
    def of(cls, outside: OutsideElements) -> _Clients:
        """Return them, if there are such services."""
        return cls(outside.addresses, outside.nodes) if outside.nodes else cls()


class _Cells:
    """The cells of the universe: elements that the same peers mean, and that are exempt alike."""

    def __init__(
        self,
        meant: list[list[tuple[IntArray, IntArray]]],
        exemptions: Exemptions,
        naming: IntArray,
        clients: _Clients,
    ) -> None:
        size = len(naming)
        sets = Registry[bytes]()
        lists: list[IntArray] = []
        listed = (each for pairs in meant for pair in pairs for each in pair)
        exempt = (each for several in exemptions.lists for each, _ in several)
        for elements in (*listed, *exempt, *clients.addresses):
            if 0 < len(elements) < size and sets.number(elements.tobytes()) == len(lists):
                lists.append(elements)
        self.of = group_by_membership(naming, Csr.of_lists(lists).transposed(size))
        self.firsts = np.unique(self.of, return_index=True)[1]
        self.naming = naming[self.firsts]
        self.meant = [[tuple(map(self.among, pair)) for pair in pairs] for pairs in meant]
        self.hidden = [
            (self.among(addresses), int(self.of[node]))
            for addresses, node in zip(*clients, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.firsts)

    def among(self, elements: IntArray) -> IntArray:
        """Return the cells that a set of elements consists of."""
        flags = np.zeros(len(self), dtype=np.bool_)
        flags[self.of[elements]] = True
        return np.flatnonzero(flags)


class TierPorts:
    """The ports of the rules and exemptions of a direction, as bounds that a port table knows."""

    def __init__(
        self, rules: TierRules, ends: TierEnds, exemptions: Exemptions, bounds: Registry[Bounds]
    ) -> None:
        """Add all of them to the bounds."""
        self._direction = rules.direction
        self._ends = ends
        written = {rule.ports for policy in rules.policies for rule in policy.rules}
        self.of_rules = {
            (ports, naming): self._of(ports, naming)
            for ports in written
            for naming in (range(len(ends.destinations.namings)) if has_names(ports) else (0,))
        }
        exempt = (ports for several in exemptions.lists for _, ports in several)
        hidden = (Bounds.perhaps(ports) for ports in exemptions.hidden)
        for each in (*self.of_rules.values(), *exempt, *hidden):
            bounds.number(each)

    def _of(self, ports: RulePorts, naming: int) -> Bounds:
        names = self._ends.destinations.namings
        return self._ends.cluster.ports.bounds(ports, names[naming], self._direction)


Words = WordArray


class _PortWords:
    """The same ports as bits in words."""

    def __init__(self, ports: TierPorts, table: PortTable) -> None:
        self.table = table
        self.every: Words = table.in_words(ALL_PORTS)
        self._of_rules = {key: self.both(each) for key, each in ports.of_rules.items()}

    def of_rule(self, ports: RulePorts, naming: int) -> tuple[Words, Words]:
        """Return what a rule's ports match for certain, and at most."""
        return self._of_rules[ports, naming if has_names(ports) else NAMELESS]

    def both(self, bounds: Bounds) -> tuple[Words, Words]:
        """Return both bounds."""
        return self.table.in_words(bounds.must), self.table.in_words(bounds.may)


class _Possible(NamedTuple):
    """The ports that may be accepted, denied, passed on, and left: a row for each cell."""

    accepted: Words
    denied: Words
    passed: Words
    left: Words

    @classmethod
    def nothing_taken(cls, cells: int, every: Words) -> _Possible:
        nothing = np.zeros((cells, len(every)), dtype=np.uint64)
        return cls(nothing, nothing.copy(), nothing.copy(), np.tile(every, (cells, 1)))

    @property
    def following(self) -> Words:
        """What the next tier may decide."""
        return self.passed | self.left

    def into(self, following: _Possible) -> _Possible:
        """Return what this tier and the next one do, which decides what follows."""
        here = self.following
        return _Possible(
            self.accepted | (here & following.accepted),
            self.denied | (here & following.denied),
            here & following.passed,
            here & following.left,
        )

    def take(self, action: TierAction | Unknown, cells: IntArray, ports: Words) -> None:
        """Let an action take some ports of some cells, as far as they are left."""
        here = self.left[cells] & ports
        actions = zip(TierAction, (self.accepted, self.denied, self.passed), strict=True)
        for each, taken in actions:
            if isinstance(action, Unknown) or action is each:
                taken[cells] |= here

    def then(self, others: Sequence[_Possible]) -> None:
        """Go through one of several policies, in whatever order they are read."""
        for each in others:
            for mine, theirs in zip(self[:3], each[:3], strict=True):
                mine[:] |= self.left & theirs
        self.left[:] &= reduce(np.bitwise_and, (each.left for each in others))


class _Outcome(NamedTuple):
    """What the tiers before NetworkPolicies and after them may do with a pod's ports."""

    first: _Possible
    last: _Possible


_MOST_KEPT: Final = 1 << 24
"""So many bytes the outcomes of single policies may take, four times."""


class _Fold:
    """Goes through the policies about pods, for all cells at a time."""

    def __init__(self, rules: TierRules, cells: _Cells, ports: _PortWords) -> None:
        self._cells = cells
        self._ports = ports
        self._policies = rules.policies
        self._known: dict[tuple[int, int], _Possible] = {}
        numbers = iter(range(len(self._policies)))
        self._stages = [
            (stage.where, frozenset(next(numbers) for _ in stage.policies))
            for stage in rules.stages
        ]

    def outcome(self, codes: Sequence[int], naming: int) -> _Outcome:
        """Return what policies do, given as `2 * policy`, plus one if only perhaps."""
        found: dict[tuple[TierName, int], _Possible] = {}
        for tier, numbers in self._stages:
            here = [self._alone(code, naming) for code in codes if code // 2 in numbers]
            if here:
                found.setdefault(tier, self._untouched()).then(here)
        return _Outcome(self._around(found, first=True), self._around(found, first=False))

    def _around(self, found: Mapping[tuple[TierName, int], _Possible], *, first: bool) -> _Possible:
        """Return what the tiers before NetworkPolicies do, or those after them."""
        there = [each for (tier, _), each in found.items() if tier.is_first is first]
        return reduce(_Possible.into, there) if there else self._untouched()

    def _untouched(self) -> _Possible:
        return _Possible.nothing_taken(len(self._cells), self._ports.every)

    def _alone(self, code: int, naming: int) -> _Possible:
        """Return what a policy does by itself, which is kept while there is room."""
        key = (code, naming)
        if key in self._known:
            return self._known[key]
        found = self._new(code, naming)
        if len(self._known) * found.left.nbytes < _MOST_KEPT:
            self._known[key] = found
        return found

    def _new(self, code: int, naming: int) -> _Possible:
        """Return what a policy does by itself; one that only perhaps acts leaves everything."""
        found = self._untouched()
        self._read(code // 2, naming, found)
        if code % 2:
            found.left[:] = self._ports.every
        return found

    def _read(self, policy: int, naming: int, into: _Possible) -> None:
        """Go through the rules of a policy in order."""
        for rule, meant in zip(
            self._policies[policy].rules, self._cells.meant[policy], strict=True
        ):
            surely, perhaps = meant
            for cells, certain in ((surely, True), (perhaps, False)):
                for those, must, may in self._by_naming(rule.ports, cells, naming):
                    into.take(rule.action, those, may)
                    if certain:
                        into.left[those] &= ~must

    def _by_naming(
        self, ports: RulePorts, cells: IntArray, own: int
    ) -> Iterator[tuple[IntArray, Words, Words]]:
        """Yield some cells with what a rule's ports mean there: names are the destination's."""
        if not len(cells):
            return
        namings = np.maximum(self._cells.naming[cells], own) if has_names(ports) else None
        if namings is None:
            yield (cells, *self._ports.of_rule(ports, NAMELESS))
            return
        for naming in np.unique(namings).tolist():
            yield (cells[namings == naming], *self._ports.of_rule(ports, naming))


class _Rows:
    """The rows of the table, one for each kind, with numbers of the port table."""

    def __init__(self, ports: _PortWords, cells: _Cells, exemptions: Exemptions) -> None:
        self._ports = ports
        self._cells = cells
        self._exemptions = exemptions
        self._numbers: dict[bytes, int] = {}
        self._exempt: dict[int, tuple[Words, Words]] = {}
        self.accept: list[IntArray] = []
        self.rest: list[IntArray] = []

    def add_free(self) -> None:
        """Add the row of a kind that nothing restricts, so that nothing is exempt either."""
        self.accept.append(np.full(len(self._cells), NO_PORTS_NUMBER))
        self.rest.append(np.full(len(self._cells), ALL_PORTS_NUMBER))

    def add(self, outcome: _Outcome, state: int, exemption: int, overruled: int) -> None:
        """Add the row of a kind."""
        first, last, every = outcome.first, outcome.last, self._ports.every
        certain = every & ~first.denied
        accept = [certain & ~first.following, first.accepted.copy()]
        rest = [certain & first.following, first.following]
        if state != _ISOLATED:
            rest[0] = rest[0] & ~last.denied
        if state == _OPEN:
            rest[1] = rest[1] & (last.accepted | last.following)
        if overruled:
            accept[0], rest[0] = (np.zeros_like(each) for each in (accept[0], rest[0]))
        if overruled == Overruling.OPEN:
            accept[1] = np.zeros_like(accept[1]) | every
        if self._exemptions.hidden[exemption]:
            self._hide(first, self._exemptions.hidden[exemption], accept, rest)
        exempt = self._exempted(exemption)
        self.accept.append(self._numbered(accept[0] | exempt[0], accept[1] | exempt[1]))
        self.rest.append(self._numbered(*rest))

    def _hide(
        self, first: _Possible, ports: PortSet, accept: list[Words], rest: list[Words]
    ) -> None:
        """Leave undetermined what is done with a client otherwise than with the node of it."""
        hidden = self._ports.table.in_words(ports)
        for cells, node in self._cells.hidden:
            parts = (first.accepted, first.denied, first.following)
            apart = reduce(np.bitwise_or, (each[cells] ^ each[node] for each in parts)) & hidden
            accept[0][cells] &= ~apart
            rest[0][cells] &= ~apart
            accept[1][cells] |= apart

    def _exempted(self, exemption: int) -> tuple[Words, Words]:
        """Return what passes to or from each cell whatever policies say."""
        if exemption not in self._exempt:
            size = (len(self._cells), len(self._ports.every))
            must, may = (np.zeros(size, np.uint64) for _ in range(2))
            for elements, ports in self._exemptions.lists[exemption]:
                cells, words = self._cells.among(elements), self._ports.both(ports)
                must[cells] |= words[0]
                may[cells] |= words[1]
            self._exempt[exemption] = (must, may)
        return self._exempt[exemption]

    def _numbered(self, must: Words, may: Words) -> IntArray:
        """Return the numbers of the bounds of each cell."""
        rows = np.ascontiguousarray(np.concatenate([must, may], axis=1))
        whole = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
        distinct, which = np.unique(whole, return_inverse=True)
        found = [self._number(each.tobytes()) for each in distinct]
        return np.array(found, dtype=np.int64)[which]

    def _number(self, words: bytes) -> int:
        if words not in self._numbers:
            half = len(words) // 2
            self._numbers[words] = self._ports.table.of_words(words[:half], words[half:])
        return self._numbers[words]


def _merged(kind: IntArray, cell: IntArray, rows: _Rows) -> TierTable:
    """Return the table without rows and columns that are equal to others."""
    table = np.stack([np.stack(rows.accept), np.stack(rows.rest)], axis=2)
    first_rows, row = _distinct(table.reshape(len(table), -1))
    table = table[first_rows]
    first_columns, column = _distinct(table.transpose(1, 0, 2).reshape(table.shape[1], -1))
    table = table[:, first_columns]
    free = np.array([NO_PORTS_NUMBER, ALL_PORTS_NUMBER])
    return TierTable(
        row[kind],
        column[cell],
        np.ascontiguousarray(table[:, :, 0]),
        np.ascontiguousarray(table[:, :, 1]),
        (table == free).all(axis=(1, 2)),
    )


def _distinct(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return where the distinct rows of a table first stand, and the number of each row's."""
    numbers = Registry[bytes]()
    number = np.array([numbers.number(each.tobytes()) for each in rows], dtype=np.int64)
    return np.unique(number, return_index=True)[1], number
