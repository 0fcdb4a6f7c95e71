"""Ports as they are written in a policy: numbers, ranges and names, of TCP, UDP and SCTP.

`Ports` is what is *written*. It is a set: order and repetition say nothing. Neighbouring numbers
are not merged into ranges, because an engine that does not know `endPort` opens only the first
port of a range; so `tcp(80) | tcp(81)` and `tcp(80, end_port=81)` are different values.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-range-of-ports
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, overload

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.syntax import port_name_help, port_name_problem
from podwall.policies.wording import refused
from podwall.quick_dataclass import dataclass

__all__ = [
    "ALL_PORTS",
    "ALL_SCTP_PORTS",
    "ALL_TCP_PORTS",
    "ALL_UDP_PORTS",
    "FIRST_PORT",
    "LAST_PORT",
    "Port",
    "Ports",
    "Protocol",
    "sctp",
    "tcp",
    "udp",
]

FIRST_PORT: Final = 1
LAST_PORT: Final = 65535


class Protocol(StrEnum):
    """A transport protocol that a policy can name."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


_PROTOCOLS: Final = tuple(Protocol)


@dataclass(frozen=True, slots=True)
class Port:
    """One entry of `ports`: a number, a range, a name, or every port of one protocol.

    `port` None: every port of the protocol. A name is resolved on the destination pod, in both
    directions. `end_port` makes a range of `port`, both ends included.
    """

    protocol: Protocol
    port: int | str | None = None
    end_port: int | None = None

    def __post_init__(self) -> None:
        """Refuse what the API server refuses."""
        _check_protocol(self.protocol)
        if isinstance(self.port, str):
            _check_name(self.port)
        elif self.port is not None:
            _check_number(self.port, "port")
        if self.end_port is not None:
            _check_range(self.port, self.end_port)

    @property
    def order(self) -> tuple[int, int, str, int]:
        """The rank of the entry in a written set: by protocol, numbers before names."""
        number = self.port if isinstance(self.port, int) else 0
        name = self.port if isinstance(self.port, str) else ""
        return (
            _PROTOCOLS.index(self.protocol),
            number + (LAST_PORT + 1) * bool(name),
            name,
            self.end_port or 0,
        )

    def __str__(self) -> str:
        """Write the entry as `TCP 80-81`."""
        port = "all ports" if self.port is None else str(self.port)
        return f"{self.protocol} {port}" + (f"-{self.end_port}" if self.end_port else "")


@dataclass(frozen=True, slots=True)
class Ports:
    """A set of port entries, united with `|`. `entries` None is `ALL_PORTS`: nothing is excluded.

    >>> udp(53) | tcp(53) == tcp(53) | udp(53)
    True
    >>> print(tcp(80, end_port=90) | tcp("metrics"))
    TCP 80-90, TCP metrics
    """

    entries: tuple[Port, ...] | None

    def __post_init__(self) -> None:
        """Order the entries. No entry at all is refused: to allow nothing, use `DENY_ALL`."""
        if self.entries is None:
            return
        if not self.entries:
            raise InvalidValue(
                "no port is given",
                help="for every port, say `ALL_PORTS`; to allow nothing, leave the rule out",
                place=Place(path="ports"),
                value=self.entries,
            )
        ordered = sorted(set(self.entries), key=lambda entry: entry.order)
        object.__setattr__(self, "entries", tuple(ordered))

    def __or__(self, other: Ports) -> Ports:
        """Return the ports of both. `ALL_PORTS` stays `ALL_PORTS`."""
        if not isinstance(other, Ports):
            return NotImplemented
        if self.entries is None or other.entries is None:
            return ALL_PORTS
        return Ports(self.entries + other.entries)

    def __str__(self) -> str:
        """Write the entries for people."""
        return "all ports" if self.entries is None else ", ".join(map(str, self.entries))


@overload
def tcp(port: int, /, *, end_port: int | None = None) -> Ports: ...
@overload
def tcp(port: str, /) -> Ports: ...
def tcp(port: int | str, /, *, end_port: int | None = None) -> Ports:
    """Return a TCP port: a number, a range up to and including `end_port`, or a port name.

    >>> print(tcp(8080), tcp(8000, end_port=8999), tcp("metrics"), sep=" + ")
    TCP 8080 + TCP 8000-8999 + TCP metrics
    """
    return _ports(Protocol.TCP, port, end_port)


@overload
def udp(port: int, /, *, end_port: int | None = None) -> Ports: ...
@overload
def udp(port: str, /) -> Ports: ...
def udp(port: int | str, /, *, end_port: int | None = None) -> Ports:
    """Return a UDP port: a number, a range up to and including `end_port`, or a port name."""
    return _ports(Protocol.UDP, port, end_port)


@overload
def sctp(port: int, /, *, end_port: int | None = None) -> Ports: ...
@overload
def sctp(port: str, /) -> Ports: ...
def sctp(port: int | str, /, *, end_port: int | None = None) -> Ports:
    """Return an SCTP port: a number, a range up to and including `end_port`, or a port name."""
    return _ports(Protocol.SCTP, port, end_port)


def _ports(protocol: Protocol, port: int | str | None, end_port: int | None) -> Ports:
    if port is None:
        raise refused("port", port, "is not a port", f"for every port, say `ALL_{protocol}_PORTS`")
    return Ports((Port(protocol, port, end_port),))


def _check_protocol(protocol: object) -> None:
    if not isinstance(protocol, Protocol):
        raise refused(
            "protocol", protocol, "is not a protocol", "write `tcp(...)`, `udp(...)` or `sctp(...)`"
        )


def _check_number(number: object, path: str) -> None:
    if not isinstance(number, int) or isinstance(number, bool):
        raise refused(path, number, "is not a port", "give a number from 1 to 65535, or a name")
    if not FIRST_PORT <= number <= LAST_PORT:
        every = "; for every port, say `ALL_PORTS` or `ALL_TCP_PORTS`" if number == 0 else ""
        raise refused(
            path, number, "is not a port number", f"port numbers are from 1 to 65535{every}"
        )


def _check_name(name: str) -> None:
    if problem := port_name_problem(name):
        raise refused("port", name, f"is not a port name: it {problem}", port_name_help(name))


def _check_range(port: int | str | None, end_port: object) -> None:
    if not isinstance(port, int):
        problem = "has no number" if port is None else "has a name"
        raise refused(
            "endPort",
            end_port,
            f"ends a range whose `port` {problem}",
            "begin a range with a number, as in `tcp(8000, end_port=8999)`",
        )
    _check_number(end_port, "endPort")
    if isinstance(end_port, int) and end_port < port:
        raise refused(
            "endPort",
            end_port,
            f"is below `port`, which is `{port}`",
            f"did you mean `port` {end_port} and `end_port` {port}?",
        )


#: Every port of every protocol, also of those that a policy cannot name, such as ICMP.
ALL_PORTS: Final = Ports(None)
#: Every TCP port, and nothing of UDP or SCTP.
ALL_TCP_PORTS: Final = Ports((Port(Protocol.TCP),))
#: Every UDP port, and nothing of TCP or SCTP.
ALL_UDP_PORTS: Final = Ports((Port(Protocol.UDP),))
#: Every SCTP port, and nothing of TCP or UDP.
ALL_SCTP_PORTS: Final = Ports((Port(Protocol.SCTP),))
