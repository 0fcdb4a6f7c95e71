"""Objects without a name where the configuration of the stack says how these are named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from podwall.plan.embedded import embedded_plan
from podwall.plan.model import UNKNOWN
from podwall.policies.errors import SourceError
from podwall.review import Review, review
from podwall.sources import source, source_of_program
from tests.plan.projects import project_in

PROGRAM = """
import pulumi_kubernetes as k8s

app = k8s.core.v1.Namespace("app")
k8s.core.v1.Pod("web", metadata={"namespace": "app"}, spec={"containers": []})
k8s.networking.v1.NetworkPolicy(
    "deny",
    metadata={"namespace": app.metadata.name},
    spec={"podSelector": {}, "policyTypes": ["Ingress"]},
)
"""
VERBATIM = {"mode": "verbatim"}
NAMESPACE = "kubernetes:core/v1:Namespace"


def planned(folder: Path, naming: Mapping[str, Any], **config: str) -> Review:
    values = {"pulumi:autonaming": naming, **{f"shop:{k}": v for k, v in config.items()}}
    plan = embedded_plan(project_in(folder, PROGRAM, values), "dev")
    return review(source_of_program(plan, folder))


def is_closed(found: Review) -> bool:
    """Return whether the pod is closed: it is in the namespace by name, the policy by output."""
    (web,) = found.reachability.workloads
    return not found.reachability.connection("0.0.0.0/0", web.id).allowed


@pytest.mark.parametrize(
    "naming",
    [
        pytest.param(VERBATIM, id="everything"),
        pytest.param({"providers": {"kubernetes": VERBATIM}}, id="the provider"),
        pytest.param(
            {"providers": {"kubernetes": {"resources": {NAMESPACE: VERBATIM}}}}, id="the type"
        ),
        pytest.param({"pattern": "${name}"}, id="a pattern"),
        pytest.param({"pattern": "${config.short}"}, id="a pattern of configuration"),
        pytest.param(
            {"mode": "default", "providers": {"kubernetes": {"pattern": "${name}"}}}, id="closest"
        ),
    ],
)
@pytest.mark.long
def test_a_namespace_has_the_name_that_configuration_gives_it(
    naming: Mapping[str, Any], tmp_path: Path
) -> None:
    found = planned(tmp_path, naming, short="app")
    assert is_closed(found)
    assert found.reachability.workloads[0].id == "app/web"


@pytest.mark.parametrize(
    "naming",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"mode": "default"}, id="the default"),
        pytest.param({"pattern": "${name}-${hex(4)}"}, id="random"),
        pytest.param({"pattern": "${organization}-${name}"}, id="not known here"),
        pytest.param({"pattern": "${config.other}"}, id="not configured"),
        pytest.param({"pattern": "${stack}-${name}"}, id="another name"),
        pytest.param({"providers": {"aws": VERBATIM}}, id="another provider"),
        pytest.param(
            {"mode": "verbatim", "providers": {"kubernetes": {"mode": "default"}}}, id="closest"
        ),
    ],
)
@pytest.mark.long(keep=1)
def test_any_other_name_is_not_that_of_the_resource(
    naming: Mapping[str, Any], tmp_path: Path
) -> None:
    assert not is_closed(planned(tmp_path, naming))


def test_an_object_that_is_named_by_nobody_is_refused_where_it_is_made(tmp_path: Path) -> None:
    disabled = {"resources": {NAMESPACE: {"mode": "disabled"}}}
    with pytest.raises(SourceError, match=r"`app` has no `metadata\.name`") as caught:
        planned(tmp_path, {"providers": {"kubernetes": disabled}})
    assert str(caught.value.place) == "__main__.py:4"


def test_a_mode_that_pulumi_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no mode `exact`"):
        planned(tmp_path, {"mode": "exact"})


@pytest.mark.parametrize("naming", [VERBATIM, json.dumps(VERBATIM)], ids=["object", "text"])
def test_a_first_preview_names_them_by_its_configuration(naming: object, tmp_path: Path) -> None:
    def step(token: str, name: str, **inputs: Any) -> Mapping[str, Any]:
        urn = f"urn:pulumi:dev::shop::{token}::{name}"
        return {
            "op": "create",
            "newState": {"urn": urn, "type": token, "custom": True, "inputs": inputs},
        }

    rules = {"podSelector": {}, "policyTypes": ["Ingress"]}
    steps = [
        step(NAMESPACE, "app"),
        step("kubernetes:core/v1:Pod", "web", metadata={"namespace": "app"}, spec={}),
        step(
            "kubernetes:networking.k8s.io/v1:NetworkPolicy",
            "deny",
            metadata={"namespace": UNKNOWN},
            spec=rules,
        ),
    ]
    urn = steps[0]["newState"]["urn"]
    steps[2]["newState"]["propertyDependencies"] = {"metadata": [urn]}
    file = tmp_path / "preview.json"
    document = {"config": {"pulumi:autonaming": naming}, "steps": steps}
    file.write_text(json.dumps(document), encoding="utf-8")
    assert is_closed(review(source(str(file))))
    file.write_text(json.dumps({**document, "config": {}}), encoding="utf-8")
    assert not is_closed(review(source(str(file))))
