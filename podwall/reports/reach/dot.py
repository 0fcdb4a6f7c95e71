"""Who can reach whom as a graph in the language of Graphviz: a node for each end, an edge a pair.

https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Final

from podwall.focus import NarrowedAnswer
from podwall.reachability import AnyEndpoint, Connection, Reachability, UnseenPods, WorkloadEndpoint
from podwall.reports.words import end_words, printable, short_ports

__all__ = ["reach_dot"]

_HEAD: Final = """\
digraph podwall {
  rankdir=LR
  node [shape=box, style=rounded]
"""
_UNSEEN: Final = "style=dashed"
_OUTSIDE: Final = "shape=ellipse"
_PERHAPS: Final = "style=dashed"


def reach_dot(
    reachability: Reachability | NarrowedAnswer, lacking: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines. What is not certain is dashed, and so are pods that are not shown.

    `lacking` says what was not read, a sentence each, in comments at the beginning and below the
    graph.
    """
    everything = chain(reachability.connections(), reachability.exposures())
    connections = [each for each in everything if each.has_ports]
    yield from (f"// {printable(each)}\n" for each in lacking)
    yield _HEAD
    if lacking:
        yield f"  label={_quoted('; '.join(lacking))}\n"
    yield from _workloads(reachability.workloads)
    yield from _others(connections)
    yield from map(_edge, connections)
    yield "}\n"


def _workloads(workloads: Iterable[WorkloadEndpoint]) -> Iterator[str]:
    by_namespace = groupby(workloads, key=lambda each: each.namespace)
    for number, (namespace, inside) in enumerate(by_namespace):
        yield f"  subgraph cluster_{number} {{\n    label={_quoted(namespace)}\n"
        yield from (f"    {_quoted(each.id)} [label={_quoted(each.name)}]\n" for each in inside)
        yield "  }\n"


def _others(connections: Iterable[Connection]) -> Iterator[str]:
    """Yield the nodes of ends that are no workloads, each once."""
    ends = (end for each in connections for end in (each.source, each.destination))
    for end in dict.fromkeys(end for end in ends if not isinstance(end, WorkloadEndpoint)):
        yield f"  {_node(end)} [label={_quoted(end_words(end))}, {_look(end)}]\n"


def _look(end: AnyEndpoint) -> str:
    return _UNSEEN if isinstance(end, UnseenPods) else _OUTSIDE


def _node(end: AnyEndpoint) -> str:
    return _quoted(end.id)


def _edge(connection: Connection) -> str:
    allowed = short_ports(connection.allowed) if connection.allowed else ""
    perhaps = connection.undetermined_ports
    words = filter(None, (allowed, perhaps and f"{short_ports(perhaps)}?"))
    label = f"label={_quoted(' '.join(map(str, words)))}"
    look = "" if allowed else f", {_PERHAPS}"
    return f"  {_node(connection.source)} -> {_node(connection.destination)} [{label}{look}]\n"


def _quoted(text: str) -> str:
    r"""Return a text as a quoted string, in which a backslash is one.

    >>> print(_quoted('a "b" \\N'))
    "a \"b\" \\N"
    """
    escaped = printable(text).replace("\\", "\\\\").replace('"', r"\"")
    return f'"{escaped}"'
