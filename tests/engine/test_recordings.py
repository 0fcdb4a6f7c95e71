"""The recorded documents: clean, read without an engine, and what the engine still says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from podwall.model import Snapshot
from podwall.review import review
from podwall.sources import Source, source
from tests.engine.plugins.kubeconfig import leaks
from tests.engine.record import FOLDER, recordings

RECORDED = sorted(FOLDER.glob("*.json"))
DOUBTED = {
    "cilium": ["cluster-replace", "engine-changes"],
    "renamed-first": ["policy-away"],
    "renamed-first-steps": ["policy-away"],
    "replaced-first": ["policy-away"],
    "other-resource": ["policy-lost"],
}
PLACES_OF_A_MACHINE = re.compile(r"/(tmp|home|root|usr|opt|work|private|Users)/|\.venv|\.\./")


def recorded(name: str) -> Source:
    return source(str(FOLDER / name))


def planned(name: str) -> Snapshot:
    return review(recorded(name)).reading.snapshot


def deployed(name: str) -> Snapshot:
    before = recorded(name).as_deployed()
    assert before is not None
    return review(before).reading.snapshot


def meaning(snapshot: Snapshot) -> tuple[frozenset[object], ...]:
    """Return what is in `snapshot`, in whatever order the engine got to it."""
    return (
        frozenset(snapshot.namespaces),
        frozenset(snapshot.workloads),
        frozenset(snapshot.policies),
        frozenset(snapshot.services),
    )


def policies(snapshot: Snapshot) -> set[str]:
    return {f"{policy.namespace}/{policy.name}" for policy in snapshot.policies}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_a_recording_shows_no_secret_and_no_place_of_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not leaks(text)
    assert PLACES_OF_A_MACHINE.findall(text) == []


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_a_recording_is_read_without_a_complaint(path: Path) -> None:
    found = review(recorded(path.name))
    ids = sorted(finding.id for finding in found.reading_findings)
    assert ids == sorted(DOUBTED.get(path.stem, []))
    assert len(found.reading.snapshot.workloads) >= 2


def test_what_replaces_the_cluster_is_said_once() -> None:
    found = review(recorded("cilium.json")).reading_findings
    finding, _ = sorted(found, key=lambda each: each.id)
    assert finding.message.endswith(
        "because of `networkProfile.networkDataplane`, `networkProfile.networkPolicy`"
    )


def test_a_first_preview_starts_from_nothing() -> None:
    assert deployed("first.json") == Snapshot()
    assert policies(planned("first.json")) == {"shop/default-deny"}


def test_the_state_is_where_the_next_preview_starts() -> None:
    assert meaning(deployed("allow.json")) == meaning(planned("state.json"))


def test_a_preview_holds_the_policy_that_it_adds() -> None:
    added = policies(planned("allow.json")) - policies(deployed("allow.json"))
    assert added == {"shop/allow-web"}


def test_the_events_of_a_preview_mean_what_its_document_means() -> None:
    for when in (planned, deployed):
        assert meaning(when("allow.events.json")) == meaning(when("allow.json"))


def test_another_engine_changes_the_engine_and_no_policy() -> None:
    before, after = deployed("cilium.json"), planned("cilium.json")
    assert (before.engine, after.engine) == ("azure", "cilium")
    assert before.policies == after.policies


def test_a_step_of_the_walkthrough_changes_one_policy() -> None:
    before, after = deployed("walkthrough.json"), planned("walkthrough.json")
    assert frozenset(before.workloads) == frozenset(after.workloads)
    assert policies(before) == policies(after) == {"starwind/backend"}
    assert before.policies != after.policies


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_the_engine_still_says_what_was_recorded(tmp_path: Path) -> None:
    for name, text in recordings(tmp_path):
        then = (FOLDER / name).read_text(encoding="utf-8")
        assert sorted(said(text)) == sorted(said(then)), f"{name}: record it again"


def said(text: str) -> list[str]:
    """Return what is done to which resource and what is asked for, one line a resource."""
    documents: list[Any] = [json.loads(line) for line in _documents(text)]
    steps = [step for document in documents for step in _steps(document)]
    return [json.dumps([step.get("op"), step["urn"], _inputs(step)]) for step in steps]


def _documents(text: str) -> list[str]:
    return text.splitlines() if text.startswith('{"sequence"') else [text]


def _steps(document: Any) -> list[Any]:
    if "deployment" in document:
        found: list[Any] = document["deployment"]["resources"]
        return found
    event = document.get("resourcePreEvent")
    return [event["metadata"]] if event else document.get("steps", [])


def _inputs(step: Any) -> Any:
    state = step.get("newState") or step.get("new") or step.get("oldState") or step
    return state.get("inputs")
