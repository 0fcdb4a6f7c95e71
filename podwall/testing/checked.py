"""A statement about a reachability, with whether it holds, and why."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from podwall.expectations import Kind, Outcome, Result, check
from podwall.explain import Answer
from podwall.reports.explanation_text import Locate, explanation_text
from podwall.reports.words import printable
from podwall.testing.ends import EVERY_PORT
from podwall.testing.reasons import reason

if TYPE_CHECKING:
    from podwall.reachability import Reachability

__all__ = ["RECENT", "Checked"]

_WIDTH: Final = 230
"""pytest cuts the middle out of what is longer than 240 characters."""

RECENT: Final[deque[Checked]] = deque(maxlen=1000)
"""What was asked last, for the explanation of a test that fails."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement that was checked: true where it holds for certain.

    What depends on something that is known only after deployment is false, whether it is asked by
    `allows` or by `denies`. `repr` says in a line what is the case and why, `str` explains it rule
    by rule, as `podwall explain` does.
    """

    result: Result
    found: Reachability
    locate: Locate
    about: str = ""

    def __bool__(self) -> bool:
        """Whether the statement holds for certain."""
        return self.result.outcome is Outcome.PASS

    def __repr__(self) -> str:
        """Write the verdict and the reason on one line."""
        expected = self.result.expectation
        texts = {
            Outcome.PASS: f"{expected.kind}: {expected.name}",
            Outcome.FAIL: f"not {expected.kind}: {reason(self.result)}",
            Outcome.UNDETERMINED: f"undetermined: {reason(self.result)}",
        }
        shown = printable(texts[self.result.outcome])
        return f"<{shown if len(shown) <= _WIDTH else f'{shown[:_WIDTH]}…'}>"

    def __str__(self) -> str:
        """Write the verdict, and every rule that was consulted."""
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield the explanation as lines."""
        holds = self.result.outcome is Outcome.PASS
        yield printable(self.result.expectation.name if holds else self.result.reason)
        flow = self._opposite().flow if holds else self.result.flow
        if flow is not None:
            _, *lines = explanation_text(Answer(flow), self.locate)
            yield from (f"  {line.rstrip()}" for line in lines if line.strip())
        if self.about:
            yield f"  ({self.about})"

    def _opposite(self) -> Result:
        """Return what becomes of the opposite statement: the flow that breaks it shows this one."""
        stated = self.result.expectation
        kind = Kind.DENIED if stated.kind is Kind.ALLOWED else Kind.ALLOWED
        opposite = replace(stated, kind=kind, ports=stated.ports or EVERY_PORT)
        return next(iter(check(self.found, (opposite,))))
