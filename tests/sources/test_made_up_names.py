"""Namespaces whose names Pulumi makes up, in the previews and states of an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from podwall.change_review import change_review, stages
from podwall.diff import ChangeCause
from podwall.review import review
from podwall.sources import source

State = dict[str, Any]
PROVIDER = "urn:pulumi:dev::shop::pulumi:providers:kubernetes::default::7d6f0f0c"
KINDS = {
    "Namespace": ("v1", "core/v1"),
    "Pod": ("v1", "core/v1"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networking.k8s.io/v1"),
}


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:dev::shop::kubernetes:{KINDS[kind][1]}:{kind}::{name}"


def state(kind: str, name: str, metadata: Mapping[str, Any], **fields: Any) -> State:
    """Return a resource as the Kubernetes provider leaves it, its made-up name marked as such."""
    if "name" in metadata:
        metadata = {"annotations": {"pulumi.com/autonamed": "true"}, **metadata}
    inputs = {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": metadata, **fields}
    return {
        "urn": urn(kind, name),
        "type": f"kubernetes:{KINDS[kind][1]}:{kind}",
        "custom": True,
        "id": "id",
        "provider": PROVIDER,
        "inputs": inputs,
    }


def shop(namespace: str, real: str = "", suffix: str = "") -> list[State]:
    """Return a namespace, a pod and a default deny, with real names where there are some."""

    def called(name: str) -> Mapping[str, str]:
        return {"name": f"{name}-{suffix}"} if suffix else {}

    there = {"namespace": real} if real else {"namespace": SENTINEL}
    pod = state("Pod", "web", {**called("web"), **there}, spec={"containers": []})
    spec = {"podSelector": {}, "policyTypes": ["Ingress"]}
    deny = state("NetworkPolicy", "deny", {**called("deny"), **there}, spec=spec)
    for each in (pod, deny):
        each["propertyDependencies"] = {"metadata": [urn("Namespace", namespace)]}
    return [state("Namespace", namespace, {"name": real} if real else {}), pod, deny]


SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNNAMED = shop("app")
FIRST = shop("app", "app-1111aaaa", "1111aaaa")
SECOND = shop("app", "app-2222bbbb", "2222bbbb")


def written(folder: Path, value: object) -> str:
    path = folder / "written.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


def preview(*steps: tuple[str, State | None, State | None]) -> Mapping[str, Any]:
    listed = [{"op": op, "oldState": old, "newState": new} for op, old, new in steps]
    return {"steps": [{k: v for k, v in each.items() if v} for each in listed]}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(preview(*(("create", None, each) for each in UNNAMED)), id="a first preview"),
        pytest.param(preview(*(("create", None, each) for each in FIRST)), id="a reachable one"),
        pytest.param(preview(*(("same", each, each) for each in FIRST)), id="a later one"),
        pytest.param({"version": 3, "deployment": {"resources": FIRST}}, id="a state"),
    ],
)
def test_it_is_shown_and_addressed_as_the_program_calls_it(
    document: Mapping[str, Any], tmp_path: Path
) -> None:
    found = review(source(written(tmp_path, document)))
    assert not [each for each in found.findings if each.severity == "error"]
    (web,) = found.reachability.workloads
    assert web.id == "app/web"
    assert not found.reachability.connection("0.0.0.0/0", "app/web").allowed


def renamed(states: list[State]) -> list[State]:
    """Return the same objects of a program that calls the namespace otherwise, with an alias."""
    namespace, *others = states
    return [{**namespace, "urn": urn("Namespace", "store")}, *others]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([("replace", *each) for each in zip(FIRST, SECOND, strict=True)], id="anew"),
        pytest.param(
            [("replace", *each) for each in zip(FIRST, UNNAMED, strict=True)], id="unnamed"
        ),
        pytest.param(
            [("same", *each) for each in zip(FIRST, renamed(FIRST), strict=True)], id="alias"
        ),
    ],
)
def test_another_name_of_the_namespace_changes_no_connection(
    steps: list[tuple[str, State, State]], tmp_path: Path
) -> None:
    found = change_review(*stages(source(written(tmp_path, preview(*steps)))))
    causes = {each.cause for each in found.difference.port_changes()}
    assert not causes & {ChangeCause.NEW, ChangeCause.GONE}
    assert not list(found.difference.port_changes())


def test_two_states_are_compared_by_what_the_program_calls_things(tmp_path: Path) -> None:
    def stack(states: list[State], name: str) -> str:
        (tmp_path / name).mkdir()
        return written(tmp_path / name, {"version": 3, "deployment": {"resources": states}})

    found = change_review(source(stack(FIRST, "a")), source(stack(SECOND, "b")))
    assert not list(found.difference.port_changes())
