"""An unknown stays unknown wherever it stands: it never becomes a value, and nothing breaks."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.model import (
    IpProtocol,
    LabelMap,
    Operator,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Service,
    ServicePort,
    SnapshotWorkload,
    Unknown,
    WorkloadPort,
)
from podwall.reading import Document, SnapshotReading, snapshot

HOLE = Unknown("a hole")
ANYONE = Selector(unknown=HOLE)
META = {"name": "web", "namespace": "shop"}


def read(api: str, kind: str, spec: Any, metadata: Any = META) -> SnapshotReading:
    manifest = {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}
    return snapshot([Document(manifest)])


def policy(spec: Any, metadata: Any = META) -> Policy:
    (found,) = read("networking.k8s.io/v1", "NetworkPolicy", spec, metadata).snapshot.policies
    return found


def pod(spec: Any, metadata: Any = META) -> SnapshotWorkload:
    (found,) = read("v1", "Pod", spec, metadata).snapshot.workloads
    return found


def deployment(spec: Any) -> SnapshotWorkload:
    (found,) = read("apps/v1", "Deployment", spec).snapshot.workloads
    return found


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        pytest.param(HOLE, HOLE, HOLE, id="the whole spec"),
        pytest.param({"policyTypes": HOLE}, HOLE, HOLE, id="the types"),
        pytest.param({"policyTypes": ["Egress", HOLE]}, HOLE, (), id="one of the types"),
        pytest.param({"egress": HOLE}, (), HOLE, id="egress rules may or may not isolate"),
        pytest.param(
            {"policyTypes": ["Egress"], "egress": HOLE}, None, (HOLE,), id="rules that isolate"
        ),
        pytest.param({"ingress": [HOLE]}, (HOLE,), None, id="one rule"),
        pytest.param({"ingress": [{"from": HOLE}]}, (Rule(HOLE),), None, id="the peers"),
        pytest.param({"ingress": [{"ports": HOLE}]}, (Rule(None, HOLE),), None, id="the ports"),
    ],
)
def test_directions(spec: Any, ingress: object, egress: object) -> None:
    found = policy(spec)
    assert (found.ingress, found.egress) == (ingress, egress)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param(HOLE, ANYONE, id="the selector"),
        pytest.param({"matchLabels": HOLE}, ANYONE, id="the labels"),
        pytest.param(
            {"matchLabels": {"a": HOLE}},
            Selector((SelectorRequirement("a", Operator.IN, (), HOLE),)),
            id="a label's value",
        ),
        pytest.param({"matchExpressions": HOLE}, ANYONE, id="the expressions"),
        pytest.param({"matchExpressions": [HOLE]}, ANYONE, id="an expression"),
        pytest.param(
            {"matchExpressions": [{"key": HOLE, "operator": "Exists"}]}, ANYONE, id="a key"
        ),
        pytest.param({"matchExpressions": [{"key": "a", "operator": HOLE}]}, ANYONE, id="operator"),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": HOLE}]},
            Selector((SelectorRequirement("a", Operator.NOT_IN, (), HOLE),)),
            id="the values",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", HOLE]}]},
            Selector((SelectorRequirement("a", Operator.IN, ("x",), HOLE),)),
            id="one of the values",
        ),
    ],
)
def test_selectors(selector: Any, expected: Selector) -> None:
    spec = {"podSelector": selector, "ingress": [{"from": [{"namespaceSelector": selector}]}]}
    found = policy(spec)
    assert found.pod_selector == expected
    assert found.ingress == (Rule((PodPeer(Selector(), expected),)),)


@pytest.mark.parametrize(
    "peer",
    [
        pytest.param(HOLE, id="the peer"),
        pytest.param({"ipBlock": HOLE}, id="the block"),
        pytest.param({"ipBlock": {"cidr": HOLE}}, id="the cidr"),
        pytest.param({"ipBlock": {"cidr": "10.0.0.0/8", "except": HOLE}}, id="the exceptions"),
        pytest.param({"ipBlock": {"cidr": "10.0.0.0/8", "except": [HOLE]}}, id="an exception"),
    ],
)
def test_peers(peer: Any) -> None:
    assert policy({"ingress": [{"from": [peer]}]}).ingress == (Rule((HOLE,)),)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param(HOLE, HOLE, id="the entry"),
        pytest.param({"port": HOLE}, PortRule(port=HOLE), id="the number"),
        pytest.param({"protocol": HOLE, "port": 1}, PortRule(HOLE, 1), id="the protocol"),
        pytest.param({"port": 1, "endPort": HOLE}, PortRule(port=1, end_port=HOLE), id="the end"),
    ],
)
def test_rule_ports(port: Any, expected: PortRule | Unknown) -> None:
    assert policy({"ingress": [{"ports": [port]}]}).ingress == (Rule(None, (expected,)),)


@pytest.mark.parametrize(
    ("metadata", "namespace", "labels"),
    [
        pytest.param({"name": "web", "namespace": HOLE}, HOLE, LabelMap(), id="the namespace"),
        pytest.param(HOLE, HOLE, LabelMap(more=HOLE), id="all metadata"),
        pytest.param({**META, "labels": HOLE}, "shop", LabelMap(more=HOLE), id="the labels"),
        pytest.param(
            {**META, "labels": {"a": HOLE, "b": "c"}},
            "shop",
            LabelMap.of({"a": HOLE, "b": "c"}),
            id="one label",
        ),
    ],
)
def test_metadata(metadata: Any, namespace: object, labels: LabelMap) -> None:
    found = pod({}, metadata)
    assert (found.namespace, found.labels) == (namespace, labels)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"containers": HOLE}, id="the containers"),
        pytest.param({"containers": [HOLE]}, id="a container"),
        pytest.param({"containers": [{"ports": HOLE}]}, id="the ports"),
        pytest.param({"containers": [{"ports": [HOLE]}]}, id="a port"),
        pytest.param({"containers": [{"ports": [{"containerPort": HOLE}]}]}, id="a number"),
        pytest.param(
            {"containers": [{"ports": [{"containerPort": 1, "name": HOLE}]}]}, id="a name"
        ),
        pytest.param(
            {"initContainers": [{"restartPolicy": HOLE, "ports": [{"containerPort": 1}]}]},
            id="whether an init container stays",
        ),
    ],
)
def test_open_ports(spec: Any) -> None:
    assert pod(spec).open_ports == HOLE


def test_known_ports_beside_unknown_ones() -> None:
    found = pod({"containers": [{"ports": [{"containerPort": 80}, HOLE]}]})
    assert (found.ports, found.open_ports) == ((WorkloadPort(80),), HOLE)


def test_a_template_that_is_unknown() -> None:
    found = deployment({"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": HOLE})
    assert (found.labels, found.replicas) == (LabelMap(more=HOLE), 3)
    assert (found.open_ports, found.host_network) == (HOLE, HOLE)


def test_replicas_that_are_unknown() -> None:
    template = {"metadata": {"labels": {"a": "b"}}}
    found = deployment(
        {"replicas": HOLE, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    )
    assert found.replicas == HOLE


def test_the_name_of_a_namespace_that_is_generated() -> None:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "tools-"}}
    (namespace,) = snapshot([Document(manifest)]).snapshot.namespaces
    assert namespace.name == "tools-GENERATED"
    assert isinstance(dict(namespace.labels.items)["kubernetes.io/metadata.name"], Unknown)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(HOLE, Service("shop", "web", HOLE, ANYONE, (), HOLE), id="the whole spec"),
        pytest.param({"type": HOLE}, Service("shop", "web", HOLE, None), id="the type"),
        pytest.param(
            {"selector": HOLE, "clusterIP": "None"},
            Service("shop", "web", "ClusterIP", ANYONE),
            id="the selector",
        ),
        pytest.param(
            {"ports": [{"port": 80, "targetPort": HOLE}]},
            Service("shop", "web", "ClusterIP", None, (ServicePort(80, HOLE, IpProtocol.TCP),)),
            id="the target",
        ),
    ],
)
def test_services(spec: Any, expected: Service) -> None:
    assert read("v1", "Service", spec).snapshot.services == (expected,)
