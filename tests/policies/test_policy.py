"""The network policy as a value: what it refuses, what it says, and what it writes."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.policies import (
    ALL_PODS,
    ALL_PORTS,
    ANYWHERE,
    DENY_ALL,
    Direction,
    InvalidValue,
    NetworkPolicy,
    allow_from,
    allow_to,
    namespace,
    pods,
    tcp,
)

FROM_ANYWHERE = allow_from(ANYWHERE, ports=tcp(80))


def _policy(**changes: Any) -> NetworkPolicy:
    given: dict[str, Any] = {
        "name": "api",
        "namespace": "shop",
        "pod_selector": ALL_PODS,
        "ingress": DENY_ALL,
    }
    return NetworkPolicy(**given | changes)


REFUSED = [
    pytest.param({"name": "My Policy"}, "metadata.name", "`my-policy`", id="a space in the name"),
    pytest.param({"name": ""}, "metadata.name", "such as", id="an empty name"),
    pytest.param({"name": "a" * 254}, "metadata.name", "such as", id="a name of 254 characters"),
    pytest.param({"name": None}, "metadata.name", "such as", id="no name"),
    pytest.param({"namespace": "a.b"}, "metadata.namespace", "`a-b`", id="a dot in the namespace"),
    pytest.param({"namespace": "a" * 64}, "metadata.namespace", "such as", id="a long namespace"),
    pytest.param({"namespace": namespace("shop")}, "metadata.namespace", "such as", id="a peer"),
    pytest.param(
        {"pod_selector": namespace("other").pods(app="api")},
        "spec.podSelector",
        "ALL_PODS",
        id="pods of another namespace",
    ),
    pytest.param({"pod_selector": {}}, "spec.podSelector", "ALL_PODS", id="an empty mapping"),
    pytest.param({"ingress": []}, "spec.ingress", "DENY_ALL", id="an empty list of rules"),
    pytest.param({"egress": ()}, "spec.egress", "DENY_ALL", id="an empty tuple of rules"),
    pytest.param({"ingress": None}, "spec.policyTypes", "DENY_ALL", id="a policy saying nothing"),
    pytest.param({"ingress": FROM_ANYWHERE}, "spec.ingress", "[allow_from", id="a rule alone"),
    pytest.param({"ingress": "all"}, "spec.ingress", "[allow_from", id="a text as rules"),
    pytest.param({"egress": [FROM_ANYWHERE]}, "spec.egress[0]", "[allow_to", id="wrong direction"),
    pytest.param({"ingress": [FROM_ANYWHERE] * 2}, "spec.ingress[1]", "once", id="a rule twice"),
    pytest.param({"labels": {"a b": ""}}, "metadata.labels", "example.com", id="a bad label"),
    pytest.param({"labels": {"a": 1}}, "metadata.labels[a]", "in quotes", id="a label is a number"),
    pytest.param({"annotations": {"a b": ""}}, "metadata.annotations", "such as", id="annotation"),
    pytest.param({"annotations": {"a": None}}, "metadata.annotations[a]", "texts", id="no text"),
    pytest.param(
        {"annotations": {"a": "x" * 256 * 1024}}, "metadata.annotations", "link", id="too long"
    ),
]


@pytest.mark.parametrize(("changes", "path", "remedy"), REFUSED)
def test_a_policy_is_refused(changes: dict[str, Any], path: str, remedy: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        _policy(**changes)
    assert caught.value.place.path == path
    assert remedy in caught.value.help
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "types"),
    [
        pytest.param({}, (Direction.INGRESS,), id="ingress is said"),
        pytest.param({"ingress": None, "egress": DENY_ALL}, (Direction.EGRESS,), id="egress"),
        pytest.param({"egress": DENY_ALL}, (Direction.INGRESS, Direction.EGRESS), id="both"),
        pytest.param({"ingress": [FROM_ANYWHERE]}, (Direction.INGRESS,), id="rules isolate too"),
    ],
)
def test_what_is_said_is_isolated(changes: Any, types: tuple[Direction, ...]) -> None:
    policy = _policy(**changes)
    assert policy.policy_types == types
    assert policy.to_manifest()["spec"]["policyTypes"] == [str(each) for each in types]


def test_rules_of_a_direction_that_is_left_out_are_none_and_of_deny_all_are_empty() -> None:
    assert _policy().rules(Direction.EGRESS) is None
    assert _policy().rules(Direction.INGRESS) == ()


def test_rules_may_be_any_iterable_and_become_a_tuple() -> None:
    policy = _policy(ingress=(rule for rule in [FROM_ANYWHERE]))
    assert policy.ingress == (FROM_ANYWHERE,)
    assert hash(policy) == hash(_policy(ingress=[FROM_ANYWHERE]))


def test_a_policy_cannot_be_changed_through_what_it_was_given() -> None:
    rules, labels = [FROM_ANYWHERE], {"team": "a"}
    same = _policy(ingress=list(rules), labels=dict(labels), annotations=dict(labels))
    policy = _policy(ingress=rules, labels=labels, annotations=labels)
    rules.clear()
    labels.clear()
    assert policy == same


def test_everything_is_written_where_it_is_said() -> None:
    policy = _policy(
        pod_selector=pods(app="api"),
        ingress=[allow_from(ANYWHERE, ports=ALL_PORTS)],
        egress=[allow_to(ALL_PODS, ports=tcp(80))],
        labels={"team": "a"},
        annotations={"example.com/why": "since 2026"},
    )
    assert policy.to_manifest() == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": "api",
            "namespace": "shop",
            "labels": {"team": "a"},
            "annotations": {"example.com/why": "since 2026"},
        },
        "spec": {
            "podSelector": {"matchLabels": {"app": "api"}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{}],
            "egress": [{"to": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 80}]}],
        },
    }
