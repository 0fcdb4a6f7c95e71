"""Statements count pods that nobody has shown: what one of them could break does not hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podwall.expectations import (
    ANYTHING,
    INTERNET,
    Expectation,
    Outcome,
    Result,
    allowed,
    check,
    denied,
    only,
    outside,
    pods,
    workload,
)
from podwall.expectations.selecting import UnseenSelection
from podwall.model import PodPeer, Policy, Snapshot
from podwall.reachability import reachability
from podwall.reachability.values import read_unseen
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    named,
    namespace,
    peers,
    pod,
    policy,
    selector,
    tcp,
)

DB, API = workload("shop/db"), workload("shop/api")
TO_DB = selector(app="db")
NAMED = selector(**{"kubernetes.io/metadata.name": "monitoring"})


def shop(*policies: Policy) -> Snapshot:
    """Return a part of a cluster that shows one namespace."""
    return cluster(
        namespace("shop", env="prod"), pod("shop/db"), pod("shop/api"), *policies, complete=False
    )


def to_db(*peers_: PodPeer) -> Policy:
    return policy("shop", TO_DB, "db", ingress=(allow(*peers_, ports=(tcp(5432),)),))


def result(expectation: Expectation, snapshot: Snapshot) -> Result:
    (found,) = check(reachability(snapshot), [expectation])
    return found


ROLE = to_db(peers(app="api"))
OWN = to_db(PodPeer(EVERYTHING))
EVERY = to_db(PodPeer(EVERYTHING, EVERYTHING))
MONITORING = to_db(PodPeer(selector(app="prometheus"), NAMED))
SCRAPED = to_db(peers(app="api"), PodPeer(selector(app="prometheus"), NAMED))
BATCH = to_db(peers(app="api"), peers(app="batch"))
JOBS = to_db(peers(app="batch"))
ANYWHERE = PodPeer(EVERYTHING, EVERYTHING)
CLOSED = policy("shop", egress=())

PROMETHEUS = "pods with app=prometheus of namespace monitoring"
OTHERS, SHOP = "any pod of other namespaces", "any other pod of shop"

BROKEN = [
    pytest.param(denied("", outside("shop"), DB), EVERY, OTHERS, id="outside"),
    pytest.param(denied("", outside("x"), DB), JOBS, "pods with app=batch of shop", id="outside x"),
    pytest.param(
        denied("", ANYTHING, DB, 5432), JOBS, "pods with app=batch of shop", id="anything"
    ),
    pytest.param(only("", API, DB), OWN, SHOP, id="only one workload"),
    pytest.param(only("", pods("shop"), DB), EVERY, OTHERS, id="only its own namespace"),
    pytest.param(only("", API, DB), SCRAPED, PROMETHEUS, id="only, and one by name"),
    pytest.param(denied("", pods("monitoring"), DB), MONITORING, PROMETHEUS, id="not shown"),
    pytest.param(
        denied("", pods(labels={"app": "batch"}), DB),
        BATCH,
        "pods with app=batch of shop",
        id="labels",
    ),
    pytest.param(
        denied("", pods("shop", {"team": "x"}), DB),
        BATCH,
        "pods with app=batch,team=x",
        id="more labels",
    ),
    pytest.param(only("", API, DB), BATCH, "pods with app=batch of shop", id="a role of nobody"),
]


@pytest.mark.parametrize(("expectation", "admits", "who"), BROKEN)
def test_what_an_unseen_pod_breaks_does_not_hold(
    expectation: Expectation, admits: Policy, who: str
) -> None:
    found = result(replace(expectation, may_be_empty=True), shop(admits))
    assert found.outcome is Outcome.FAIL
    assert who in found.reason
    assert " could reach shop/db on " in found.reason
    assert "spec.ingress[" in found.help
    assert found.flow is not None
    assert found.flow.allowed


HOLDS = [
    pytest.param(denied("", outside("shop"), DB), OWN, id="its own namespace only"),
    pytest.param(denied("", outside("shop"), DB), ROLE, id="by role"),
    pytest.param(denied("", ANYTHING, DB, 80), EVERY, id="another port"),
    pytest.param(only("", API, DB, 5432), ROLE, id="the role of the one that may"),
    pytest.param(only("", pods("shop"), DB), OWN, id="the whole namespace may"),
    pytest.param(denied("", pods("tools"), DB), MONITORING, id="another namespace"),
    pytest.param(denied("", pods(labels={"app": "web"}), DB), BATCH, id="another label"),
    pytest.param(denied("", INTERNET, DB), EVERY, id="addresses are no pods"),
    pytest.param(denied("", workload("shop/api"), DB, 80), EVERY, id="a named pair"),
]


@pytest.mark.parametrize(("expectation", "admits"), HOLDS)
def test_what_no_unseen_pod_breaks_holds(expectation: Expectation, admits: Policy) -> None:
    stated = replace(expectation, may_be_empty=expectation.kind == "denied")
    assert result(stated, shop(admits)).outcome is Outcome.PASS


@pytest.mark.parametrize(("expectation", "admits", "who"), BROKEN)
def test_in_a_whole_cluster_nobody_else_is_there(
    expectation: Expectation, admits: Policy, who: str
) -> None:
    del who
    whole = replace(shop(admits), complete=True)
    stated = replace(expectation, may_be_empty=True)
    flow = result(stated, whole).flow
    assert flow is None or "any:" not in f"{flow.source.id} {flow.destination.id}"


def test_egress_counts_as_well() -> None:
    leaks = denied("", DB, outside("shop"))
    found = result(leaks, shop(policy("shop", TO_DB, egress=(allow(ANYWHERE),))))
    assert found.outcome is Outcome.FAIL
    assert found.reason == "shop/db could reach any pod of other namespaces on all ports"
    kept = shop(policy("shop", TO_DB, egress=(allow(PodPeer(EVERYTHING)),)))
    assert result(leaks, kept).outcome is Outcome.PASS


def test_a_port_name_of_an_unseen_pod_is_not_certain() -> None:
    snapshot = cluster(
        namespace("shop"),
        pod("shop/db"),
        pod("shop/api", named("metrics", 9090)),
        policy("shop", TO_DB, egress=(allow(ANYWHERE, ports=(tcp("metrics"),)),)),
        policy("shop", ingress=()),
        complete=False,
    )
    by_number = result(denied("", DB, outside("shop"), 9090), snapshot)
    assert by_number.outcome is Outcome.UNDETERMINED
    assert "may give any port of its own the name" in str(by_number.flow)


def test_a_name_that_is_stated_may_be_given_by_an_unseen_pod() -> None:
    snapshot = shop(policy("shop", TO_DB, egress=(allow(ANYWHERE),)))
    with_name = replace(
        snapshot, workloads=(*snapshot.workloads, pod("x/a", named("metrics", 9090)))
    )
    found = result(denied("", DB, ANYTHING, "metrics"), with_name)
    assert found.outcome is Outcome.FAIL  # x/a has it
    unseen = result(denied("", DB, [workload("shop/api"), outside("shop")], "metrics"), with_name)
    assert unseen.outcome is Outcome.FAIL


def test_a_block_is_not_certain_to_mean_unseen_pods() -> None:
    snapshot = shop(policy("shop", TO_DB, ingress=(allow(block("10.244.0.0/24")),)))
    stated = replace(denied("", pods("shop", {"app": "batch"}), DB), may_be_empty=True)
    assert result(stated, snapshot).outcome is Outcome.UNDETERMINED


def test_without_a_policy_it_is_said_what_would_close_it() -> None:
    unseen = result(replace(denied("", pods("none"), DB), may_be_empty=True), shop())
    assert unseen.reason == "any pod of namespace none could reach shop/db on all ports"
    assert unseen.help == (
        "let a policy isolate shop/db for ingress; if nothing else is in the cluster, "
        "say so with `--closed`"
    )


ANYONE = allowed("", ANYTHING, DB, 5432)


@pytest.mark.parametrize(
    ("admits", "wanted"),
    [
        pytest.param([], "pass", id="nobody isolates it"),
        pytest.param([policy("shop", TO_DB, ingress=(allow(),))], "pass", id="everyone may"),
        pytest.param([EVERY], "fail", id="no address may"),
        pytest.param([CLOSED], "fail", id="unseen pods of its namespace may not send"),
    ],
)
def test_everyone_means_unseen_pods_where_all_must_pass(admits: list[Policy], wanted: str) -> None:
    assert str(result(ANYONE, shop(*admits)).outcome) == wanted


def test_who_is_named_by_labels_must_pass_only_where_it_is_there() -> None:
    narrow = to_db(PodPeer(selector(app="api", tier="back")))
    there = cluster(
        namespace("shop"),
        pod("shop/db"),
        pod("shop/api", labels={"app": "api", "tier": "back"}),
        narrow,
        complete=False,
    )
    assert result(allowed("", pods(labels={"app": "api"}), DB, 5432), there).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("selection", "pods_", "meant", "rest"),
    [
        (ANYTHING, "shop/any:", ["shop/any:"], []),
        (outside("shop"), "shop,web/any:a=b", ["web/any:a=b"], ["shop/any:a=b"]),
        (outside("shop"), "any:@x=y", ["any:@x=y"], []),
        (
            outside("m"),
            "any:",
            ["any:@kubernetes.io/metadata.name notin (m)"],
            ["any:@kubernetes.io/metadata.name=m"],
        ),
        (pods("shop"), "shop,web/any:", ["shop/any:"], ["web/any:"]),
        (pods("shop"), "any:", [], ["any:"]),
        (
            pods("m"),
            "any:",
            ["any:@kubernetes.io/metadata.name=m"],
            ["any:@kubernetes.io/metadata.name notin (m)"],
        ),
        (pods(labels={"a": "b"}), "shop/any:", ["shop/any:a=b"], ["shop/any:a notin (b)"]),
        (pods(labels={"a": "b"}), "shop/any:a=c", [], ["shop/any:a=c"]),
        (pods("shop", {"a": "b"}), "web/any:", [], ["web/any:"]),
        (DB, "shop/any:", [], ["shop/any:"]),
        (INTERNET, "any:", [], ["any:"]),
    ],
)
def test_what_a_selection_means_of_unseen_pods(
    selection: object, pods_: str, meant: list[str], rest: list[str]
) -> None:
    shown = ("shop", "web")
    found = UnseenSelection([selection], shown)  # type: ignore[list-item]  # every kind of selection
    unseen = read_unseen(pods_, shown)
    assert [each.id for each in found.among(unseen)] == meant
    assert [each.id for each in found.not_among(unseen)] == rest
