"""Configuration: what may be set, and what is said of what may not."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from podwall.guardrails.guardrail import (
    AddressSettings,
    ClusterRuleSettings,
    IsolationSettings,
    NamespaceRuleSettings,
    read_settings,
    schema_of,
)
from podwall.guardrails.pack import rules
from podwall.policies.errors import InvalidValue
from tests.guardrails.packs import TODAY, judged, messages, objects
from tests.lint.cases import SHOP, policy

DENY_INGRESS = policy("podSelector: {}, policyTypes: [Ingress]", "deny")
LEGACY = {"namespace": "shop", "reason": "moves in March"}

WRONG = [
    pytest.param(
        NamespaceRuleSettings,
        {"exmept": []},
        "configuration.exmept: there is no field `exmept`, only `exempt`",
        "did you mean `exempt`?",
        id="a word that is no setting",
    ),
    pytest.param(
        NamespaceRuleSettings,
        {"exempt": [{"namespace": "shop"}]},
        "configuration.exempt[0].reason: is missing",
        "why the rule does not apply, for reviewers",
        id="no reason",
    ),
    pytest.param(
        NamespaceRuleSettings,
        {"exempt": [{**LEGACY, "reason": ""}]},
        "configuration.exempt[0].reason: must not be empty",
        "why the rule does not apply, for reviewers",
        id="an empty reason",
    ),
    pytest.param(
        ClusterRuleSettings,
        {"exempt": [LEGACY]},
        "configuration.exempt[0].namespace: there is no field `namespace`, only `cluster`, "
        "`reason`",
        "",
        id="namespace for a cluster",
    ),
    pytest.param(
        IsolationSettings,
        {"directions": ["engress"]},
        "configuration.directions[0]: must be `ingress` or `egress`, is `engress`",
        "did you mean `egress`?",
        id="no direction",
    ),
    pytest.param(
        IsolationSettings,
        {"directions": []},
        "configuration.directions: must not be empty",
        "",
        id="no direction at all",
    ),
    pytest.param(
        AddressSettings,
        {"shortest_prefix": 33},
        "configuration.shortest_prefix: must be at most 32, is `33`",
        "",
        id="too long a prefix",
    ),
    pytest.param(
        AddressSettings,
        {"shortest_prefix": "8"},
        "configuration.shortest_prefix: must be a whole number, is the text `8`",
        "",
        id="text for a number",
    ),
]


@pytest.mark.parametrize(("type_", "written", "message", "remedy"), WRONG)
def test_a_wrong_setting_is_refused_with_its_place(
    type_: type[NamespaceRuleSettings], written: dict[str, Any], message: str, remedy: str
) -> None:
    with pytest.raises(InvalidValue) as problem:
        read_settings(type_, written)
    assert str(problem.value) == message
    assert problem.value.help == remedy


@pytest.mark.parametrize(("type_", "written", "_message", "_remedy"), WRONG)
def test_pulumi_refuses_by_the_schema_what_the_rules_refuse(
    type_: type[NamespaceRuleSettings], written: dict[str, Any], _message: str, _remedy: str
) -> None:
    schema = schema_of(type_)
    assert schema is not None
    document = {"properties": schema.properties, "additionalProperties": False}
    with pytest.raises(ValidationError):
        Draft202012Validator(document).validate(written)


def test_numbers_come_as_floats() -> None:
    assert read_settings(AddressSettings, {"shortest_prefix": 16.0}).shortest_prefix == 16


def test_settings_have_defaults() -> None:
    assert read_settings(IsolationSettings, {}).directions == ("ingress",)


@pytest.mark.parametrize("rule", rules(TODAY), ids=lambda rule: rule.id)
def test_defaults_fulfil_the_schema(rule: Any) -> None:
    schema = schema_of(rule.settings)
    assert schema is not None
    for each in schema.properties.values():
        Draft202012Validator.check_schema(each)
        Draft202012Validator(each).validate(each["default"])


def test_a_namespace_is_exempt_with_a_reason() -> None:
    name = "namespace-without-default-deny"
    states = objects(SHOP)
    assert len(messages(judged(states), name)) == 1
    assert messages(judged(states, {name: {"exempt": [LEGACY]}}), name) == []
    other = [{**LEGACY, "namespace": "else"}]
    assert len(messages(judged(states, {name: {"exempt": other}}), name)) == 1


def test_egress_can_be_asked_for_too() -> None:
    name = "namespace-without-default-deny"
    states = objects(SHOP, DENY_INGRESS)
    assert messages(judged(states), name) == []
    both = {name: {"directions": ["ingress", "egress"]}}
    assert "denies egress" in messages(judged(states, both), name)[0]


@pytest.mark.parametrize("name", ["workload-open", "cluster-on-kubenet"])
def test_a_wrong_configuration_is_a_violation_and_no_traceback(name: str) -> None:
    (said,) = messages(judged(objects(SHOP), {name: {"exmept": []}}), name)
    assert said == "configuration.exmept: there is no field `exmept`, only `exempt`"
