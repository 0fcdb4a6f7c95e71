"""What `podwall explain` does: replay one flow of the source, and show every rule."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from podwall.cli.arguments import paused_collector, read_review
from podwall.cli.findings import write_reading
from podwall.exit_code import FailOn
from podwall.explain import FlowAnswer, answers, protocol_last, typed_port
from podwall.policies.errors import InvalidValue, Severity
from podwall.reachability import Reachability
from podwall.reports.explanation import (
    explanation_markdown,
    explanation_text,
    explanations_document,
)
from podwall.reports.findings.documents import reading_fields
from podwall.reports.formats import json_text
from podwall.reports.left_out import left_out
from podwall.review import Review
from podwall.sources import CLUSTER
from podwall.streams import MEDIA, write_output

__all__ = ["FlowWords", "flow_words", "show_explanation"]


_EXAMPLE: Final = "as in `podwall explain manifests/ shop/web shop/api 8080`"


class FlowWords(NamedTuple):
    """The words of the command line, each in its place."""

    sources: tuple[str, ...]
    start: str
    end: str
    port: str | None


def flow_words(words: list[str]) -> FlowWords:
    """Return what words mean: `[SOURCE ...] FROM TO [PORT]`.

    What is there as a file or a folder is a source, and so is the word `cluster`, as long as FROM
    and TO are left. Of what follows, the last is a port if it looks like one; a first word too many
    is a source, too, which is not there.

    Raises:
        InvalidValue: there are too few words, or too many.
    """
    count = _sources_in(words)
    rest = words[count:]
    if len(rest) == _MOST_WORDS or (len(rest) == _MOST_WORDS - 1 and not _is_port(rest[-1])):
        count, rest = count + 1, rest[1:]
    match rest:
        case [start, end]:
            return FlowWords(tuple(words[:count]), start, end, None)
        case [start, end, port]:
            return FlowWords(tuple(words[:count]), start, end, port)
        case _:
            raise InvalidValue(
                f"explain takes FROM and TO, a port, and before them sources: {_shown(rest)}",
                help=_EXAMPLE,
            )


_MOST_WORDS: Final = 4


def _sources_in(words: list[str]) -> int:
    """Return how many of the first words are sources; after them, there are FROM and TO at least.

    A number at the end is a port: FROM and TO are before it.
    """
    kept = 3 if words[-1][:1].isdigit() and _is_port(words[-1]) else 2
    possible = words[: max(len(words) - kept, 0)]
    return next((n for n, word in enumerate(possible) if not _is_source(word)), len(possible))


def _is_port(word: str) -> bool:
    return typed_port(protocol_last(word)) is not None


def _shown(rest: list[str]) -> str:
    return f"`{rest[0]}` is none" if len(rest) > _MOST_WORDS else f"there is only `{rest[0]}`"


def _is_source(word: str) -> bool:
    return word in {"-", CLUSTER} or Path(word).exists()


def show_explanation(options: Namespace) -> int:
    """Show why the flow passes or does not, and return the exit code."""
    words = flow_words(options.words)
    options.sources = words.sources
    with paused_collector():
        found = read_review(options)
        explained = _answers(found.reachability, words)
        write_reading(found, Severity.WARNING)
        write_output(_report(options.output, found, explained), MEDIA.get(options.output))
        return found.exit_code(FailOn.ERROR, found.reading_findings)


def _answers(found: Reachability, words: FlowWords) -> tuple[FlowAnswer, ...]:
    try:
        return answers(found, words.start, words.end, words.port)
    except InvalidValue as problem:
        if not words.sources and _is_source(words.start):
            problem.help = f"explain needs FROM and TO after a source: {_EXAMPLE}"
        raise


def _report(output: str, found: Review, explained: tuple[FlowAnswer, ...]) -> Iterator[str]:
    if output == "json":
        engine = found.reachability.engine.name
        fields = reading_fields(found)
        yield json_text(explanations_document(engine, explained, found.locate, **fields))
        return
    report = explanation_markdown if output == "md" else explanation_text
    for number, answer in enumerate(explained):
        yield from ["\n"] if number else []
        yield from report(answer, found.locate)
    sign = "\n> " if output == "md" else "! "
    yield from (f"{sign}{each}\n" for each in left_out(found.not_read))
