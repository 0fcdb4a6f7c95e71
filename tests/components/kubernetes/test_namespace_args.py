from __future__ import annotations

from typing import Any

import pytest

from podwall.components.namespace_args import NamespaceArgs, PodSecurity, Quota
from podwall.components.workload_args import Resources
from podwall.policies import InvalidValue, NetworkPolicy

SECURITY = "pod-security.kubernetes.io"


def test_a_namespace_is_restricted_unless_said_otherwise() -> None:
    labels = NamespaceArgs(name="shop", labels={"team": "a"}).all_labels
    assert labels == {
        "team": "a",
        f"{SECURITY}/enforce": "restricted",
        f"{SECURITY}/enforce-version": "latest",
        f"{SECURITY}/audit": "restricted",
        f"{SECURITY}/audit-version": "latest",
        f"{SECURITY}/warn": "restricted",
        f"{SECURITY}/warn-version": "latest",
    }


def test_the_standard_and_its_version_can_be_chosen() -> None:
    args = NamespaceArgs(
        name="shop", pod_security=PodSecurity.BASELINE, pod_security_version="v1.36"
    )
    assert args.all_labels[f"{SECURITY}/enforce"] == "baseline"
    assert args.all_labels[f"{SECURITY}/warn-version"] == "v1.36"


CLOSED = [
    pytest.param({}, {"default-deny": ["Ingress", "Egress"], "allow-dns": ["Egress"]}, id="both"),
    pytest.param(
        {"deny_ingress": False}, {"default-deny": ["Egress"], "allow-dns": ["Egress"]}, id="egress"
    ),
    pytest.param(
        {"deny_egress": False},
        {"default-deny": ["Ingress"]},
        id="ingress alone, where allowing DNS would isolate egress",
    ),
    pytest.param({"allow_dns": False}, {"default-deny": ["Ingress", "Egress"]}, id="without DNS"),
    pytest.param({"deny_ingress": False, "deny_egress": False}, {}, id="neither: all open"),
]


@pytest.mark.parametrize(("choices", "expected"), CLOSED)
def test_a_namespace_is_closed_as_asked(
    choices: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    policies = NamespaceArgs(name="shop", **choices).closing_policies
    assert {policy.name: _directions(policy) for policy in policies} == expected
    assert {policy.namespace for policy in policies} <= {"shop"}


def _directions(policy: NetworkPolicy) -> list[str]:
    return [str(direction) for direction in policy.policy_types]


@pytest.mark.parametrize(
    "name",
    [
        "kube-system",
        "kube-public",
        "kube-anything",
        "gatekeeper-system",
        "app-routing-system",
        "istio-system",
        "aks-istio-ingress",
        "calico-system",
        "tigera-operator",
        "tigera-system",
        "flux-system",
        "dapr-system",
        "dataprotection-microsoft",
        "azureml",
    ],
)
def test_namespaces_of_the_system_are_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=f"`{name}` is a namespace of the system"):
        NamespaceArgs(name=name)


REFUSED = [
    pytest.param({"name": "default"}, "metadata.name: `default` is there", id="default"),
    pytest.param({"name": "Shop"}, "metadata.name: `Shop` must be", id="upper case"),
    pytest.param({"name": "a" * 64}, "metadata.name: .* at most 63", id="too long"),
    pytest.param({"labels": {"kubernetes.azure.com/x": "y"}}, "belong to AKS", id="a label of AKS"),
    pytest.param(
        {"labels": {f"{SECURITY}/enforce": "baseline"}}, "are derived", id="a derived label"
    ),
    pytest.param(
        {"labels": {"kubernetes.io/metadata.name": "x"}}, "API server", id="the name's label"
    ),
    pytest.param({"labels": {"a b": "c"}}, "metadata.labels", id="a malformed label"),
    pytest.param({"pod_security_version": "1.36"}, "`1.36` is not a version", id="no v"),
    pytest.param({"pod_security_version": "newest"}, "is not a version", id="a word"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSED)
def test_wrong_namespaces_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        NamespaceArgs(**{"name": "shop", **wrong})


def test_a_quota_has_the_limits_that_are_given_and_no_other() -> None:
    quota = Quota(pods=20, requests_memory="8Gi", limits_cpu="4")
    assert quota.hard == {"pods": "20", "requests.memory": "8Gi", "limits.cpu": "4"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({}, "quota: no limit", id="an empty quota"),
        pytest.param({"limits_cpu": "four"}, "quota.limits.cpu: `four`", id="a word"),
        pytest.param({"pods": -1}, "quota.pods: `-1`", id="less than nothing"),
    ],
)
def test_wrong_quotas_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Quota(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"cpu_request": "99m"}, "`99m` is less than `100m`", id="too little cpu"),
        pytest.param({"memory_request": "99Mi"}, "less than `100Mi`", id="too little memory"),
        pytest.param({"memory_request": "100M"}, "less than `100Mi`", id="decimal megabytes"),
        pytest.param({"cpu_request": "1"}, "more than the limit `500m`", id="above its limit"),
        pytest.param({"cpu_limit": "1 core"}, "limits.cpu: `1 core` is not", id="no quantity"),
    ],
)
def test_wrong_resources_are_refused(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Resources(**wrong)
