"""What the engine writes of each situation, and what it keeps to itself.

The facts are the engine's, whatever reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.plugins.kubeconfig import leaks
from tests.engine.record import SITUATIONS_FOLDER, recordings_of_situations
from tests.engine.situations import SITUATIONS
from tests.engine.test_recordings import PLACES_OF_A_MACHINE, said

RECORDED = sorted(SITUATIONS_FOLDER.glob("*.json"))


def steps(name: str, resource: str) -> list[Any]:
    """Return the steps of a resource in a preview."""
    found = json.loads((SITUATIONS_FOLDER / f"{name}.json").read_text(encoding="utf-8"))["steps"]
    return [step for step in found if step["urn"].endswith(f"::{resource}")]


def operations(name: str, resource: str) -> list[str]:
    return [step["op"] for step in steps(name, resource)]


def states(name: str, resource: str) -> list[Any]:
    """Return the states of a resource in what a deployment left behind."""
    text = (SITUATIONS_FOLDER / f"{name}.state.json").read_text(encoding="utf-8")
    found = json.loads(text)["deployment"]["resources"]
    return [state for state in found if state["urn"].endswith(f"::{resource}")]


def events(name: str, resource: str) -> Iterator[tuple[str, Any]]:
    """Yield the kind and the metadata of the events of a resource."""
    text = (SITUATIONS_FOLDER / f"{name}.events.json").read_text(encoding="utf-8")
    for event in map(json.loads, text.splitlines()):
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            metadata = event.get(kind, {}).get("metadata", {})
            if metadata.get("urn", "").endswith(f"::{resource}"):
                yield kind, metadata


def test_every_situation_is_recorded() -> None:
    recorded = {path.name.partition(".")[0] for path in RECORDED}
    assert recorded == {situation.name for situation in SITUATIONS}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_a_situation_shows_no_secret_and_no_place_of_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not leaks(text)
    assert PLACES_OF_A_MACHINE.findall(text) == []


@pytest.mark.parametrize(
    ("name", "resource", "done"),
    [
        pytest.param("dropped", "deny", ["delete"], id="what is dropped"),
        pytest.param("dropped-all", "k8s", ["delete"], id="what is dropped with its provider"),
        pytest.param("dropped-all.destroy", "deny", ["delete"], id="what a destruction takes"),
        pytest.param("alias", "everything", ["same"], id="a resource that has another name now"),
        pytest.param("alias", "deny", [], id="a resource's former name"),
        pytest.param("ignored-change", "deny", ["same"], id="a change that is ignored"),
        pytest.param("refresh-gone", "deny", ["refresh", "create"], id="gone, made again"),
        pytest.param("refresh-gone.refresh", "deny", ["delete"], id="gone, only looked at"),
        pytest.param("refresh-gone-and-dropped", "deny", ["refresh"], id="gone and dropped"),
        pytest.param("refresh-opened", "deny", ["refresh", "update"], id="changed by others"),
        pytest.param("refresh-dropped", "deny", ["refresh", "delete"], id="looked at and dropped"),
        pytest.param("target-other", "allow", ["same"], id="a creation that is skipped"),
        pytest.param("target-other", "deny", ["same"], id="a deletion that is skipped"),
        pytest.param("exclude", "allow", ["same"], id="a creation that is excluded"),
        pytest.param("replaced-delete-first", "deny", ["replace"], id="replaced, deleted first"),
        pytest.param("namespace-replaced", "deny", ["same"], id="inside a replaced namespace"),
        pytest.param("namespace-dropped", "deny", ["same"], id="inside a dropped namespace"),
        pytest.param("another-cluster", "deny", ["replace"], id="inside another cluster"),
        pytest.param("deleted-with-replaced", "deny", ["replace"], id="deleted with what is made"),
        pytest.param("imported", "allow", ["import"], id="what is imported"),
        pytest.param("read", "allow", ["read"], id="what is only read"),
        pytest.param("read-dropped", "allow", ["discard"], id="what is no longer read"),
        pytest.param(
            "read-taken-over", "allow", ["replace"], id="what was read and is managed now"
        ),
    ],
)
def test_the_steps_of_a_resource_are_in_order(name: str, resource: str, done: list[str]) -> None:
    assert operations(name, resource) == done


def test_a_refresh_step_repeats_the_old_state_whatever_was_found() -> None:
    for name in ("refresh-gone", "refresh-opened"):
        looked, *_ = steps(name, "deny")
        assert looked["newState"]["inputs"] == looked["oldState"]["inputs"]


def test_what_a_refresh_found_is_the_old_state_of_the_next_step() -> None:
    for name in ("refresh-opened", "refresh-opened-and-dropped"):
        _, done = steps(name, "deny")
        assert done["oldState"]["inputs"]["spec"]["ingress"] == [{}]
    _, made = steps("refresh-gone", "deny")
    assert "oldState" not in made


def test_the_events_tell_what_a_refresh_found() -> None:
    found = [
        data["new"] for kind, data in events("refresh-gone", "deny") if kind == "resOutputsEvent"
    ]
    assert found[0] is None
    opened = [
        data
        for kind, data in events("refresh-opened-and-dropped", "deny")
        if kind == "resOutputsEvent"
    ]
    assert opened[0]["new"]["inputs"]["spec"]["ingress"] == [{}]


def test_a_creation_that_is_skipped_is_the_same_without_id_and_inputs() -> None:
    for name in ("target-other", "exclude"):
        (skipped,) = steps(name, "allow")
        assert not {"id", "inputs", "outputs"} & {*skipped["oldState"], *skipped["newState"]}


def test_what_is_retained_is_deleted_by_a_step_like_any_other() -> None:
    (dropped,) = steps("retained-dropped", "deny")
    assert (dropped["op"], dropped["oldState"]["retainOnDelete"]) == ("delete", True)
    (replaced,) = steps("retained-replaced", "deny")
    assert (replaced["op"], replaced["oldState"]["retainOnDelete"]) == ("replace", True)


def test_what_goes_with_its_namespace_says_so() -> None:
    (deleted,) = steps("deleted-with", "deny")
    assert deleted["oldState"]["deletedWith"].endswith("::shop")


def test_what_is_read_has_no_inputs_and_outputs_only_once_it_is_in_the_state() -> None:
    (first,), (again,) = steps("read", "allow"), steps("read-again", "allow")
    assert first["newState"]["external"] is True
    assert not {"inputs", "outputs"} & {*first["newState"]}
    assert again["oldState"]["outputs"]["spec"]["podSelector"]


def test_the_events_tell_what_was_read() -> None:
    (read,) = [data for kind, data in events("read", "allow") if kind == "resOutputsEvent"]
    assert read["new"]["outputs"]["spec"]["podSelector"]


def test_what_is_deleted_before_it_is_made_again_stays_in_the_state_as_pending() -> None:
    (left,) = states("pending-replacement", "deny")
    assert left["pendingReplacement"] is True
    (next_,) = steps("pending-replacement", "deny")
    assert (next_["op"], next_["oldState"]["pendingReplacement"]) == ("replace", True)


def test_what_is_still_to_be_deleted_is_in_the_state_and_in_no_preview() -> None:
    new, old = states("left-to-delete", "deny")
    assert ("delete" in new, old["delete"]) == (False, True)
    assert operations("left-to-delete", "deny") == ["same"]


def test_an_interrupted_creation_is_pending_in_the_state_and_a_creation_in_the_preview() -> None:
    text = (SITUATIONS_FOLDER / "interrupted.state.json").read_text(encoding="utf-8")
    (pending,) = json.loads(text)["deployment"]["pending_operations"]
    assert (pending["type"], pending["resource"]["urn"].rpartition("::")[2]) == (
        "creating",
        "allow",
    )
    assert states("interrupted", "allow") == []
    assert operations("interrupted", "allow") == ["create"]


@pytest.mark.engine
@pytest.mark.timeout(1800)
def test_the_engine_still_says_it_of_every_situation(tmp_path: Path) -> None:
    for name, text in recordings_of_situations(tmp_path):
        then = (SITUATIONS_FOLDER / name).read_text(encoding="utf-8")
        assert sorted(said(text)) == sorted(said(then)), f"{name}: record it again"
