"""Many changed connections in few words: groups, the names of their ends, one sentence.

Sources that change alike towards one destination become one group, then destinations with the same
sources. All workloads of a namespace are named by the namespace; addresses outside the cluster by
what is missing where that is shorter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
    summarize_address_range,
)
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple

from podwall.diff import ConnectionChangeKind
from podwall.portset import difference, merged
from podwall.quick_dataclass import dataclass
from podwall.reports.comment.report import ChangedConnection, ChangeReport, StatedIn
from podwall.reports.formats import code_span, markdown_text
from podwall.reports.words import counted, listed

__all__ = [
    "KIND_ORDER",
    "ChangeGroup",
    "address_words",
    "change_sentence",
    "connection_count",
    "endpoint_words",
    "grouped",
    "outside_sentence",
    "sorts",
]


_FEW: Final = 3
_NO_UNSEEN: Final[Mapping[str, str]] = MappingProxyType({})

IpNetwork = IPv4Network | IPv6Network
_WHOLE: Final[tuple[IpNetwork, ...]] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


def endpoint_words(
    ends: Iterable[str],
    namespaces: Mapping[str, frozenset[str]],
    ranges: frozenset[str] = frozenset(),
    unseen: Mapping[str, str] = _NO_UNSEEN,
) -> str:
    """Return the names of ends; a namespace stands for its workloads where all are among them.

    `ranges` are those of the ends that are addresses, and `unseen` has those that are pods which
    are not shown, in words.

    >>> endpoint_words(["shop/api", "shop/web"], {"shop": frozenset({"shop/api", "shop/web"})})
    'every workload of `shop`'
    """
    left = set(ends)
    outside = left & ranges
    others = [markdown_text(unseen[each]) for each in sorted(left & unseen.keys())]
    left -= outside | unseen.keys()
    whole = [name for name, inside in sorted(namespaces.items()) if len(inside & left) > 1]
    whole = [name for name in whole if namespaces[name] <= left]
    for name in whole:
        left -= namespaces[name]
    nearly = dict(_all_but_one(left, namespaces))
    for name in nearly:
        left -= namespaces[name]
    parts = [f"every workload of {code_span(name)}" for name in whole[:_FEW]]
    if len(whole) > _FEW:
        parts.append(f"every workload of {counted(len(whole) - _FEW, 'more namespace')}")
    parts += [
        f"every workload of {code_span(name)} but {code_span(but)}" for name, but in nearly.items()
    ]
    parts += _workloads(sorted(left))
    if outside:
        parts.append(address_words([ip_network(each) for each in outside]))
    return ", ".join([*parts, *others])


def _all_but_one(
    ends: set[str], namespaces: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, str]]:
    """Yield the few namespaces of which one workload is missing, where that is less to read."""
    missing = ((name, sorted(inside - ends)) for name, inside in sorted(namespaces.items()))
    found = [
        (name, absent[0])
        for name, absent in missing
        if len(absent) == 1 and len(namespaces[name]) > _FEW
    ]
    if len(found) <= _FEW:  # more of them are better counted
        yield from found


def _workloads(names: Sequence[str]) -> Iterator[str]:
    """Yield names; many of one namespace, or of many, are counted, and the first of them named."""
    if len(names) <= _FEW + 1:
        yield from _few(names)
        return
    spaces = Counter(name.partition("/")[0] for name in names)
    many = [space for space, number in spaces.items() if number > _FEW]
    if len(many) > _FEW:
        yield f"{len(names):,} workloads of {len(spaces):,} namespaces ({_first(names)})"
        return
    for space in many:
        inside = [name for name in names if name.startswith(f"{space}/")]
        yield f"{len(inside):,} workloads of {code_span(space)} ({_first(inside)})"
    yield from _few([name for name in names if name.partition("/")[0] not in many])


def _first(names: Sequence[str]) -> str:
    return f"{', '.join(map(code_span, names[:_FEW]))}, …"


def _few(names: Sequence[str]) -> Iterator[str]:
    """Yield the first names, and how many more there are."""
    shown = names if len(names) <= _FEW + 1 else names[:_FEW]
    yield from map(code_span, shown)
    if len(shown) < len(names):
        yield f"{len(names) - len(shown):,} more"


def _verb(effect: _Effect, number: int) -> str:
    kind, unsure = effect
    return _VERBS[kind][2 if unsure else int(number > 1)]


def address_words(networks: Iterable[IpNetwork]) -> str:
    """Return addresses outside the cluster in words, by what is missing where that is less.

    >>> address_words([ip_network("0.0.0.0/1"), ip_network("128.0.0.0/1")])
    'any IPv4 address outside the cluster'
    """
    found = set(networks)
    missing = {each.version: _missing(found, each) for each in _WHOLE}
    most = [version for version, parts in missing.items() if len(parts) <= _FEW and found]
    most = [version for version in most if any(each.version == version for each in found)]
    few = sorted(str(each) for each in found if each.version not in most)
    parts = [_nearly_all(most, [each for version in most for each in missing[version]])]
    return ", ".join(filter(None, [*parts, *_few(few)]))


def _nearly_all(versions: Sequence[int], missing: Sequence[IpNetwork]) -> str:
    if not versions:
        return ""
    who = "anyone" if len(versions) > 1 else f"any IPv{versions[0]} address"
    without = f" except {', '.join(code_span(str(each)) for each in missing)}" if missing else ""
    return f"{who} outside the cluster{without}"


def _missing(networks: Iterable[IpNetwork], whole: IpNetwork) -> list[IpNetwork]:
    """Return what of a family of addresses is in none of the networks, or the first of it.

    Who asks wants to know whether it is little: one more than `_FEW` says that it is not.
    """
    there = merged(_span(each) for each in networks if each.version == whole.version)
    gaps = difference((_span(whole),), there)
    parts = (part for low, high in gaps for part in _parts(whole, low, high))
    return list(islice(parts, _FEW + 1))


def _span(network: IpNetwork) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


def _parts(whole: IpNetwork, low: int, high: int) -> Iterator[IpNetwork]:
    if isinstance(whole, IPv4Network):
        yield from summarize_address_range(IPv4Address(low), IPv4Address(high))
    else:
        yield from summarize_address_range(IPv6Address(low), IPv6Address(high))


KIND_ORDER: Final = (
    ConnectionChangeKind.ADDED,
    ConnectionChangeKind.WIDENED,
    ConnectionChangeKind.CHANGED,
    ConnectionChangeKind.NARROWED,
    ConnectionChangeKind.REMOVED,
)
"""What opens comes first."""


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Connections from any of the sources to any of the destinations that change alike.

    `because` and `reasons` are those of all of them, what is behind most connections first.
    `not_itself`: an end that is on both sides changes nothing with itself. `rules` are those of the
    policies that do it, as far as that was asked.
    """

    kind: ConnectionChangeKind
    before: str
    after: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    accepted: tuple[StatedIn, ...]
    only_perhaps: bool
    because: tuple[str, ...]
    reasons: tuple[str, ...]
    not_itself: bool = False
    rules: frozenset[str] = frozenset()


class _Change(NamedTuple):
    kind: ConnectionChangeKind
    before: str
    after: str
    accepted: tuple[StatedIn, ...]
    only_perhaps: bool


def grouped(connections: Iterable[ChangedConnection]) -> list[ChangeGroup]:
    """Return the connections in groups, ordered by kind, then by destination.

    Sources that change alike towards one destination are put together, then destinations with the
    same sources, or with all the same but themselves.
    """
    towards: defaultdict[tuple[_Change, str], list[ChangedConnection]] = defaultdict(list)
    for each in connections:
        change = _Change(each.kind, each.before, each.after, each.accepted, each.only_perhaps)
        towards[change, each.destination].append(each)
    alike: defaultdict[tuple[_Change, tuple[str, ...]], list[ChangedConnection]] = defaultdict(list)
    for (change, _), found in towards.items():
        alike[change, tuple(sorted(each.source for each in found))].extend(found)
    groups = (_change_group(change, sources, found) for (change, sources), found in _joined(alike))
    return sorted(groups, key=_group_order)


_Alike = Mapping[tuple[_Change, tuple[str, ...]], list[ChangedConnection]]
_Group = tuple[tuple[_Change, tuple[str, ...]], list[ChangedConnection]]


def _joined(alike: _Alike) -> Iterator[_Group]:
    """Yield the groups, those as one that differ only in that no end changes with itself.

    Where a destination and its sources are together the same ends as another and its, every
    connection among these changes, but for those of the destinations with themselves.
    """
    among: defaultdict[tuple[_Change, frozenset[str]], list[_Group]] = defaultdict(list)
    for (change, sources), found in alike.items():
        towards = {each.destination for each in found}
        alone = len(towards) == 1 and not towards & {*sources}
        together = frozenset((*sources, *(towards if alone else ())))
        among[change, together].append(((change, sources), found))
    for (change, ends), groups in among.items():
        single = [each for each in groups if not _destinations(each) <= {*each[0][1]}]
        others = [each for each in groups if each not in single]
        if len(single) > 1 and all(len(_destinations(each)) == 1 for each in single):
            every = [connection for _, group in single for connection in group]
            yield (change, tuple(sorted(ends))), every
            yield from others
        else:
            yield from groups


def _destinations(group: _Group) -> set[str]:
    return {each.destination for each in group[1]}


def _change_group(
    change: _Change, sources: tuple[str, ...], found: Sequence[ChangedConnection]
) -> ChangeGroup:
    because = Counter(sorted(name for each in found for name in each.because))
    reasons = Counter(sorted(each.reason for each in found if each.reason))
    destinations = tuple(sorted({each.destination for each in found}))
    return ChangeGroup(
        *change[:3],
        sources,
        destinations,
        change.accepted,
        change.only_perhaps,
        tuple(name for name, _ in because.most_common()),
        tuple(reason for reason, _ in reasons.most_common()),
        not_itself=len(found) < len(sources) * len(destinations),
        rules=frozenset(rule for each in found for rule in each.rules),
    )


def _group_order(group: ChangeGroup) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    return KIND_ORDER.index(group.kind), group.destinations, group.sources


_GAPS: Final = {"preview-failed", "preview-without-sames"}
_VERBS: Final = {
    ConnectionChangeKind.ADDED: ("opens", "open", "may open"),
    ConnectionChangeKind.WIDENED: ("gains ports", "gain ports", "may gain ports"),
    ConnectionChangeKind.CHANGED: ("changes", "change", "may change"),
    ConnectionChangeKind.NARROWED: ("loses some ports", "lose some ports", "may close"),
    ConnectionChangeKind.REMOVED: ("closes", "close", "may close"),
}
"""Of one connection, of several, and of those of which nothing is certain."""

_Effect = tuple[ConnectionChangeKind, bool]
"""What becomes of a connection, and whether that is not certain."""


def change_sentence(report: ChangeReport) -> str:
    """Return how many connections change, between workloads if any, else with what is outside.

    Where only pods that are not shown are concerned, it is how many with these.

    Where the preview failed, the sentence is that nobody knows.

    >>> change_sentence(ChangeReport("stack dev"))
    'no connection opens or closes'
    """
    count = _counted(report)
    words = _counts(count.inside) or _with_outside(count.outside) or _with_unseen(count.unseen)
    if any(each.id in _GAPS for each in report.findings):
        seen = f"; as far as it came, {words}" if words else ""
        return f"the preview is not whole, so nobody knows what opens or closes{seen}"
    words = words or "no connection opens or closes"
    return f"more than {words}" if report.partial else words


def outside_sentence(report: ChangeReport) -> str:
    """Return how many connections change with what is outside or not shown, in a sentence.

    Of what `change_sentence` says it says nothing. All addresses outside count as one for each
    workload and direction, however many ranges it takes to write them; so do unseen pods.
    """
    count = _counted(report)
    outside = _with_outside(count.outside) if count.inside else ""
    unseen = _with_unseen(count.unseen) if count.inside or count.outside else ""
    return "; ".join(filter(None, (outside, unseen)))


def connection_count(report: ChangeReport) -> int:
    """Return how many connections change, counted as in the sentences."""
    return sum(sum(count.values()) for count in _counted(report))


def sorts(report: ChangeReport) -> dict[str, int]:
    """Return how many connections change between workloads, with the outside, with unseen pods."""
    count = _counted(report)
    return {
        "between workloads": count.inside.total(),
        "with addresses outside the cluster": count.outside.total(),
        "with pods that are not shown": count.unseen.total(),
    }


def _with_unseen(count: Counter[_Effect]) -> str:
    return f"{_counts(count)} from or to pods that are not shown" if count else ""


def _with_outside(count: Counter[_Effect]) -> str:
    return f"{_counts(count)} from or to outside the cluster" if count else ""


class _Counts(NamedTuple):
    """How many connections change: between workloads, with the outside, and with unseen pods."""

    inside: Counter[_Effect]
    outside: Counter[_Effect]
    unseen: Counter[_Effect]


def _counted(report: ChangeReport) -> _Counts:
    inside: Counter[_Effect] = Counter()
    outside: set[tuple[_Effect, str, tuple[str, ...]]] = set()
    unseen = outside.copy()
    for each in report.connections:
        ends, effect = {each.source, each.destination}, (each.kind, each.only_perhaps)
        ranges, pods = ends & report.ranges, ends & report.unseen.keys()
        if ranges or pods:
            workload = tuple(ends - ranges - pods)
            way = "from" if each.source not in workload else "to"
            (outside if ranges else unseen).add((effect, way, workload))
        else:
            inside[effect] += 1
    effects = (Counter(effect for effect, _, _ in found) for found in (outside, unseen))
    return _Counts(inside, *effects)


def _counts(count: Counter[_Effect]) -> str:
    """Return the counts, the most open kind first; the noun stands with the first."""
    found = [(kind, unsure) for kind in KIND_ORDER for unsure in (False, True)]
    parts = [(count[each], _verb(each, count[each])) for each in found if count[each]]
    if not parts:
        return ""
    first, verb = parts[0]
    noun = "connection" if first == 1 else "connections"
    return listed([f"{first:,} {noun} {verb}", *(f"{n:,} {each}" for n, each in parts[1:])])
