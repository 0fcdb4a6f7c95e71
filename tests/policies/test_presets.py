"""Default deny, DNS, and the steps of the walkthrough."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.policies import (
    ALL_PODS,
    DENY_ALL,
    DNS_PORTS,
    Direction,
    InvalidValue,
    NetworkPolicy,
    Step,
    allow_dns,
    allow_to,
    default_deny,
    namespace,
    pods,
    walkthrough,
)

FRONTEND = {"matchLabels": {"app": "webapp", "role": "frontend"}}
OWN = {"matchLabels": {"kubernetes.io/metadata.name": "starwind"}}


def test_default_deny_isolates_every_pod_in_both_directions() -> None:
    assert default_deny("shop") == NetworkPolicy(
        name="default-deny",
        namespace="shop",
        pod_selector=ALL_PODS,
        ingress=DENY_ALL,
        egress=DENY_ALL,
    )


def test_default_deny_of_one_direction_says_nothing_about_the_other() -> None:
    policy = default_deny("shop", directions=[Direction.INGRESS], name="quiet")
    assert (policy.name, policy.policy_types) == ("quiet", (Direction.INGRESS,))


def test_default_deny_of_no_direction_is_refused() -> None:
    with pytest.raises(InvalidValue):
        default_deny("shop", directions=[])


def test_dns_is_allowed_on_both_protocols_to_coredns_and_to_localdns() -> None:
    spec = allow_dns("shop").to_manifest()["spec"]
    assert spec["policyTypes"] == ["Egress"]
    assert spec["egress"] == [
        {
            "to": [
                {
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": "kube-system"}
                    },
                    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                },
                {"ipBlock": {"cidr": "169.254.10.10/31"}},
            ],
            "ports": [{"protocol": "TCP", "port": 53}, {"protocol": "UDP", "port": 53}],
        }
    ]


def test_dns_of_some_pods_from_another_server() -> None:
    server = namespace("dns").pods(app="unbound")
    policy = allow_dns("shop", clients=pods(app="web"), servers=[server], name="dns")
    assert policy.pod_selector == pods(app="web")
    assert policy.egress == (allow_to(server, ports=DNS_PORTS),)


def test_dns_without_a_server_is_refused() -> None:
    with pytest.raises(InvalidValue) as caught:
        allow_dns("shop", servers=[])
    assert caught.value.place.path == "spec.egress[0].to"


@pytest.mark.parametrize(
    ("step", "peer"),
    [
        pytest.param(Step.SAME_NAMESPACE, {"podSelector": FRONTEND}, id="the two labels"),
        pytest.param(
            Step.ANY_NAMESPACE,
            {"namespaceSelector": {}, "podSelector": FRONTEND},
            id="the two labels in any namespace",
        ),
        pytest.param(
            Step.OWN_NAMESPACE,
            {"namespaceSelector": OWN, "podSelector": FRONTEND},
            id="the two labels in the namespace starwind only",
        ),
    ],
)
def test_a_step_lets_the_frontend_in_on_port_80(step: Step, peer: dict[str, Any]) -> None:
    (policy,) = walkthrough(step)
    spec = policy.to_manifest()["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app": "webapp", "role": "backend"}}
    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == [{"from": [peer], "ports": [{"protocol": "TCP", "port": 80}]}]


def test_the_open_step_has_no_policy() -> None:
    assert walkthrough(Step.OPEN) == ()


def test_the_deny_all_step_isolates_the_backend_only() -> None:
    (policy,) = walkthrough(Step.DENY_ALL)
    assert policy.pod_selector == pods(app="webapp", role="backend")
    assert (policy.ingress, policy.egress) == (DENY_ALL, None)


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.OPEN])
def test_every_step_changes_the_same_policy(step: Step) -> None:
    (policy,) = walkthrough(step, "elsewhere")
    assert (policy.name, policy.namespace) == ("backend", "elsewhere")


def test_a_step_may_be_its_text() -> None:
    assert Step("any-namespace") is Step.ANY_NAMESPACE


@pytest.mark.parametrize("text", ["same-namespce", "", None, 3])
def test_an_unknown_step_is_refused_with_the_ones_there_are(text: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        Step(text)  # type: ignore[arg-type]  # an untyped caller
    assert "same-namespace" in caught.value.help
    assert caught.value.value == text
