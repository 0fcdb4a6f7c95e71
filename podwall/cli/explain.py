"""What `podwall explain` does: replay one flow of the source, and show every rule."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final, NamedTuple

from podwall.cli.arguments import paused_collector, read_review
from podwall.cli.findings import write_reading
from podwall.exit_code import FailOn
from podwall.explain import FlowAnswer, answers, protocol_last, typed_port
from podwall.focus import Focus, narrowed
from podwall.policies.errors import InvalidValue, Severity
from podwall.policies.wording import listed
from podwall.reachability import Reachability
from podwall.reports.explanation import (
    explanation_markdown,
    explanation_text,
    explanations_document,
)
from podwall.reports.findings.documents import reading_fields
from podwall.reports.formats import json_text
from podwall.reports.words import left_out
from podwall.review import Review
from podwall.sources import CLUSTER
from podwall.streams import MEDIA, write_output

__all__ = ["FlowWords", "flow_words", "show_explanation"]


def _example(sources: Sequence[str] = ()) -> str:
    """Return words as they would be right, with the sources that were given."""
    return f"as in `podwall explain {_given(sources)} shop/web shop/api 8080`"


def _given(sources: Sequence[str]) -> str:
    return shlex.join(sources) or "manifests/"


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
                help=_example(words[:count]),
            )


_MOST_WORDS: Final = 4


def _sources_in(words: list[str]) -> int:
    """Return how many of the first words are sources; after them, there are FROM and TO at least.

    A number at the end is a port: FROM and TO are before it.
    """
    kept = 3 if words and words[-1][:1].isdigit() and _is_port(words[-1]) else 2
    possible = words[: max(len(words) - kept, 0)]
    return next((n for n, word in enumerate(possible) if not _is_source(word)), len(possible))


def _is_port(word: str) -> bool:
    return typed_port(protocol_last(word)) is not None


def _shown(rest: list[str]) -> str:
    if not rest:
        return "there is none of them"
    return f"`{rest[0]}` is none" if len(rest) > _MOST_WORDS else f"there is only `{rest[0]}`"


def _is_source(word: str) -> bool:
    return word in {"-", CLUSTER} or Path(word).exists()


def show_explanation(options: Namespace) -> int:
    """Show why the flow passes or does not, and return the exit code."""
    words = _all_words(options.words) if options.all else flow_words(options.words)
    options.sources = words.sources
    with paused_collector():
        found = read_review(options)
        asked = _every_answer if options.all else _answers
        explained = asked(found.reachability, words)
        write_reading(found, Severity.WARNING)
        write_output(_report(options.output, found, explained), MEDIA.get(options.output))
        return found.exit_code(FailOn.ERROR, found.reading_findings)


def _all_words(words: list[str]) -> FlowWords:
    """Return what words mean with `--all`: `[SOURCE ...] [END [PORT]]`.

    Raises:
        InvalidValue: there are too many words.
    """
    count = next((n for n, word in enumerate(words) if not _is_source(word)), len(words))
    rest = words[count:]
    port = rest.pop() if rest and _is_port(rest[-1]) and rest[-1][:1].isdigit() else None
    if len(rest) > 1:
        raise InvalidValue(
            f"with --all, explain takes one end at most, not {listed([f'`{e}`' for e in rest])}",
            help=f"as in `podwall explain {shlex.join(words[:count])} --all {rest[0]}`",
        )
    return FlowWords(tuple(words[:count]), "".join(rest), "", port)


_MOST_PAIRS: Final = 10_000


def _every_answer(found: Reachability, words: FlowWords) -> tuple[FlowAnswer, ...]:
    """Return why each pair is open or not that has an end, or of all pairs.

    Raises:
        InvalidValue: the end is not there, or nobody could read so many answers.
    """
    asked = narrowed(found, Focus((words.start,) if words.start else ()))
    pairs = list(islice(asked.pairs(), _MOST_PAIRS + 1))
    if len(pairs) > _MOST_PAIRS:
        raise InvalidValue(
            f"there are more than {_MOST_PAIRS:,} pairs to explain",
            help=f"name one end, as in `podwall explain {_given(words.sources)} --all shop/api`",
        )
    each_pair = (answers(found, one.id, other.id, words.port) for one, other in pairs)
    return tuple(chain.from_iterable(each_pair))


def _answers(found: Reachability, words: FlowWords) -> tuple[FlowAnswer, ...]:
    try:
        return answers(found, words.start, words.end, words.port)
    except InvalidValue as problem:
        if not words.sources and _is_source(words.start):
            problem.help = f"explain needs FROM and TO after a source: {_example([words.start])}"
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
