"""One stack in every form in which podwall reads it, so that each can be asked the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from podwall.plan.plan_json import plan_document
from podwall.policies import Place
from podwall.reports.formats import json_text
from podwall.sources import Source, source
from podwall.sources.states import state_plan
from tests.plan.projects import project_in

__all__ = ["FORMS", "PROGRAM_FORMS", "Objects", "manifest", "opened", "silenced"]

Objects = list[Mapping[str, Any]]
_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_STACK = "urn:pulumi:dev::shop::"


def manifest(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    """Return an object of namespace `shop`."""
    version = "networking.k8s.io/v1" if kind == "NetworkPolicy" else "v1"
    metadata = {"name": name, "namespace": "shop", **fields.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def silenced(objects: Objects, ids: str) -> Objects:
    """Return the objects with an annotation on each that silences findings of these ids."""
    wish = "; ".join(f"{each}: agreed" for each in ids.split())
    annotations = {"podwall.dev/ignore": wish}
    return [
        {**each, "metadata": {**each["metadata"], "annotations": annotations}} for each in objects
    ]


def _state(each: Mapping[str, Any]) -> dict[str, Any]:
    group = str(each["apiVersion"])
    type_ = f"kubernetes:{group if '/' in group else f'core/{group}'}:{each['kind']}"
    urn = f"{_STACK}{type_}::{each['metadata']['name']}"
    return {"urn": urn, "type": type_, "custom": True, "id": urn, "inputs": dict(each)}


def _manifests(folder: Path, objects: Objects) -> Path:
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump_all(objects), "utf-8")
    return path


def _preview(folder: Path, objects: Objects) -> Path:
    steps = [{"op": "create", "newState": _state(each)} for each in objects]
    return _written(folder, "preview.json", {"steps": steps})


def _exported(folder: Path, objects: Objects) -> Path:
    return _written(
        folder, "state.json", {"deployment": {"resources": [_state(each) for each in objects]}}
    )


def _plan(folder: Path, objects: Objects) -> Path:
    deployment = {"resources": [_state(each) for each in objects]}
    path = folder / "plan.json"
    plan = state_plan({"version": 3, "deployment": deployment}, Place(path.name))
    path.write_text(json_text(plan_document(plan)), "utf-8")
    return path


def _program(folder: Path, objects: Objects) -> Path:
    """Write a program that deploys the objects, each from a line of its own."""
    lines = [
        "from pulumi_kubernetes.core.v1 import Pod",
        "from pulumi_kubernetes import networking",
    ]
    makers = {"Pod": "Pod", "NetworkPolicy": "networking.v1.NetworkPolicy"}
    for each in objects:
        given = {key: value for key, value in each.items() if key not in {"apiVersion", "kind"}}
        name = each["metadata"]["name"]
        lines.append(f"{makers[each['kind']]}({name!r}, **{_snake(given)!r})")
    return project_in(folder, "\n".join(lines))


def _snake(value: Any) -> Any:
    """Return inputs as a Python program writes them, as far as these tests need it."""
    words = {"podSelector": "pod_selector", "policyTypes": "policy_types"}
    if isinstance(value, dict):
        return {words.get(key, key): _snake(each) for key, each in value.items()}
    return value


def _written(folder: Path, name: str, document: Mapping[str, Any]) -> Path:
    path = folder / name
    path.write_text(json.dumps(document), "utf-8")
    return path


#: What writes a stack of objects in each form, and returns the path to name.
FORMS: Mapping[str, Callable[[Path, Objects], Path]] = {
    "manifests": _manifests,
    "preview": _preview,
    "state": _exported,
    "plan": _plan,
}
PROGRAM_FORMS = {**FORMS, "program": _program}


def opened(folder: Path, form: str, objects: Objects) -> Source:
    """Return the source that has these objects in one of the forms."""
    return source(str(FORMS[form](folder, objects)))
