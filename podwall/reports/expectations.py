"""Whether expectations hold, and what policies suggested from them would do.

For the terminal a line each, with the reason where one is broken; for programs the format
`podwall/check/v1`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

from podwall.documents import TypedDocument, about
from podwall.expectations import Outcome, Result
from podwall.explain import FlowAnswer
from podwall.model import Policy
from podwall.reports.explanation import (
    ExplanationDocument,
    Locate,
    explanation_document,
    explanation_text,
)
from podwall.reports.findings.documents import ReadingDocument
from podwall.reports.formats import EngineName, FieldPlaceDocument, place_document
from podwall.reports.words import counted, listed, printable
from podwall.suggest import Suggestion

__all__ = ["CheckDocument", "checks_document", "checks_text", "suggestion_text"]


def checks_text(
    results: Sequence[Result], locate: Locate, lacking: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines; `lacking` says what was not read, a sentence each."""
    for result in results:
        yield f"{result.outcome:12}  {printable(result.expectation.name)}\n"
        if result.outcome is not Outcome.PASS:
            yield f"    {printable(result.reason)}\n"
        if result.help:
            yield f"    help: {printable(result.help)}\n"
        if result.flow is not None:
            _, *lines = explanation_text(FlowAnswer(result.flow), locate)
            yield from (f"    {line}" for line in lines if line.strip())
    counts = Counter(result.outcome for result in results)
    parts = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    yield f"\n{counted(len(results), 'expectation')}: {parts}\n"
    yield from (f"! {each}\n" for each in lacking)


class ResultDocument(TypedDocument):
    """What became of an expectation."""

    name: str
    description: str
    outcome: Annotated[
        Outcome,
        about("`undetermined`: it depends on something that is known only after deployment."),
    ]
    reason: Annotated[str, about("Why, in a sentence.")]
    help: Annotated[
        str,
        about("What would close a flow of pods that are not shown; empty where no such flow is."),
    ]
    place: FieldPlaceDocument
    flow: Annotated[
        ExplanationDocument | None,
        about(
            "The connection that decides, as in the explanations of "
            "`podwall/explain/v1`; null where everything is as expected, or nothing was selected."
        ),
    ]


class CheckDocument(ReadingDocument, tag_field="format", tag="podwall/check/v1"):
    """What `podwall check -o json` prints: what became of each expectation, in order."""

    engine: EngineName
    results: tuple[ResultDocument, ...]


def checks_document(
    engine: str, results: Sequence[Result], locate: Locate, **reading: Any
) -> CheckDocument:
    """Return results as a document, with the `reading_fields` of their source."""
    documents = tuple(_result_document(each, locate) for each in results)
    return CheckDocument(engine, documents, **reading)


def _result_document(result: Result, locate: Locate) -> ResultDocument:
    expectation = result.expectation
    return ResultDocument(
        expectation.name,
        expectation.description,
        result.outcome,
        result.reason,
        result.help,
        place_document(expectation.place),
        None if result.flow is None else explanation_document(result.flow, locate),
    )


_MOST = 12


def suggestion_text(suggestion: Suggestion) -> Iterator[str]:
    """Yield the lines."""
    yield _expectations_that_hold(suggestion)
    if suggestion.replaced:
        yield f"replaces {_named(suggestion.replaced)}"
    if suggestion.left_over:
        left = _named(suggestion.left_over)
        yield f"left over, and to be removed, or they go on allowing: {left}"


def _expectations_that_hold(suggestion: Suggestion) -> str:
    passed = sum(each.outcome is Outcome.PASS for each in suggestion.results)
    if passed < len(suggestion.results):
        return f"{passed:,} of {len(suggestion.results):,} expectations hold"
    total = counted(passed, "expectation")
    beyond = {"open-beyond-intent", "perhaps-open-beyond-intent"}
    if any(each.id in beyond for each in suggestion.findings):
        return f"{total}: all hold"
    return f"{total}: all hold, and nothing else is open but name resolution"


def _named(policies: Iterable[Policy]) -> str:
    names = [printable(each.full_name) for each in policies]
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return listed([*names[:_MOST], *more])
