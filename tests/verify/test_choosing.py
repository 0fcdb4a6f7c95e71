"""Probes stand on both sides of every boundary, and never where nothing is certain."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence

import pytest

from podwall.diff import diff
from podwall.expectations import denied, only, workload
from podwall.model import (
    IpProtocol,
    LabelMap,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Service,
    ServicePort,
    Snapshot,
    SnapshotNamespace,
    SnapshotWorkload,
    Unknown,
    WorkloadPort,
)
from podwall.policies.labels import Operator
from podwall.portset import FIRST_PORT, LAST_PORT, NO_PORTS, PortSet
from podwall.reachability import Reachability, Verdict, reachability
from podwall.reachability.values import PairVerdict
from podwall.verify import (
    ConnectionProbe,
    boundary_probes,
    changed_probes,
    port_sides,
    stated_probes,
    through_services,
)


def _tcp(*ranges: tuple[int, int]) -> PortSet:
    return PortSet.from_ranges({IpProtocol.TCP: ranges})


def _naive(verdict: PairVerdict, port: int) -> Verdict:
    if verdict.allowed.contains(IpProtocol.TCP, port):
        return Verdict.ALLOWED
    perhaps = verdict.undetermined.contains(IpProtocol.TCP, port)
    return Verdict.UNDETERMINED if perhaps else Verdict.DENIED


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=3)
def test_both_sides_of_every_turn_are_there_as_a_walk_over_all_ports_finds_them(seed: int) -> None:
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(1, 65536), 8))
    if chance.random() < 0.5:
        cuts[0], cuts[-1] = FIRST_PORT, LAST_PORT
    allowed, perhaps = _tcp((cuts[0], cuts[1]), (cuts[4], cuts[5])), _tcp((cuts[2], cuts[3]))
    verdict = PairVerdict(allowed, (perhaps if seed % 2 else NO_PORTS) - allowed)
    verdicts = [_naive(verdict, port) for port in range(1, 65536)]
    wanted = {
        port + side
        for port in range(1, 65535)
        for side in (0, 1)
        if verdicts[port - 1] is not verdicts[port]
        and verdicts[port + side - 1] is not Verdict.UNDETERMINED
    }
    found = dict(port_sides(verdict))
    assert wanted <= found.keys()
    assert all(found[port] is _naive(verdict, port) for port in found)
    assert Verdict.UNDETERMINED not in found.values()


@pytest.mark.parametrize(
    ("verdict", "declared", "expected"),
    [
        (PairVerdict(NO_PORTS), (), [(80, Verdict.DENIED)]),
        (PairVerdict(NO_PORTS), (8080, 9000), [(8080, Verdict.DENIED)]),
        (PairVerdict(_tcp((1, 65535))), (), [(80, Verdict.ALLOWED)]),
        (PairVerdict(NO_PORTS, _tcp((1, 65535))), (8080,), []),
        (PairVerdict(_tcp((80, 80)), _tcp((1, 79), (81, 65535))), (), [(80, Verdict.ALLOWED)]),
    ],
    ids=["closed", "closed-declared", "open", "undetermined", "only-one-is-certain"],
)
def test_ports_where_there_is_no_boundary(
    verdict: PairVerdict, declared: Sequence[int], expected: list[tuple[int, Verdict]]
) -> None:
    assert list(port_sides(verdict, declared)) == expected


def _pods(namespace: str, name: str, replicas: int = 2, **kept: object) -> SnapshotWorkload:
    labels = LabelMap.of({"app": name})
    ports = (WorkloadPort(8080),)
    pods = SnapshotWorkload(namespace, name, "Deployment", labels, ports, replicas=replicas)
    for key, value in kept.items():
        object.__setattr__(pods, key, value)
    return pods


def _app(name: str) -> Selector:
    return Selector((SelectorRequirement("app", Operator.IN, (name,)),))


def _namespaces(*names: str) -> tuple[SnapshotNamespace, ...]:
    label = "kubernetes.io/metadata.name"
    return tuple(SnapshotNamespace(each, LabelMap(((label, each),))) for each in names)


_WEB_TO_API = Policy(
    "shop",
    "api",
    _app("api"),
    ingress=(Rule((PodPeer(_app("web")),), (PortRule(port=8080, end_port=8081),)),),
)


def shop(*more: SnapshotWorkload, policies: tuple[Policy, ...] = (_WEB_TO_API,)) -> Reachability:
    pods = (_pods("shop", "api"), _pods("shop", "web"), *more)
    names = _namespaces("shop", "kube-system")
    return reachability(Snapshot(names, pods, policies, complete=True))


def test_every_pair_of_classes_is_probed_on_both_sides() -> None:
    plan = boundary_probes(shop())
    into = {
        (each.client, each.port, each.predicted) for each in plan.probes if "api" in each.server
    }
    web, api = "shop/web", "shop/api"
    assert into == {
        (web, 8079, Verdict.DENIED),
        (web, 8080, Verdict.ALLOWED),
        (web, 8081, Verdict.ALLOWED),
        (web, 8082, Verdict.DENIED),
        (api, 8080, Verdict.DENIED),
    }
    assert {(each.client, each.port) for each in plan.probes if "web" in each.server} == {
        (web, 8080),
        (api, 8080),
    }


def test_what_is_predicted_is_what_the_analysis_says() -> None:
    found = shop()
    for each in boundary_probes(found).probes:
        ends = each.client, each.server
        assert found.verdict(*ends, IpProtocol.TCP, each.port) is each.predicted


def test_workloads_of_one_class_are_probed_once() -> None:
    twins = [_pods("shop", f"batch-{each}") for each in range(30)]
    plan = boundary_probes(shop(*twins))
    batches = {each.client for each in plan.probes if "batch" in each.client}
    assert len(batches) <= 2  # as a client of itself another of its class stands in


def test_a_single_pod_is_asked_as_two_pods_of_its_labels() -> None:
    lonely = Policy("shop", "deny", Selector(), ingress=())
    pods = _pods("shop", "db", replicas=1)
    found = reachability(Snapshot(_namespaces("shop"), (pods,), (lonely,), complete=True))
    assert [str(each) for each in boundary_probes(found).probes] == ["shop/db -> shop/db TCP 8080"]
    assert boundary_probes(found).probes[0].predicted is Verdict.DENIED


@pytest.mark.parametrize(
    ("workload", "reason"),
    [
        (_pods("kube-system", "dns"), "system"),
        (_pods("shop", "agent", host_network=True), "node"),
        (_pods("shop", "later", labels=LabelMap.of({"app": Unknown("an output")})), "not known"),
    ],
    ids=["system", "host-network", "unknown-labels"],
)
def test_no_pod_stands_for_such_a_client(workload: SnapshotWorkload, reason: str) -> None:
    plan = boundary_probes(shop(workload))
    assert workload.full_name not in plan.clients
    assert any(reason in each.reason for each in plan.left_out)


def test_pods_of_the_system_are_connected_to() -> None:
    plan = boundary_probes(shop(_pods("kube-system", "dns")))
    assert "kube-system/dns" in {each.server for each in plan.probes}


def test_nothing_undetermined_is_probed() -> None:
    maybe = Policy("shop", "maybe", _app("web"), ingress=Unknown("an output"))
    plan = boundary_probes(shop(policies=(_WEB_TO_API, maybe)))
    assert {each.server for each in plan.probes} == {"shop/api"}
    assert [each.count for each in plan.left_out if "undetermined" in each.reason] == [2]


def test_what_is_beyond_the_number_is_counted_and_the_seed_repeats_it() -> None:
    found = shop(*(_pods(f"team-{each}", "web") for each in range(6)))
    whole, part = boundary_probes(found, most=1000), boundary_probes(found, most=10, seed=7)
    assert len(part.probes) == 10
    assert part == boundary_probes(found, most=10, seed=7)
    beyond = [each.count for each in part.left_out if "beyond" in each.reason]
    assert beyond == [len(whole.probes) - 10]


def test_few_probes_still_have_both_predictions() -> None:
    found = shop(*(_pods(f"team-{each}", "web") for each in range(6)))
    predicted = {each.predicted for each in boundary_probes(found, most=6).probes}
    assert predicted == {Verdict.ALLOWED, Verdict.DENIED}


def test_pairs_that_a_change_touches_on_the_ports_that_it_touches() -> None:
    before, after = shop(policies=()), shop()
    plan = changed_probes(after, diff(before, after).changes())
    assert {(each.client, each.server) for each in plan.probes} == {
        ("shop/api", "shop/api"),
        ("shop/web", "shop/api"),
    }
    web = {each.port: each.predicted for each in plan.probes if each.client == "shop/web"}
    assert web[1] is web[8079] is web[8082] is web[65535] is Verdict.DENIED
    assert web[8080] is web[8081] is Verdict.ALLOWED


def test_stated_pairs_with_what_is_computed_rather_than_what_is_stated() -> None:
    stated = denied("no", workload("shop/web"), workload("shop/api"), 8080)
    plan = stated_probes(shop(), [stated])
    probe = ConnectionProbe("shop/web", "shop/api", 8080, Verdict.ALLOWED)
    assert probe in plan.probes
    assert {(each.client, each.server) for each in plan.probes} == {("shop/web", "shop/api")}


def test_those_that_only_some_may_do_are_probed_of_all_others() -> None:
    stated = only("one", workload("shop/web"), workload("shop/api"), 8080)
    plan = stated_probes(shop(_pods("shop", "job")), [stated])
    assert set(plan.clients) == {"shop/web", "shop/job"}


_DNS = Policy(
    "shop",
    "dns",
    _app("api"),
    ingress=(Rule((PodPeer(_app("web")),), (PortRule(IpProtocol.UDP, 5353, 5354),)),),
)


def test_both_sides_of_a_turn_over_udp_are_probed_where_udp_is_asked_for() -> None:
    both = (IpProtocol.TCP, IpProtocol.UDP)
    plan = boundary_probes(shop(policies=(_DNS,)), protocols=both)
    found = {
        (each.port, each.predicted)
        for each in plan.probes
        if each.protocol is IpProtocol.UDP and each.client == "shop/web"
    }
    allowed, shut = Verdict.ALLOWED, Verdict.DENIED
    assert found == {(5353, allowed), (5352, shut), (5354, allowed), (5355, shut)}


def test_over_udp_the_port_that_is_open_over_tcp_is_tried_where_udp_has_no_turn() -> None:
    plan = boundary_probes(shop(), protocols=(IpProtocol.UDP,))
    (probe,) = (each for each in plan.probes if each.client == "shop/web" != each.server)
    assert (probe.protocol, probe.port, probe.predicted) == (IpProtocol.UDP, 8080, Verdict.DENIED)


def test_what_is_not_asked_for_is_counted() -> None:
    left = {each.reason for each in boundary_probes(shop(policies=(_DNS,))).left_out}
    assert "pair with other verdicts on UDP, which is not among --protocols" in left


def test_pairs_of_one_verdict_on_all_protocols_are_probed_over_tcp_alone() -> None:
    plan = boundary_probes(shop(policies=()), protocols=tuple(IpProtocol)[:3])
    assert {each.protocol for each in plan.probes} == {IpProtocol.TCP}


def _with_service(*services: Service) -> Reachability:
    found = shop()
    return reachability(dataclasses.replace(found.snapshot, services=services))


@pytest.mark.parametrize(
    ("selector", "target", "names"),
    [
        (_app("api"), 8080, {"by-name:80"}),
        (_app("api"), 9999, set[str]()),
        (_app("nobody"), 8080, set[str]()),
        (Selector(), 8080, set[str]()),
        (None, 8080, set[str]()),
        (Selector((SelectorRequirement("app", Operator.EXISTS),)), 8080, set[str]()),
    ],
    ids=["one", "other-port", "nobody", "everybody", "no-selector", "two-workloads"],
)
def test_a_service_is_tried_where_it_leads_to_one_workload_alone(
    selector: Selector | None, target: int, names: set[str]
) -> None:
    ports = (ServicePort(80, target),)
    found = _with_service(Service("shop", "by-name", "ClusterIP", selector, ports))
    plan = boundary_probes(found)
    more = through_services(plan, found).probes[len(plan.probes) :]
    assert {each.service for each in more} == names
    direct = {(each.client, each.server, each.port, each.predicted) for each in plan.probes}
    assert {(each.client, each.server, each.port, each.predicted) for each in more} <= direct


def test_a_target_by_name_is_the_number_on_the_pods() -> None:
    named = _pods("shop", "db", ports=(WorkloadPort(5432, name="sql"),))
    found = shop(named)
    service = Service("shop", "db", "ClusterIP", _app("db"), (ServicePort(1, "sql"),))
    found = reachability(dataclasses.replace(found.snapshot, services=(service,)))
    plan = through_services(boundary_probes(found), found)
    assert {(each.server, each.port) for each in plan.probes if each.service} == {("shop/db", 5432)}
