"""The ends of connections in words: many names at once, and addresses outside the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import islice
from typing import Final

from podwall.reports.comment.escaping import code
from podwall.reports.words import counted

__all__ = ["ends_words", "outside_words"]

_FEW: Final = 3

IpNetwork = IPv4Network | IPv6Network


def ends_words(
    ends: Iterable[str],
    namespaces: Mapping[str, frozenset[str]],
    ranges: frozenset[str] = frozenset(),
) -> str:
    """Return the names of ends; all workloads of a namespace are said in a word.

    >>> ends_words(["shop/api", "shop/web"], {"shop": frozenset({"shop/api", "shop/web"})})
    'every workload of `shop`'
    """
    left = set(ends)
    outside = left & ranges
    left -= outside
    whole = [name for name, members in sorted(namespaces.items()) if len(members & left) > 1]
    whole = [name for name in whole if namespaces[name] <= left]
    for name in whole:
        left -= namespaces[name]
    nearly = dict(_all_but_one(left, namespaces))
    for name in nearly:
        left -= namespaces[name]
    parts = [f"every workload of {code(name)}" for name in whole[:_FEW]]
    if len(whole) > _FEW:
        parts.append(f"every workload of {counted(len(whole) - _FEW, 'more namespace')}")
    parts += [f"every workload of {code(name)} but {code(but)}" for name, but in nearly.items()]
    parts += _few(sorted(left))
    if outside:
        parts.append(outside_words([ip_network(each) for each in outside]))
    return ", ".join(parts)


def _all_but_one(
    ends: set[str], namespaces: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, str]]:
    """Yield the few namespaces of which one workload is missing, where that is less to read."""
    missing = ((name, sorted(members - ends)) for name, members in sorted(namespaces.items()))
    found = (
        (name, absent[0])
        for name, absent in missing
        if len(absent) == 1 and len(namespaces[name]) > _FEW
    )
    yield from islice(found, _FEW)


def _few(names: Sequence[str]) -> Iterator[str]:
    shown = names if len(names) <= _FEW + 1 else names[:_FEW]
    yield from map(code, shown)
    if len(names) > len(shown):
        yield f"{len(names) - len(shown):,} more"


def outside_words(networks: Iterable[IpNetwork]) -> str:
    """Return addresses outside the cluster in words, by what is missing where that is less.

    >>> outside_words([ip_network("0.0.0.0/1"), ip_network("128.0.0.0/1")])
    'any IPv4 address outside the cluster'
    """
    found = set(networks)
    missing = {4: _missing(found, "0.0.0.0/0"), 6: _missing(found, "::/0")}
    most = [version for version, parts in missing.items() if len(parts) <= _FEW and found]
    most = [version for version in most if any(each.version == version for each in found)]
    few = sorted(str(each) for each in found if each.version not in most)
    parts = [_nearly_all(most, [each for version in most for each in missing[version]])]
    return ", ".join(filter(None, [*parts, *_few(few)]))


def _nearly_all(versions: Sequence[int], missing: Sequence[IpNetwork]) -> str:
    if not versions:
        return ""
    who = "anyone" if len(versions) > 1 else f"any IPv{versions[0]} address"
    without = f" except {', '.join(code(str(each)) for each in missing)}" if missing else ""
    return f"{who} outside the cluster{without}"


def _missing(networks: Iterable[IpNetwork], family: str) -> list[IpNetwork]:
    """Return what of a family of addresses is not in any of the networks."""
    whole = ip_network(family)
    left: list[IpNetwork] = [whole]
    for network in networks:
        if network.version == whole.version:
            left = [part for each in left for part in _without(each, network)]
    return left


def _without(whole: IpNetwork, network: IpNetwork) -> Iterator[IpNetwork]:
    # Networks contain each other or do not touch.
    if isinstance(whole, IPv4Network) and isinstance(network, IPv4Network):
        yield from _excluded4(whole, network)
    elif isinstance(whole, IPv6Network) and isinstance(network, IPv6Network):
        yield from _excluded6(whole, network)


def _excluded4(whole: IPv4Network, network: IPv4Network) -> Iterator[IPv4Network]:
    if network.subnet_of(whole):
        yield from whole.address_exclude(network)
    elif not whole.subnet_of(network):
        yield whole


def _excluded6(whole: IPv6Network, network: IPv6Network) -> Iterator[IPv6Network]:
    if network.subnet_of(whole):
        yield from whole.address_exclude(network)
    elif not whole.subnet_of(network):
        yield whole
