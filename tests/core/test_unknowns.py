"""Unknown is never allowed and never denied: bounds hold for every value, and causes are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from podwall.engines import ENGINES
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
    Snapshot,
    SnapshotNamespace,
    Unknown,
)
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Endpoint, ExternalRange, Reachability, reachability
from tests.core.builders import EVERYTHING, allow, cluster, peers, pod, policy, selector, tcp
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured

WHY = Unknown("the value of a test")


def bounds(found: Reachability, flow: str) -> tuple[str, str, set[str]]:
    """Return what is allowed and undetermined on a flow, and the causes."""
    connection = found.connection(*flow.split(" -> "))
    doubtful = NO_PORTS
    for part in connection.undetermined:
        doubtful |= part.ports
    causes = {part.because for part in connection.undetermined}
    return str(connection.allowed), str(doubtful), causes


HIDDEN_EVERYWHERE = [
    pytest.param(
        [pod("x/a", labels={"app": WHY}), pod("y/b"), policy("x", selector(app="a"), ingress=())],
        ("no ports", "all ports"),
        id="a pod whose label a selector asks for may be isolated",
    ),
    pytest.param(
        [pod("x/a", labels={"other": WHY}), pod("y/b"), policy("x", selector(app="a"), ingress=())],
        ("all ports", "no ports"),
        id="a label that no selector asks for makes no difference",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), policy("x", Selector((), WHY), ingress=())],
        ("no ports", "all ports"),
        id="a selector that is not known may isolate",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), Policy(WHY, "p", EVERYTHING, ingress=())],
        ("no ports", "all ports"),
        id="a policy in a namespace that is not known may isolate",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), policy("x", ingress=WHY)],
        ("no ports", "all ports"),
        id="a direction that is not known may isolate and allow anything",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), policy("x", ingress=(WHY,))],
        ("no ports", "all ports"),
        id="a rule that is not known may allow anything",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), policy("x", ingress=(allow(WHY, ports=(tcp(80),)),))],
        ("no ports", "TCP 80"),
        id="a peer that is not known may be anyone, on the rule's ports",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), policy("x", ingress=(Rule(None, WHY),))],
        ("no ports", "all ports"),
        id="ports that are not known may be all",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), policy("x", ingress=(allow(ports=(tcp(80), WHY)),))],
        ("TCP 80", "TCP 1-79, 81-65535; all UDP; all SCTP"),
        id="an entry that is not known adds to the others",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), policy("x", ingress=(allow(ports=(PortRule(WHY, 53),)),))],
        ("no ports", "TCP 53; UDP 53; SCTP 53"),
        id="a protocol that is not known may be each",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"),
         policy("x", ingress=(allow(ports=(PortRule(IpProtocol.UDP, WHY),)),))],
        ("no ports", "all UDP"),
        id="a port that is not known may be any of its protocol",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"),
         policy("x", ingress=(allow(ports=(PortRule(IpProtocol.TCP, 80, WHY),)),))],
        ("TCP 80", "TCP 81-65535"),
        id="an end of a range that is not known is at least its beginning",
    ),
    pytest.param(
        [pod("x/a", open_ports=WHY), pod("y/b"),
         policy("x", ingress=(allow(ports=(tcp("http"),)),))],
        ("no ports", "all TCP"),
        id="ports of a pod that are not known may have the name",
    ),
    pytest.param(
        [pod("x/a", host_network=WHY), pod("y/b"), policy("x", ingress=())],
        ("no ports", "all ports"),
        id="a pod that may be on the host network may not be isolated",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b", host_network=WHY),
         policy("x", ingress=(allow(PodPeer(EVERYTHING, EVERYTHING)),))],
        ("no ports", "all ports"),
        id="a pod that may be on the host network may not be selected",
    ),
    pytest.param(
        [replace(pod("x/a"), namespace=WHY, name="?/a"), pod("y/b"), policy("x", ingress=())],
        None,
        id="a pod in a namespace that is not known may be isolated",
    ),
    pytest.param(
        [SnapshotNamespace("y", LabelMap((), WHY)), pod("x/a"), pod("y/b"),
         policy("x", ingress=(allow(PodPeer(EVERYTHING, selector(team="t"))),))],
        ("no ports", "all ports"),
        id="a namespace may have labels that are not known",
    ),
    pytest.param(
        [pod("x/a"), pod("y/b"), policy("x", ingress=(allow(PodPeer(EVERYTHING, Selector(
            (SelectorRequirement("app", Operator.NOT_IN, ("n",), WHY),)))),))],
        ("all ports", "no ports"),
        id="whatever the value, NotIn matches without the key",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "expected"), HIDDEN_EVERYWHERE)
def test_what_is_unknown_is_undetermined(
    parts: list[object], expected: tuple[str, str] | None
) -> None:
    found = reachability(cluster(*parts))  # type: ignore[arg-type]  # parts of a cluster
    target = "x/a" if expected else "?/?/a"
    allowed, doubtful, causes = bounds(found, f"y/b -> {target}")
    assert (allowed, doubtful) == (expected or ("no ports", "all ports"))
    assert all(WHY.cause in because for because in causes)
    assert bool(causes) == (doubtful != "no ports")


class TestDoubtfulAndCertainPolicies:
    CERTAIN = policy("x", ingress=(allow(ports=(tcp(80),)),))

    def test_a_doubtful_policy_can_only_add_to_a_certain_one(self) -> None:
        doubtful = policy("x", Selector((), WHY), ingress=(allow(ports=(tcp(81),)),))
        found = reachability(cluster(self.CERTAIN, doubtful))
        assert bounds(found, "y/a -> x/a")[:2] == ("TCP 80", "TCP 81")

    def test_what_every_doubtful_policy_allows_is_allowed(self) -> None:
        first = policy("x", Selector((), WHY), ingress=(allow(ports=(tcp(80, 82),)),))
        second = policy("x", Selector((), WHY), ingress=(allow(ports=(tcp(81, 83),)),))
        found = reachability(cluster(first, second))
        allowed, doubtful, _ = bounds(found, "y/a -> x/a")
        assert allowed == "TCP 81-82"
        assert doubtful == "TCP 1-80, 83-65535; all UDP; all SCTP; other protocols"

    def test_policies_that_surely_select_the_same_pods_act_together(self) -> None:
        pods = pod("x/a", labels={"app": WHY})
        one = policy("x", selector(app="a"), ingress=(allow(ports=(tcp(80),)),))
        two = policy("x", selector(app="a"), ingress=(allow(ports=(tcp(81),)),))
        found = reachability(cluster(pods, pod("y/b"), one, two))
        assert bounds(found, "y/b -> x/a")[0] == "TCP 80-81"


class TestNamespacesThatAreNotDeclared:
    TEAM = policy("x", ingress=(allow(PodPeer(EVERYTHING, selector(team="t"))),))

    def test_may_have_labels_in_a_partial_source(self) -> None:
        found = reachability(cluster(self.TEAM, complete=False))
        _, doubtful, causes = bounds(found, "y/a -> x/a")
        assert doubtful == "all ports"
        assert causes == {"the labels of namespace `y`, which the source does not declare"}

    def test_have_none_in_a_complete_one(self) -> None:
        assert bounds(reachability(cluster(self.TEAM)), "y/a -> x/a")[1] == "no ports"

    def test_default_is_always_known(self) -> None:
        snapshot = cluster(pod("x/a"), pod("default/b"), self.TEAM, complete=False)
        assert bounds(reachability(snapshot), "default/b -> x/a")[1] == "no ports"

    def test_have_their_name_in_any_source(self) -> None:
        by_name = PodPeer(EVERYTHING, selector(**{"kubernetes.io/metadata.name": "y"}))
        snapshot = cluster(policy("x", ingress=(allow(by_name),)), complete=False)
        assert bounds(reachability(snapshot), "y/a -> x/a")[0] == "all ports"
        assert bounds(reachability(snapshot), "x/b -> x/a")[1] == "no ports"


@pytest.mark.parametrize(
    "doubt",
    [
        pytest.param(lambda why: {"host_network": why}, id="the host network"),
        pytest.param(lambda why: {"labels": {"app": why}}, id="a label"),
        pytest.param(lambda why: {"namespace": why}, id="the namespace"),
    ],
)
def test_each_pod_has_causes_of_its_own(doubt: Callable[[Unknown], dict[str, Any]]) -> None:
    pods = [
        pod(f"x/{name}", **{"labels": {"app": "p"}, **doubt(Unknown(f"what {name} is"))})
        for name in "bc"
    ]
    rule = allow(peers(app="p"), ports=(tcp(80),))
    found = reachability(
        cluster(pod("x/a"), *pods, policy("x", selector(app="a"), ingress=(rule,)))
    )
    for each in (end for end in found.workloads if end.workload.name in "bc"):
        causes = str(found.connection(each.id, "x/a").undetermined)
        assert [f"what {name} is" in causes for name in "bc"] == [
            name == each.workload.name for name in "bc"
        ]


def test_different_causes_are_told_apart_by_their_ports() -> None:
    rules = (
        allow(Unknown("the first"), ports=(tcp(80),)),
        allow(Unknown("the second"), ports=(tcp(81),)),
        allow(Unknown("the third"), ports=(tcp(81, 82),)),
    )
    connection = reachability(cluster(policy("x", ingress=rules))).connection("y/a", "x/a")
    assert {str(each.ports): each.because for each in connection.undetermined} == {
        "TCP 80": "the first",
        "TCP 81": "the second; the third",
        "TCP 82": "the third",
    }


def test_a_cause_that_makes_no_difference_is_not_named() -> None:
    rules = (allow(peers(app="b")), allow(Unknown("of no matter"), ports=(tcp(80),)))
    sender = policy("y", egress=(allow(Unknown("the one"), ports=(tcp(80),)),))
    receiver = policy("x", ingress=(*rules, allow(ports=(tcp(80),))))
    _, _, causes = bounds(reachability(cluster(sender, receiver)), "y/a -> x/a")
    assert causes == {"the one"}


@pytest.mark.parametrize("chance", [0.05, 0.2, 0.5], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=3)
def test_bounds_hold_whatever_the_hidden_values_are(engine: str, chance: float) -> None:
    for seed in range(8):
        rng = Random(f"{engine} {chance} {seed}")
        size = Size(4, 4, ipv6=engine != "azure")  # unknown addresses of azure clusters are IPv4
        snapshot = _with_distinct_policies(random_cluster(rng, size))
        known = reachability(snapshot, engine)
        partly = reachability(obscured(rng, snapshot, chance), engine)
        for source in known.endpoints:
            for destination in known.endpoints:
                must, may = _bounds(known, source, destination)
                least, most = _bounds(partly, _same(partly, source), _same(partly, destination))
                assert least - must == NO_PORTS
                assert may - most == NO_PORTS


def _with_distinct_policies(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot without policies that replace another: hidden, they would be two."""
    last = {(each.namespace, each.name): each for each in snapshot.policies}
    return replace(snapshot, policies=tuple(last.values()))


def _bounds(
    found: Reachability, source: Endpoint, destination: Endpoint
) -> tuple[PortSet, PortSet]:
    connection = found.connection(source.id, destination.id)
    may = connection.allowed
    for part in connection.undetermined:
        assert part.because
        may |= part.ports
    return connection.allowed, may


def _same(found: Reachability, endpoint: Endpoint) -> Endpoint:
    """Return the endpoint that stands for another one where more, or less, is known."""
    if isinstance(endpoint, ExternalRange):
        first = endpoint.network.network_address
        return next(each for each in found.externals if first in each.network)
    name = endpoint.workload.name
    return next(each for each in found.workloads if each.workload.name == name)
