"""ClusterNetworkPolicies and their predecessors: what is read of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.model import (
    AddressPeer,
    IpProtocol,
    PortRule,
    TierAction,
    TierName,
    TierRule,
    Unknown,
)
from podwall.policies.errors import Severity
from podwall.policies.rules import Direction
from podwall.reading import Document, SnapshotReading, snapshot

Manifest = dict[str, Any]
EVERY: Manifest = {"namespaces": {}}
_IN, _OUT = Direction.INGRESS, Direction.EGRESS


def read(
    spec: Any, kind: str = "ClusterNetworkPolicy", version: str = "v1alpha2", name: str = "x"
) -> SnapshotReading:
    api = f"policy.networking.k8s.io/{version}"
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}
    return snapshot([Document(manifest)])


def spec(**more: Any) -> Manifest:
    return {"tier": "Admin", "priority": 5, "subject": EVERY, **more}


def refused(reading: SnapshotReading) -> list[str]:
    errors = [each for each in reading.findings if each.severity is Severity.ERROR]
    assert bool(errors) != bool(reading.snapshot.tier_policies)
    return [f"{each.id} {each.place.path}" for each in errors]


def ingress(**rule: Any) -> Manifest:
    return spec(ingress=[{"action": "Deny", "from": [EVERY], **rule}])


def egress(*peers: Any, **rule: Any) -> Manifest:
    return spec(egress=[{"action": "Deny", "to": list(peers), **rule}])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (spec(), []),
        (spec(tier="Middle"), ["invalid-tier spec.tier"]),
        ({"subject": EVERY, "priority": 1}, ["tier-required spec.tier"]),
        (spec(priority=1001), ["invalid-priority spec.priority"]),
        ({"tier": "Admin", "subject": EVERY}, ["priority-required spec.priority"]),
        (spec(priority="5"), ["wrong-type spec.priority"]),
        (spec(subject={}), ["empty-choice spec.subject"]),
        (spec(subject={**EVERY, "pods": {"podSelector": {}}}), ["two-choices spec.subject"]),
        (spec(subject={"pods": {}}), ["selector-required spec.subject.pods.podSelector"]),
        (ingress(action="Allow"), ["invalid-action spec.ingress[0].action"]),
        (ingress(**{"from": []}), ["peers-required spec.ingress[0].from"]),
        (ingress(**{"from": [{}]}), ["empty-choice spec.ingress[0].from[0]"]),
        (
            ingress(**{"from": [EVERY] * 26}),
            ["too-many spec.ingress[0].from"],
        ),
        (ingress(name="n" * 101), ["invalid-text spec.ingress[0].name"]),
        (ingress(protocols=[]), ["protocols-required spec.ingress[0].protocols"]),
        (ingress(protocols=[{"tcp": {}}]), ["empty-choice spec.ingress[0].protocols[0].tcp"]),
        (
            ingress(protocols=[{"tcp": {"destinationPort": {"number": 0}}}]),
            ["invalid-port spec.ingress[0].protocols[0].tcp.destinationPort.number"],
        ),
        (
            ingress(protocols=[{"udp": {"destinationPort": {"range": {"start": 9, "end": 9}}}}]),
            ["invalid-range spec.ingress[0].protocols[0].udp.destinationPort.range"],
        ),
        (egress({"networks": []}), ["networks-required spec.egress[0].to[0].networks"]),
        (
            egress({"networks": ["10.1.2.3/8"]}),
            ["invalid-cidr spec.egress[0].to[0].networks[0]"],
        ),
        (egress({"domainNames": ["org"]}), ["invalid-text spec.egress[0].to[0].domainNames[0]"]),
        (
            egress({"networks": ["10.0.0.0/8"]}, protocols=[{"destinationNamedPort": "http"}]),
            ["port-name-of-addresses spec.egress[0]"],
        ),
        (spec(ingress=[{"action": "Deny", "from": [EVERY]}] * 26), ["too-many spec.ingress"]),
    ],
)
def test_what_the_api_server_refuses(written: Manifest, expected: list[str]) -> None:
    assert refused(read(written)) == expected


def test_what_the_older_kinds_refuse() -> None:
    admin = {"priority": 1, "subject": EVERY, "ingress": [{"action": "Accept", "from": [EVERY]}]}
    found = refused(read(admin, "AdminNetworkPolicy", "v1alpha1"))
    assert found == ["invalid-action spec.ingress[0].action"]
    baseline = read({"subject": EVERY}, "BaselineAdminNetworkPolicy", "v1alpha1")
    assert refused(baseline) == ["invalid-name metadata.name"]


def rules(reading: SnapshotReading) -> list[TierRule]:
    [policy] = reading.snapshot.tier_policies
    return [
        each for each in (*policy.rules(_IN), *policy.rules(_OUT)) if isinstance(each, TierRule)
    ]


def test_the_older_ports_are_tcp_if_they_say_nothing() -> None:
    ports = [{"portNumber": {"port": 80}}, {"portRange": {"protocol": "UDP", "start": 1, "end": 9}}]
    written = {
        "priority": 7,
        "subject": EVERY,
        "ingress": [{"action": "Allow", "from": [EVERY], "ports": ports}],
    }
    reading = read(written, "AdminNetworkPolicy", "v1alpha1")
    [policy] = reading.snapshot.tier_policies
    assert (policy.tier, policy.priority) == (TierName.ADMIN, 7)
    [rule] = rules(reading)
    assert rule.action is TierAction.ACCEPT
    assert rule.ports == (PortRule(IpProtocol.TCP, 80), PortRule(IpProtocol.UDP, 1, 9))


def test_a_name_is_a_port_of_any_protocol() -> None:
    [rule] = rules(read(ingress(protocols=[{"destinationNamedPort": "dns"}])))
    assert rule.ports == tuple(PortRule(each, "dns") for each in list(IpProtocol)[:3])


def test_nodes_and_names_are_addresses_that_are_not_known() -> None:
    [rule] = rules(read(egress({"nodes": {}}, {"domainNames": ["*.example.org"]})))
    assert isinstance(rule.peers, tuple)
    assert all(isinstance(each, AddressPeer) for each in rule.peers)


@pytest.mark.parametrize(
    "written",
    [
        egress({"somethingNew": {}}),
        ingress(protocols=[{"icmp": {}}]),
        spec(tier=Unknown("the tier")),
        Unknown("the whole spec"),
    ],
)
def test_what_came_later_or_is_not_known_stays_undetermined(written: Any) -> None:
    reading = read(written)
    assert reading.snapshot.tier_policies == ()
    [unread] = reading.snapshot.unread_policies
    assert unread.kind == "ClusterNetworkPolicy"


def test_one_name_in_two_kinds_is_two_policies() -> None:
    first = {"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
             "metadata": {"name": "x"}, "spec": spec()}  # fmt: skip
    second = {"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy",
              "metadata": {"name": "x", "namespace": "shop"},
              "spec": {"priority": 1, "subject": EVERY}}  # fmt: skip
    assert len(snapshot([Document(first), Document(second)]).snapshot.tier_policies) == 2
    again = snapshot([Document(first), Document({**first, "spec": spec(priority=9)})])
    assert [each.priority for each in again.snapshot.tier_policies] == [9]
    assert [each.id for each in again.findings] == ["duplicate-object"]
