"""Where engines depart from the specification: one table for each point, one column for each."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import yaml

from podwall.engines import AZURE, CALICO, CILIUM, ENGINES, NONE, SPEC, Treatment, engine
from podwall.migrate import migrate
from podwall.model import IpPeer, IpProtocol, PortRule, Selector, Unknown, WorkloadPort
from podwall.policies.errors import InvalidValue
from podwall.reachability import Verdict, reachability
from podwall.reading import Document
from podwall.reading import snapshot as read
from tests.core.builders import (
    COLUMNS,
    EVERYTHING,
    allow,
    block,
    cluster,
    column,
    load_balancer,
    named,
    peers,
    pod,
    policy,
    selector,
    tcp,
    verdict,
)

POD_BLOCKS = [
    pytest.param((block("0.0.0.0/0"),), "?yyny", id="all of IPv4"),
    pytest.param((block("10.0.0.0/8"),), "?yyny", id="a block around the pods' range"),
    pytest.param((block("203.0.113.0/24"),), "nnnny", id="a block elsewhere"),
    pytest.param((block("10.244.0.0/17"),), "???ny", id="a part of the pods' range"),
    pytest.param((block("0.0.0.0/0", "10.244.0.0/16"),), "nnnny", id="all without the pods' range"),
    pytest.param((block("0.0.0.0/0", "10.244.7.0/24"),), "???ny", id="all without a part of it"),
    pytest.param(
        (block("10.244.0.0/17"), block("10.244.128.0/17")), "?yyny", id="two halves of it"
    ),
    pytest.param((block("::/0"),), "nynny", id="IPv6"),
]


@pytest.mark.parametrize(("blocks", "expected"), POD_BLOCKS)
def test_whether_ip_blocks_speak_of_pods(blocks: tuple[IpPeer, ...], expected: str) -> None:
    snapshot = cluster(pod("x/a"), pod("y/b"), policy("x", egress=(allow(*blocks),)))
    assert column(snapshot, "x/a -> y/b") == expected


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param((block("0.0.0.0/0"),), "?y?ny", id="all of IPv4, where pods may have IPv6"),
        pytest.param((block("0.0.0.0/0", "169.254.169.254/32"),), "?y?ny", id="all but one host"),
        pytest.param((block("0.0.0.0/0"), block("::/0")), "?yyny", id="both families"),
        pytest.param((block("10.0.0.0/8"),), "???ny", id="a private network"),
        pytest.param((block("8.8.8.0/24"),), "???ny", id="a public network"),
        pytest.param((block("240.0.0.0/4"),), "???ny", id="what was reserved"),
        pytest.param((block("0.0.0.0/0", "10.0.0.0/8"),), "???ny", id="all but a private network"),
        pytest.param((block("169.254.0.0/16"),), "nnnny", id="what is never routed"),
        pytest.param((block("224.0.0.0/4"),), "nnnny", id="groups"),
        pytest.param((block("::/0"),), "?y?ny", id="IPv6, which pods may have as well"),
        pytest.param((block("2001:db8::/32"),), "?y?ny", id="a global network of IPv6"),
    ],
)
def test_without_the_pods_range_pods_may_have_any_address(
    blocks: tuple[IpPeer, ...], expected: str
) -> None:
    rules = policy("x", egress=(allow(*blocks),))
    snapshot = cluster(pod("x/a"), pod("y/b"), rules, pod_cidrs=())
    assert column(snapshot, "x/a -> y/b") == expected


def test_a_cluster_that_has_ipv4_alone_has_no_pod_outside_of_it() -> None:
    rules = policy("x", egress=(allow(block("0.0.0.0/0")),))
    snapshot = cluster(pod("x/a"), pod("y/b"), rules, pod_cidrs=(), ip_families=(4,))
    assert column(snapshot, "x/a -> y/b") == "?yyny"
    live = pod("z/c", addresses=(ip_address("10.0.0.7"),))
    shown = cluster(pod("x/a"), pod("y/b"), live, rules, pod_cidrs=())
    assert column(shown, "x/a -> y/b") == "?yyny"


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param((block("0.0.0.0/0"),), Verdict.UNDETERMINED, id="one family only"),
        pytest.param((block("0.0.0.0/0"), block("::/0")), Verdict.ALLOWED, id="both families"),
    ],
)
def test_pods_of_two_families_are_matched_by_blocks_of_both(
    blocks: tuple[IpPeer, ...], expected: Verdict
) -> None:
    cidrs = (ip_network("10.244.0.0/16"), ip_network("fd12:3456:789a::/64"))
    rules = policy("x", egress=(allow(*blocks),))
    snapshot = cluster(pod("x/a"), pod("y/b"), rules, pod_cidrs=cidrs)
    assert verdict(snapshot, "x/a -> y/b", engine=CALICO) is expected


NODE = pod("y/node", host_network=True)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param((), "??nny", id="nothing allowed"),
        pytest.param((allow(peers(app="node")),), "??nny", id="a selector does not help"),
        pytest.param((allow(block("0.0.0.0/0")),), "?yyny", id="all of IPv4"),
        pytest.param((allow(),), "yyyyy", id="everyone"),
    ],
)
def test_egress_to_a_pod_on_the_host_network(rules: Any, expected: str) -> None:
    snapshot = cluster(pod("x/a"), NODE, policy("x", egress=rules))
    assert column(snapshot, "x/a -> y/node") == expected


def test_a_node_reaches_its_own_pods_under_every_engine_and_others_perhaps() -> None:
    snapshot = cluster(pod("x/a"), NODE, policy("x", ingress=()))
    assert column(snapshot, "y/node -> x/a") == "????y"


@pytest.mark.parametrize(
    ("changes", "outside", "inside"),
    [
        pytest.param({}, "?y?ny", "?ynny", id="LoadBalancer"),
        pytest.param({"type": "NodePort"}, "?y?ny", "?ynny", id="NodePort"),
        pytest.param({"type": "ClusterIP"}, "nnnny", "nnnny", id="ClusterIP"),
        pytest.param({"external_traffic_policy": "Local"}, "nnnny", "nnnny", id="Local"),
        pytest.param({"source_ranges": ("198.51.100.0/24",)}, "?y?ny", "?ynny", id="ranges"),
        pytest.param(
            {"source_ranges": ("198.51.100.0/24",), "node_ports": False},
            "???ny",
            "??nny",
            id="source ranges, and no node ports beside them",
        ),
        pytest.param(
            {"source_ranges": Unknown("an annotation"), "node_ports": False},
            "???ny",
            "??nny",
            id="source ranges that are not known",
        ),
        pytest.param({"node_ports": False}, "?y?ny", "?ynny", id="no node ports"),
        pytest.param({"selector": None}, "nnnny", "nnnny", id="without a selector"),
        pytest.param({"selector": Selector()}, "nnnny", "nnnny", id="with an empty selector"),
        pytest.param({"selector": selector(app="other")}, "nnnny", "nnnny", id="of other pods"),
        pytest.param({"namespace": "y"}, "nnnny", "nnnny", id="of another namespace"),
        pytest.param({"type": Unknown("the type")}, "???ny", "??nny", id="of a type not known"),
    ],
)
@pytest.mark.long(keep=7)
def test_a_service_of_the_whole_cluster_in_front_of_a_denied_pod(
    changes: dict[str, Any], outside: str, inside: str
) -> None:
    """Measured under azure: the backend is reached from outside and from pods without egress."""
    service = load_balancer("x/web", "http", selector(app="a"), **changes)
    target = pod("x/a", named("http", 8080))
    closed = (policy("x", ingress=()), policy("y", egress=()))
    snapshot = cluster(service, target, pod("y/b"), *closed)
    assert column(snapshot, "0.0.0.0/0 -> x/a", 8080) == outside
    assert column(snapshot, "y/b -> x/a", 8080) == inside
    assert column(snapshot, "0.0.0.0/0 -> x/a", 80) == "nnnny"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param((allow(block("203.0.113.0/24")),), "?y??y", id="the clients"),
        pytest.param((allow(block("0.0.0.0/0")),), "?yy?y", id="all of IPv4"),
        pytest.param((allow(block("0.0.0.0/0", "169.254.0.0/16")),), "?yy?y", id="where hosts are"),
        pytest.param((allow(block("0.0.0.0/0", "10.0.0.0/8")),), "?y??y", id="public addresses"),
        pytest.param((allow(block("203.0.113.0/24", "203.0.113.9/32")),), "?y??y", id="but one"),
        pytest.param((allow(),), "yyyyy", id="everyone"),
        pytest.param((allow(block("203.0.113.0/24")), allow()), "yyyyy", id="everyone as well"),
        pytest.param((allow(block("203.0.113.0/24")), allow(peers(app="b"))), "?y??y", id="pods"),
    ],
)
@pytest.mark.long(keep=6)
def test_a_service_that_may_show_a_node_where_a_rule_means_the_client(
    rules: Any, expected: str
) -> None:
    target = pod("x/a", named("http", 8080))
    service = load_balancer("x/web", "http", selector(app="a"))
    cut = policy("y", ingress=(allow(block("203.0.113.0/24", "203.0.113.9/32")),))
    behind = cluster(service, target, policy("x", ingress=rules), cut)
    direct = replace(behind, services=(replace(service, external_traffic_policy="Local"),))
    flow = "203.0.113.128/25 -> x/a"
    assert column(behind, flow, 8080) == expected
    assert column(behind, flow, 8081) == "yyyyy"
    assert column(direct, flow, 8080) == "yyyyy"


@pytest.mark.parametrize(
    ("version", "within", "first"),
    [
        pytest.param("1.31", "yyyny", "yyyyy", id="1.31: Cilium 1.16"),
        pytest.param("1.32", "yyyyy", "yyyyy", id="1.32: Cilium 1.17"),
        pytest.param("1.9", "yyyny", "yyyyy", id="1.9 is below 1.32"),
        pytest.param(None, "yyy?y", "yyyyy", id="a version that is not known"),
    ],
)
@pytest.mark.long(keep=2)
def test_ranges_of_ports(version: str | None, within: str, first: str) -> None:
    rules = policy("x", ingress=(allow(ports=(tcp(80, 90),)),))
    snapshot = cluster(rules, kubernetes_version=version)
    assert column(snapshot, "y/a -> x/a", 85) == within
    assert column(snapshot, "y/a -> x/a", 80) == first


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param((named("http", 80),), "yyyyy", id="the same number everywhere"),
        pytest.param((named("http", 8080),), "yyyny", id="another number somewhere"),
        pytest.param(
            (named("http", 8080, IpProtocol.UDP),), "yyyyy", id="another protocol's number"
        ),
    ],
)
def test_a_port_name_with_several_numbers_on_egress(others: Any, expected: str) -> None:
    pods = (pod("x/a"), pod("y/b", named("http", 80)), pod("z/c", *others))
    snapshot = cluster(*pods, policy("x", egress=(allow(ports=(tcp("http"),)),)))
    assert column(snapshot, "x/a -> y/b") == expected


def test_a_port_name_with_several_numbers_on_ingress_is_no_trouble() -> None:
    pods = (pod("x/a"), pod("y/b", named("http", 80)), pod("z/c", named("http", 8080)))
    snapshot = cluster(*pods, policy("y", ingress=(allow(ports=(tcp("http"),)),)))
    assert column(snapshot, "x/a -> y/b") == "yyyyy"


def test_a_port_name_may_have_several_numbers_where_ports_are_not_known() -> None:
    pods = (pod("x/a"), pod("y/b", named("http", 80)), pod("z/c", open_ports=Unknown("its ports")))
    snapshot = cluster(*pods, policy("x", egress=(allow(ports=(tcp("http"),)),)))
    assert column(snapshot, "x/a -> y/b") == "yyy?y"


def test_rules_that_list_sctp_depend_on_a_switch_under_cilium() -> None:
    listed = cluster(policy("x", ingress=(allow(ports=(PortRule(IpProtocol.SCTP, 80),)),)))
    assert column(listed, "y/a -> x/a", 80, IpProtocol.SCTP) == "yyy?y"
    assert column(listed, "y/a -> x/a", 80) == "nnnny"
    unlisted = cluster(policy("x", ingress=(allow(),)))
    assert column(unlisted, "y/a -> x/a", 80, IpProtocol.SCTP) == "yyyyy"


def test_a_policy_with_an_ipv6_block_is_not_enforced_by_azure() -> None:
    rules = policy("x", ingress=(allow(block("2001:db8::/32")),))
    snapshot = cluster(policy("x", selector(app="a"), egress=()), rules)
    assert column(snapshot, "y/a -> x/a") == "nynny"
    assert column(snapshot, "x/a -> y/a") == "nnnny"


def test_the_outside_is_cut_the_same_way_under_every_engine() -> None:
    """So that two engines' reachabilities can be compared line by line."""
    snapshot = cluster(policy("x", ingress=(allow(block("2001:db8::/32"), block("10.0.0.0/8")),)))
    cuts = {tuple(each.id for each in reachability(snapshot, e).externals) for e in COLUMNS}
    assert len(cuts) == 1


class TestTheEngineOfAnAnalysis:
    DENY = policy("x", ingress=())

    def test_is_the_specification_where_nobody_names_one(self) -> None:
        assert reachability(cluster(self.DENY)).engine is SPEC

    def test_is_the_one_that_the_snapshot_declares(self) -> None:
        assert reachability(cluster(self.DENY, engine="calico")).engine is CALICO

    def test_is_the_one_that_is_asked_for(self) -> None:
        declared = cluster(self.DENY, engine="calico")
        assert reachability(declared, CILIUM).engine is CILIUM
        assert reachability(declared, "none").engine is NONE

    def test_must_be_known(self) -> None:
        with pytest.raises(InvalidValue) as caught:
            engine("calcio")
        assert caught.value.help == "did you mean `calico`?"


class TestTheData:
    @pytest.mark.parametrize("each", COLUMNS, ids=lambda each: each.name)
    def test_every_fact_has_words_and_a_source(self, each: Any) -> None:
        for _, fact in each.facts():
            assert fact.says
            assert not fact.says.endswith(".")
            assert fact.link.startswith("https://")

    def test_the_specification_departs_from_nothing(self) -> None:
        assert SPEC.departures() == {}

    def test_all_engines_can_be_looked_up(self) -> None:
        assert [engine(name) for name in ENGINES] == [SPEC, AZURE, CALICO, CILIUM, NONE]

    def test_only_none_enforces_nothing(self) -> None:
        assert [each.enforces for each in COLUMNS] == [True, True, True, True, False]
        assert NONE.cluster_services.value is Treatment.OPEN


def test_a_migration_is_the_difference_of_two_columns() -> None:
    snapshot = cluster(policy("x", EVERYTHING, egress=(allow(block("0.0.0.0/0")),)))
    before, after = (reachability(snapshot, each) for each in (AZURE, CILIUM))
    pairs = [(a.id, b.id) for a in before.endpoints for b in before.endpoints]
    changed = {
        f"{source} -> {destination}"
        for source, destination in pairs
        if before.connection(source, destination).allowed
        != after.connection(source, destination).allowed
    }
    assert changed == {
        f"x/{source} -> {where}/{name}"
        for source in "ab"
        for where in "xy"
        for name in "ab"
        if (where, name) != ("x", source)
    }


def _manifests(text: str, **more: Any) -> Any:
    """Return what manifests make, read as a folder of them is."""
    documents = [Document(each) for each in yaml.safe_load_all(text)]
    return replace(read(documents).snapshot, **more)


_THREE_PODS = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {app: a}}, spec: {}}
- {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: x, labels: {app: b}}, spec: {}}
- {apiVersion: v1, kind: Pod, metadata: {name: c, namespace: x, labels: {app: c}}, spec: {}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a, namespace: x}
spec: """


@pytest.mark.parametrize(
    ("spec", "flow", "expected"),
    [
        pytest.param(
            "{policyTypes: [Ingress], ingress: [{}], egress: [{to: [{podSelector: {matchLabels: "
            "{app: b}}}]}]}",
            "x/a -> x/c",
            "yyyny",
            id="egress, a pod that no rule names",
        ),
        pytest.param(
            "{policyTypes: [Ingress], ingress: [{}], egress: [{to: [{podSelector: {matchLabels: "
            "{app: b}}}]}]}",
            "x/a -> x/b",
            "yyyyy",
            id="egress, the pod that is named",
        ),
        pytest.param(
            "{policyTypes: [Egress], egress: [{}], ingress: [{from: [{podSelector: {matchLabels: "
            "{app: b}}}]}]}",
            "x/c -> x/a",
            "yyyny",
            id="ingress",
        ),
        pytest.param(
            "{policyTypes: [Egress], egress: [{}], ingress: [{from: [{ipBlock: {cidr: "
            "203.0.113.0/24}}]}]}",
            "203.0.113.0/24 -> x/a",
            "yyyyy",
            id="an ip block, which cuts the outside under every engine",
        ),
        pytest.param(
            "{policyTypes: [Ingress], ingress: [{}], egress: []}",
            "x/a -> x/c",
            "yyyyy",
            id="no rules there",
        ),
    ],
)
def test_rules_of_a_direction_that_policy_types_does_not_list(
    spec: str, flow: str, expected: str
) -> None:
    """Measured with Cilium 1.18.6: they are enforced, and isolate."""
    whole = "{podSelector: {matchLabels: {app: a}}, " + spec[1:]
    assert column(_manifests(_THREE_PODS + whole), flow) == expected


_SIDECAR = """
apiVersion: v1
kind: Pod
metadata: {name: side, namespace: x, labels: {app: side}}
spec:
  initContainers: [{name: proxy, restartPolicy: Always,
    ports: [{name: admin, containerPort: 9000}]}]
  containers: [{name: main, ports: [{name: web, containerPort: 8080}]}]
---
"""


@pytest.mark.parametrize(
    ("name", "port", "expected"),
    [
        pytest.param("admin", 9000, "ynyny", id="that only a sidecar declares"),
        pytest.param("web", 8080, "yyyyy", id="of a container"),
    ],
)
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_port_name(direction: str, name: str, port: int, expected: str) -> None:
    """Measured under azure and cilium: names of native sidecars are not seen."""
    app = "side" if direction == "ingress" else "a"
    rules = (
        "{podSelector: {matchLabels: {app: %s}}, policyTypes: [%s], %s: [{ports: [{port: %s}]}]}"
    )
    spec = rules % (app, direction.title(), direction, name)
    snapshot = _manifests(_SIDECAR + _THREE_PODS + spec)
    assert column(snapshot, "x/a -> x/side", port) == expected


def test_a_service_looks_up_port_names_of_sidecars_under_every_engine() -> None:
    service = load_balancer("x/side", "admin", selector(app="side"))
    target = pod("x/side", WorkloadPort(9000, name="admin", sidecar=True))
    snapshot = cluster(service, target, policy("x", ingress=()))
    assert column(snapshot, "0.0.0.0/0 -> x/side", 9000) == "?y?ny"


@pytest.mark.parametrize("twin", [named("web", 9090), named("web", 8080, IpProtocol.UDP)])
def test_a_port_name_that_a_pod_declares_twice(twin: WorkloadPort) -> None:
    """Measured under cilium: only one of the numbers is kept."""
    target = pod("y/b", named("web", 8080), twin)
    by_name = (allow(ports=(tcp("web"),)),)
    assert column(cluster(pod("x/a"), target, policy("y", ingress=by_name)), _A_B, 8080) == "yyy?y"
    assert column(cluster(pod("x/a"), target, policy("x", egress=by_name)), _A_B, 8080) == "yyy?y"


_A_B = "x/a -> y/b"


@pytest.mark.parametrize(
    ("flow", "port", "expected"),
    [
        pytest.param(_A_B, 8080, "yyyyy", id="on the pod that declares it"),
        pytest.param("x/a -> y/c", 8080, "nnnyy", id="on a pod without it"),
        pytest.param("x/a -> 0.0.0.0/0", 8080, "nnnyy", id="on addresses outside"),
        pytest.param("x/a -> y/c", 9090, "nnnny", id="on another port"),
    ],
)
def test_a_port_name_with_one_number_on_egress(flow: str, port: int, expected: str) -> None:
    """Measured with Cilium 1.18.6: the name becomes the number, for every peer of the rule."""
    pods = (pod("x/a"), pod("y/b", named("web", 8080)), pod("y/c", WorkloadPort(8080)))
    rules = policy("x", selector(app="a"), egress=(allow(ports=(tcp("web"),)),))
    assert column(cluster(*pods, rules), flow, port) == expected


def test_a_migration_keeps_rules_of_unlisted_directions_as_they_act() -> None:
    spec = (
        "{podSelector: {}, policyTypes: [Ingress], ingress: [{}], egress: [{ports: [{port: 1}]}]}"
    )
    snapshot = _manifests(_THREE_PODS + spec)
    for engines in ((AZURE, CILIUM), (CILIUM, AZURE), (CALICO, CILIUM), (CILIUM, CALICO)):
        found = migrate(snapshot, *engines)
        assert list(found.difference.port_changes())
        assert len(found.edits) == 1
        assert not list(found.remaining.port_changes())
        assert not [each for each in found.limits if each.id == "enforcement-changes"]
    assert not migrate(snapshot, CILIUM, CILIUM).edits


@pytest.mark.parametrize(
    ("type_", "policy_", "external", "expected"),
    [
        pytest.param("ClusterIP", "Cluster", True, "???ny", id="by external addresses"),
        pytest.param("ClusterIP", "Local", True, "nnnny", id="that keep the client's address"),
        pytest.param("ClusterIP", "Cluster", False, "nnnny", id="without any"),
        pytest.param("ClusterIP", "Cluster", Unknown("addresses"), "???ny", id="not known yet"),
        pytest.param("NodePort", "Cluster", True, "?y?ny", id="by a node port, too"),
    ],
)
def test_a_service_with_external_addresses(
    type_: str, policy_: str, expected: str, *, external: bool | Unknown
) -> None:
    service = load_balancer(
        "y/b",
        8080,
        selector(app="b"),
        type=type_,
        external_traffic_policy=policy_,
        external_ips=external,
    )
    snapshot = cluster(service, policy("y", ingress=()))
    assert column(snapshot, "0.0.0.0/0 -> y/b", 8080) == expected


def test_external_addresses_of_a_service_are_read() -> None:
    service = (
        "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: x}, "
        "spec: {externalIPs: %s, selector: {app: b}, ports: [{port: 80}]}}"
    )
    found = [_manifests(service % each).services[0] for each in ("[192.0.2.1]", "[]")]
    assert [each.external_ips for each in found] == [True, False]
