"""What suggested policies do, and what becomes of those that are there, in a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from podwall.expectations import Outcome
from podwall.model import Policy, Unknown
from podwall.reports.words import counted, listed, printable
from podwall.suggest import Suggestion

__all__ = ["suggestion_text"]

_MOST = 12


def suggestion_text(suggestion: Suggestion) -> Iterator[str]:
    """Yield the lines."""
    yield _held(suggestion)
    if suggestion.replaced:
        yield f"replaces {_named(suggestion.replaced)}"
    if suggestion.left_over:
        left = _named(suggestion.left_over)
        yield f"left over, and to be removed, or they go on allowing: {left}"


def _held(suggestion: Suggestion) -> str:
    passed = sum(each.outcome is Outcome.PASS for each in suggestion.results)
    if passed < len(suggestion.results):
        return f"{passed:,} of {len(suggestion.results):,} expectations hold"
    total = counted(passed, "expectation")
    beyond = {"open-beyond-intent", "perhaps-open-beyond-intent"}
    if any(each.id in beyond for each in suggestion.findings):
        return f"{total}: all hold"
    return f"{total}: all hold, and nothing else is open but name resolution"


def _named(policies: Iterable[Policy]) -> str:
    names = [printable(f"{_namespace(each)}/{each.name}") for each in policies]
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return listed([*names[:_MOST], *more])


def _namespace(policy: Policy) -> str:
    return "?" if isinstance(policy.namespace, Unknown) else policy.namespace
