"""Only a path that was proven open, or a silence that means something, is compared."""

from __future__ import annotations

import pytest

from podwall.reachability import Verdict
from podwall.verify import (
    Agreement,
    ConnectionProbe,
    Observation,
    ProbeOutcome,
    compared,
    counts,
    unforeseen,
)

A, D, N = Agreement.AGREES, Agreement.DISAGREES, Agreement.NOT_OBSERVED
ALLOWED = ConnectionProbe("shop/web", "shop/api", 8080, Verdict.ALLOWED)
DENIED = ConnectionProbe("shop/web", "shop/db", 5432, Verdict.DENIED)


@pytest.mark.parametrize(
    ("outcome", "controlled", "where_allowed", "where_denied"),
    [
        (ProbeOutcome.CONNECTED, True, A, D),
        (ProbeOutcome.CONNECTED, False, A, D),
        (ProbeOutcome.REFUSED, True, A, D),
        (ProbeOutcome.REFUSED, False, A, D),
        (ProbeOutcome.TIMED_OUT, True, D, A),
        (ProbeOutcome.UNREACHABLE, True, D, A),
        # The silence of a pod whose network never worked.
        (ProbeOutcome.TIMED_OUT, False, N, N),
        (ProbeOutcome.UNREACHABLE, False, N, N),
        # A server, a mesh and a policy reset alike.
        (ProbeOutcome.RESET, True, N, N),
        (ProbeOutcome.UNRESOLVED, True, N, N),
        (ProbeOutcome.NOT_OBSERVED, True, N, N),
        (ProbeOutcome.NOT_OBSERVED, False, N, N),
    ],
)
def test_what_an_outcome_says(
    outcome: ProbeOutcome, *, controlled: bool, where_allowed: Agreement, where_denied: Agreement
) -> None:
    seen = Observation(outcome, 3, controlled=controlled)
    for probe, agreement in ((ALLOWED, where_allowed), (DENIED, where_denied)):
        result = compared(probe, seen)
        assert result.agreement is agreement
        assert bool(result.reason) is (agreement is not A)


def test_every_outcome_is_in_the_table_above() -> None:
    marks = test_what_an_outcome_says.pytestmark  # type: ignore[attr-defined]  # pytest sets it
    assert {row[0] for row in marks[0].args[1]} == set(ProbeOutcome)


def test_what_stands_in_the_way_of_an_observation_is_its_reason() -> None:
    assert compared(ALLOWED, Observation(reason="quota exceeded")).reason == "quota exceeded"


OPEN = compared(DENIED, Observation(ProbeOutcome.CONNECTED, 3, controlled=True))
SHUT = compared(DENIED, Observation(ProbeOutcome.TIMED_OUT, 1, controlled=True))
LOST = compared(ALLOWED, Observation(ProbeOutcome.TIMED_OUT, 4, controlled=True))
FINE = compared(ALLOWED, Observation(ProbeOutcome.REFUSED, 1, controlled=True))


def test_nothing_is_explained_where_all_agree() -> None:
    assert unforeseen([SHUT, FINE], "azure") == ()


def test_where_nothing_denied_is_closed_no_engine_runs() -> None:
    assert "no engine runs" in unforeseen([OPEN, FINE], "azure")[0]


def test_where_some_is_closed_the_engine_has_a_gap() -> None:
    assert "node port" in unforeseen([OPEN, SHUT], "azure")[0]


@pytest.mark.parametrize("engine", ["azure", "calico", "cilium", "none", "spec"])
def test_each_engine_has_words_for_both_deviations(engine: str) -> None:
    assert len(unforeseen([OPEN, SHUT, LOST], engine)) == 2


def test_an_allowed_flow_that_is_closed_says_how_often_it_was_tried() -> None:
    assert LOST.reason == "allowed and not open: timed out, 4 times"
    assert counts([OPEN, LOST, FINE]) == {A: 1, D: 2, N: 0}
