"""One expectation as a value: who shall, or shall not, reach whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from podwall.expectations.selections import Selection
from podwall.explain import is_port
from podwall.policies.errors import InvalidValue, Place
from podwall.portset import FIRST_PORT, LAST_PORT

__all__ = ["Ends", "Expectation", "Kind", "Ports", "allowed", "denied", "only"]

_NUMBERS: Final = re.compile(r"([0-9]+)(?:-([0-9]+))?(?:/|$)")

Ends = Selection | Iterable[Selection]
Ports = str | int | Iterable[str | int]


class Kind(StrEnum):
    """What is expected of the pairs of an expectation.

    `ALLOWED`: every source reaches every destination on all the ports. `DENIED`: none reaches any
    on any of them. `ONLY`: the sources do, and nothing else does.
    """

    ALLOWED = "allowed"
    DENIED = "denied"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Expectation:
    """Who shall, or shall not, reach whom on which ports.

    `ports` are as in `8080`, `53/udp`, `8000-8080` or `metrics`, the name of a port of each
    destination; empty means any port at all, which `ALLOWED` does not accept. An expectation whose
    ends select nothing fails, unless `may_be_empty`. No workload is asked about itself.
    """

    name: str
    kind: Kind
    sources: tuple[Selection, ...]
    destinations: tuple[Selection, ...]
    ports: tuple[str, ...] = ()
    may_be_empty: bool = False
    description: str = ""
    place: Place = field(default_factory=Place, compare=False)

    def __post_init__(self) -> None:
        """Refuse what can mean nothing."""
        if not self.sources or not self.destinations:
            raise InvalidValue("an expectation needs both ends", help="`anything` says all")
        for port in self.ports:
            _validate(port)
        if self.kind is Kind.ALLOWED and not self.ports:
            raise InvalidValue(
                "ports: it must be said which ones have to be open",
                help="as in `8080`, or `1-65535` for every TCP port",
            )


def _validate(port: str) -> None:
    written = _NUMBERS.match(port)
    numbers = [int(each) for each in written.groups() if each] if written else []
    inside = all(FIRST_PORT <= each <= LAST_PORT for each in numbers)
    if not is_port(port) or not inside or numbers != sorted(numbers):
        raise InvalidValue(
            f"ports: `{port}` is not a port",
            help="as in `8080`, `53/udp`, `8000-8080` or `metrics`",
            value=port,
        )


def allowed(name: str, sources: Ends, destinations: Ends, ports: Ports) -> Expectation:
    """Expect that every source reaches every destination on all the ports."""
    return Expectation(name, Kind.ALLOWED, _ends(sources), _ends(destinations), _ports(ports))


def denied(name: str, sources: Ends, destinations: Ends, ports: Ports = ()) -> Expectation:
    """Expect that no source reaches any destination on any of the ports; without, on any port."""
    return Expectation(name, Kind.DENIED, _ends(sources), _ends(destinations), _ports(ports))


def only(name: str, sources: Ends, destinations: Ends, ports: Ports = ()) -> Expectation:
    """Expect that exactly the sources reach the destinations on the ports; without, on any port."""
    return Expectation(name, Kind.ONLY, _ends(sources), _ends(destinations), _ports(ports))


def _ends(ends: Ends) -> tuple[Selection, ...]:
    return tuple(ends) if isinstance(ends, Iterable) else (ends,)


def _ports(ports: Ports) -> tuple[str, ...]:
    if isinstance(ports, str | int):
        return (str(ports),)
    return tuple(map(str, ports))
