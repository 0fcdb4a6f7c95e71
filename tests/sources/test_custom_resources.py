"""Custom resources in previews and states: the pods that they make, and what they may bring.

A CustomResource of a program, and what the provider reads of a manifest, are the same objects that
a folder would have: each case is read as a folder, a first preview, a later one, and a state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from podwall.change_review import change_review, stages
from podwall.diff import ConnectionChangeKind
from podwall.review import Review, review
from podwall.sources import source
from tests.cli.running import podwall

State = dict[str, Any]
PROVIDER: Final = "urn:pulumi:dev::shop::pulumi:providers:kubernetes::default::7d6f0f0c"
SHOP: Final[tuple[State, ...]] = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "db", "namespace": "shop", "labels": {"app": "db"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "db"}},
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}],
        },
    },
)


def custom(api: str, kind: str, spec: Mapping[str, Any], namespace: str = "shop") -> State:
    metadata = {"name": "web", "namespace": namespace}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def template(app: str) -> Mapping[str, Any]:
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": containers}}


ROLLOUT: Final = custom("argoproj.io/v1alpha1", "Rollout", {"template": template("web")})
OTHER_ROLLOUT: Final = custom("argoproj.io/v1alpha1", "Rollout", {"template": template("x")})
CLONES: Final = custom("apps.kruise.io/v1alpha1", "CloneSet", {"template": template("web")})
PROMETHEUS: Final = custom(
    "monitoring.coreos.com/v1", "Prometheus", {"podMetadata": {"labels": {"app": "web"}}}
)
UNKNOWN: Final = custom("acme.example.com/v1", "Thing", {"image": "web"})
RELEASE: Final = custom("helm.toolkit.fluxcd.io/v2", "HelmRelease", {"chart": {}})


def resource(manifest: State) -> State:
    """Return an object as the Kubernetes provider has it in a preview, or a state."""
    api = manifest["apiVersion"]
    token = f"kubernetes:{api if '/' in api else f'core/{api}'}:{manifest['kind']}"
    name = manifest["metadata"]["name"]
    return {
        "urn": f"urn:pulumi:dev::shop::{token}::{name}",
        "type": token,
        "custom": True,
        "id": name,
        "provider": PROVIDER,
        "inputs": manifest,
        "outputs": manifest,
    }


def written(folder: Path, document: object) -> Path:
    path = folder / "document.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def folder(where: Path, *manifests: State) -> Path:
    return written(where, {"apiVersion": "v1", "kind": "List", "items": list(manifests)})


def first_preview(where: Path, *manifests: State) -> Path:
    new = [{k: v for k, v in resource(each).items() if k != "outputs"} for each in manifests]
    return written(where, {"steps": [{"op": "create", "newState": each} for each in new]})


def later_preview(where: Path, *manifests: State) -> Path:
    kept = [resource(each) for each in manifests]
    steps = [{"op": "same", "oldState": each, "newState": each} for each in kept]
    return written(where, {"steps": steps})


def state(where: Path, *manifests: State) -> Path:
    resources = [resource(each) for each in manifests]
    return written(where, {"version": 3, "deployment": {"resources": resources}})


Form = Callable[..., Path]
FORMS: Final = (folder, first_preview, later_preview, state)


def read(form: Form, where: Path, *manifests: State) -> Review:
    return review(source(str(form(where, *SHOP, *manifests))))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("made", [ROLLOUT, CLONES, PROMETHEUS], ids=lambda each: str(each["kind"]))
def test_the_pods_of_a_custom_resource_may_what_their_labels_may(
    form: Form, made: State, tmp_path: Path
) -> None:
    found = read(form, tmp_path, made)
    assert [each.id for each in found.reachability.workloads] == ["shop/db", "shop/web"]
    assert found.reachability.connection("shop/web", "shop/db").allowed
    assert not found.unread


@pytest.mark.parametrize("form", FORMS)
def test_pods_of_other_labels_may_not(form: Form, tmp_path: Path) -> None:
    pair = read(form, tmp_path, OTHER_ROLLOUT).reachability.connection("shop/web", "shop/db")
    assert not pair.allowed
    assert not pair.undetermined


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("made", [UNKNOWN, RELEASE], ids=lambda each: str(each["kind"]))
def test_what_is_not_read_leaves_its_namespace_undetermined(
    form: Form, made: State, tmp_path: Path
) -> None:
    found = read(form, tmp_path, made)
    assert [f"{each}" for each in found.unread] == [f"{made['kind']} shop/web"]
    (part,) = found.reachability.connection("0.0.0.0/0", "shop/db").undetermined
    assert part.because.startswith(f"{made['kind']} `shop/web` is not read")


@pytest.mark.parametrize("form", FORMS)
def test_one_of_another_namespace_leaves_this_one_as_it_is(form: Form, tmp_path: Path) -> None:
    elsewhere = {**UNKNOWN, "metadata": {"name": "web", "namespace": "other"}}
    found = read(form, tmp_path, elsewhere)
    assert not found.reachability.connection("0.0.0.0/0", "shop/db").undetermined


def step(op: str, old: State | None, new: State | None) -> State:
    states = {"oldState": old and resource(old), "newState": new and resource(new)}
    return {"op": op, **{key: value for key, value in states.items() if value}}


@pytest.mark.parametrize(
    ("op", "old", "new", "kind"),
    [
        pytest.param("create", None, ROLLOUT, ConnectionChangeKind.ADDED, id="comes"),
        pytest.param("delete", ROLLOUT, None, ConnectionChangeKind.REMOVED, id="goes"),
        pytest.param(
            "update", OTHER_ROLLOUT, ROLLOUT, ConnectionChangeKind.ADDED, id="gets the label"
        ),
    ],
)
def test_a_preview_in_which_it_changes_is_a_change(
    op: str, old: State | None, new: State | None, kind: ConnectionChangeKind, tmp_path: Path
) -> None:
    steps = [*(step("same", each, each) for each in SHOP), step(op, old, new)]
    found = change_review(*stages(source(str(written(tmp_path, {"steps": steps})))))
    kinds = {
        (each.source.id, each.destination.id): each.kind for each in found.difference.changes()
    }
    assert kinds["shop/web", "shop/db"] is kind


@pytest.mark.parametrize("made", [UNKNOWN, RELEASE], ids=lambda each: str(each["kind"]))
def test_a_preview_in_which_something_unread_comes_is_not_silent(
    made: State, tmp_path: Path
) -> None:
    steps = [*(step("same", each, each) for each in SHOP), step("create", None, made)]
    path = written(tmp_path, {"steps": steps})
    said = podwall(tmp_path, "diff", str(path))
    assert said.code == 1
    assert f"{made['kind']} `shop/web` is not read" in said.out
