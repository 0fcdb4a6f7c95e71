"""What `podwall explain` does: read, analyse, replay one flow, show every rule."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from podwall.cli.inputs import paused_collector, read_source, tell_findings
from podwall.cli.options import FailOn
from podwall.cli.severity import exit_code
from podwall.explain import Answer, answers, is_port
from podwall.policies.errors import InvalidValue
from podwall.policies.findings import Severity
from podwall.reachability import Reachability, reachability
from podwall.reports.explanation_json import explanations_document
from podwall.reports.explanation_markdown import explanation_markdown
from podwall.reports.explanation_text import Locate, explanation_text
from podwall.reports.json_text import json_text
from podwall.sources.yaml_lines import exact_place

__all__ = ["Words", "said", "show_explanation"]

_EXAMPLE: Final = "as in `podwall explain manifests/ shop/web shop/api 8080`"


class Words(NamedTuple):
    """The words of the command line, each in its place."""

    source: str | None
    start: str
    end: str
    port: str | None


def said(words: list[str]) -> Words:
    """Return what words mean: `[SOURCE] FROM TO [PORT]`.

    Of three, the last is a port if it looks like one and the first is no file.

    Raises:
        InvalidValue: there are too few words, or too many.
    """
    match words:
        case [start, end]:
            return Words(None, start, end, None)
        case [start, end, port] if is_port(port) and not _is_source(start):
            return Words(None, start, end, port)
        case [source, start, end]:
            return Words(source, start, end, None)
        case [source, start, end, port]:
            return Words(source, start, end, port)
        case _:
            raise InvalidValue(
                f"explain takes two to four words, not {len(words)}",
                help=_EXAMPLE,
            )


def _is_source(word: str) -> bool:
    return word == "-" or Path(word).exists()


def show_explanation(options: Namespace) -> int:
    """Show why the flow passes or does not, and return the exit code."""
    words = said(options.words)
    options.source = words.source
    with paused_collector():
        source = read_source(options)
        reading = source.reading()
        found = reachability(reading.snapshot, options.engine)
        explained = _answers(found, words)
        locate = partial(exact_place, texts=source.texts)
        tell_findings([each for each in reading.findings if each.severity is not Severity.INFO])
        sys.stdout.writelines(_report(options.output, found.engine.name, explained, locate))
        sys.stdout.flush()
        return exit_code(FailOn.ERROR, reading.findings, found)


def _answers(found: Reachability, words: Words) -> tuple[Answer, ...]:
    try:
        return answers(found, words.start, words.end, words.port)
    except InvalidValue as problem:
        if words.source is None and _is_source(words.start):
            problem.help = f"explain needs FROM and TO after a source: {_EXAMPLE}"
        raise


def _report(
    output: str, engine: str, explained: tuple[Answer, ...], locate: Locate
) -> Iterator[str]:
    if output == "json":
        yield json_text(explanations_document(engine, explained, locate))
        return
    report = explanation_markdown if output == "md" else explanation_text
    for number, answer in enumerate(explained):
        yield from ["\n"] if number else []
        yield from report(answer, locate)
