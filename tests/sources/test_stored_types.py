"""Directions that a policy isolates without writing them, when it changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from podwall.change_review import change_review, stages
from podwall.sources import Source, source

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"containers": []},
}
INGRESS: Mapping[str, Any] = {"podSelector": {}, "ingress": [{}]}
EGRESS = {**INGRESS, "egress": [{"to": [{"podSelector": {}}]}]}
WRITTEN = {**EGRESS, "policyTypes": ["Ingress", "Egress"]}
BOTH, ONE = ["Ingress", "Egress"], ["Ingress"]


def policy(spec: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": "own", "namespace": "shop"}
    version = "networking.k8s.io/v1"
    return {"apiVersion": version, "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def manifests(folder: Path, name: str, spec: Mapping[str, Any] | None) -> Source:
    path = folder / f"{name}.json"
    items = [POD, *([] if spec is None else [policy(spec)])]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), "utf-8")
    return source(str(path))


@pytest.mark.parametrize(
    ("old", "new", "is_in_doubt"),
    [
        pytest.param(INGRESS, EGRESS, True, id="egress rules come"),
        pytest.param(EGRESS, INGRESS, True, id="egress rules go"),
        pytest.param(EGRESS, EGRESS, False, id="they stay"),
        pytest.param(None, EGRESS, False, id="the policy is new"),
        pytest.param(INGRESS, WRITTEN, False, id="they are written"),
    ],
)
def test_a_change_of_manifests_does_not_know_what_is_stored(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], is_in_doubt: object, tmp_path: Path
) -> None:
    found = change_review(manifests(tmp_path, "old", old), manifests(tmp_path, "new", new))
    outside = found.after.reachability.connection("shop/web", "0.0.0.0/0")
    assert bool(outside.undetermined) == is_in_doubt
    assert all("policyTypes" in each.because for each in outside.undetermined)


def state(spec: Mapping[str, Any], stored: list[str] | None = None) -> dict[str, Any]:
    type_ = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    urn = f"urn:pulumi:dev::shop::{type_}::own"
    found = {"urn": urn, "type": type_, "custom": True, "id": "own", "inputs": policy(spec)}
    return (
        found
        if stored is None
        else {
            **found,
            "outputs": policy({**spec, "policyTypes": stored}),
        }
    )


@pytest.mark.parametrize(
    ("old", "new", "reaches"),
    [
        pytest.param(state(INGRESS, ONE), state(EGRESS), (True, True), id="not isolated"),
        pytest.param(state(EGRESS, BOTH), state(INGRESS), (False, False), id="stays isolated"),
        pytest.param(state(EGRESS, ONE), state(EGRESS), (True, True), id="never was"),
        pytest.param(state(INGRESS, ONE), state(WRITTEN), (True, False), id="written"),
    ],
)
def test_an_update_keeps_what_is_stored(
    old: Any, new: Any, reaches: tuple[bool, bool], tmp_path: Path
) -> None:
    type_ = "kubernetes:core/v1:Pod"
    pod = {"urn": f"urn:pulumi:dev::shop::{type_}::web", "type": type_, "custom": True, "id": "w"}
    pod = {**pod, "inputs": POD}
    steps = [
        {"op": "update", "oldState": old, "newState": new},
        {"op": "same", "oldState": pod, "newState": pod},
    ]
    path = tmp_path / "preview.json"
    path.write_text(json.dumps({"steps": steps}), "utf-8")
    found = change_review(*stages(source(str(path))))
    seen = (found.before.reachability, found.after.reachability)
    assert tuple(bool(each.connection("shop/web", "0.0.0.0/0").allowed) for each in seen) == reaches
