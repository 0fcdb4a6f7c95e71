"""What is legal and easily misread is noted, once, at its place, and never refused."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.policies import Finding, Severity
from podwall.policies.errors import Unknown
from podwall.policies.validation import violations

Spec = dict[str, Any]


def notes(spec: Spec, metadata: Spec | None = None) -> list[Finding]:
    """Return what is found about a legal document."""
    document = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "api", "namespace": "shop"} | (metadata or {}),
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} | spec,
    }
    return list(violations(document))


def _from(*peers: Spec) -> Spec:
    return {"ingress": [{"from": list(peers)}]}


def _block(cidr: str, *exceptions: str) -> Spec:
    return _from({"ipBlock": {"cidr": cidr, "except": list(exceptions)}})


AT = "spec.ingress[0].from[0]"
NOTED = [
    pytest.param(_block("10.0.0.1/8"), "cidr-host-bits", f"{AT}.ipBlock.cidr", id="host bits"),
    pytest.param(
        _block("10.0.0.0/8", "10.1.0.1/16"),
        "cidr-host-bits",
        f"{AT}.ipBlock.except[0]",
        id="host bits of an exception",
    ),
    pytest.param(_block("010.0.0.0/8"), "cidr-not-standard", f"{AT}.ipBlock.cidr", id="zeros"),
    pytest.param(
        _block("::ffff:10.0.0.0/104"), "cidr-not-standard", f"{AT}.ipBlock.cidr", id="mapped"
    ),
    pytest.param(
        _from({"podSelector": {}}, {"podSelector": {}}),
        "repetition",
        "spec.ingress[0].from[1]",
        id="a peer twice",
    ),
    pytest.param(
        {"egress": [{"ports": [{"port": 1}, {"port": 1}]}]},
        "repetition",
        "spec.egress[0].ports[1]",
        id="a port twice",
    ),
    pytest.param({"ingress": [{}, {}]}, "repetition", "spec.ingress[1]", id="a rule twice"),
    pytest.param(
        _block("10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16"),
        "repetition",
        f"{AT}.ipBlock.except[1]",
        id="an exception twice",
    ),
    pytest.param(_from(), "empty-list-means-all", "spec.ingress[0].from", id="empty from"),
    pytest.param({"podSelector": None}, "pod-selector-missing", "spec.podSelector", id="no pods"),
    pytest.param(
        {"policyTypes": ["Egress"], "ingress": [{}]},
        "rules-ignored",
        "spec.ingress",
        id="rules of a direction that is not listed",
    ),
    pytest.param({"policyTypes": []}, "ingress-isolated", "spec.policyTypes", id="no types"),
    pytest.param(
        {"policyTypes": None, "ingress": [{}], "egress": []},
        "egress-not-isolated",
        "spec.egress",
        id="an empty egress without types",
    ),
    pytest.param(
        {"podselector": {}}, "unknown-field", "spec.podselector", id="a misspelt field of spec"
    ),
    pytest.param(
        {"ingress": [{"form": []}]}, "unknown-field", "spec.ingress[0].form", id="form, not from"
    ),
    pytest.param(
        {"egress": [{"from": []}]}, "unknown-field", "spec.egress[0].from", id="from, not to"
    ),
    pytest.param(
        _from({"podSelector": {"labels": {}}}),
        "unknown-field",
        f"{AT}.podSelector.labels",
        id="a misspelt field of a selector",
    ),
]


@pytest.mark.parametrize(("spec", "id_", "path"), NOTED)
def test_it_is_noted_once_at_its_place(spec: Spec, id_: str, path: str) -> None:
    found = notes(spec)
    assert [(each.id, each.place.path) for each in found] == [(id_, path)]
    assert found[0].severity in (Severity.WARNING, Severity.INFO)
    assert found[0].help


def test_a_misspelt_field_comes_with_the_right_one() -> None:
    assert notes({"ingress": [{"form": []}]})[0].help == "did you mean `from`?"


def test_a_missing_namespace_is_noted() -> None:
    assert [each.id for each in notes({}, {"namespace": ""})] == ["namespace-missing"]


def test_fields_of_pulumi_are_not_noted() -> None:
    assert notes({"__fieldManager": "pulumi"}) == []
    assert [each.id for each in notes({"_fieldManager": "pulumi"})] == ["unknown-field"]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"policyTypes": Unknown("types"), "ingress": [{}]}, id="types are unknown"),
        pytest.param({"policyTypes": [Unknown("a type")], "ingress": [{}]}, id="a type is unknown"),
        pytest.param(
            _from({"podSelector": Unknown("a")}, {"podSelector": Unknown("a")}), id="peers"
        ),
    ],
)
def test_nothing_is_noted_about_what_deployment_will_tell(spec: Spec) -> None:
    assert notes(spec) == []


def test_ports_written_differently_are_not_the_same_text_and_read_the_same() -> None:
    assert notes({"ingress": [{"ports": [{"port": 80}, {"port": 80, "protocol": "TCP"}]}]}) == []


@pytest.mark.parametrize(
    "cidr", ["10.0.0.1/8", "010.0.0.0/8", "10.0.0.0/08", "::ffff:10.0.0.0/104", "2001:db8::1/32"]
)
def test_what_newer_servers_refuse_in_a_new_policy_is_told_with_the_version(cidr: str) -> None:
    """It is no error: older servers take it, and newer ones keep what is stored."""
    (found,) = notes(_block(cidr))
    assert found.severity is Severity.WARNING
    assert found.message.endswith("; Kubernetes from 1.36 on refuses it in a new policy")


@pytest.mark.parametrize(
    "cidr", ["10.0.0.0/8", "2001:db8::/32", "2001:DB8::/32", "2001:db8:0::/32"]
)
def test_a_cidr_that_every_server_takes_is_not_noted(cidr: str) -> None:
    assert not notes(_block(cidr))
