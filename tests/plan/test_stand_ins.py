"""A program that computes with what nobody knows goes on, and nothing of it looks known."""

from __future__ import annotations

import base64
import copy
import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from podwall.plan import Plan
from podwall.plan.embedded import embedded_plan
from podwall.plan.model import planned_value
from podwall.plan.stand_ins import Decisions, stand_in
from podwall.policies.errors import Place, SourceError, Unknown
from tests.plan.projects import KUBERNETES, plan_of, project_in, resource

HUB = """
from pulumi_azure_native import network
hub = network.get_virtual_network(resource_group_name="shop", virtual_network_name="hub")
"""


def text() -> Any:
    return stand_in(str, "it", Decisions(Path("/nowhere")))


def value(kind: Any = Any) -> Any:
    return stand_in(kind, "it", Decisions(Path("/nowhere")))


@pytest.mark.parametrize(
    "compute",
    [
        pytest.param(lambda t: t.upper(), id="upper"),
        pytest.param(lambda t: f"aks-{t}".upper(), id="upper, inside another text"),
        pytest.param(lambda t: f"aks-{t}"[:16], id="a part of another text"),
        pytest.param(lambda t: t[:3], id="a part"),
        pytest.param(lambda t: "a" + t + "b", id="joined by plus"),
        pytest.param(lambda t: "%s-%s" % ("a", t), id="formatted by percent"),  # noqa: UP031 - what is tried
        pytest.param("{}".format, id="formatted"),
        pytest.param(lambda t: "-".join([t] * 2), id="an item of a join"),
        pytest.param(lambda t: t.join(["a", "b"]), id="what joins"),
        pytest.param(lambda t: t.replace("-", ""), id="replaced"),
        pytest.param(lambda t: f"x{t}".replace("-", ""), id="replaced, inside another text"),
        pytest.param(lambda t: t.split("/")[-1], id="the last part"),
        pytest.param(lambda t: t.partition("/")[2], id="what follows"),
        pytest.param(lambda t: t.strip().lower().removeprefix("x"), id="in a chain"),
        pytest.param(lambda t: base64.b64decode(t).decode(), id="decoded"),
        pytest.param(lambda t: json.loads(json.dumps({"a": t}))["a"], id="through JSON"),
        pytest.param(copy.deepcopy, id="copied"),
        pytest.param(lambda t: {"a": t}["a"], id="in a mapping"),
    ],
)
def test_what_is_computed_of_an_unknown_text_is_unknown(compute: Callable[[Any], Any]) -> None:
    assert isinstance(planned_value(compute(text()), str), Unknown)


def test_a_mapping_with_a_key_that_is_not_known_is_unknown() -> None:
    assert isinstance(planned_value({"labels": {f"x-{text()}": "y"}}, str)["labels"], Unknown)


def test_a_text_is_a_text() -> None:
    assert isinstance(text(), str)


@pytest.mark.parametrize(
    ("kind", "compute"),
    [
        (int, lambda n: n + 1),
        (int, lambda n: 2 * n),
        (int, lambda n: -n // 3),
        (int, lambda n: f"{n}"),
        (Sequence[str], lambda items: items[0]),
        (Sequence[str], lambda items: items[1:][0].upper()),
        (Mapping[str, str], lambda items: items["a"]),
        (Mapping[str, str], lambda items: items.get("a")),
        (Any, lambda thing: thing.a.b["c"].d(1)["e"]),
        (Sequence[Mapping[str, str]], lambda items: items[0]["name"]),
    ],
)
def test_what_is_computed_of_another_value_is_no_known_value(
    kind: Any, compute: Callable[[Any], Any]
) -> None:
    found = compute(value(kind))
    assert isinstance(planned_value(str(found), str), Unknown)


def labels_of(folder: Path, program: str, config: Mapping[str, Any] | None = None) -> Any:
    plan = plan_of(folder, program, config)
    return resource(plan, "web").inputs["metadata"]["labels"]


@pytest.mark.parametrize(
    "expression",
    [
        "hub.location",
        "hub.location.upper()",
        "hub.subnets[0].id",
        "hub.subnets[0].id.split('/')[-1]",
        "hub.address_space.address_prefixes[0]",
        "hub.tags['team']",
        "pulumi.Output.concat('x-', hub.location)",
        "pulumi.Output.from_input(hub.location).apply(lambda text: 'known')",
        "pulumi.Output.all(hub).apply(lambda each: each[0].location)",
        "str(hub.flow_timeout_in_minutes + 1)",
        "pulumi.runtime.invoke('x:index:getY', {'a': 'b'}).value['c']['d']",
        "pulumi.runtime.invoke('x:index:getY', {'a': 'b'}).value.get('c')",
        "pulumi.StackReference('acme/net/dev').get_output('id')",
        "pulumi.StackReference('acme/net/dev').require_output('id')",
        "pulumi.StackReference('acme/net/dev').outputs['id']",
        "pulumi.Config().require_secret('key')",
        "pulumi.Config().require_secret_int('key').apply(str)",
        "str(pulumi.Config().require_int('key') + 1)",
        "pulumi.Config().require_secret_object('key').apply(lambda o: o['a'])",
        "pulumi.Config().require_object('key')['a']",
        "pulumi.Config().require_object('parts')['b']",
        "pulumi.Config().require_secret_bool('key').apply(str)",
        "pulumi.Config().require_secret_float('key').apply(str)",
    ],
)
@pytest.mark.long(keep=2)
def test_what_only_the_cloud_or_a_passphrase_tells_is_unknown(
    tmp_path: Path, expression: str
) -> None:
    config = {
        "shop:key": {"secure": "v1:abc:def"},
        "shop:parts": {"a": "plain", "b": {"secure": "v1:abc:def"}},
    }
    found = labels_of(tmp_path, f"{HUB}\npod('web', labels={{'a': {expression}}})", config)
    assert isinstance(found["a"], Unknown) or str(found["a"]) == "[secret]"


def test_what_stands_beside_an_encrypted_part_is_known(tmp_path: Path) -> None:
    config = {"shop:parts": {"a": "plain", "b": {"secure": "v1:abc:def"}}}
    program = "pod('web', labels={'a': pulumi.Config().require_object('parts')['a']})"
    assert labels_of(tmp_path, program, config) == {"a": "plain"}


def test_a_list_that_nobody_knows_is_no_list_of_one(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, f"{HUB}\npod('web', containers=[{{'name': 'a', 'args': hub.subnets}}])"
    )
    (container,) = resource(plan, "web").inputs["spec"]["containers"]
    assert isinstance(container["args"], Unknown)


@pytest.mark.parametrize(
    "statement",
    [
        "if hub.location == 'westeurope': pod('more')",
        "if hub.subnets: pod('more')",
        "if hub.location.startswith('west'): pod('more')",
        "if hub.enable_vm_protection: pod('more')",
        "if hub.flow_timeout_in_minutes > 3: pod('more')",
        "for each in hub.subnets: pod('more')",
        "for n in range(hub.flow_timeout_in_minutes): pod('more')",
        "if 'a' in hub.tags: pod('more')",
        "if len(hub.subnets) > 1: pod('more')",
        "n = int(hub.location)",
        "pods = [pod('more') for each in hub.subnets]",
    ],
)
@pytest.mark.long(keep=1)
def test_a_decision_by_what_is_not_known_is_told_at_its_line(
    tmp_path: Path, statement: str
) -> None:
    plan = plan_of(tmp_path, f"{HUB}\npod('web')\n{statement}")
    (found,) = [each for each in plan.warnings if each.id == "unseen-objects"]
    line = (tmp_path / "__main__.py").read_text(encoding="utf-8").splitlines().index(statement) + 1
    assert found.place == Place("__main__.py", line)
    assert "`azure-native:network:getVirtualNetwork`" in found.message
    assert "podwall:answers" in found.help


def test_what_only_goes_through_pulumi_is_no_decision(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        f"{HUB}\npod('web', labels={{'a': hub.location, 'b': f'x-{{hub.name}}'}})\n"
        "pulumi.export('prefixes', hub.address_space.address_prefixes)\n"
        "network.Subnet('pods', resource_group_name='shop', virtual_network_name=hub.name)",
    )
    assert not plan.warnings


ANSWERS = {
    "podwall:answers": {
        "azure-native:network:getVirtualNetwork": {
            "location": "westeurope",
            "subnets": [{"id": "/subnets/pods", "addressPrefix": "10.1.0.0/16"}],
        },
        "x:index:getY": {"c": ["d"]},
    }
}


@pytest.mark.parametrize(
    ("expression", "known"),
    [
        ("hub.location", "westeurope"),
        ("hub.subnets[0].address_prefix", "10.1.0.0/16"),
        ("str(len(hub.subnets))", "1"),
        ("hub_output.location", "westeurope"),
        ("hub_output.subnets[0].id", "/subnets/pods"),
        ("hub_output.apply(lambda found: found.location)", "westeurope"),
        ("pulumi.runtime.invoke('x:index:getY', {}).value['c'][0]", "d"),
    ],
)
@pytest.mark.long(keep=1)
def test_the_settings_answer_in_both_forms(tmp_path: Path, expression: str, known: str) -> None:
    output = HUB.replace("get_virtual_network(", "get_virtual_network_output(")
    program = f"{HUB}{output.replace('hub =', 'hub_output =')}"
    found = labels_of(tmp_path, f"{program}\npod('web', labels={{'a': {expression}}})", ANSWERS)
    assert found == {"a": known}


@pytest.mark.parametrize("expression", ["hub.name", "hub.subnets[0].name", "hub.tags['a']"])
def test_what_an_answer_leaves_out_is_unknown(tmp_path: Path, expression: str) -> None:
    found = labels_of(tmp_path, f"{HUB}\npod('web', labels={{'a': {expression}}})", ANSWERS)
    assert isinstance(found["a"], Unknown)


def test_a_setting_of_podwall_is_no_configuration_of_the_program(tmp_path: Path) -> None:
    program = "pod('web', labels={'a': str(pulumi.Config('podwall').get('answers'))})"
    assert labels_of(tmp_path, program, ANSWERS) == {"a": "None"}


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        pytest.param(["a"], "`podwall:answers` is a mapping", id="no mapping"),
        pytest.param({"x:y:z": "a"}, "`podwall:answers` is a mapping", id="no mapping inside"),
        pytest.param(
            {"azure-native:network:getVirtualNetwork": {"locaton": "a"}},
            "has no `locaton`",
            id="a property that it has not",
        ),
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused(
    tmp_path: Path, answers: Any, message: str
) -> None:
    folder = project_in(tmp_path, HUB, {"podwall:answers": answers})
    with pytest.raises(SourceError, match=message):
        embedded_plan(folder, "dev")


def with_environment(folder: Path, program: str, written: str) -> Plan:
    declared = {"shop:size": {"type": "integer"}}
    whole = textwrap.dedent(KUBERNETES) + program
    project_in(folder, whole, declared=declared)
    stack = f"environment: {written}\nconfig:\n  shop:known: here\n"
    (folder / "Pulumi.dev.yaml").write_text(stack, encoding="utf-8")
    return embedded_plan(folder, "dev")


@pytest.mark.parametrize(
    "written",
    ["[team/base]", "{imports: [{team/base: {merge: false}}]}", "{values: {pulumiConfig: {}}}"],
)
def test_what_an_environment_may_set_is_unknown(tmp_path: Path, written: str) -> None:
    program = """
config = pulumi.Config()
labels = {"known": config.require("known"), "later": config.require("later")}
pod("web", labels={**labels, "size": f"{config.require_int('size')}"})
"""
    plan = with_environment(tmp_path, program, written)
    found = resource(plan, "web").inputs["metadata"]["labels"]
    assert found["known"] == "here"
    assert isinstance(found["later"], Unknown)
    assert isinstance(found["size"], Unknown)


def test_a_default_beside_an_environment_is_not_certain(tmp_path: Path) -> None:
    program = "pod('web', labels={'mode': pulumi.Config().get('mode') or 'open'})"
    plan = with_environment(tmp_path, program, "[team/base]")
    (found,) = plan.warnings
    assert "`shop:mode`, which the environment `team/base` may set" in found.message
    assert found.help == "give it: `--config shop:mode=VALUE`"
