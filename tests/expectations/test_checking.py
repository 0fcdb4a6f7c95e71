"""What becomes of expectations: passed, broken with the flow that breaks them, or undetermined."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from podwall.expectations import (
    ANYTHING,
    INTERNET,
    Expectation,
    Outcome,
    addresses,
    allowed,
    check,
    denied,
    only,
    outside,
    pods,
    workload,
)
from podwall.model import LabelMap, Snapshot, SnapshotNode, SnapshotWorkload, Unknown
from podwall.policies.errors import InvalidValue
from podwall.reachability import reachability
from tests.core.builders import allow, block, cluster, named, peers, pod, policy, selector, tcp

WEB, API, DB = (workload(f"shop/{name}") for name in ("web", "api", "db"))

SHOP = cluster(
    pod("shop/web", named("http", 8080)),
    pod("shop/api", named("http", 8080), named("metrics", 9090)),
    pod("shop/db", named("postgres", 5432)),
    pod("monitoring/prometheus"),
    policy(
        "shop", selector(app="api"), "api", ingress=(allow(peers(app="web"), ports=(tcp(8080),)),)
    ),
    policy(
        "shop", selector(app="db"), "db", ingress=(allow(peers(app="api"), ports=(tcp(5432),)),)
    ),
)


def outcome(expectation: Expectation, snapshot: Snapshot = SHOP) -> str:
    """Return what becomes of one expectation."""
    (result,) = check(reachability(snapshot), [expectation])
    return str(result.outcome)


@pytest.mark.parametrize(
    ("expectation", "wanted"),
    [
        pytest.param(allowed("", WEB, API, 8080), "pass", id="an open port"),
        pytest.param(allowed("", WEB, API, "http"), "pass", id="a port name of the destination"),
        pytest.param(allowed("", WEB, API, ["http", 9090]), "fail", id="one of two ports closed"),
        pytest.param(allowed("", [WEB, API], DB, 5432), "fail", id="one of two sources denied"),
        pytest.param(denied("", WEB, DB), "pass", id="nothing passes"),
        pytest.param(denied("", API, DB), "fail", id="something passes"),
        pytest.param(denied("", API, DB, 22), "pass", id="another port passes"),
        pytest.param(denied("", INTERNET, DB), "pass", id="the internet is kept out"),
        pytest.param(denied("", INTERNET, WEB), "fail", id="the internet gets in"),
        pytest.param(denied("", outside("shop"), [API, DB]), "pass", id="outside a namespace"),
        pytest.param(denied("", pods("monitoring"), pods("shop")), "fail", id="by namespace"),
        pytest.param(denied("", pods(labels={"app": "web"}), DB), "pass", id="by labels"),
        pytest.param(denied("", ANYTHING, API, "metrics"), "pass", id="anything includes all"),
        pytest.param(denied("", addresses("10.0.0.0/8"), API), "pass", id="an address range"),
        pytest.param(only("", API, DB, 5432), "pass", id="exactly one"),
        pytest.param(only("", API, DB), "pass", id="exactly one, on any port"),
        pytest.param(only("", WEB, DB), "fail", id="another one"),
        pytest.param(only("", [WEB, API], DB), "fail", id="one of them does not"),
        pytest.param(only("", WEB, API, [8080, 9090]), "fail", id="not on all the ports"),
    ],
)
def test_outcomes(expectation: Expectation, wanted: str) -> None:
    assert outcome(expectation) == wanted


def test_the_flow_that_breaks_an_expectation_is_explained() -> None:
    (result,) = check(reachability(SHOP), [only("", WEB, DB)])
    assert result.reason == "shop/api reaches shop/db on TCP 5432"
    assert result.flow is not None
    assert (result.flow.source.id, str(result.flow.asked)) == ("shop/api", "TCP 5432")
    (closed,) = check(reachability(SHOP), [allowed("", WEB, DB, "postgres")])
    assert closed.reason == "shop/web does not reach shop/db on TCP 5432"


@pytest.mark.parametrize(
    ("expectation", "reason"),
    [
        pytest.param(
            denied("", workload("shop/wbe"), DB),
            "`from` selects nothing: there is no workload `shop/wbe`, did you mean `shop/web`?",
            id="a workload that is not there",
        ),
        pytest.param(
            denied("", WEB, [DB, pods("nowhere")]),
            "`to` selects nothing: there are no pods of namespace nowhere",
            id="one of two selections",
        ),
        pytest.param(
            denied("", WEB, DB, "metrics"),
            "no destination has a port `metrics`",
            id="a port name that no destination has",
        ),
    ],
)
def test_emptiness_never_means_fulfilled(expectation: Expectation, reason: str) -> None:
    (result,) = check(reachability(SHOP), [expectation])
    assert (result.outcome, result.reason) == (Outcome.FAIL, reason)
    assert outcome(replace(expectation, may_be_empty=True)) == "pass"


def test_an_unknown_label_makes_the_verdict_undetermined() -> None:
    hidden = LabelMap.of({"app": Unknown("the app label")})
    snapshot = replace(
        SHOP, workloads=(*SHOP.workloads, SnapshotWorkload("shop", "new", "Pod", hidden))
    )
    assert outcome(denied("", workload("shop/new"), DB), snapshot) == "undetermined"
    assert outcome(allowed("", workload("shop/new"), DB, 5432), snapshot) == "undetermined"
    assert outcome(allowed("", workload("shop/new"), DB, 5433), snapshot) == "fail"
    assert outcome(only("", API, DB), snapshot) == "undetermined"


def test_a_selection_that_may_mean_a_workload_breaks_nothing_for_certain() -> None:
    hidden = LabelMap.of({"app": Unknown("the app label")})
    snapshot = replace(
        SHOP, workloads=(*SHOP.workloads, SnapshotWorkload("x", "new", "Pod", hidden))
    )
    reaches = denied("", pods(labels={"app": "batch"}), WEB)
    assert outcome(reaches, snapshot) == "undetermined"


@pytest.mark.parametrize(
    ("cidr", "wanted"),
    [
        pytest.param("0.0.0.0/0", "fail", id="everywhere"),
        pytest.param("10.0.0.0/8", "pass", id="private addresses are not the internet"),
        pytest.param("fd00::/8", "pass", id="nor are unique local ones"),
        pytest.param("2001:db8::/32", "fail", id="IPv6"),
        pytest.param("8.8.8.8/32", "fail", id="one public address"),
    ],
)
def test_the_internet_is_every_public_address(cidr: str, wanted: str) -> None:
    snapshot = cluster(pod("x/a"), policy("x", ingress=(allow(block(cidr)),)))
    assert outcome(denied("", INTERNET, workload("x/a")), snapshot) == wanted


def test_many_pairs_give_the_same_answer_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    expectations = [
        denied("", ANYTHING, DB),
        denied("", ANYTHING, API, "metrics"),
        only("", API, DB),
    ]
    few = check(reachability(SHOP), expectations)
    monkeypatch.setattr("podwall.expectations.checking._FEW", 0)
    assert check(reachability(SHOP), expectations) == few


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        pytest.param((), "it must be said which ones have to be open", id="none"),
        pytest.param("0", "`0` is not a port", id="zero"),
        pytest.param("90-80", "`90-80` is not a port", id="a reversed range"),
        pytest.param("000080", "`000080` is not a port", id="more digits than a port has"),
        pytest.param(-1, "`-1` is not a port", id="a negative number"),
        pytest.param("1-000080", "`1-000080` is not a port", id="the same in a range"),
        pytest.param("80/icmp", "`80/icmp` is not a port", id="another protocol"),
        pytest.param("udp/53", "`udp/53` is not a port", id="the protocol first"),
    ],
)
def test_ports_that_mean_nothing_are_refused(
    ports: str | int | tuple[str, ...], message: str
) -> None:
    with pytest.raises(InvalidValue, match=message):
        allowed("", WEB, DB, ports)


def test_ends_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InvalidValue, match="both ends"):
        denied("", [], DB)
    with pytest.raises(InvalidValue, match="neither a namespace nor labels"):
        pods()
    with pytest.raises(InvalidValue, match="not the id of a workload"):
        workload("web")
    with pytest.raises(InvalidValue, match="not an address range"):
        addresses("10.0.0.1/8")


IN_FROM_IPV4 = allow(block("0.0.0.0/0", "10.244.0.0/16"), ports=(tcp(80),))


@pytest.mark.parametrize(("engine", "wanted"), [("azure", "pass"), ("cilium", "fail")])
def test_addresses_that_cannot_be_are_not_asked_about(engine: str, wanted: str) -> None:
    """Azure ignores policies with IPv6 blocks, so its clusters have no IPv6."""
    snapshot = cluster(pod("x/a"), policy("x", name="in", ingress=(IN_FROM_IPV4,)))
    everyone = allowed("", outside("x"), workload("x/a"), 80)
    (result,) = check(reachability(snapshot, engine), [everyone])
    assert str(result.outcome) == wanted


@pytest.mark.parametrize(
    ("cidr", "reason"),
    [
        pytest.param("2001:db8::/32", "as expected", id="IPv6, which `reach` lists as well"),
        pytest.param("10.244.1.0/24", "no traffic has an address of these ranges", id="pods'"),
        pytest.param("203.0.113.0/24", "as expected", id="an address outside the cluster"),
    ],
)
def test_a_range_that_nothing_can_have_selects_nothing(cidr: str, reason: str) -> None:
    snapshot = cluster(pod("x/a"), policy("x", name="deny", ingress=()))
    snapshot = replace(snapshot, pod_cidrs=(ip_network("10.244.0.0/16"),))
    blocks = policy("y", name="cut", ingress=(allow(block(cidr)),))
    snapshot = replace(snapshot, policies=(*snapshot.policies, blocks))
    (result,) = check(
        reachability(snapshot, "azure"), [denied("", addresses(cidr), workload("x/a"))]
    )
    assert reason in result.reason


@pytest.mark.parametrize(
    ("cidr", "kind", "wanted"),
    [
        pytest.param("10.224.0.4/32", denied, "fail", id="its own node always gets in"),
        pytest.param("10.224.0.4/32", allowed, "pass", id="as it should"),
        pytest.param("10.224.0.5/32", denied, "pass", id="another node does not"),
        pytest.param("10.224.0.0/24", denied, "fail", id="a small range with it"),
        pytest.param("10.0.0.0/8", denied, "pass", id="a large range is of no nodes"),
    ],
)
def test_an_address_of_a_node_is_that_node(cidr: str, kind: Any, wanted: str) -> None:
    nodes = tuple(
        SnapshotNode(name, (ip_address(address),))
        for name, address in (("here", "10.224.0.4"), ("there", "10.224.0.5"))
    )
    snapshot = cluster(pod("x/a", node="here"), policy("x", ingress=()), nodes=nodes)
    assert outcome(kind("", addresses(cidr), workload("x/a"), 80), snapshot) == wanted
