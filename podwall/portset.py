"""Sets of whole numbers as ranges, and of ports over TCP, UDP, SCTP and every other protocol."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Final

from podwall.model import IpProtocol
from podwall.policies.errors import InvalidValue
from podwall.policies.ports import FIRST_PORT, LAST_PORT
from podwall.quick_dataclass import dataclass

__all__ = [
    "ALL_PORTS",
    "FIRST_PORT",
    "LAST_PORT",
    "NO_PORTS",
    "TRANSPORTS",
    "TRANSPORT_PORTS",
    "PortSet",
    "Ranges",
    "difference",
    "includes",
    "intersection",
    "merged",
]

Ranges = tuple[tuple[int, int], ...]


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the same numbers as ranges that are sorted, apart, and as few as possible.

    >>> merged([(5, 9), (1, 2), (3, 4)])
    ((1, 9),)
    """
    result: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def intersection(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers that are in both.

    >>> intersection(((1, 9),), ((0, 2), (8, 20)))
    ((1, 2), (8, 9))
    """
    result: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            result.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def difference(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers of `left` that are not in `right`.

    >>> difference(((1, 9),), ((3, 4), (9, 12)))
    ((1, 2), (5, 8))
    """
    if not left or not right:
        return left
    gaps = [(low[1] + 1, high[0] - 1) for low, high in pairwise(right)]
    below, above = (left[0][0], right[0][0] - 1), (right[-1][1] + 1, left[-1][1])
    around = [(first, last) for first, last in (below, *gaps, above) if first <= last]
    return intersection(left, tuple(around))


def includes(ranges: Ranges, number: int) -> bool:
    """Return whether `number` is in one of the ranges."""
    return any(first <= number <= last for first, last in ranges)


TRANSPORTS: Final = (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP)
"""The protocols that have ports."""


@dataclass(frozen=True, slots=True)
class PortSet:
    """A set of (protocol, port) pairs, in one canonical form: equal sets are equal values.

    `tcp`, `udp` and `sctp` are sorted, merged, inclusive ranges within 1 to 65535. `other` stands
    for ICMP and every other protocol, which policies can only allow as a whole.

    >>> print(PortSet.of(IpProtocol.TCP, 443) | PortSet.of(IpProtocol.TCP, 80, 81))
    TCP 80-81, 443
    """

    tcp: Ranges = ()
    udp: Ranges = ()
    sctp: Ranges = ()
    other: bool = False

    @classmethod
    def of(cls, protocol: IpProtocol, first: int, last: int | None = None) -> PortSet:
        """Return the ports from `first` to `last` (both included; one port without `last`).

        Raises:
            InvalidValue: a port is not within 1 to 65535, or the range is reversed.

        >>> print(PortSet.of(IpProtocol.UDP, 53))
        UDP 53
        """
        end = first if last is None else last
        if not FIRST_PORT <= first <= end <= LAST_PORT:
            raise InvalidValue(
                f"invalid port range `{first}` to `{end}`", help="ports are 1 to 65535, ascending"
            )
        return cls.from_ranges({protocol: ((first, end),)})

    @classmethod
    def from_ranges(cls, ranges: dict[IpProtocol, Ranges], *, other: bool = False) -> PortSet:
        """Return the set of the ranges of each protocol, which need not be sorted or apart."""
        tcp, udp, sctp = (merged(ranges.get(protocol, ())) for protocol in TRANSPORTS)
        return cls(tcp, udp, sctp, other)

    @classmethod
    def all_of(cls, protocol: IpProtocol) -> PortSet:
        """Return every port of one protocol.

        >>> print(PortSet.all_of(IpProtocol.SCTP))
        all SCTP
        """
        if protocol is IpProtocol.OTHER:
            return cls(other=True)
        return cls.of(protocol, FIRST_PORT, LAST_PORT)

    @classmethod
    def union(cls, sets: Iterable[PortSet]) -> PortSet:
        """Return what is in any of the sets.

        >>> print(PortSet.union([]), PortSet.union([PortSet.of(IpProtocol.UDP, 53), NO_PORTS]))
        no ports UDP 53
        """
        return reduce(or_, sets, NO_PORTS)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in the set."""
        return not (self.tcp or self.udp or self.sctp or self.other)

    @property
    def has_ports(self) -> bool:
        """Whether anything of TCP, UDP or SCTP is in the set."""
        return bool(self.tcp or self.udp or self.sctp)

    @property
    def without_other(self) -> PortSet:
        """What of the set has ports: TCP, UDP and SCTP.

        >>> print(ALL_PORTS.without_other)
        all TCP; all UDP; all SCTP
        """
        return PortSet(self.tcp, self.udp, self.sctp) if self.other else self

    def ranges(self, protocol: IpProtocol) -> Ranges:
        """Return the ranges of a protocol; `OTHER` has no ports, so none.

        >>> ALL_PORTS.ranges(IpProtocol.TCP)
        ((1, 65535),)
        """
        match protocol:
            case IpProtocol.TCP:
                return self.tcp
            case IpProtocol.UDP:
                return self.udp
            case IpProtocol.SCTP:
                return self.sctp
            case IpProtocol.OTHER:
                return ()

    def contains(self, protocol: IpProtocol, port: int) -> bool:
        """Return whether the port is in the set; the port of `OTHER` does not matter."""
        if protocol is IpProtocol.OTHER:
            return self.other
        return includes(self.ranges(protocol), port)

    def __or__(self, other: PortSet) -> PortSet:
        """Return what is in either set."""
        if self is other or not self:
            return other
        if not other:
            return self
        return PortSet(
            _union(self.tcp, other.tcp),
            _union(self.udp, other.udp),
            _union(self.sctp, other.sctp),
            self.other or other.other,
        )

    def __and__(self, other: PortSet) -> PortSet:
        """Return what is in both sets."""
        if self is other or other is ALL_PORTS:
            return self
        if self is ALL_PORTS:
            return other
        return PortSet(
            _intersection(self.tcp, other.tcp),
            _intersection(self.udp, other.udp),
            _intersection(self.sctp, other.sctp),
            self.other and other.other,
        )

    def __sub__(self, other: PortSet) -> PortSet:
        """Return what is in this set and not in the other."""
        if not other:
            return self
        if self is other or other is ALL_PORTS:
            return NO_PORTS
        return PortSet(
            _difference(self.tcp, other.tcp),
            _difference(self.udp, other.udp),
            _difference(self.sctp, other.sctp),
            self.other and not other.other,
        )

    def __bool__(self) -> bool:
        """Whether something is in the set."""
        return bool(self.tcp or self.udp or self.sctp or self.other)

    def __str__(self) -> str:
        """Write the set for people.

        >>> print(NO_PORTS, ALL_PORTS, ALL_PORTS - PortSet.of(IpProtocol.TCP, 22), sep=" | ")
        no ports | all ports | TCP 1-21, 23-65535; all UDP; all SCTP; other protocols
        """
        if self.is_empty:
            return "no ports"
        if self == ALL_PORTS:
            return "all ports"
        parts = [_written(protocol, self.ranges(protocol)) for protocol in TRANSPORTS]
        return "; ".join(filter(None, [*parts, "other protocols" if self.other else ""]))


_WHOLE: Final = ((FIRST_PORT, LAST_PORT),)

NO_PORTS: Final = PortSet()
ALL_PORTS: Final = PortSet(_WHOLE, _WHOLE, _WHOLE, other=True)
TRANSPORT_PORTS: Final = PortSet(_WHOLE, _WHOLE, _WHOLE)
"""All ports of the protocols that have ports."""


def _union(left: Ranges, right: Ranges) -> Ranges:
    """Return the ports of both, most often without looking at more than whether one has all."""
    if not right or left in (right, _WHOLE):
        return left
    if not left or right == _WHOLE:
        return right
    return merged(left + right)


def _intersection(left: Ranges, right: Ranges) -> Ranges:
    if not left or right in (left, _WHOLE):
        return left
    if not right or left == _WHOLE:
        return right
    return intersection(left, right)


def _difference(left: Ranges, right: Ranges) -> Ranges:
    if not left or not right:
        return left
    if right in (left, _WHOLE):
        return ()
    return difference(left, right)


def _written(protocol: IpProtocol, ranges: Ranges) -> str:
    if ranges == _WHOLE:
        return f"all {protocol}"
    ports = (str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return f"{protocol} {', '.join(ports)}" if ranges else ""
