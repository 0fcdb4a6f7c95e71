"""The address of a node that is known is that node, to the rules and to its own pods."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from itertools import product
from random import Random

import pytest

from podwall.engines import ENGINES, SPEC
from podwall.explain import answers
from podwall.model import LabelMap, Rule, Snapshot, SnapshotNode, SnapshotWorkload
from podwall.policies.rules import Direction
from podwall.reachability import Verdict, reachability
from podwall.reachability.values import NodeEndpoint
from tests.core.builders import (
    COLUMNS,
    allow,
    block,
    cluster,
    load_balancer,
    pod,
    policy,
    selector,
    tcp,
)
from tests.core.clusters import Size, random_cluster
from tests.core.judged import probes
from tests.core.test_agreement import assert_the_replay_agrees
from tests.core.test_causes import differing
from tests.oracle import Pod, passing

HERE = SnapshotNode("here", (ip_address("10.224.0.4"), ip_address("fd00::4")))
THERE = SnapshotNode("there", (ip_address("10.224.0.5"),))
LETTERS = {Verdict.ALLOWED: "y", Verdict.DENIED: "n", Verdict.UNDETERMINED: "?"}


def asked(snapshot: Snapshot, source: str, destination: str) -> str:
    """Return what `explain` answers under spec, azure, calico, cilium and none."""
    found = (answers(reachability(snapshot, each), source, destination, "80") for each in COLUMNS)
    return "".join(LETTERS[one.explanation.verdict] for (one,) in found)


def on(node: str | None, *rules: Rule, way: Direction = Direction.INGRESS) -> Snapshot:
    """Return a cluster of two nodes with an isolated pod on one of them."""
    guarded = policy("x", name="p", ingress=rules)
    if way is Direction.EGRESS:
        guarded = policy("x", name="p", egress=rules)
    return cluster(pod("x/a", node=node), guarded, nodes=(HERE, THERE))


@pytest.mark.parametrize(
    ("node", "address", "expected"),
    [
        pytest.param("here", "10.224.0.4", "yyyyy", id="its own"),
        pytest.param("here", "fd00::4", "yyyyy", id="its own by its second address"),
        pytest.param("here", "10.224.0.5", "nnnny", id="another one"),
        pytest.param("here", "10.224.0.6", "nnnny", id="an address that is no node's"),
        pytest.param(None, "10.224.0.4", "????y", id="perhaps its own"),
    ],
)
def test_a_node_reaches_a_pod_that_nobody_may_reach(
    node: str | None, address: str, expected: str
) -> None:
    """Seen with Azure NPM and Calico on real packets."""
    assert asked(on(node), address, "x/a") == expected


@pytest.mark.parametrize(
    ("node", "address", "expected"),
    [
        pytest.param("here", "10.224.0.4", "?ynny", id="its own"),
        pytest.param("here", "10.224.0.5", "nnnny", id="another one"),
        pytest.param(None, "10.224.0.4", "??nny", id="perhaps its own"),
    ],
)
def test_a_pod_that_may_reach_nobody_reaches_its_node(
    node: str | None, address: str, expected: str
) -> None:
    assert asked(on(node, way=Direction.EGRESS), "x/a", address) == expected


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [
        pytest.param("10.224.0.0/16", "?yyny", id="a block around it"),
        pytest.param("10.224.0.5/32", "?yyny", id="a block of its address"),
        pytest.param("10.224.0.4/32", "nnnny", id="a block of another node"),
    ],
)
def test_a_block_means_a_node_as_the_engine_matches_nodes(cidr: str, expected: str) -> None:
    assert asked(on("here", allow(block(cidr))), "10.224.0.5", "x/a") == expected


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [
        pytest.param("10.244.0.0/16", "????y", id="all addresses of pods"),
        pytest.param("0.0.0.0/0", "?yy?y", id="all addresses"),
    ],
)
def test_the_ranges_of_pods_say_nothing_of_nodes(cidr: str, expected: str) -> None:
    """A pod on the host network has an address of its node, and none of the pods' ranges."""
    on_host = pod("x/h", host_network=True)
    guarded = policy("x", selector(app="a"), ingress=[allow(block(cidr))])
    assert asked(cluster(pod("x/a"), on_host, guarded), "x/h", "x/a") == expected


#: Of AKS LocalDNS, https://learn.microsoft.com/azure/aks/localdns-custom: what it is to an engine.
LOCAL_DNS = {
    "nobody": ((), "n?nny"),
    "a rule for everyone": ((allow(),), "yyyyy"),
    "all addresses": ((allow(block("0.0.0.0/0")),), "yyy?y"),
    "its two addresses": ((allow(block("169.254.10.10/31")),), "yyy?y"),
    "one of them": ((allow(block("169.254.10.10/32")),), "yyy?y"),
    "the other one": ((allow(block("169.254.10.11/32")),), "n?nny"),
    "a range around it": ((allow(block("169.254.10.0/24")),), "yyy?y"),
}


@pytest.mark.parametrize(("rules", "expected"), LOCAL_DNS.values(), ids=LOCAL_DNS)
@pytest.mark.parametrize("node", [None, "here"])
def test_local_dns_is_a_host_to_azure_and_to_newer_versions_of_cilium(
    rules: tuple[Rule, ...], expected: str, node: str | None
) -> None:
    """Seen with Cilium 1.18 on real packets: a block on its address is denied."""
    found = on(node, *rules, way=Direction.EGRESS)
    assert asked(found, "x/a", "169.254.10.10") == expected
    for version, letter in (("1.31", "y"), ("1.33", "n")):
        answer = asked(replace(found, kubernetes_version=version), "x/a", "169.254.10.10")
        assert answer == (expected.replace("?y", f"{letter}y") if rules else "n?nny")
    for engine in ("cilium", "azure"):
        answer_of_all = reachability(found, ENGINES[engine])
        assert_the_replay_agrees(answer_of_all)
        assert differing(answer_of_all) == []


@pytest.mark.parametrize("beside", ["169.254.10.8/31", "169.254.10.12/32", "10.224.0.6/32"])
def test_nodes_beside_a_block_are_no_part_of_what_it_leaves(beside: str) -> None:
    rules = allow(block("0.0.0.0/0")), allow(block(beside), ports=(tcp(443),))
    found = reachability(on("here", *rules, way=Direction.EGRESS), ENGINES["cilium"])
    assert_the_replay_agrees(found)


def test_local_dns_is_apart_from_the_range_around_it() -> None:
    rule = allow(block("169.254.10.0/24"))
    found = reachability(on("here", rule, way=Direction.EGRESS), ENGINES["cilium"])
    connection = found.connection("x/a", "169.254.10.10/31")
    assert not connection.allowed
    assert connection.undetermined
    assert found.connection("x/a", "169.254.10.16/28").allowed


def test_a_block_of_a_node_alone_lists_it_as_what_it_is() -> None:
    snapshot = on("here", allow(block("10.224.0.5/32")))
    shown = {each: reachability(snapshot, each) for each in COLUMNS}
    for engine, expected in zip(COLUMNS, "?yy?y", strict=True):
        found = shown[engine].connection("10.224.0.5/32", "x/a")
        letter = "y" if found.allowed else "?" if found.undetermined else "n"
        assert letter == expected, engine.name


@pytest.mark.parametrize("engine", ENGINES)
def test_the_replay_equals_the_analysis_where_blocks_cut_nodes_out(engine: str) -> None:
    cut = allow(block("10.224.0.5/32"), block("10.224.0.4/30"), ports=(tcp(80),))
    open_ = policy("x", selector(app="b"), ingress=(allow(block("10.224.0.4/32")), cut))
    parts = (pod("x/b", node="here"), pod("x/c", host_network=True, node="there"), open_)
    service = load_balancer("x/lb", 80, selector(app="b"))
    both = policy("x", ingress=(cut,), egress=(cut,))
    snapshot = cluster(pod("x/a"), *parts, both, service, nodes=(HERE, THERE))
    assert_the_replay_agrees(reachability(snapshot, engine))


def test_a_small_range_is_asked_about_node_by_node_and_a_large_one_without_nodes() -> None:
    found = reachability(on("here"), "calico")

    def ends(text: str) -> list[str]:
        return [each.explanation.source.id for each in answers(found, text, "x/a", "80")]

    assert ends("10.224.0.4/31") == ["10.224.0.4/32", "10.224.0.5/32"]
    assert ends("10.224.0.4/30") == ["10.224.0.4/32", "10.224.0.5/32", "10.224.0.6/31"]
    assert ends("10.224.0.0/16") == ["10.224.0.0/16"]


def test_nodes_are_in_no_list() -> None:
    without = replace(on("here"), nodes=())
    for engine in ENGINES:
        listed = (
            [(each.source_id, each.destination_id) for each in found.connections()]
            for found in (reachability(on("here"), engine), reachability(without, engine))
        )
        assert next(listed) == next(listed)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=8)
def test_the_oracle_agrees_on_nodes(seed: int) -> None:
    """A node is let in by its own pods and by rules for everyone, and by blocks at most."""
    rng = Random(f"nodes {seed}")
    snapshot = random_cluster(rng, Size(workloads=4, policies=4, hosts=False))
    named = [replace(each, node=rng.choice(("here", "there"))) for each in snapshot.workloads]
    snapshot = replace(snapshot, workloads=tuple(named), nodes=(HERE, THERE))
    found, asked_for = reachability(snapshot, SPEC), probes(snapshot)
    host = SnapshotWorkload("", "node", "Node", LabelMap(), host_network=True)
    for node, end in product((HERE, THERE), found.workloads):
        for address in node.addresses:
            source = NodeEndpoint.at(address, node.name)
            bounds = found.replay(source.id, end.id).allowed
            target = Pod(end.workload, node=str(end.workload.node))
            least = passing(snapshot, Pod(host, node=node.name), target, asked_for)
            most = passing(snapshot, Pod(host, 0, address, node.name), target, asked_for)
            assert {each for each in asked_for if bounds.must.contains(*each)} == least
            assert {each for each in asked_for if bounds.may.contains(*each)} == most
