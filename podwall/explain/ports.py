"""Ports as people type them: a number, a range, a whole protocol, or a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from podwall.model import IpProtocol
from podwall.policies.errors import InvalidValue
from podwall.policies.wording import guess
from podwall.portset import TRANSPORT_PORTS, PortSet
from podwall.reachability.matching import host_match
from podwall.reachability.unseen_pods import UnseenPods
from podwall.reachability.values import AnyEndpoint, ExternalRange, WorkloadEndpoint

__all__ = ["TypedPort", "ports_at", "ports_named", "protocol_last", "typed_port"]

_PORT: Final = re.compile(
    r"(?:(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?|"
    r"(?P<name>(?=[0-9-]*[a-z])[a-z0-9-]{1,15}))"  # a name has a letter
    r"(?:/(?P<protocol>tcp|udp|sctp))?",
    re.IGNORECASE | re.ASCII,
)
_PROTOCOL_FIRST: Final = re.compile(r"(tcp|udp|sctp)/(.+)", re.IGNORECASE | re.ASCII)


class TypedPort(NamedTuple):
    """A port as it was typed, not yet looked up at a destination.

    `first` to `last` are numbers, of TCP if there is no `protocol`; `name` is a port's name, empty
    where there are numbers. Without either it is the whole protocol.
    """

    protocol: IpProtocol | None
    first: int | None = None
    last: int | None = None
    name: str = ""

    def ports(self) -> PortSet:
        """Return the ports of numbers, or of a whole protocol.

        Raises:
            InvalidValue: a number is not within 1 to 65535, or the range is reversed.
        """
        protocol = self.protocol or IpProtocol.TCP
        if self.first is None:
            return PortSet.all_of(protocol)
        return PortSet.of(protocol, self.first, self.last)


def typed_port(text: str) -> TypedPort | None:
    """Return what a text is as a port, None where it is none by its form.

    >>> typed_port("53/udp") == TypedPort(IpProtocol.UDP, 53, 53)
    True
    >>> [typed_port(text) is None for text in ("metrics", "shop/api", "000080")]
    [False, True, True]
    """
    match = _PORT.fullmatch(text)
    if match is None:
        return None
    first, last, name, protocol = match.group("first", "last", "name", "protocol")
    if name and name.upper() in IpProtocol.__members__:
        return TypedPort(IpProtocol[name.upper()])
    meant = IpProtocol(protocol.upper()) if protocol else None
    if name:
        return TypedPort(meant, name=name)
    return TypedPort(meant, int(first), int(last or first))


def protocol_last(text: str) -> str:
    """Return a port with its protocol at the end, where podwall writes it; people write both.

    >>> protocol_last("udp/53"), protocol_last("53/udp"), protocol_last("metrics")
    ('53/udp', '53/udp', 'metrics')
    """
    match = _PROTOCOL_FIRST.fullmatch(text)
    return text if match is None else f"{match[2]}/{match[1]}"


def ports_named(text: str, destination: AnyEndpoint) -> PortSet:
    """Return the ports that a text means at a destination; without a protocol a number is TCP.

    Raises:
        InvalidValue: it is no port, or the destination has no port of that name.
    """
    port = typed_port(protocol_last(text))
    if port is None:
        raise InvalidValue(f"`{text}` is not a port", help="as in `8080`, `53/udp` or `metrics`")
    return _by_name(port, destination) if port.name else port.ports()


def ports_at(texts: Iterable[str], destination: AnyEndpoint) -> PortSet:
    """Return the ports that texts mean at a destination; a name that it does not have is none.

    Unseen pods may give a name to any port.
    """
    typed = [port for text in texts if (port := typed_port(protocol_last(text))) is not None]
    numbers = PortSet.union(port.ports() for port in typed if not port.name)
    if isinstance(destination, UnseenPods):
        return numbers | PortSet.union(_any_of(port.protocol) for port in typed if port.name)
    if isinstance(destination, ExternalRange) or host_match(destination.workload):
        return numbers
    return numbers | PortSet.union(_ports_of(port, destination) for port in typed if port.name)


def _any_of(protocol: IpProtocol | None) -> PortSet:
    return TRANSPORT_PORTS if protocol is None else PortSet.all_of(protocol)


def _ports_of(port: TypedPort, destination: WorkloadEndpoint) -> PortSet:
    """Return the ports of a destination that have the name, and the protocol if there is one."""
    return PortSet.union(
        PortSet.of(each.protocol, each.number)
        for each in destination.workload.ports
        if each.name == port.name and port.protocol in {None, each.protocol}
    )


def _by_name(port: TypedPort, destination: AnyEndpoint) -> PortSet:
    if not isinstance(destination, WorkloadEndpoint) or host_match(destination.workload):
        raise InvalidValue(
            f"port name `{port.name}` means nothing at `{destination.id}`",
            help="only pods that are shown, on the pod network, have port names; give a number",
        )
    found = _ports_of(port, destination)
    if not found:
        known = sorted({each.name for each in destination.workload.ports if each.name is not None})
        others = f"it has {', '.join(f'`{each}`' for each in known)}" if known else "give a number"
        raise InvalidValue(
            f"`{destination.id}` has no port named `{port.name}`",
            help=guess(port.name, known) or others,
        )
    return found
