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
from podwall.review import Review
from podwall.streams import MEDIA, write_output

__all__ = ["FlowWords", "flow_words", "show_explanation"]


_EXAMPLE: Final = "as in `podwall explain manifests/ shop/web shop/api 8080`"


class FlowWords(NamedTuple):
    """The words of the command line, each in its place."""

    source: str | None
    start: str
    end: str
    port: str | None


def flow_words(words: list[str]) -> FlowWords:
    """Return what words mean: `[SOURCE] FROM TO [PORT]`.

    Of three, the last is a port if it looks like one and the first is no file.

    Raises:
        InvalidValue: there are too few words, or too many.
    """
    match words:
        case [start, end]:
            return FlowWords(None, start, end, None)
        case [start, end, port] if typed_port(protocol_last(port)) and not _is_source(start):
            return FlowWords(None, start, end, port)
        case [source, start, end]:
            return FlowWords(source, start, end, None)
        case [source, start, end, port]:
            return FlowWords(source, start, end, port)
        case _:
            raise InvalidValue(
                f"explain takes two to four words, not {len(words)}",
                help=_EXAMPLE,
            )


def _is_source(word: str) -> bool:
    return word == "-" or Path(word).exists()


def show_explanation(options: Namespace) -> int:
    """Show why the flow passes or does not, and return the exit code."""
    words = flow_words(options.words)
    options.source = words.source
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
        if words.source is None and _is_source(words.start):
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
