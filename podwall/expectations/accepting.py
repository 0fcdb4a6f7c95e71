"""Which openings of a change somebody has stated: by an expectation, or as accepted.

How it works: what opens on a connection is its ports, between one workload and a workload, a range
of addresses or pods that are not shown. Of these, every statement takes away what it means: ends
that it means for certain, and the ports that it names. The opening is stated only if nothing is
left, so that a statement about a part of a range, of the ports or of the unseen pods accepts
nothing of what lies beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from podwall.diff import ConnectionChange
from podwall.expectations.expectation import (
    Acceptance,
    Addresses,
    Anything,
    Expectation,
    Internet,
    Kind,
    Outside,
    Selection,
)
from podwall.expectations.selecting import UnseenSelection, in_shown_names, matches, not_public
from podwall.explain import TypedPort, ports_at, protocol_last, typed_port
from podwall.portset import TRANSPORT_PORTS, PortSet, Ranges, difference, intersection, merged
from podwall.reachability import Reachability
from podwall.reachability.matching import END, Match, network_ranges
from podwall.reachability.values import AnyEndpoint, ExternalRange, UnseenPods, WorkloadEndpoint

__all__ = ["StatedBy", "Statement", "stated_by"]


Statement = Expectation | Acceptance
"""What can say that an opening is meant."""

StatedBy = Callable[[ConnectionChange], tuple[Statement, ...]]
"""Returns who states what a change opens; nobody where something of it is not stated."""


def stated_by(found: Reachability, statements: Iterable[Statement]) -> StatedBy:
    """Return what finds the statements that together mean all that a change opens.

    An expectation that is `denied` states no opening. Expectations ask about no workload itself,
    so that they state nothing of what opens between its own pods; what is accepted does.

    Args:
        found: who reaches whom afterwards.
        statements: those that come first are asked first.
    """
    shown, names = in_shown_names(found), tuple(found.cluster.shown_namespaces)
    stating = (each for each in statements if not _is_denial(each))
    return _Stated([_Meaning(each, shown(each), names) for each in stating])


def _is_denial(statement: Statement) -> bool:
    return isinstance(statement, Expectation) and statement.kind is Kind.DENIED


class _Others(NamedTuple):
    """Who is at the other end of a workload: itself, addresses, or pods that are not shown."""

    workloads: tuple[WorkloadEndpoint, ...] = ()
    addresses: Ranges = ()
    pods: tuple[UnseenPods, ...] = ()


_NOBODY: Final = _Others()


class _Part(NamedTuple):
    """A part of what opens: the other end, and the ports."""

    others: _Others
    ports: PortSet


class _Stated:
    """Finds who states a change."""

    def __init__(self, meanings: Sequence[_Meaning]) -> None:
        self._meanings = meanings

    def __call__(self, change: ConnectionChange) -> tuple[Statement, ...]:
        """Return the statements that mean all that the change opens."""
        opened = change.opened.without_other
        if not opened or not self._meanings:
            return ()
        workload_side, side = _sides(change)
        workload = change.source if workload_side == "from" else change.destination
        assert isinstance(workload, WorkloadEndpoint)
        left = [_Part(_others(change.source if side == "from" else change.destination), opened)]
        found: list[Statement] = []
        for each in self._meanings:
            if each.is_about(change) and each.means(workload_side, workload):
                rest = [part for one in left for part in each.rest(side, one, change.destination)]
                if rest != left:
                    found.append(each.statement)
                    left = rest
        return () if left else tuple(found)


def _sides(change: ConnectionChange) -> tuple[str, str]:
    """Return the side of a connection that is a workload, and that of the other end."""
    return ("from", "to") if isinstance(change.source, WorkloadEndpoint) else ("to", "from")


def _others(end: AnyEndpoint) -> _Others:
    match end:
        case UnseenPods():
            return _Others(pods=(end,))
        case ExternalRange(network):
            return _Others(addresses=network_ranges(network))
        case _:
            return _Others(workloads=(end,))


class _Meaning:
    """What a statement means, in the names that the analysis shows."""

    def __init__(self, statement: Statement, shown: Statement, names: Sequence[str]) -> None:
        self.statement = statement
        self._ports = shown.ports
        self._ends = {"from": shown.sources, "to": shown.destinations}
        self._unseen = {side: UnseenSelection(ends, names) for side, ends in self._ends.items()}
        self._known: dict[tuple[str, str], bool] = {}

    def is_about(self, change: ConnectionChange) -> bool:
        """Return whether it can mean a connection at all."""
        same = change.source.id == change.destination.id
        return not (same and isinstance(self.statement, Expectation))

    def means(self, side: str, end: WorkloadEndpoint) -> bool:
        """Return whether it means a workload at one side for certain."""
        key = (side, end.id)
        if key not in self._known:
            answers = (matches(each, end) for each in self._ends[side])
            self._known[key] = any(each is Match.YES for each in answers)
        return self._known[key]

    def rest(self, side: str, part: _Part, destination: AnyEndpoint) -> Iterator[_Part]:
        """Yield what it does not mean of a part."""
        inside, outside = self._split(side, part.others)
        ports = part.ports - self._ports_at(destination)
        if inside != _NOBODY and ports:
            yield _Part(inside, ports)
        if outside != _NOBODY:
            yield _Part(outside, part.ports)

    def _split(self, side: str, others: _Others) -> tuple[_Others, _Others]:
        """Return whom it means of the other ends, and whom it does not."""
        meant = merged(each for one in self._ends[side] for each in _addresses(one))
        unseen = self._unseen[side]
        inside = _Others(
            tuple(each for each in others.workloads if self.means(side, each)),
            intersection(others.addresses, meant),
            tuple(part for each in others.pods for part in unseen.among(each)),
        )
        outside = _Others(
            tuple(each for each in others.workloads if not self.means(side, each)),
            difference(others.addresses, meant),
            tuple(part for each in others.pods for part in unseen.not_among(each)),
        )
        return inside, outside

    def _ports_at(self, destination: AnyEndpoint) -> PortSet:
        """Return the ports that it means at a destination, whatever is not known of it."""
        if not self._ports:
            return TRANSPORT_PORTS
        if isinstance(destination, UnseenPods):  # they may give a name to any of their ports
            return PortSet.union(each.ports() for each in self._typed() if not each.name)
        return ports_at(self._ports, destination)

    def _typed(self) -> Iterator[TypedPort]:
        typed = (typed_port(protocol_last(each)) for each in self._ports)
        return (each for each in typed if each is not None)


def _addresses(selection: Selection) -> Ranges:
    """Return the addresses outside the cluster that a selection means."""
    match selection:
        case Anything() | Outside():
            return _EVERYWHERE
        case Internet():
            return difference(_EVERYWHERE, not_public())
        case Addresses(network):
            return network_ranges(network)
        case _:
            return ()


_EVERYWHERE: Final = ((0, END - 1),)
