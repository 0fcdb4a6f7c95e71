"""The namespace of objects that name none, as a program and its configuration decide it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from podwall.model import Unknown
from podwall.plan.embedded import embedded_plan
from podwall.review import review
from podwall.sources import source, source_of_program
from tests.plan.projects import project_in

PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes

shop = kubernetes.core.v1.Namespace("shop")
own = kubernetes.Provider("own", namespace=shop.metadata.name)
bare = kubernetes.Provider("bare")
for name, provider in {"web": None, "api": own, "db": bare}.items():
    opts = pulumi.ResourceOptions(provider=provider) if provider else None
    kubernetes.core.v1.Pod(name, metadata={"name": name}, spec={"containers": []}, opts=opts)
"""


def placed(folder: Path, **files: Mapping[str, Any]) -> set[str]:
    plan = embedded_plan(project_in(folder, PROGRAM, **files), "dev")
    found = review(source_of_program(plan, folder)).reading.snapshot
    return {each.full_name for each in found.workloads}


@pytest.mark.parametrize(
    ("files", "web"),
    [
        pytest.param({}, "default/web", id="nothing"),
        pytest.param({"config": {"kubernetes:namespace": "red"}}, "red/web", id="the stack"),
        pytest.param({"config": {"kubernetes:config:namespace": "red"}}, "red/web", id="old form"),
        pytest.param({"declared": {"kubernetes:namespace": "blue"}}, "blue/web", id="the project"),
        pytest.param(
            {"declared": {"kubernetes:namespace": {"value": "blue"}}}, "blue/web", id="its value"
        ),
        pytest.param(
            {
                "declared": {"kubernetes:namespace": {"default": "blue"}},
                "config": {"kubernetes:namespace": "red"},
            },
            "red/web",
            id="the stack first",
        ),
        pytest.param(
            {"config": {"kubernetes:namespace": {"secure": "AAABAA=="}}}, "?/web", id="encrypted"
        ),
    ],
)
def test_objects_without_a_namespace_are_in_that_of_their_provider(
    files: Mapping[str, Any], web: str, tmp_path: Path
) -> None:
    assert placed(tmp_path, **files) == {web, "shop/api", "default/db"}


def test_a_preview_says_its_configuration(tmp_path: Path) -> None:
    urn = "urn:pulumi:dev::shop::kubernetes:core/v1:Pod::web"
    inputs = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {}}
    state = {"urn": urn, "type": "kubernetes:core/v1:Pod", "custom": True, "inputs": inputs}
    for config, namespace in (({"kubernetes:namespace": "red"}, "red"), ({}, "default")):
        path = tmp_path / "preview.json"
        steps = [{"op": "create", "newState": state}]
        path.write_text(json.dumps({"config": config, "steps": steps}), encoding="utf-8")
        (web,) = review(source(str(path))).reading.snapshot.workloads
        assert web.namespace == namespace


def test_an_encrypted_namespace_is_undetermined_with_that_cause(tmp_path: Path) -> None:
    config = {"kubernetes:namespace": {"secure": "AAABAA=="}}
    plan = embedded_plan(project_in(tmp_path, PROGRAM, config), "dev")
    workloads = review(source_of_program(plan, tmp_path)).reading.snapshot.workloads
    web = next(each for each in workloads if each.name == "web")
    cause = "`kubernetes:namespace` of the stack's configuration is encrypted"
    assert web.namespace == Unknown(cause)
