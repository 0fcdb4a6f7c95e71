"""Who can reach whom as a picture: SVG, in light and dark, and a graph for Graphviz.

Up to `MOST_NAMES` names stand by themselves; above that each namespace is one row and one column,
and a cell says how many of its connections are open. What each cell shows is decided first, where
it lies in pixels after that.

https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain, groupby
from operator import itemgetter
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from podwall.focus import NarrowedAnswer
from podwall.overview import (
    OTHER_PODS,
    Cell,
    Grid,
    NamespaceGrid,
    Share,
    namespace_grid,
    reach_grid,
    summary,
)
from podwall.portset import ALL_PORTS
from podwall.quick_dataclass import dataclass
from podwall.reachability import AnyEndpoint, Connection, Reachability, UnseenPods, WorkloadEndpoint
from podwall.reports.reach import headline, narrowed_headline, other_pods_words
from podwall.reports.words import counted, end_words, printable, sentence_case, short_ports
from podwall.verdict_table import VerdictTable, verdict_table

__all__ = [
    "MOST_NAMES",
    "CellStyle",
    "Picture",
    "PictureCell",
    "picture_of",
    "reach_dot",
    "reach_svg",
]

MOST_NAMES: Final = 48
"""So many names are drawn one by one."""


class CellStyle(StrEnum):
    """How a cell is drawn."""

    ALL = "all"
    SOME = "some"
    MAYBE = "maybe"
    PART = "part"
    ITSELF = "itself"


@dataclass(frozen=True, slots=True)
class PictureCell:
    """One cell: where, how it looks, what is written in it, and its title in words."""

    row: int
    column: int
    look: CellStyle
    written: str
    title: str
    part: float = 1.0


@dataclass(frozen=True, slots=True)
class Picture:
    """Names with the namespace of each, the same for rows and columns, and the cells.

    `unseen` says who the pods are that are not shown, if any of the names stands for some.
    """

    names: tuple[str, ...]
    namespaces: tuple[str, ...]
    cells: tuple[PictureCell, ...]
    unseen: str = ""

    @property
    def folded(self) -> bool:
        """Whether each name is a namespace."""
        return bool(self.names) and self.names == self.namespaces


def picture_of(table: VerdictTable) -> Picture:
    """Return what is to be drawn of a verdict table."""
    if len(table.reachability.workloads) <= MOST_NAMES:
        grid = reach_grid(table)
        if len(grid.names) <= MOST_NAMES:
            return _unfolded(grid)
    return _folded(namespace_grid(table))


def _unfolded(grid: Grid) -> Picture:
    pairs = zip(grid.names, grid.namespaces, strict=True)
    short = (name.removeprefix(f"{namespace}/") for name, namespace in pairs)
    unseen = other_pods_words(grid.exposure)
    return Picture(tuple(short), grid.namespaces, tuple(_cells_of(grid)), unseen)


def _cells_of(grid: Grid) -> Iterator[PictureCell]:
    for (row, column), cell in sorted(grid.cells.items(), key=itemgetter(0)):
        title = f"{grid.names[row]} to {grid.names[column]}: {_cell_title(cell)}"
        written = "" if cell.itself else short_ports(cell.allowed)
        yield PictureCell(row, column, _cell_look(cell), written, title)


def _cell_look(cell: Cell) -> CellStyle:
    if cell.itself:
        return CellStyle.ITSELF
    if cell.undetermined:
        return CellStyle.MAYBE
    return CellStyle.ALL if cell.allowed == ALL_PORTS else CellStyle.SOME


def _cell_title(cell: Cell) -> str:
    if cell.itself:
        return "the same pod"
    perhaps = f"undetermined on {cell.undetermined}" if cell.undetermined else ""
    return "; ".join(filter(None, (str(cell.allowed) if cell.allowed else "", perhaps)))


def _folded(grid: NamespaceGrid) -> Picture:
    """Return the picture of namespaces: of how many of their connections something passes."""
    cells = (
        PictureCell(
            *pair,
            CellStyle.MAYBE if share.undetermined else CellStyle.PART,
            _percent(share),
            f"{grid.names[pair[0]]} to {grid.names[pair[1]]}: {_share_title(share)}",
            share.open / share.total,
        )
        for pair, share in sorted(grid.shares.items())
    )
    return Picture(grid.names, grid.names, tuple(cells), other_pods_words(grid.exposure))


def _percent(share: Share) -> str:
    if share.open in {0, share.total}:
        return "all" if share.open else ""
    return f"{share.percent}%"


def _share_title(share: Share) -> str:
    open_ = f"{share.open:,} of {counted(share.total, 'connection')}"
    return f"{open_}, {share.undetermined:,} more undetermined" if share.undetermined else open_


_STYLE: Final = """
svg{--ink:#1b2227;--soft:#57636d;--line:#e2e5e7;--paper:#fff;--all:#17568f;--all-ink:#fff;
--some:#b9d6f0;--some-ink:#123b60;--maybe:#f8e3a8;--maybe-ink:#5f4400;background:var(--paper);
font:12px -apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
@media(prefers-color-scheme:dark){svg{--ink:#e4e8eb;--soft:#a2adb5;--line:#2d343a;--paper:#14181b;
--all:#4f97da;--all-ink:#06131f;--some:#24486a;--some-ink:#cfe5fa;--maybe:#6a5214;
--maybe-ink:#ffe9ad}}
text{fill:var(--ink)}.soft{fill:var(--soft)}.head{font-size:15px;font-weight:600}
.group{font-weight:600}.line{stroke:var(--line)}.all{fill:var(--all)}.some,.part{fill:var(--some)}
.maybe{fill:var(--maybe)}.on-all{fill:var(--all-ink)}.on-some,.on-part{fill:var(--some-ink)}
.on-maybe{fill:var(--maybe-ink)}.cell{text-anchor:middle;font-size:11px}
"""

_HEIGHT: Final = 26
_LINE: Final = 18
_GAP: Final = 10
_LETTER: Final = 7
_SVG_HEAD: Final = 64
#: So many letters of the foot stand in a line, and so many lines say who pods are.
_FOOT: Final = 100
_MOST_LINES: Final = 4


class _Frame:
    """Where everything lies, in pixels."""

    def __init__(self, picture: Picture) -> None:
        longest = max((len(name) for name in picture.names), default=0)
        widest = max((len(_written(cell)) for cell in picture.cells), default=0)
        self.side = 24 + _LETTER * max(longest, max(map(len, picture.namespaces), default=0) + 2)
        self.names = _SVG_HEAD + (0 if picture.folded else 18)
        self.top = self.names + 16 + _LETTER * longest
        self.cell = max(_HEIGHT, min(88, 12 + 6 * widest))
        self.rows = self._starts(picture, _HEIGHT, 20)
        self.columns = self._starts(picture, self.cell, _GAP)
        self.width = self.side + (self.columns[-1] if self.columns else 0) + self.cell + 24
        self.height = self.top + (self.rows[-1] if self.rows else 0) + _HEIGHT + 62

    @staticmethod
    def _starts(picture: Picture, step: int, gap: int) -> list[int]:
        starts, at = [], 0
        previous = None
        for namespace in picture.namespaces:
            if namespace != previous and not picture.folded:
                at += gap
            starts.append(at)
            at += step
            previous = namespace
        return starts


def reach_svg(of: Reachability | NarrowedAnswer, lacking: Sequence[str] = ()) -> str:
    """Return the matrix as a picture: a row is a source, a column a destination.

    `lacking` says what was not read, a sentence each, at the foot.

    Above 48 names each namespace is one row, and a cell says how many of its connections are open.
    """
    if isinstance(of, NarrowedAnswer):
        picture, title = _part(of), f"{of.focus}: {narrowed_headline(of)}"
        lacking = ("only what was asked for is shown", *lacking)
    else:
        table = verdict_table(of)
        picture, title = picture_of(table), headline(summary(table))
    return _picture(picture, sentence_case(title), lacking)


def _part(answer: NarrowedAnswer) -> Picture:
    """Return what is to be drawn of the ends that are asked for, one by one."""
    connections = [
        each for each in chain(answer.connections(), answer.exposures()) if each.has_ports
    ]
    ends: dict[str, AnyEndpoint] = {each.id: each for each in answer.endpoints}
    for each in connections:
        ends |= {end.id: end for end in (each.source, each.destination)}
    numbers = {name: number for number, name in enumerate(ends)}
    cells = {
        (numbers[each.source_id], numbers[each.destination_id]): Cell(
            each.allowed, each.undetermined_ports, itself=_is_itself(each)
        )
        for each in connections
    }
    namespaces = (_namespace(each) for each in ends.values())
    return _unfolded(Grid(tuple(map(end_words, ends.values())), tuple(namespaces), cells))


def _is_itself(connection: Connection) -> bool:
    end = connection.source
    same = connection.source_id == connection.destination_id
    return same and isinstance(end, WorkloadEndpoint) and end.is_one_pod


def _namespace(end: AnyEndpoint) -> str:
    return end.namespace if isinstance(end, WorkloadEndpoint) else ""


def _picture(picture: Picture, title: str, lacking: Sequence[str]) -> str:
    frame = _Frame(picture)
    foot = (*_foot(picture), *lacking)
    longest = max(map(len, foot))
    width = max(frame.width, 40 + int(_LETTER * 1.2 * len(title)), 48 + _LETTER * longest)
    height = frame.height + _LINE * (len(foot) - 2)
    body = "\n".join((*_drawn(picture, frame), *_foot_lines(foot, frame)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">\n'
        f'<title id="title">{escape(title)}</title>\n<style>{_STYLE}</style>\n'
        f'<text class="head" x="24" y="30">{escape(title)}</text>\n{body}\n</svg>\n'
    )


def _drawn(picture: Picture, frame: _Frame) -> Iterator[str]:
    yield from _row_lines(picture, frame)
    yield from _column_lines(picture, frame)
    yield from (_cell(cell, frame) for cell in picture.cells)


def _foot(picture: Picture) -> tuple[str, ...]:
    """Return how the picture is read, in two lines, and who the pods are that are not shown."""
    cell = "a percentage: so many of its connections are open"
    if not picture.folded:
        cell = "“all”: every port, a number: a TCP port"
    others = textwrap.wrap(f"{OTHER_PODS}: {picture.unseen}", _FOOT) if picture.unseen else []
    if len(others) > _MOST_LINES:
        others = [*others[:_MOST_LINES], "and more: `podwall reach` has a line for each"]
    ends = "a row is a source, a column a destination"
    return ends, f"{cell}, ?: undetermined, empty: denied", *others


def _foot_lines(foot: Sequence[str], frame: _Frame) -> Iterator[str]:
    for number, line in enumerate(foot):
        yield _text(line, "soft", f'x="24" y="{frame.height - 34 + _LINE * number}"')


def _row_lines(picture: Picture, frame: _Frame) -> Iterator[str]:
    previous = ""
    right = frame.side + frame.columns[-1] + frame.cell if frame.columns else frame.side
    for name, namespace, start in zip(picture.names, picture.namespaces, frame.rows, strict=True):
        y = frame.top + start
        if namespace != previous and not picture.folded:
            yield _text(namespace, "group", f'x="24" y="{y - 4}"')
        previous = namespace
        left, kind = (24, "group") if picture.folded else (34, "")
        yield _text(name, kind, f'x="{left}" y="{y + 17}"')
        line = f'x1="24" x2="{right}" y1="{y + _HEIGHT}" y2="{y + _HEIGHT}"'
        yield f'<line class="line" {line}/>'


def _column_lines(picture: Picture, frame: _Frame) -> Iterator[str]:
    if not picture.folded:
        yield from _column_groups(picture, frame)
    for name, start in zip(picture.names, frame.columns, strict=True):
        x = frame.side + start + frame.cell // 2 + 4
        y = frame.top - 6
        yield _text(name, "", f'x="{x}" y="{y}" transform="rotate(-90 {x} {y})"')


def _column_groups(picture: Picture, frame: _Frame) -> Iterator[str]:
    """Yield the namespaces above their columns, where there is room for the name."""
    columns = zip(picture.namespaces, frame.columns, strict=True)
    for namespace, group in groupby(columns, key=itemgetter(0)):
        starts = [start for _, start in group]
        if _LETTER * len(namespace) <= starts[-1] - starts[0] + frame.cell:
            yield _text(namespace, "group", f'x="{frame.side + starts[0] + 2}" y="{_SVG_HEAD}"')


def _cell(cell: PictureCell, frame: _Frame) -> str:
    x, y = frame.side + frame.columns[cell.column], frame.top + frame.rows[cell.row]
    if cell.look is CellStyle.ITSELF:
        ends = f'x1="{x}" y1="{y}" x2="{x + frame.cell}" y2="{y + _HEIGHT}"'
        return f'<line class="line" {ends}/>'
    size = f'width="{frame.cell - 2}" height="{_HEIGHT - 2}"'
    opacity = (
        "" if cell.look is not CellStyle.PART else f' fill-opacity="{0.3 + 0.7 * cell.part:.2f}"'
    )
    rectangle = f'<rect class="{cell.look.value}" x="{x + 1}" y="{y + 1}" {size} rx="3"{opacity}/>'
    middle = f'x="{x + frame.cell // 2}" y="{y + 17}"'
    label = _text(_written(cell), f"cell on-{cell.look.value}", middle)
    return f"<g><title>{escape(printable(cell.title))}</title>{rectangle}{label}</g>"


def _written(cell: PictureCell) -> str:
    return f"{cell.written} ?".strip() if cell.look is CellStyle.MAYBE else cell.written


def _text(written: str, kind: str, where: str) -> str:
    named = f" class={quoteattr(kind)}" if kind else ""
    return f"<text{named} {where}>{escape(printable(written))}</text>"


_GRAPH_HEAD: Final = """\
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
    yield _GRAPH_HEAD
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
        yield f"  {_node(end)} [label={_quoted(end_words(end))}, {_node_look(end)}]\n"


def _node_look(end: AnyEndpoint) -> str:
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
