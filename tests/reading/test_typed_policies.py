"""The policies among documents, as typed values, and what could not be kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.model import Unknown
from podwall.policies import NetworkPolicy, Place, Severity
from podwall.reading import Document, typed_policies
from tests.policies.documents import DOCUMENTS

POLICY: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "a", "namespace": "x"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": ["no"]}}
KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"


def read(*manifests: Any) -> tuple[list[NetworkPolicy], list[tuple[str, Severity]]]:
    """Return the policies of documents, and the findings in short."""
    found = typed_policies(
        Document(each, Place("f.yaml", number)) for number, each in enumerate(manifests)
    )
    return [policy for policy, _ in found.policies], [
        (each.id, each.severity) for each in found.findings
    ]


def policy(**parts: Any) -> dict[str, Any]:
    """Return the document with other parts; those of `metadata` are added to what it has."""
    return {**POLICY, **parts, "metadata": {**POLICY["metadata"], **parts.get("metadata", {})}}


@given(st.lists(DOCUMENTS, max_size=4))
@pytest.mark.long
def test_whatever_the_server_accepts_is_kept_as_it_is_read(documents: list[Any]) -> None:
    found = typed_policies(map(Document, documents))
    kept = {
        (each.namespace, each.name): each for each in map(NetworkPolicy.from_manifest, documents)
    }
    assert [each for each, _ in found.policies] == list(kept.values())


def test_other_objects_do_not_matter_whatever_is_wrong_with_them() -> None:
    assert read(POD, POLICY) == ([NetworkPolicy.from_manifest(POLICY)], [])


def test_policies_in_lists_are_read() -> None:
    items = {"apiVersion": "v1", "kind": "List", "items": [POD, POLICY]}
    typed = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicyList",
        "items": [{"metadata": {"name": "b"}, "spec": POLICY["spec"]}],
    }
    found, findings = read(items, typed)
    assert [(each.namespace, each.name) for each in found] == [("x", "a"), ("default", "b")]
    assert findings == [("namespace-missing", Severity.INFO)]


@pytest.mark.parametrize(
    ("manifest", "id_"),
    [
        pytest.param(
            policy(spec={"ingress": [{"ports": [{"port": "80"}]}], "podSelector": {}}),
            "invalid-port-name",
            id="the server refuses it",
        ),
        pytest.param(
            policy(metadata={"name": Unknown("the name")}), "known-after-deployment", id="unknown"
        ),
        pytest.param(
            policy(metadata={"name": "", "generateName": "a-"}), "name-generated", id="no name"
        ),
        pytest.param(policy(apiVersion="extensions/v1beta1"), "wrong-kind", id="an old version"),
        pytest.param({"metadata": {"name": "a"}}, "malformed-object", id="no kind"),
        pytest.param("text", "malformed-object", id="no object"),
    ],
)
def test_a_policy_that_is_lost_is_an_error_and_the_rest_is_read(manifest: Any, id_: str) -> None:
    found, findings = read(manifest, POLICY)
    assert found == [NetworkPolicy.from_manifest(POLICY)]
    assert (id_, Severity.ERROR) in findings


@pytest.mark.parametrize(
    ("manifest", "finding"),
    [
        pytest.param(policy(status={}), ("unknown-field", Severity.WARNING), id="status"),
        pytest.param(
            policy(metadata={"finalizers": ["f"]}),
            ("field-not-kept", Severity.INFO),
            id="finalizers",
        ),
        pytest.param(
            policy(metadata={"annotations": {KUBECTL: "{}"}}),
            ("field-not-kept", Severity.INFO),
            id="what kubectl keeps",
        ),
        pytest.param(
            policy(spec={**POLICY["spec"], "egress": [{}]}),
            ("rules-ignored", Severity.WARNING),
            id="rules without effect",
        ),
    ],
)
def test_what_is_left_out_is_told(manifest: Any, finding: tuple[str, Severity]) -> None:
    assert read(manifest) == ([NetworkPolicy.from_manifest(POLICY)], [finding])


@pytest.mark.parametrize(
    "version", ["crd.projectcalico.org/v1", "projectcalico.org/v3", "cilium.io/v2"]
)
def test_policies_of_engines_are_told(version: str) -> None:
    kind = "CiliumNetworkPolicy" if version.startswith("cilium") else "NetworkPolicy"
    other = policy(apiVersion=version, kind=kind)
    assert read(other) == ([], [("policy-kind-not-kept", Severity.WARNING)])


def test_the_last_of_one_name_is_taken() -> None:
    later = policy(spec={"podSelector": {}, "policyTypes": ["Egress"]})
    found, findings = read(POLICY, POLICY, later)
    assert found == [NetworkPolicy.from_manifest(later)]
    assert findings == [
        ("duplicate-object", Severity.INFO),
        ("duplicate-object", Severity.ERROR),
    ]
