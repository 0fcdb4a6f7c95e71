"""Names, places, ports, counts, and what was not read, as every report writes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from podwall.model import IpProtocol
from podwall.policies.errors import Place
from podwall.policies.wording import listed
from podwall.portset import ALL_PORTS, FIRST_PORT, LAST_PORT, PortSet
from podwall.reachability import AnyEndpoint, UnseenPods
from podwall.reading import LedgerEntry, ObjectStatus
from podwall.streams import one_line

if TYPE_CHECKING:
    from podwall.expectations import Statement

__all__ = [
    "MOST_SHOWN",
    "as_comments",
    "counted",
    "end_words",
    "left_out",
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


_MOST_NAMED: Final = 5


def left_out(entries: Iterable[LedgerEntry]) -> list[str]:
    """Return what the verdicts lack, in a sentence each: policies, other objects, what is known.

    >>> unread = [LedgerEntry("NetworkPolicy", "shop/web"), LedgerEntry("Job", "shop/a")]
    >>> for each in left_out(unread):
    ...     print(each)
    1 policy is left out, so more may be closed than shown, or open: NetworkPolicy shop/web
    1 object is not read, so more may be open than shown: Job shop/a
    """
    found = list(entries)
    unread = [each for each in found if each.status is ObjectStatus.UNREAD]
    policies = [each for each in unread if each.kind.endswith("Policy")]
    others = [each for each in unread if each not in policies]
    known = [each for each in found if each.status is ObjectStatus.ACKNOWLEDGED]
    return list(_sentences(policies, others, known))


def _sentences(
    policies: Sequence[LedgerEntry], others: Sequence[LedgerEntry], known: Sequence[LedgerEntry]
) -> Iterator[str]:
    if policies:
        are, number = _be(policies), counted(len(policies), "policy", "policies")
        may = "so more may be closed than shown, or open"
        yield f"{number} {are} left out, {may}: {_names(policies)}"
    if others:
        are, number = _be(others), counted(len(others), "object")
        yield f"{number} {are} not read, so more may be open than shown: {_names(others)}"
    if known:
        kinds = Counter(each.kind for each in known)
        words = listed([f"{count:,} {printable(kind)}" for kind, count in kinds.items()])
        yield f"accepted without being read: {words}"


def _be(entries: Sequence[LedgerEntry]) -> str:
    return "is" if len(entries) == 1 else "are"


def _names(entries: Sequence[LedgerEntry]) -> str:
    names = [printable(f"{each}") for each in entries[:_MOST_NAMED]]
    more = [f"{len(entries) - len(names):,} more"] if len(entries) > len(names) else []
    return listed([*names, *more])


def as_comments(sentences: Iterable[str]) -> str:
    """Return sentences as comments of Python or YAML, a line each.

    >>> print(as_comments(["1 object is not read"]), end="")
    # 1 object is not read
    """
    return "".join(f"# {each}\n" for each in sentences)
