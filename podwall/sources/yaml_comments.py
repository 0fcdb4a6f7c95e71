"""Find the comments of YAML documents, for what reads them and can't keep them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import yaml

from podwall.policies.errors import Place
from podwall.policies.findings import Finding, Severity
from podwall.sources.yaml_documents import parts_of

__all__ = ["comment_lines", "unkept_comments"]

_MARK: Final = b"#"


def unkept_comments(places: Iterable[Place], texts: Mapping[str, bytes]) -> Iterator[Finding]:
    """Yield a finding for each file in which documents, given by their places, have comments."""
    lines: defaultdict[str, set[int]] = defaultdict(set)
    for place in places:
        if place.line is not None and _MARK in texts.get(place.source, b""):
            lines[place.source].add(place.line)
    for name, starts in lines.items():
        found = list(comment_lines(texts[name], starts))
        if found:
            yield Finding(
                "comments-not-kept",
                Severity.INFO,
                "comments are not kept" if len(found) > 1 else "a comment is not kept",
                Place(name, found[0]),
                "carry over by hand what still holds",
            )


def comment_lines(data: bytes, starts: Iterable[int]) -> Iterator[int]:
    r"""Yield the lines with a comment in the documents that begin on certain lines.

    >>> list(comment_lines(b"# why\na: '# no'\n---\nb: 1  # not asked for\n", {2}))
    [1]
    """
    wanted = set(starts)
    for before, text in parts_of(data):
        length = text.count("\n") + 1
        if "#" in text and any(before < line <= before + length for line in wanted):
            yield from (before + line for line in _comments(text))


def _comments(text: str) -> Iterator[int]:
    """Yield the lines with a comment: those between tokens in which a `#` stands."""
    end = 0
    try:
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            gap = text[end : token.start_mark.index]
            first = text.count("\n", 0, end) + 1
            yield from (first + n for n, line in enumerate(gap.split("\n")) if "#" in line)
            end = token.end_mark.index
    except yaml.YAMLError:
        return
