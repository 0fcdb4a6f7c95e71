"""Selectors that ask for labels which the engine does not see.

To them such labels are missing, on every pod: what asks for one selects nothing, and what excludes
one excludes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.lint.context import Diagnostic, Lint, LintContext, quoted_name
from podwall.model import Operator, PodPeer, Selector
from podwall.policies.errors import Severity

__all__ = ["OVERLOOKED_LABEL_LINTS"]


def _overlooked(context: LintContext) -> Iterator[Diagnostic]:
    """Yield the selectors of policies, which leave pods open, before those of peers."""
    for policy in context.policies:
        for key, does in _selected_in_vain(policy.pod_selector):
            yield Diagnostic(
                policy.place.at("spec.podSelector"),
                f"{context.engine.title} overlooks the label `{key}` of pods, so policy "
                f"{quoted_name(policy)} {does}",
            )
    for found in context.peers:
        if isinstance(found.peer, PodPeer):
            whose = {"pods": found.peer.pods, "namespaces": found.peer.namespaces or Selector()}
            for of, selector in whose.items():
                for key, does in _selected_in_vain(selector):
                    yield Diagnostic(
                        found.place,
                        f"{context.engine.title} overlooks the label `{key}` of {of}, so the peer "
                        f"{does}",
                    )


def _selected_in_vain(selector: Selector) -> Iterator[tuple[str, str]]:
    """Yield the labels that are overlooked, and what the selector does therefore."""
    for each in selector.requirements:
        if each.overlooked:
            excludes = each.operator in {Operator.NOT_IN, Operator.DOES_NOT_EXIST}
            yield each.key, "excludes nothing by it" if excludes else "selects nothing"


OVERLOOKED_LABEL_LINTS: Final = (
    Lint(
        "engine-overlooks-label",
        Severity.ERROR,
        _overlooked,
        "select by a label of your own, such as `app`; the agent's option `labels` lists what it "
        "sees",
        "https://docs.cilium.io/en/stable/operations/performance/scalability/"
        "identity-relevant-labels/",
    ),
)
