"""What cannot be read, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.policies import ALL_PODS, DENY_ALL, InvalidManifest, NetworkPolicy, Place, Severity
from podwall.policies.policy import read


def document(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "api", "namespace": "shop"} | metadata,
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }


def test_one_problem_is_one_error_with_its_place_and_remedy() -> None:
    with pytest.raises(InvalidManifest) as caught:
        NetworkPolicy.from_manifest(document() | {"kind": "Policy"}, Place("shop.yaml", 4))
    assert str(caught.value).startswith("shop.yaml:4 kind: ")
    assert caught.value.help == "did you mean `NetworkPolicy`?"


def test_several_problems_are_raised_together() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        NetworkPolicy.from_manifest(document(name="A b", namespace="C d"))
    paths = [
        each.place.path for each in caught.value.exceptions if isinstance(each, InvalidManifest)
    ]
    assert paths == ["metadata.name", "metadata.namespace"]


def test_a_warning_is_no_error() -> None:
    policy = NetworkPolicy.from_manifest(document(bogus=1))
    assert policy == NetworkPolicy(
        name="api", namespace="shop", pod_selector=ALL_PODS, ingress=DENY_ALL
    )


def test_without_a_namespace_it_is_the_one_of_who_applies_it() -> None:
    nowhere = read(document(namespace=None)).policy
    somewhere = read(document(namespace=""), namespace="shop").policy
    assert nowhere is not None
    assert somewhere is not None
    assert (nowhere.namespace, somewhere.namespace) == ("default", "shop")


def test_a_name_that_the_server_makes_up_is_no_name() -> None:
    reading = read(document(name=None, generateName="api-"))
    assert reading.policy is None
    assert [(each.id, each.severity) for each in reading.findings] == [
        ("name-generated", Severity.INFO)
    ]
    with pytest.raises(InvalidManifest):
        NetworkPolicy.from_manifest(document(name=None, generateName="api-"))


@pytest.mark.parametrize("field", ["finalizers", "ownerReferences"])
def test_what_a_typed_policy_cannot_keep_is_said(field: str) -> None:
    reading = read(document(**{field: ["example.com/x"]}))
    assert reading.policy is not None
    assert [(each.id, each.place.path) for each in reading.findings] == [
        ("field-not-kept", f"metadata.{field}")
    ]


def test_what_the_server_keeps_is_left_away_silently() -> None:
    kept = document(uid="8a6d", resourceVersion="12", generation=1, managedFields=[{}])
    assert read(kept).findings == ()


def test_labels_and_annotations_are_kept() -> None:
    policy = NetworkPolicy.from_manifest(
        document(labels={"team": "a", "empty": None}, annotations={"Example.com/why": "2026"})
    )
    assert policy.labels == {"team": "a", "empty": ""}
    assert policy.annotations == {"Example.com/why": "2026"}
