"""Puts blocks of Markdown together within a limit; what does not fit is counted, never silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podwall.reports.words import counted

__all__ = ["LIMIT", "Block", "fitted", "length"]

LIMIT = 65_536
"""The longest comment that GitHub takes, in characters."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that may be cut between a head and a foot that stay; `what` names a line's subject."""

    head: str
    lines: tuple[str, ...] = ()
    foot: str = ""
    what: str = "line"


def length(text: str) -> int:
    """Return the length as GitHub and browsers count it: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitted(blocks: Sequence[Block], end: str, limit: int, where: str) -> str:
    """Return the blocks and the `end`, in at most `limit` characters.

    Blocks are filled in their order; of each at least the head is kept, and a note on how much is
    left out and `where` it is to be found.
    """
    bare = [_written(block, (), len(block.lines), where) for block in blocks]
    left = limit - length(end) - sum(map(length, bare))
    text = []
    for block, shortest in zip(blocks, bare, strict=True):
        written = _filled(block, left + length(shortest), where)
        left -= length(written) - length(shortest)
        text.append(written)
    return "".join(text) + end


def _filled(block: Block, room: int, where: str) -> str:
    """Return the block with as many of its lines as there is room for."""
    whole = _written(block, block.lines, 0, where)
    if length(whole) <= room:
        return whole
    room -= length(_written(block, (), len(block.lines), where))
    kept = 0
    for line in block.lines:
        room -= length(line)
        if room < 0:
            break
        kept += 1
    return _written(block, block.lines[:kept], len(block.lines) - kept, where)


def _written(block: Block, lines: Sequence[str], cut: int, where: str) -> str:
    note = f"\n… and {counted(cut, f'more {block.what}')}: {where}\n" if cut else ""
    return f"{block.head}{''.join(lines)}{note}{block.foot}"
