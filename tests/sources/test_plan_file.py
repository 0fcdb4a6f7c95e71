"""A plan that was written to `plan.json` and read back is judged as the plan itself is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.plan import SECRET, Operation, Origin, Plan, PlannedResource, ResourceOptions
from podwall.plan.plan_json import plan_document, plan_in
from podwall.planners import source_of_preview
from podwall.policies import Finding, Place, Severity
from podwall.policies.errors import Unknown
from podwall.reports.formats import json_text
from tests.cli.running import podwall
from tests.plan.projects import plan_of, project_in

PREVIEWS = Path(__file__).resolve().parents[1] / "data" / "previews"
MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: main, image: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
PROGRAM = """
    from pulumi_kubernetes import Provider
    from pulumi_kubernetes.helm.v4 import Chart
    from pulumi_kubernetes.yaml.v2 import ConfigFile, ConfigGroup

    ConfigFile("all", file="manifests.yaml")
    ConfigGroup("partly", files=["manifests.yaml", "https://example.com/more.yaml"])
    Chart("mail", chart="mail")
    provider = Provider("elsewhere", namespace="there", kubeconfig="{}")
    space = Namespace("space", metadata={"labels": {"tier": "front"}})
    opts = ResourceOptions(provider=provider, delete_before_replace=True, protect=True,
                           ignore_changes=["spec"], aliases=[pulumi.Alias(name="old")])
    pod("api", opts=opts, uid_=space.metadata.uid)
    Secret("key", metadata={"name": "key"}, string_data={"key": Output.secret("hidden")})
    pulumi.log.warn("careful")
"""


WHOLE: dict[str, object] = {
    "urn": "u",
    "type": "t",
    "name": "n",
    "parent": None,
    "protect": False,
    "change": "create",
    "inputs": {},
}


def _read_back(plan: Plan) -> Plan:
    return plan_in(json.loads(json_text(plan_document(plan))), Place())


def _judged_again(plan: Plan) -> None:
    """Hold that nothing is lost but the exports."""
    assert _read_back(plan) == replace(plan, outputs={})


def test_the_plan_of_a_program_is_read_back_whole(tmp_path: Path) -> None:
    (tmp_path / "manifests.yaml").write_text(MANIFEST, "utf-8")
    plan = plan_of(tmp_path, PROGRAM)
    assert [each.name for each in plan.resources if not each.custom and each.unseen] == [
        "partly",
        "mail",
    ]
    assert any(each.property_dependencies for each in plan.resources)
    assert plan.warnings
    _judged_again(plan)


@pytest.mark.parametrize("name", ["allow", "first"])
def test_the_plan_of_the_pulumi_cli_is_read_back_whole(name: str) -> None:
    document = json.loads((PREVIEWS / f"{name}.json").read_text("utf-8"))
    document["diagnostics"] = [{"severity": "warning", "message": "careful"}]
    plan = source_of_preview(document).plan
    assert plan is not None
    assert plan.warnings
    _judged_again(plan)


_TEXT = st.text("ab:[]/.", min_size=1, max_size=5)
_TEXTS = st.lists(_TEXT, max_size=2).map(tuple)
_VALUES = st.recursive(
    st.sampled_from(["x", 1, True, None, SECRET, Unknown("later"), "[unknown]"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=5,
)
_OPTIONS = st.builds(
    ResourceOptions,
    protect=st.booleans(),
    retain_on_delete=st.booleans(),
    delete_before_replace=st.booleans(),
    deleted_with=st.none() | _TEXT,
    replace_with=_TEXTS,
    replace_on_changes=_TEXTS,
    ignore_changes=_TEXTS,
    aliases=_TEXTS,
    timeouts=st.dictionaries(st.sampled_from(["create", "delete"]), _TEXT),
    secret_outputs=_TEXTS,
    import_id=st.none() | _TEXT,
)
_PLACES = st.builds(Place, st.just("__main__.py"), st.integers(1, 9)) | st.just(Place())
_RESOURCES = st.builds(
    PlannedResource,
    urn=_TEXT,
    type=_TEXT,
    name=_TEXT,
    inputs=st.dictionaries(_TEXT, _VALUES, max_size=3).map(MappingProxyType),
    custom=st.booleans(),
    parent=st.none() | _TEXT,
    provider=st.none() | _TEXT,
    dependencies=_TEXTS,
    property_dependencies=st.dictionaries(_TEXT, _TEXTS, max_size=2).map(MappingProxyType),
    options=_OPTIONS,
    change=st.sampled_from(Operation),
    replaced_by=_TEXTS,
    place=_PLACES,
    unseen=_TEXTS,
)
_WARNINGS = st.builds(
    Finding, _TEXT, st.sampled_from(Severity), _TEXT, _PLACES, st.just("") | _TEXT
)
_PLANS = st.builds(
    Plan,
    project=_TEXT,
    stack=_TEXT,
    resources=st.lists(_RESOURCES, max_size=3).map(tuple),
    warnings=st.lists(_WARNINGS, max_size=2).map(tuple),
    origin=st.sampled_from(Origin),
)


@given(_PLANS)
def test_every_plan_is_read_back_whole(plan: Plan) -> None:
    _judged_again(plan)


def test_a_component_in_a_plan_file_is_no_malformed_object(tmp_path: Path) -> None:
    (tmp_path / "manifests.yaml").write_text(MANIFEST, "utf-8")
    program = (
        "from pulumi_kubernetes.yaml.v2 import ConfigFile\n"
        "ConfigFile('all', file='manifests.yaml')\n"
    )
    project = project_in(tmp_path, program)
    assert podwall(project, "preview", "--out", "out").code == 0
    of_file = podwall(project, "lint", "out/dev/plan.json", "-o", "json")
    of_program = podwall(project, "lint", "-o", "json")
    assert (of_file.code, of_file.json) == (of_program.code, of_program.json)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"warnings": 1}, "warnings: must be a list, is `1`"),
        ({"resources": None}, "resources: must be a list, is `null`"),
        ({"resources": [{"urn": "u"}]}, "resources[0].type: is missing"),
        ({"resources": [{**WHOLE, "chnage": "same"}]}, "resources[0].chnage: there is no field"),
        ({"resources": [{**WHOLE, "change": "sane"}]}, "resources[0].change: must be `create`, "),
        (
            {"resources": [WHOLE, {**WHOLE, "options": {"aliases": ["a", 3]}}]},
            "resources[1].options.aliases[1]: must be text, is `3`",
        ),
        ({"planner": 1, "project": None}, "project: must be text, is `null`"),
    ],
)
def test_a_damaged_plan_is_refused_with_the_place_of_the_damage(
    tmp_path: Path, damage: dict[str, object], message: str
) -> None:
    whole = json.loads(json_text(plan_document(Plan("p", "s"))))
    (tmp_path / "plan.json").write_text(json.dumps({**whole, **damage}), "utf-8")
    refused = podwall(tmp_path, "reach", "plan.json")
    assert refused.code == 2
    assert f"plan.json {message}" in refused.err
