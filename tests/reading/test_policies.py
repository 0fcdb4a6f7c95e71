"""The API server's defaulting, sentence by sentence."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from podwall.model import (
    IpPeer,
    IpProtocol,
    Operator,
    Peer,
    PodPeer,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
)
from tests.reading.written import ids, policy, policy_text, read

ANY_PORT_OF_ALL = (Rule(),)


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        pytest.param("podSelector: {}", (), None, id="no policyTypes isolates ingress"),
        pytest.param("policyTypes: []", (), None, id="empty policyTypes isolates ingress"),
        pytest.param("egress: []", (), None, id="an empty egress without policyTypes isolates not"),
        pytest.param("egress: [{}]", (), ANY_PORT_OF_ALL, id="egress rules imply the type Egress"),
        pytest.param(
            "{policyTypes: [Ingress], egress: [{ports: [{port: 80}]}]}",
            (),
            None,
            id="rules of an unlisted direction are ignored",
        ),
        pytest.param("policyTypes: [Egress]", None, (), id="a listed type without rules isolates"),
        pytest.param("ingress: []", (), None, id="an empty rule list allows nothing"),
        pytest.param("ingress: null", (), None, id="null is the same as left out"),
        pytest.param("ingress: [{}]", ANY_PORT_OF_ALL, None, id="an empty rule allows everything"),
        pytest.param("ingress: [null]", ANY_PORT_OF_ALL, None, id="a null rule is an empty rule"),
        pytest.param(
            "ingress: [{from: [], ports: []}]",
            ANY_PORT_OF_ALL,
            None,
            id="empty peers and ports mean all peers, all ports, all protocols",
        ),
    ],
)
def test_isolation(spec: str, ingress: object, egress: object) -> None:
    found = policy(spec)
    assert (found.ingress, found.egress) == (ingress, egress)


@pytest.mark.parametrize(
    ("port", "rule"),
    [
        pytest.param("{port: 80}", PortRule(port=80), id="the protocol is TCP by default"),
        pytest.param("{}", PortRule(), id="no port is every TCP port"),
        pytest.param("null", PortRule(), id="null is every TCP port"),
        pytest.param("{protocol: UDP}", PortRule(IpProtocol.UDP), id="every port of one protocol"),
        pytest.param("{port: http}", PortRule(port="http"), id="a name"),
        pytest.param("{port: 53, endPort: 80}", PortRule(port=53, end_port=80), id="a range"),
        pytest.param("{port: 0x50}", PortRule(port=80), id="a number in another base"),
        pytest.param("{port: 80.0}", PortRule(port=80), id="a whole float"),
    ],
)
def test_ports(port: str, rule: PortRule) -> None:
    assert policy(f"ingress: [{{ports: [{port}]}}]").ingress == (Rule(ports=(rule,)),)


def equals(key: str, value: str) -> SelectorRequirement:
    return SelectorRequirement(key, Operator.IN, (value,))


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        pytest.param(
            "{podSelector: {matchLabels: {b: '1', a: '2'}}}",
            PodPeer(Selector((equals("a", "2"), equals("b", "1")))),
            id="pods of the same namespace",
        ),
        pytest.param("{podSelector: {}}", PodPeer(Selector()), id="all pods of the namespace"),
        pytest.param(
            "{namespaceSelector: {}}", PodPeer(Selector(), Selector()), id="pods of every namespace"
        ),
        pytest.param(
            "{podSelector: {matchLabels: {a: ''}}, namespaceSelector: {matchLabels: {team: x}}}",
            PodPeer(Selector((equals("a", ""),)), Selector((equals("team", "x"),))),
            id="both selectors in one element belong together",
        ),
        pytest.param(
            "{podSelector: {matchExpressions: [{key: a, operator: NotIn, values: [z, b, z]}]}}",
            PodPeer(Selector((SelectorRequirement("a", Operator.NOT_IN, ("b", "z")),))),
            id="values are sorted, each once",
        ),
        pytest.param(
            "{podSelector: {matchExpressions: [{key: a, operator: DoesNotExist}]}}",
            PodPeer(Selector((SelectorRequirement("a", Operator.DOES_NOT_EXIST),))),
            id="an operator without values",
        ),
        pytest.param(
            "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}",
            IpPeer(ip_network("10.0.0.0/8"), (ip_network("10.1.0.0/16"),)),
            id="a block with an exception",
        ),
        pytest.param(
            "{ipBlock: {cidr: 'fd00::/8'}}", IpPeer(ip_network("fd00::/8")), id="an IPv6 block"
        ),
        pytest.param(
            "{ipBlock: {cidr: 10.10.1.12/24}}", IpPeer(ip_network("10.10.1.0/24")), id="host bits"
        ),
    ],
)
def test_peers(peer: str, expected: Peer) -> None:
    assert policy(f"ingress: [{{from: [{peer}]}}]").ingress == (Rule(peers=(expected,)),)


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        pytest.param("ingress: [{from: [{}]}]", "empty-peer spec.ingress[0].from[0]", id="{}"),
        pytest.param(
            "ingress: [{ports: [{port: '80'}]}]",
            "invalid-port-name spec.ingress[0].ports[0].port",
            id="a quoted number",
        ),
        pytest.param(
            "policyTypes: [Ingres]", "invalid-policy-type spec.policyTypes[0]", id="a misspelt type"
        ),
        pytest.param(
            "podSelector: web", "wrong-type spec.podSelector", id="a string for an object"
        ),
        pytest.param(
            "podSelector: {matchLabels: {on: yes}}",
            "wrong-type spec.podSelector.matchLabels[true]",
            id="YAML 1.1's idea of yes and on",
        ),
    ],
)
def test_what_the_api_server_refuses_is_left_out(spec: str, finding: str) -> None:
    reading = read(policy_text(spec))
    assert reading.snapshot.policies == ()
    assert finding in ids(reading)


def test_host_bits_are_worth_a_finding_and_no_more() -> None:
    reading = read(policy_text("ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]"))
    assert len(reading.snapshot.policies) == 1
    assert "cidr-host-bits spec.ingress[0].from[0].ipBlock.cidr" in ids(reading)
