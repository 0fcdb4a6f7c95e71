"""Probes from outside: to sockets of this machine, which a stand-in cluster says are its own."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from podwall.exit_code import ExitCode
from podwall.live import KubeContext
from podwall.model import Policy, Service, ServicePort
from podwall.reachability import Reachability, Verdict, reachability
from podwall.reports.verification import verification_suite, verification_tap
from podwall.verify import (
    Agreement,
    ComparedProbe,
    ConnectionProbe,
    MadeProbes,
    Observation,
    ProbeOutcome,
    ProbePlan,
    compared,
    existing,
    from_outside,
    verification,
)
from podwall.verify.comparing import BALANCER, NODE_PORT, OUTSIDE
from podwall.verify.existing import seen_from_outside
from podwall.verify.running import verified
from podwall.verify.temporary import ProbePace, ProbeRun
from tests.core.builders import allow, block, cluster, peers, pod, policy, selector, tcp
from tests.live.stand_in import Answer, Asked, serving

ONCE = ProbePace(wait=1, tries=1)
INSIDE, NODE = "10.1.0.4", "127.0.0.2"
"""A node's own address, and the one by which it is reached from outside: this machine."""

EVERYBODY = policy(
    "x", selector(app="a"), "open", ingress=(allow(block("0.0.0.0/0"), ports=(tcp(8080),)),)
)


def service(type_: str = "NodePort", **more: Any) -> Service:
    ports = tuple(ServicePort(port, target) for port, target in ((80, 8080), (81, 9090)))
    sees_clients = {"external_traffic_policy": "Local"}
    return Service("x", "a", type_, selector(app="a"), ports, **(sees_clients | more))


def shop(*policies: Policy, engine: str = "spec", **more: Any) -> Reachability:
    return reachability(cluster(pod("x/a"), service(**more), *policies), engine)


def predicted(found: Reachability) -> list[tuple[int, str, str]]:
    plan = from_outside(ProbePlan(()), found)
    assert {each.client for each in plan.probes} <= {OUTSIDE}
    return [(each.port, each.way, each.predicted.value) for each in plan.probes]


def reasons(found: Reachability) -> str:
    return "; ".join(each.reason for each in from_outside(ProbePlan(()), found).left_out)


def test_both_sides_of_a_rule_for_everybody_are_tried_by_the_node_port() -> None:
    assert predicted(shop(EVERYBODY)) == [
        (8080, NODE_PORT, "allowed"),
        (9090, NODE_PORT, "denied"),
    ]


def test_not_more_are_chosen_than_asked_for() -> None:
    plan = from_outside(ProbePlan(()), shop(EVERYBODY), most=1)
    assert [each.port for each in plan.probes] == [8080]
    assert [(each.count, "beyond" in each.reason) for each in plan.left_out] == [(1, True)]


def test_a_load_balancer_has_node_ports_too_unless_it_has_none() -> None:
    both = predicted(shop(EVERYBODY, type_="LoadBalancer"))
    assert [way for _, way, _ in both] == [BALANCER, NODE_PORT] * 2
    alone = predicted(shop(EVERYBODY, type_="LoadBalancer", node_ports=False))
    assert [way for _, way, _ in alone] == [BALANCER] * 2


def test_source_ranges_of_a_balancer_are_no_verdict_of_policies() -> None:
    found = shop(EVERYBODY, type_="LoadBalancer", source_ranges=("192.0.2.0/24",))
    assert {way for _, way, _ in predicted(found)} == {NODE_PORT}
    assert "lets only some addresses in" in reasons(found)


def test_nothing_is_predicted_where_the_clients_address_decides() -> None:
    some = allow(block("198.51.100.0/24"), ports=(tcp(8080),))
    found = shop(policy("x", selector(app="a"), "some", ingress=(some,)))
    assert predicted(found) == [(9090, NODE_PORT, "denied")]
    assert "depends on the client's address" in reasons(found)


@pytest.mark.parametrize(
    ("engine", "predictions"),
    [
        pytest.param("spec", {}, id="the specification says nothing of what nodes rewrite"),
        pytest.param("azure", {8080: "allowed", 9090: "allowed"}, id="azure opens it"),
        pytest.param("calico", {8080: "allowed"}, id="calico may see a node, which may connect"),
        pytest.param("cilium", {9090: "denied"}, id="cilium may see a node, which no block means"),
    ],
)
def test_of_a_client_that_nodes_hide_the_engines_facts_decide(
    engine: str, predictions: dict[int, str]
) -> None:
    found = shop(EVERYBODY, engine=engine, external_traffic_policy="Cluster")
    assert {port: verdict for port, _, verdict in predicted(found)} == predictions


@pytest.mark.parametrize(
    ("engine", "hidden"),
    [
        pytest.param("spec", [], id="the specification says nothing of the other service"),
        pytest.param("azure", [(8080, "allowed"), (9090, "allowed")], id="azure opens the other"),
        pytest.param("calico", [(8080, "allowed")], id="calico may see a node by the other"),
    ],
)
def test_a_service_that_hides_clients_says_nothing_of_another_one(
    engine: str, hidden: list[tuple[int, str]]
) -> None:
    other = replace(service(external_traffic_policy="Cluster"), name="other")
    found = reachability(cluster(pod("x/a"), service(), other, EVERYBODY), engine)
    plan = from_outside(ProbePlan(()), found)
    by: dict[str, list[tuple[int, str]]] = {name: [] for name in ("a", "other")}
    for each in plan.probes:
        by[each.service.partition(":")[0]].append((each.port, each.predicted.value))
    assert by == {"a": [(8080, "allowed"), (9090, "denied")], "other": hidden}


def test_a_disagreement_is_explained_without_the_services_that_it_does_not_come_by() -> None:
    other = replace(service(external_traffic_policy="Cluster"), name="other")
    found = reachability(cluster(pod("x/a"), service(), other, EVERYBODY), "azure")
    probe = ConnectionProbe(OUTSIDE, "x/a", 9090, Verdict.DENIED, service="a:81", way=NODE_PORT)
    made = MadeProbes((compared(probe, Observation(ProbeOutcome.CONNECTED, 5)),))
    explained = verification("c", found, made).explanations[probe]
    assert explained.verdict is Verdict.DENIED


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"type_": "ClusterIP"}, id="a service that nothing outside reaches"),
        pytest.param({"type_": "ExternalName"}, id="a name"),
    ],
)
def test_a_service_without_a_way_in_is_not_tried(changed: dict[str, Any]) -> None:
    assert predicted(shop(EVERYBODY, **changed)) == []


@dataclass
class Outside:
    """A cluster whose node is this machine, seen from outside."""

    ports: dict[int, int]
    balancer: str = ""
    address: str = NODE
    ready: bool = True
    own: str = INSIDE
    lists: int = 0
    gone_after: int = 99
    pod_cidr: str = "10.244.0.0/24"
    more: dict[str, Any] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Answer:
        kind = asked.path.rpartition("/")[2]
        items = {"nodes": self._node, "pods": self._pod, "services": self._service}
        there = kind in items and "labelSelector" not in asked.query
        return Answer({"metadata": {}, "items": [items[kind]()] if there else []})

    def _node(self) -> dict[str, Any]:
        addresses = [("InternalIP", INSIDE), ("ExternalIP", self.address)]
        found = [{"type": type_, "address": each} for type_, each in addresses]
        return {
            "metadata": {"name": "n"},
            "spec": {"podCIDR": self.pod_cidr},
            "status": {"addresses": found},
        }

    def _pod(self) -> dict[str, Any]:
        self.lists += 1
        ready = self.ready and self.lists <= self.gone_after
        conditions = [{"type": "Ready", "status": str(ready)}]
        meta = {"name": "a", "namespace": "x", "labels": {"app": "a"}}
        status = {"phase": "Running", "podIP": "10.244.0.9", "hostIP": self.own}
        return {"metadata": meta, "status": {**status, "conditions": conditions}}

    def _service(self) -> dict[str, Any]:
        ports = [{"port": port, "nodePort": number} for port, number in self.ports.items()]
        status = {"loadBalancer": {"ingress": [{"ip": self.balancer}] if self.balancer else []}}
        meta = {"name": "a", "namespace": "x"}
        return {"metadata": meta, "spec": {"ports": ports, **self.more}, "status": status}


@contextmanager
def listening(address: str = NODE) -> Iterator[int]:
    with socket.create_server((address, 0)) as server:
        yield int(server.getsockname()[1])


@contextmanager
def silent(address: str = NODE) -> Iterator[int]:
    """Yield a port that answers nobody: its queue is full, so that Linux drops who knocks."""
    with socket.create_server((address, 0), backlog=0) as server, ExitStack() as stack:
        port = int(server.getsockname()[1])
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((address, port))
        yield port


def closed(address: str = NODE) -> int:
    with listening(address) as port:
        return port


def tried(
    outside: Outside, found: Reachability | None = None, pace: ProbePace = ONCE
) -> list[ComparedProbe]:
    found = found or shop(EVERYBODY)
    plan = from_outside(ProbePlan(()), found)
    with serving(outside.answer) as server, server.connection() as connection:
        return list(seen_from_outside(connection, found, plan.probes, pace))


def said(results: list[ComparedProbe]) -> list[tuple[str, str]]:
    return [(each.observation.outcome.value, each.agreement.value) for each in results]


def test_what_is_open_connects_and_what_is_closed_is_silent() -> None:
    with listening() as opened, silent() as dropped:
        results = tried(Outside({80: opened, 81: dropped}))
    assert said(results) == [("connected", "agrees"), ("timed out", "agrees")]


def test_silence_alone_proves_nothing() -> None:
    with silent() as one, silent() as other:
        results = tried(Outside({80: one, 81: other}))
    assert said(results) == [("timed out", "not observed")] * 2
    assert "nothing else answers at that address" in results[0].reason


def test_what_is_denied_and_open_is_declared_but_not_enforced() -> None:
    with listening() as opened, listening() as other:
        results = tried(Outside({80: opened, 81: other}))
    assert said(results)[1] == ("connected", "disagrees")
    assert results[1].reason.startswith("declared but not enforced")


def test_what_is_allowed_and_silent_disagrees_where_the_node_answers_otherwise() -> None:
    two = replace(EVERYBODY, ingress=(allow(block("0.0.0.0/0")),))
    with listening() as opened, silent() as dropped:
        results = tried(Outside({80: opened, 81: dropped}), shop(two))
    assert said(results) == [("connected", "agrees"), ("timed out", "disagrees")]


def test_a_refusal_proves_nothing_because_a_node_can_refuse_too() -> None:
    results = tried(Outside({80: closed(), 81: closed()}))
    assert said(results) == [("refused", "not observed")] * 2
    assert "a node or a load balancer can" in results[0].reason


def test_a_balancer_is_asked_at_its_own_address_and_the_services_port() -> None:
    found = shop(EVERYBODY, type_="LoadBalancer", node_ports=False)
    with listening("127.0.0.3") as opened:
        ports = (ServicePort(opened, 8080),)
        one = replace(found.snapshot.services[0], ports=ports)
        found = reachability(replace(found.snapshot, services=(one,)), "spec")
        results = tried(Outside({opened: 1}, balancer="127.0.0.3"), found)
    assert said(results) == [("connected", "agrees")]
    assert str(results[0].probe) == (
        f"outside -> x/a TCP 8080 by service a:{opened}, load balancer"
    )


@pytest.mark.parametrize(
    ("outside", "reason"),
    [
        pytest.param(Outside({}), "no node port", id="no node port yet"),
        pytest.param(Outside({80: 1, 81: 1}, own="10.9.9.9"), "node is not known", id="no node"),
        pytest.param(Outside({80: 1, 81: 1}, ready=False), "no pod of `x/a` is ready", id="no pod"),
        pytest.param(
            Outside({80: 1, 81: 1}, pod_cidr="127.0.0.0/8"),
            "this machine is a node or a pod",
            id="this machine is a pod",
        ),
    ],
)
def test_what_can_not_be_tried_is_not_observed(outside: Outside, reason: str) -> None:
    results = tried(outside)
    assert {each.agreement for each in results} == {Agreement.NOT_OBSERVED}
    assert all(reason in each.reason for each in results)


def test_a_balancer_without_an_address_is_not_observed() -> None:
    found = shop(EVERYBODY, type_="LoadBalancer", node_ports=False)
    assert {each.reason for each in tried(Outside({}), found)} == {
        "service `a`: its load balancer has no address yet"
    }


def test_an_address_of_ipv6_is_not_observed_and_says_so() -> None:
    found = shop(EVERYBODY, type_="LoadBalancer", node_ports=False)
    assert {each.reason for each in tried(Outside({}, balancer="2001:db8::1"), found)} == {
        "service `a`: nothing is predicted of IPv6 from outside"
    }


def test_a_run_inside_the_cluster_sees_nothing_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with listening() as opened:
        results = tried(Outside({80: opened, 81: opened}))
    assert {each.agreement for each in results} == {Agreement.NOT_OBSERVED}


def test_a_pod_that_is_replaced_meanwhile_is_not_observed() -> None:
    with listening() as opened, silent() as dropped:
        results = tried(Outside({80: opened, 81: dropped}, gone_after=1))
    assert {each.agreement for each in results} == {Agreement.NOT_OBSERVED}
    assert "changed meanwhile" in results[0].reason


def test_it_is_tried_again_before_a_difference_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with listening() as opened, listening() as other:
        results = tried(Outside({80: opened, 81: other}), pace=ProbePace(wait=1, tries=3))
    assert [each.observation.attempts for each in results] == [1, 3]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(TimeoutError(), ProbeOutcome.TIMED_OUT, id="silence"),
        pytest.param(ConnectionRefusedError(), ProbeOutcome.REFUSED, id="refused"),
        pytest.param(ConnectionResetError(), ProbeOutcome.RESET, id="reset"),
        pytest.param(OSError(errno.EHOSTUNREACH, "no"), ProbeOutcome.UNREACHABLE, id="no host"),
        pytest.param(OSError(errno.ENETUNREACH, "no"), ProbeOutcome.UNREACHABLE, id="no network"),
        pytest.param(socket.gaierror(), ProbeOutcome.UNRESOLVED, id="no such name"),
        pytest.param(OSError(errno.EPERM, "no"), ProbeOutcome.NOT_OBSERVED, id="not allowed here"),
    ],
)
def test_each_end_of_an_attempt_is_told_apart(
    error: OSError, outcome: ProbeOutcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(existing, "_is_inside", lambda *_: "")
    monkeypatch.setattr(socket.socket, "connect", fails)
    tell: Callable[..., tuple[ProbeOutcome, str]] = existing._connected_to  # noqa: SLF001
    assert tell("192.0.2.1", 80, 1.0)[0] is outcome


@pytest.mark.parametrize("way", [NODE_PORT, BALANCER])
@pytest.mark.parametrize("should", [Verdict.ALLOWED, Verdict.DENIED])
@pytest.mark.parametrize("outcome", set(ProbeOutcome) - {ProbeOutcome.CONNECTED})
def test_nothing_uncontrolled_ever_agrees(way: str, should: Verdict, outcome: ProbeOutcome) -> None:
    probe = ConnectionProbe(OUTSIDE, "x/a", 80, should, service="a:80", way=way)
    assert compared(probe, Observation(outcome, 1)).agreement is Agreement.NOT_OBSERVED


def test_a_whole_run_makes_no_pod_for_what_comes_from_outside(tmp_path: Path) -> None:
    found = shop(EVERYBODY)
    plan = from_outside(ProbePlan(()), found)
    how = ProbeRun("registry.example/busybox", "0a1b", pace=ONCE)
    with listening() as opened, silent() as dropped:
        with serving(Outside({80: opened, 81: dropped}).answer) as server:
            context = KubeContext(str(server.kubeconfig(tmp_path)), None)
            made = verified(context, found, plan, how, print)
        assert [each.method for each in server.asked if each.method != "GET"] == []
    assert made.exit_code is ExitCode.FINE
    assert said(list(made.results)) == [("connected", "agrees"), ("timed out", "agrees")]


def test_reports_name_the_way_and_explain_what_disagrees() -> None:
    with listening() as opened, listening() as other:
        results = tried(Outside({80: opened, 81: other}))
    found = verification("c", shop(EVERYBODY), MadeProbes(tuple(results)))
    (explained,) = found.explanations.values()
    assert explained.verdict is Verdict.DENIED
    assert any("security group" in each for each in found.causes)
    tap = "".join(verification_tap(found))
    assert "not ok 2 outside -> x/a TCP 9090 by service a:81, node port, denied" in tap
    suite = verification_suite(found)
    assert [bool(each.failure) for each in suite.cases] == [False, True]


def test_pods_that_are_not_admitted_by_labels_are_denied_from_outside() -> None:
    inside = policy("x", selector(app="a"), "in", ingress=(allow(peers(app="b")),))
    assert {verdict for _, _, verdict in predicted(shop(inside))} == {"denied"}
