"""The walkthrough as predicted and as observed, and what the command line makes of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Final

import msgspec
import pytest

from podwall.exit_code import ExitCode
from podwall.policies.presets import Step
from podwall.reachability import Verdict
from podwall.reports.screen import Console
from podwall.reports.verification import live_walkthrough_document, print_live_walkthrough
from podwall.verify import (
    ConnectionProbe,
    Observation,
    ObservedAttempt,
    ProbeOutcome,
    attempts_exit_code,
    compared,
)
from podwall.verify.temporary import ProbeRun, namespace_manifest, server_manifest
from podwall.walkthrough import BACKEND, CLIENTS, Attempt, walkthrough, walkthrough_step
from tests.cli.running import podwall

OPEN: Final = Observation(ProbeOutcome.CONNECTED, 1, controlled=True)
SHUT: Final = Observation(ProbeOutcome.TIMED_OUT, 1, controlled=True)
LOST: Final = Observation(reason="evicted")
_PREDICTED: Final = tuple(walkthrough())


def _observed(attempt: Attempt, seen: Observation) -> ObservedAttempt:
    probe = ConnectionProbe(attempt.client.id, BACKEND, 80, attempt.verdict)
    return ObservedAttempt(attempt, compared(probe, seen))


def _as_predicted() -> list[ObservedAttempt]:
    return [
        _observed(each, OPEN if each.verdict is Verdict.ALLOWED else SHUT) for each in _PREDICTED
    ]


@pytest.mark.parametrize(
    ("seen", "observed", "code"),
    [
        (OPEN, Verdict.ALLOWED, ExitCode.FOUND),
        (SHUT, Verdict.DENIED, ExitCode.FINE),
        (LOST, None, ExitCode.UNDETERMINED),
    ],
)
def test_what_is_seen_of_a_denied_attempt(
    seen: Observation, observed: Verdict | None, code: ExitCode
) -> None:
    last = _observed(_PREDICTED[-1], seen)
    assert _PREDICTED[-1].verdict is Verdict.DENIED
    assert last.observed is observed
    assert attempts_exit_code([*_as_predicted()[:-1], last]) is code


def test_an_undetermined_attempt_is_not_observed() -> None:
    attempt = Attempt(Step.OPEN, CLIENTS[0], Verdict.UNDETERMINED)
    assert ObservedAttempt(attempt, None).observed is None
    assert attempts_exit_code([ObservedAttempt(attempt, None)]) is ExitCode.UNDETERMINED


def test_json_has_fifteen_rows_with_both_columns() -> None:
    rows = json.loads(msgspec.json.encode(live_walkthrough_document(_as_predicted())))
    assert len({(each["step"], each["client"]) for each in rows}) == 15
    assert all(each["predicted"] == each["observed"] for each in rows)
    assert {each["outcome"] for each in rows} == {"connected", "timed out"}


def test_the_table_counts_what_is_as_predicted() -> None:
    stream = io.StringIO()
    print_live_walkthrough(
        [*_as_predicted()[:-1], _observed(_PREDICTED[-1], OPEN)], Console(stream)
    )
    assert "14 of 15 as predicted" in stream.getvalue()
    assert "declared but not enforced" in stream.getvalue()


@pytest.mark.parametrize("step", Step)
def test_in_namespaces_of_another_name_a_step_means_the_same(step: Step) -> None:
    there = walkthrough_step(step, None, "run-a", "run-b")
    names = {"starwind": "run-a", "visitor": "run-b"}
    for each in _PREDICTED:
        if each.step is step:
            client = f"{names[each.client.namespace]}/{each.client.name}"
            probe = there.connection(client, "run-a/backend").allowed
            assert bool(probe) is (each.verdict is Verdict.ALLOWED)


def test_the_namespaces_are_a_runs_own_and_admit_only_restricted_pods() -> None:
    labels = namespace_manifest("0a1b", "podwall-0a1b")["metadata"]["labels"]
    assert labels["podwall.dev/verify"] == "0a1b"
    assert labels["app.kubernetes.io/managed-by"] == "podwall"
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_backend_is_no_client_and_is_ready() -> None:
    pod = server_manifest("backend", "podwall-0a1b", {"app": "webapp"}, ProbeRun("image", "0a1b"))
    assert pod["metadata"]["labels"] == {"app": "webapp"}
    assert "readinessGates" not in pod["spec"]


def test_a_cluster_that_nothing_is_tried_on_is_refused(tmp_path: Path) -> None:
    result = podwall(tmp_path, "walkthrough", "--context", "aks-prod")
    assert result.code == 2
    assert "--live" in result.err


def test_no_cluster_is_one_message(tmp_path: Path) -> None:
    result = podwall(tmp_path, "walkthrough", "--live", "--kubeconfig", "nowhere")
    assert result.code == 2
    assert "nowhere" in result.err
