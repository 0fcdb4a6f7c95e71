"""What became of expectations, for the terminal: a line each, and why a broken one is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from podwall.expectations import Outcome, Result
from podwall.explain import Answer
from podwall.reports.explanation_text import Locate, explanation_text
from podwall.reports.words import counted, printable

__all__ = ["checks_text"]


def checks_text(results: Sequence[Result], locate: Locate) -> Iterator[str]:
    """Yield the lines."""
    for result in results:
        yield f"{result.outcome:12}  {printable(result.expectation.name)}\n"
        if result.outcome is not Outcome.PASS:
            yield f"    {printable(result.reason)}\n"
        if result.flow is not None:
            _, *lines = explanation_text(Answer(result.flow), locate)
            yield from (f"    {line}" for line in lines if line.strip())
    counts = Counter(result.outcome for result in results)
    parts = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    yield f"\n{counted(len(results), 'expectation')}: {parts}\n"
