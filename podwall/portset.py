"""Sets of ports over TCP, UDP and SCTP, and the one bit for every other protocol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from podwall import intervals
from podwall.intervals import Ranges
from podwall.model import IpProtocol
from podwall.policies.errors import InvalidValue
from podwall.policies.ports import FIRST_PORT, LAST_PORT

__all__ = [
    "ALL_PORTS",
    "FIRST_PORT",
    "LAST_PORT",
    "NO_PORTS",
    "TRANSPORTS",
    "TRANSPORT_PORTS",
    "PortSet",
]

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
        tcp, udp, sctp = (intervals.merged(ranges.get(protocol, ())) for protocol in TRANSPORTS)
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
        return intervals.includes(self.ranges(protocol), port)

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
        return PortSet(
            _intersection(self.tcp, other.tcp),
            _intersection(self.udp, other.udp),
            _intersection(self.sctp, other.sctp),
            self.other and other.other,
        )

    def __sub__(self, other: PortSet) -> PortSet:
        """Return what is in this set and not in the other."""
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
    if not right or left in {right, _WHOLE}:
        return left
    if not left or right == _WHOLE:
        return right
    return intervals.merged(left + right)


def _intersection(left: Ranges, right: Ranges) -> Ranges:
    if not left or right in {left, _WHOLE}:
        return left
    if not right or left == _WHOLE:
        return right
    return intervals.intersection(left, right)


def _difference(left: Ranges, right: Ranges) -> Ranges:
    if not left or not right:
        return left
    return () if right in {left, _WHOLE} else intervals.difference(left, right)


def _written(protocol: IpProtocol, ranges: Ranges) -> str:
    if ranges == _WHOLE:
        return f"all {protocol}"
    ports = (str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return f"{protocol} {', '.join(ports)}" if ranges else ""
