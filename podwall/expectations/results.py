"""What became of an expectation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podwall.expectations.expectation import Expectation
    from podwall.explain import Explanation

__all__ = ["Outcome", "Result"]


class Outcome(StrEnum):
    """Whether an expectation is fulfilled. Undetermined: that depends on what is not known yet."""

    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Result:
    """An expectation, what became of it, why in a sentence, and the flow that decides.

    `flow` is None where everything is as expected, or nothing was selected.
    """

    expectation: Expectation
    outcome: Outcome
    reason: str
    flow: Explanation | None = None
