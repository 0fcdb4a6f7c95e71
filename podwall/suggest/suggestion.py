"""A suggestion as a value: policies, and whether they do exactly what is stated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from podwall.expectations import check
from podwall.model import Unknown
from podwall.policies import Finding, InvalidValue, NetworkPolicy
from podwall.reachability import reachability
from podwall.reading import Document, snapshot
from podwall.suggest.drafting import Draft
from podwall.suggest.judging import Statement, contradictions, unmet, unstated
from podwall.suggest.openings import ports_unsaid
from podwall.suggest.subjects import UNDETERMINED, Subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.engines import Engine
    from podwall.expectations import Expectation, Result
    from podwall.model import Policy, Snapshot
    from podwall.reachability import Reachability

__all__ = ["Suggestion", "suggest"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Policies that open what expectations state, and nothing else.

    `found` is the analysis of the workloads with these policies alone, `results` what becomes of
    the expectations there. `replaced` and `left_over` are policies that are there: those that have
    the name of a suggested one, and others, which stay and still allow what they allow.
    """

    policies: tuple[NetworkPolicy, ...]
    findings: tuple[Finding, ...]
    found: Reachability
    results: tuple[Result, ...]
    replaced: tuple[Policy, ...]
    left_over: tuple[Policy, ...]

    @property
    def is_certain(self) -> bool:
        """Whether nothing depends on what is known only after deployment."""
        return not any(each.id in UNDETERMINED for each in self.findings)


def suggest(
    declared: Snapshot, expectations: Sequence[Expectation], engine: Engine | str | None = None
) -> Suggestion:
    """Return the policies that let declared workloads do what expectations state, and no more.

    Raises:
        InvalidValue: an expectation denies what another asks for; or there is no such engine.
    """
    bare = reachability(replace(declared, policies=()), engine)
    subjects = Subjects(bare.workloads)
    draft = Draft(bare.cluster, subjects, expectations)
    policies = tuple(draft.policies())
    found = reachability(replace(declared, policies=_as_read(policies)), engine)
    statements = [Statement(each, found) for each in expectations]
    _refuse_contradictions(tuple(contradictions(statements, found)))
    results = check(found, expectations)
    findings = (
        *subjects.findings(),
        *ports_unsaid(expectations, bare.workloads),
        *draft.findings,
        *unmet(results),
        *unstated(statements, found, subjects.closed),
    )
    replaced, left_over = _existing(declared, policies)
    return Suggestion(policies, findings, found, results, replaced, left_over)


def _as_read(policies: Sequence[NetworkPolicy]) -> tuple[Policy, ...]:
    documents = (Document(policy.to_manifest()) for policy in policies)
    return snapshot(documents).snapshot.policies


def _refuse_contradictions(found: tuple[Finding, ...]) -> None:
    if found:
        first, more = found[0], len(found) - 1
        others = f" (and {more} more contradictions)" if more else ""
        raise InvalidValue(f"{first.message}{others}", help=first.help, place=first.place)


def _existing(
    declared: Snapshot, policies: Sequence[NetworkPolicy]
) -> tuple[tuple[Policy, ...], tuple[Policy, ...]]:
    """Return the policies that are there already: those to be replaced, and the others."""
    names = {(each.namespace, each.name) for each in policies}
    closed = {each.namespace for each in policies}
    here = [each for each in declared.policies if each.namespace in closed or _is_unknown(each)]
    replaced = tuple(each for each in here if (each.namespace, each.name) in names)
    return replaced, tuple(each for each in here if (each.namespace, each.name) not in names)


def _is_unknown(policy: Policy) -> bool:
    return isinstance(policy.namespace, Unknown)
