"""Names, places, ports and counts as every report writes them: on one line, and safe to show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from podwall.model import IpProtocol
from podwall.policies.errors import Place
from podwall.policies.wording import listed
from podwall.portset import ALL_PORTS, FIRST_PORT, LAST_PORT, PortSet
from podwall.reachability import AnyEndpoint, UnseenPods
from podwall.streams import one_line

if TYPE_CHECKING:
    from podwall.expectations import Statement

__all__ = [
    "MOST_SHOWN",
    "counted",
    "end_words",
    "listed",
    "more_findings",
    "place_words",
    "printable",
    "quoted_parts",
    "sentence_case",
    "short_ports",
    "statement_name",
    "statement_words",
]


def printable(text: str) -> str:
    r"""Return a text on one line, with what cannot be seen made visible.

    Names come from documents that anybody may have written; a character that turns the writing
    direction around must not make one name look like another.

    >>> print(printable("web\n\u202eapi"))
    web\n\u202eapi
    """
    return one_line(text)


MOST_SHOWN: Final = 200
"""So many findings a report for people shows; formats for programs have all of them."""


def more_findings(count: int) -> str:
    """Return how many findings are not shown, and where all of them are.

    >>> more_findings(1300)
    'and 1,300 more: `podwall lint -o json` has every finding'
    """
    return f"and {count:,} more: `podwall lint -o json` has every finding"


_QUOTED: Final = re.compile(r"`([^`]*)`")


def quoted_parts(text: str) -> tuple[list[str], list[str]]:
    """Return what stands outside of backticks and what stands between them, in turns.

    A backtick without a partner is an ordinary character.

    >>> quoted_parts("policy `web` opens `api`")
    (['policy ', ' opens ', ''], ['web', 'api'])
    """
    parts = _QUOTED.split(printable(text))
    return parts[::2], parts[1::2]


def end_words(end: AnyEndpoint) -> str:
    """Return an end of a connection as people read it: pods that are not shown in words.

    >>> from podwall.model import Selector
    >>> end_words(UnseenPods(Selector(), ("shop",)))
    'any other pod of shop'
    """
    return str(end) if isinstance(end, UnseenPods) else end.id


def statement_words(statement: Statement) -> str:
    """Return who states that an opening is meant, and where that is written."""
    where = place_words(Place(statement.place.source, statement.place.line))
    return f"{statement_name(statement)}{where and f', {where}'}"


def statement_name(statement: Statement) -> str:
    """Return who states that an opening is meant: an expectation's name, or the reason."""
    # Imported only here: a report of a cluster about which nothing is stated needs none of it.
    from podwall.expectations import Expectation  # noqa: PLC0415 - as above

    if isinstance(statement, Expectation):
        return f"expected: `{statement.name}`"
    return f"accepted: {statement.because}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> counted(1, "policy", "policies"), counted(1200, "pod")
    ('1 policy', '1,200 pods')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def sentence_case(text: str) -> str:
    """Return a text with a capital at its beginning.

    >>> sentence_case("all of `db` is open")
    'All of `db` is open'
    """
    return f"{text[:1].upper()}{text[1:]}"


def place_words(place: Place) -> str:
    """Return file, line and field; of a resource of which only the URN is known, its name.

    >>> place_words(Place("urn:pulumi:dev::shop::kubernetes:core/v1:Namespace::tools"))
    'resource tools'
    """
    if not place.source.startswith("urn:pulumi:"):
        return str(place)
    _, _, name = place.source.rpartition("::")
    return f"resource {name}{f' {place.path}' if place.path else ''}"


_SUFFIXES: Final = {IpProtocol.TCP: "", IpProtocol.UDP: "/udp", IpProtocol.SCTP: "/sctp"}
_ENOUGH: Final = 3


def short_ports(ports: PortSet, more: str = "…") -> str:
    """Return ports in short: TCP goes without saying, and `more` stands for what is too much.

    >>> from podwall.model import IpProtocol
    >>> web, dns = PortSet.of(IpProtocol.TCP, 80), PortSet.of(IpProtocol.UDP, 53)
    >>> short_ports(web | dns), short_ports(ALL_PORTS), short_ports(ALL_PORTS - web)
    ('80 53/udp', 'all', '1-79 81-65535 all/udp …')
    """
    if ports == ALL_PORTS:
        return "all"
    words = [
        f"{_range(first, last)}{suffix}"
        for protocol, suffix in _SUFFIXES.items()
        for first, last in ports.ranges(protocol)
    ]
    if ports.other:
        words.append("other")
    return " ".join([*words[:_ENOUGH], *([more] if len(words) > _ENOUGH else [])])


def _range(first: int, last: int) -> str:
    if (first, last) == (FIRST_PORT, LAST_PORT):
        return "all"
    return str(first) if first == last else f"{first}-{last}"
