"""Which of all connections a reader asks for: by their ends, by the direction, by ports.

A focus leaves out what nobody asked for, and changes nothing of what it leaves: an answer that is
narrowed says so, since there a pair that is not listed is denied only if it was asked for.

How it works: the words become two sets of ends for each direction that is asked for, so that the
pairs are one rectangle or two. Few pairs are asked one by one; where there are many, all
connections are looked through, which costs less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from ipaddress import ip_network
from itertools import chain
from typing import Final, NamedTuple, TypeVar

from podwall.engines import Engine
from podwall.explain import TypedPort, ports_at, protocol_last, typed_port
from podwall.model import IpNetwork
from podwall.policies.errors import InvalidValue
from podwall.policies.rules import Direction
from podwall.policies.wording import guess
from podwall.portset import NO_PORTS, PortSet, intersection
from podwall.quick_dataclass import dataclass
from podwall.reachability import (
    AnyEndpoint,
    Connection,
    Endpoint,
    ExternalRange,
    Reachability,
    Undetermined,
    UnseenPods,
    WorkloadEndpoint,
)
from podwall.reachability.matching import network_ranges
from podwall.reachability.values import is_unseen

__all__ = ["EVERYTHING", "Focus", "NarrowedAnswer", "asked_ends", "narrowed", "on_port"]

_T = TypeVar("_T")

_OUTSIDE: Final = "outside"
"""Means every address outside of the cluster."""
_ONE_BY_ONE: Final = 20_000
"""Of more pairs than this, all connections are looked through."""


@dataclass(frozen=True, slots=True)
class Focus:
    """What is asked for, in the words of a person; what is left out asks for everything.

    An end is a workload (`shop/api`), a namespace (`shop`), several by `*` (`shop/api-*`), an
    address or a range, `outside`, or pods that are not shown by the id that `reach` gives them.

    Args:
        ends: one of them is at either end of a connection.
        direction: of the `ends`: ingress is what comes to them, egress what they send.
        sources: one of them is the source.
        destinations: one of them is the destination.
        port: as in `8080`, `53/udp` or `metrics`, a port name of the destination.
    """

    ends: tuple[str, ...] = ()
    direction: Direction | None = None
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    port: str = ""

    def __bool__(self) -> bool:
        """Whether anything is asked for in particular."""
        return bool(self.ends or self.sources or self.destinations or self.port)

    def __str__(self) -> str:
        """Write what is asked for in words.

        >>> print(Focus(ends=("shop/api",), direction=Direction.INGRESS, port="8080"))
        to shop/api, on 8080
        >>> print(Focus(sources=("shop",), destinations=("outside", "bank/db")))
        from shop, to outside or bank/db
        """
        return ", ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        words = {None: "to or from", Direction.INGRESS: "to", Direction.EGRESS: "from"}
        for way, ends in (
            (words[self.direction], self.ends),
            ("from", self.sources),
            ("to", self.destinations),
        ):
            if ends:
                yield f"{way} {' or '.join(ends)}"
        if self.port:
            yield f"on {self.port}"


EVERYTHING: Final = Focus()
"""Nothing in particular is asked for."""


class _Ends(NamedTuple):
    """Ends that are meant: numbers of endpoints, and ids of pods that are not shown."""

    numbers: frozenset[int]
    unseen: frozenset[str] = frozenset()

    def __and__(self, other: _Ends) -> _Ends:
        return _Ends(self.numbers & other.numbers, self.unseen & other.unseen)


class _Rectangle(NamedTuple):
    """Every source of some, with every destination of others."""

    sources: _Ends
    destinations: _Ends


@dataclass(frozen=True, eq=False)
class NarrowedAnswer:
    """What an analysis says of the connections that are asked for; it has their ends only.

    It offers what formats take of a `Reachability`. `asked` is how many pairs of workloads there
    are among these, each with itself where it has several pods, and `open` between how many of them
    something passes for certain.
    """

    whole: Reachability
    focus: Focus
    rectangles: tuple[_Rectangle, ...]

    @property
    def engine(self) -> Engine:
        """The network policy engine that was assumed."""
        return self.whole.engine

    @property
    def is_closed(self) -> bool:
        """Whether there are no pods but those that the source shows."""
        return self.whole.is_closed

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The ends of the connections, and those that are asked for by name, in order."""
        ids = {each.id for pair in self.connections() for each in (pair.source, pair.destination)}
        ids |= {self._workload_of(each).id for each in self.exposures()}
        everyone = len(self.whole.endpoints)
        for ends in chain.from_iterable(self.rectangles):
            if len(ends.numbers) < everyone:
                ids |= {self.whole.endpoints[number].id for number in ends.numbers}
        return tuple(each for each in self.whole.endpoints if each.id in ids)

    @property
    def workloads(self) -> tuple[WorkloadEndpoint, ...]:
        """The workloads among the ends."""
        return tuple(each for each in self.endpoints if isinstance(each, WorkloadEndpoint))

    @property
    def asked(self) -> int:
        """How many pairs of workloads are asked for."""
        count = len(self.whole.workloads)
        inside = [
            ({each for each in ends.numbers if each < count} for ends in rectangle)
            for rectangle in self.rectangles
        ]
        pairs = {number: set[int]() for number in range(count)}
        for sources, destinations in inside:
            for each in sources:
                pairs[each] |= destinations
        alone = (n for n in pairs if n in pairs[n] and self.whole.workloads[n].is_one_pod)
        return sum(map(len, pairs.values())) - sum(1 for _ in alone)

    @property
    def open(self) -> int:
        """Between how many pairs of workloads something passes."""
        return sum(bool(each.allowed) for each in self.connections() if _is_inside(each))

    def pairs(self) -> Iterator[tuple[Endpoint, Endpoint]]:
        """Yield all pairs that are asked for, denied ones as well, but for a pod with itself."""
        ends, inside = self.whole.endpoints, len(self.whole.workloads)
        for source, destination in self._numbers():
            is_itself = source == destination and ends[source].is_one_pod
            if min(source, destination) < inside and not is_itself:
                yield ends[source], ends[destination]

    def connections(self) -> Iterator[Connection]:
        """Yield the connections that are asked for, with the ports that are, in order."""
        found = self._few() if self._pairs <= _ONE_BY_ONE else self._of_all()
        return self._on_ports(found)

    def exposures(self) -> Iterator[Connection]:
        """Yield those with pods that are not shown."""
        return self._on_ports(filter(self._is_asked, self.whole.exposures()))

    @property
    def _pairs(self) -> int:
        return sum(len(each.sources[0]) * len(each.destinations[0]) for each in self.rectangles)

    def _few(self) -> Iterator[Connection]:
        ends = self.whole.endpoints
        for source, destination in self._numbers():
            yield self.whole.connection(ends[source].id, ends[destination].id)

    def _numbers(self) -> Iterator[tuple[int, int]]:
        for source in sorted(frozenset().union(*(each.sources[0] for each in self.rectangles))):
            reached = (each.destinations[0] for each in self.rectangles if source in each[0][0])
            yield from ((source, each) for each in sorted(frozenset().union(*reached)))

    def _of_all(self) -> Iterator[Connection]:
        return filter(self._is_asked, self.whole.connections())

    def _is_asked(self, connection: Connection) -> bool:
        source, destination = connection.source, connection.destination
        return any(
            self._is_among(source, each.sources) and self._is_among(destination, each.destinations)
            for each in self.rectangles
        )

    def _is_among(self, end: AnyEndpoint, ends: _Ends) -> bool:
        if isinstance(end, UnseenPods):
            return end.id in ends.unseen
        return self.whole.ends.number(end.id) in ends.numbers

    def _on_ports(self, connections: Iterable[Connection]) -> Iterator[Connection]:
        for each in connections:
            on_ports = _on(each, self.focus.port) if self.focus.port else each
            if on_ports.allowed or on_ports.undetermined:
                yield on_ports

    @staticmethod
    def _workload_of(connection: Connection) -> AnyEndpoint:
        shown = isinstance(connection.source, WorkloadEndpoint)
        return connection.source if shown else connection.destination


def _is_inside(connection: Connection) -> bool:
    ends = (connection.source, connection.destination)
    is_itself = connection.source_id == connection.destination_id
    shown = [each for each in ends if isinstance(each, WorkloadEndpoint)]
    return len(shown) == len(ends) and not (is_itself and shown[0].is_one_pod)


def _on(connection: Connection, port: str) -> Connection:
    ports = ports_at([port], connection.destination)
    parts = (Undetermined(each.ports & ports, each.because) for each in connection.undetermined)
    undetermined = tuple(each for each in parts if each.ports != NO_PORTS)
    return replace(connection, allowed=connection.allowed & ports, undetermined=undetermined)


def narrowed(reachability: Reachability, focus: Focus) -> NarrowedAnswer:
    """Return the part of an analysis that is asked for.

    Raises:
        InvalidValue: an end or a port name is not there, or a word means none.
    """
    _check_port(reachability, focus.port)
    everyone = _everyone(reachability)

    def meant(words: Sequence[str]) -> _Ends:
        return _meant(reachability, words) if words else everyone

    ends, sources, destinations = map(meant, (focus.ends, focus.sources, focus.destinations))
    ingress = _Rectangle(sources, ends & destinations)
    egress = _Rectangle(ends & sources, destinations)
    rectangles = {Direction.INGRESS: ingress, Direction.EGRESS: egress}
    found = (each for way, each in rectangles.items() if focus.direction in {None, way})
    return NarrowedAnswer(reachability, focus, tuple(dict.fromkeys(found)))


def asked_ends(
    focus: Focus, sides: Sequence[Reachability]
) -> Callable[[AnyEndpoint, AnyEndpoint], bool]:
    """Return what tells whether a connection is asked for, of two clusters that are compared.

    Args:
        focus: what is asked for; each word has to mean something in one of the clusters.
        sides: the clusters.

    Raises:
        InvalidValue: an end or a port name is in neither, or a word means none.
    """
    _in_one(sides, lambda side: _check_port(side, focus.port))
    readings = {
        word: _in_one(sides, partial(_checked, word))
        for word in (*focus.ends, *focus.sources, *focus.destinations)
    }

    def among(end: AnyEndpoint, words: Sequence[str]) -> bool:
        return not words or any(end.id == word or readings[word](end) for word in words)

    def is_asked(source: AnyEndpoint, destination: AnyEndpoint) -> bool:
        near = {Direction.INGRESS: destination, Direction.EGRESS: source}
        asked = [each for way, each in near.items() if focus.direction in {None, way}]
        return (
            among(source, focus.sources)
            and among(destination, focus.destinations)
            and any(among(each, focus.ends) for each in asked)
        )

    return is_asked


def _checked(word: str, reachability: Reachability) -> Callable[[AnyEndpoint], bool]:
    _one_meant(reachability, word)
    if is_unseen(word):
        return lambda end: end.id == word
    reading = _reading_of(reachability, word)
    return lambda end: not isinstance(end, UnseenPods) and reading(end)


def _in_one(sides: Sequence[Reachability], ask: Callable[[Reachability], _T]) -> _T:
    """Return what the last cluster answers that does not refuse.

    Raises:
        InvalidValue: all refuse; the last one says why.
    """
    problem = None
    for side in reversed(sides):
        try:
            return ask(side)
        except InvalidValue as error:
            problem = problem or error
    assert problem is not None
    raise problem


def on_port(port: str, ports: PortSet, destination: AnyEndpoint) -> PortSet:
    """Return those of some ports that are asked for at a destination; all where none is named."""
    return ports & ports_at([port], destination) if port else ports


def _everyone(reachability: Reachability) -> _Ends:
    unseen = (each.unseen for each in reachability.exposures())
    numbers = frozenset(range(len(reachability.endpoints)))
    return _Ends(numbers, frozenset(each.id for each in unseen if each is not None))


def _meant(reachability: Reachability, words: Sequence[str]) -> _Ends:
    found = [_one_meant(reachability, each) for each in words]
    return _Ends(
        frozenset(chain.from_iterable(each.numbers for each in found)),
        frozenset(chain.from_iterable(each.unseen for each in found)),
    )


def _one_meant(reachability: Reachability, word: str) -> _Ends:
    if is_unseen(word):
        return _unseen(reachability, word)
    if word in {each.id for each in reachability.externals}:
        return _Ends(frozenset({reachability.ends.number(word)}))
    numbers = _numbered(reachability, _reading_of(reachability, word))
    return _Ends(numbers or frozenset({_named(reachability, word)}))


def _reading_of(reachability: Reachability, word: str) -> Callable[[Endpoint], bool]:
    """Return what tells the ends that a word means, if it is more than a name."""
    if word == _OUTSIDE:
        return lambda end: isinstance(end, ExternalRange)
    if (network := _network(reachability, word)) is not None:
        asked = network_ranges(network)
        return lambda end: (
            isinstance(end, ExternalRange)
            and bool(intersection(network_ranges(end.network), asked))
        )
    if "*" in word:
        return lambda end: isinstance(end, WorkloadEndpoint) and fnmatchcase(end.id, word)
    name = word.removesuffix("/")
    return lambda end: isinstance(end, WorkloadEndpoint) and end.namespace == name


def _numbered(reachability: Reachability, is_meant: Callable[[Endpoint], bool]) -> frozenset[int]:
    return frozenset(n for n, each in enumerate(reachability.endpoints) if is_meant(each))


def _named(reachability: Reachability, word: str) -> int:
    try:
        return reachability.ends.number(word)
    except InvalidValue as problem:
        namespaces = dict.fromkeys(each.namespace for each in reachability.workloads)
        near = guess(word, [*(each.id for each in reachability.workloads), *namespaces])
        raise InvalidValue(
            f"there is no workload, namespace or address `{word}`", help=near or problem.help
        ) from None


def _network(reachability: Reachability, word: str) -> IpNetwork | None:
    """Return the address or range that a word is.

    Raises:
        InvalidValue: these are addresses of pods.
    """
    try:
        network = ip_network(word, strict=False)
    except ValueError:
        return None
    if any(
        intersection(network_ranges(network), network_ranges(pods))
        for pods in reachability.snapshot.pod_cidrs
    ):
        raise InvalidValue(
            f"`{word}` is among the addresses of pods",
            help="name the workload instead, as in `namespace/name`",
        )
    return network


def _unseen(reachability: Reachability, word: str) -> _Ends:
    """Return pods that are not shown.

    Raises:
        InvalidValue: no connection is listed for exactly these, whatever those of wider ones are.
    """
    known = _everyone(reachability).unseen
    if word not in known:
        near = guess(word, sorted(known))
        raise InvalidValue(
            f"no policy tells the pods `{word}` from others that are not shown",
            help=f"{near}{near and ' '}`podwall explain` answers for any labels",
        )
    return _Ends(frozenset(), frozenset({word}))


def _check_port(reachability: Reachability, text: str) -> None:
    if not text:
        return
    port = typed_port(protocol_last(text))
    if port is None:
        raise InvalidValue(f"`{text}` is not a port", help="as in `8080`, `53/udp` or `metrics`")
    if port.name:
        _check_name(reachability, port)
    else:
        port.ports()


def _check_name(reachability: Reachability, port: TypedPort) -> None:
    ends: Iterable[WorkloadEndpoint] = reachability.workloads
    if PortSet.union(ports_at([port.name], each) for each in ends):
        return
    known = {each.name or "" for end in ends for each in end.workload.ports}
    raise InvalidValue(
        f"no workload has a port named `{port.name}`",
        help=guess(port.name, sorted(known - {""})) or "give a number",
    )
