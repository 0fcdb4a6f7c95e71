"""The numbered rules of NetworkPolicy, as far as they are about how a document is written and read.

https://kubernetes.io/docs/concepts/services-networking/network-policies/ and
https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from __future__ import annotations

from typing import Any

import pytest

from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PODS,
    ALL_PORTS,
    ALL_TCP_PORTS,
    ALL_UDP_PORTS,
    ANYWHERE,
    DENY_ALL,
    EgressRule,
    Finding,
    IngressRule,
    NetworkPolicy,
    Severity,
    allow_from,
    allow_to,
    in_,
    ip_block,
    namespace,
    namespaces,
    not_in,
    pods,
    sctp,
    tcp,
    udp,
)
from podwall.policies.policy import PolicyReading, read

Spec = dict[str, Any]


def reading(spec: Spec) -> PolicyReading:
    return read(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "p", "namespace": "x"},
            "spec": spec,
        }
    )


def policy(spec: Spec) -> NetworkPolicy:
    read_ = reading(spec).policy
    assert read_ is not None
    return read_


def rule(written: dict[str, Any]) -> IngressRule:
    rules = policy({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [written]}).ingress
    assert isinstance(rules, tuple)
    first = rules[0]
    assert isinstance(first, IngressRule)
    return first


def finding(spec: Spec, id_: str) -> Finding:
    return next(each for each in reading(spec).findings if each.id == id_)


class TestRule3AnEmptyPodSelectorSelectsAllPodsOfTheNamespace:
    def test_it_is_read_as_all_pods(self) -> None:
        assert policy({"podSelector": {}, "policyTypes": ["Ingress"]}).pod_selector == ALL_PODS

    def test_a_missing_one_is_too_and_is_noted(self) -> None:
        spec = {"policyTypes": ["Ingress"]}
        assert policy(spec).pod_selector == ALL_PODS
        assert finding(spec, "pod-selector-missing").severity is Severity.WARNING


class TestRule4MissingPolicyTypesMeanIngressAndEgressOnlyWithEgressRules:
    @pytest.mark.parametrize("types", [{}, {"policyTypes": []}, {"policyTypes": None}])
    def test_a_policy_that_says_nothing_isolates_ingress(self, types: Spec) -> None:
        read_ = policy({"podSelector": {}} | types)
        assert (read_.ingress, read_.egress) == (DENY_ALL, None)

    def test_an_empty_egress_does_not_isolate_egress_and_is_noted(self) -> None:
        spec: Spec = {"podSelector": {}, "egress": []}
        assert policy(spec).egress is None
        assert finding(spec, "egress-not-isolated").place.path == "spec.egress"

    def test_egress_rules_isolate_both(self) -> None:
        read_ = policy({"podSelector": {}, "egress": [{}]})
        assert (read_.ingress, read_.egress) == (DENY_ALL, (allow_to(ANYWHERE, ports=ALL_PORTS),))

    def test_the_writer_always_writes_them(self) -> None:
        written = policy({"podSelector": {}}).to_manifest()
        assert written["spec"]["policyTypes"] == ["Ingress"]


class TestRule5RulesOfAnUnlistedDirectionAreIgnored:
    def test_they_are_left_away_and_noted(self) -> None:
        spec = {"podSelector": {}, "policyTypes": ["Ingress"], "egress": [{"ports": [{"port": 1}]}]}
        assert policy(spec).egress is None
        assert finding(spec, "rules-ignored").place.path == "spec.egress"


class TestRule6AListedDirectionWithoutRulesAllowsNothing:
    @pytest.mark.parametrize("rules", [{}, {"ingress": []}, {"ingress": None}])
    def test_none_empty_and_missing_are_deny_all(self, rules: Spec) -> None:
        assert policy({"podSelector": {}, "policyTypes": ["Ingress"]} | rules).ingress is DENY_ALL

    def test_an_empty_rule_allows_everything(self) -> None:
        assert rule({}) == allow_from(ANYWHERE, ports=ALL_PORTS)


class TestRule7EmptyPeersAreEveryoneAndEmptyPortsAreEveryPort:
    @pytest.mark.parametrize("end", [{}, {"from": []}, {"from": None}])
    def test_no_peers_are_anywhere(self, end: Spec) -> None:
        assert rule(end | {"ports": [{"port": 80}]}) == allow_from(ANYWHERE, ports=tcp(80))

    @pytest.mark.parametrize("ports", [{}, {"ports": []}, {"ports": None}])
    def test_no_ports_are_all_ports(self, ports: Spec) -> None:
        assert rule(ports).ports is ALL_PORTS

    def test_an_empty_list_is_noted(self) -> None:
        spec: Spec = {"podSelector": {}, "ingress": [{"from": [], "ports": []}]}
        paths = [e.place.path for e in reading(spec).findings if e.id == "empty-list-means-all"]
        assert paths == ["spec.ingress[0].from", "spec.ingress[0].ports"]

    def test_the_writer_leaves_them_out(self) -> None:
        spec: Spec = {"podSelector": {}, "ingress": [{"from": [], "ports": []}]}
        assert policy(spec).to_manifest()["spec"]["ingress"] == [{}]


class TestRules8And9And10Peers:
    def test_only_a_pod_selector_is_pods_of_the_own_namespace(self) -> None:
        assert rule({"from": [{"podSelector": {}}]}).peers == (ALL_PODS,)

    def test_only_a_namespace_selector_is_all_their_pods(self) -> None:
        assert rule({"from": [{"namespaceSelector": {}}]}).peers == (ALL_NAMESPACES,)

    def test_an_empty_pod_selector_beside_it_says_no_more(self) -> None:
        both: Spec = {"namespaceSelector": {}, "podSelector": {}}
        assert rule({"from": [both]}).peers == (ALL_NAMESPACES,)

    def test_both_in_one_element_must_hold(self) -> None:
        both = {
            "namespaceSelector": {"matchLabels": {"user": "alice"}},
            "podSelector": {"matchLabels": {"role": "client"}},
        }
        assert rule({"from": [both]}).peers == (namespaces(user="alice").pods(role="client"),)

    def test_in_two_elements_one_must_hold(self) -> None:
        two = [
            {"namespaceSelector": {"matchLabels": {"user": "alice"}}},
            {"podSelector": {"matchLabels": {"role": "client"}}},
        ]
        assert rule({"from": two}).peers == (namespaces(user="alice"), pods(role="client"))


class TestRule11AnEmptyPeerAndAMixedPeerAreRefused:
    @pytest.mark.parametrize(
        ("peer", "id_"),
        [
            ({}, "empty-peer"),
            ({"podSelector": None}, "empty-peer"),
            ({"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}, "block-with-selector"),
        ],
    )
    def test_it_is_an_error_and_never_everyone(self, peer: Spec, id_: str) -> None:
        spec = {"podSelector": {}, "ingress": [{"from": [peer]}]}
        assert finding(spec, id_).severity is Severity.ERROR
        assert reading(spec).policy is None


class TestRule13ProtocolsAndPortsThatAreLeftOut:
    @pytest.mark.parametrize(
        ("port", "meant"),
        [
            pytest.param({}, ALL_TCP_PORTS, id="nothing is every TCP port, and no UDP"),
            pytest.param({"protocol": "UDP"}, ALL_UDP_PORTS, id="every UDP port, and no TCP"),
            pytest.param({"port": 80}, tcp(80), id="TCP where no protocol is given"),
            pytest.param({"port": 80, "protocol": None}, tcp(80), id="null is not given"),
            pytest.param({"port": 80, "protocol": "SCTP"}, sctp(80), id="SCTP is not TCP"),
            pytest.param({"port": "http"}, tcp("http"), id="rule 16: a name is kept as a name"),
            pytest.param({"port": 53, "endPort": 80}, tcp(53, end_port=80), id="rule 14: a range"),
        ],
    )
    def test_they_are_read_as_kubernetes_fills_them_in(self, port: Spec, meant: object) -> None:
        assert rule({"ports": [port]}).ports == meant

    def test_rule_12_ports_are_a_set(self) -> None:
        entries = [{"port": 53}, {"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
        assert rule({"ports": entries}).ports == udp(53) | tcp(53)


class TestRules20And21Selectors:
    @pytest.mark.parametrize(
        ("labels", "matches"), [({}, True), ({"app": "web"}, True), ({"app": "cli"}, False)]
    )
    def test_not_in_holds_where_the_label_is_missing(self, labels: Any, matches: bool) -> None:  # noqa: FBT001 - expected
        assert pods(not_in("app", "cli")).selector.matches(labels) is matches

    def test_in_needs_the_label(self) -> None:
        assert not pods(in_("app", "")).selector.matches({})

    def test_an_empty_value_needs_the_label_with_an_empty_value(self) -> None:
        empty = rule({"from": [{"podSelector": {"matchLabels": {"k": ""}}}]}).peers
        assert empty == (pods(k=""),)
        assert pods(k="").selector.matches({"k": ""})
        assert not pods(k="").selector.matches({})


class TestRule22ANamespaceIsNamedByItsLabel:
    def test_the_label_alone_is_the_namespace(self) -> None:
        selector = {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}
        assert rule({"from": [{"namespaceSelector": selector}]}).peers == (namespace("shop"),)

    def test_a_value_that_is_no_name_is_a_label_like_any_other(self) -> None:
        selector = {"matchLabels": {"kubernetes.io/metadata.name": "Shop"}}
        peers = rule({"from": [{"namespaceSelector": selector}]}).peers
        assert peers == (namespaces({"kubernetes.io/metadata.name": "Shop"}),)


class TestRules23And25And26IpBlocks:
    def test_host_bits_are_masked_and_noted(self) -> None:
        spec = {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.10.1.12/24"}}]}]}
        assert finding(spec, "cidr-host-bits").place.path == "spec.ingress[0].from[0].ipBlock.cidr"
        assert policy(spec).ingress == (allow_from(ip_block("10.10.1.0/24"), ports=ALL_PORTS),)

    def test_an_exception_that_is_no_smaller_is_refused(self) -> None:
        block = {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}
        spec = {"podSelector": {}, "egress": [{"to": [{"ipBlock": block}]}]}
        assert finding(spec, "except-outside").severity is Severity.ERROR

    def test_families_do_not_mix(self) -> None:
        assert rule({"from": [{"ipBlock": {"cidr": "::/0"}}]}).peers == (ip_block("::/0"),)
        assert ip_block("::/0") != ip_block("0.0.0.0/0")


def test_both_directions_have_their_own_rules() -> None:
    read_ = policy({"podSelector": {}, "ingress": [{}], "egress": [{}]})
    assert isinstance(read_.ingress, tuple)
    assert isinstance(read_.egress, tuple)
    assert isinstance(read_.ingress[0], IngressRule)
    assert isinstance(read_.egress[0], EgressRule)
