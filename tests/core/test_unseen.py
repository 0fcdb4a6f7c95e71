"""Which unseen pods each workload is exposed to: cases that a reader can follow."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from podwall.engines import AZURE, CALICO, CILIUM, NONE, SPEC, Engine
from podwall.model import (
    LabelMap,
    Operator,
    PodPeer,
    Policy,
    Rule,
    SelectorRequirement,
    Snapshot,
    SnapshotNamespace,
    Unknown,
)
from podwall.policies import InvalidValue
from podwall.policies.rules import Direction
from podwall.reachability import reachability
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    load_balancer,
    named,
    namespace,
    peers,
    pod,
    policy,
    selector,
    tcp,
)
from tests.core.test_exposure import SMALL, open_cluster

A, B = pod("x/a"), pod("x/b")
X = namespace("x", env="dev")
TO_A = selector(app="a")
ALL_NAMESPACES = PodPeer(EVERYTHING, EVERYTHING)
OTHERS = "any pod of other namespaces"


def requirement(key: str, operator: Operator, *values: str) -> SelectorRequirement:
    return SelectorRequirement(key, operator, values)


def in_namespaces(pods: Any = EVERYTHING, *more: SelectorRequirement, **labels: str) -> PodPeer:
    return PodPeer(pods, selector(*more, **labels))


def to_a(*rules: Rule) -> Policy:
    return policy("x", TO_A, ingress=rules)


def exposed(
    snapshot: Snapshot,
    workload: str = "x/a",
    direction: Direction = Direction.INGRESS,
    engine: Engine = SPEC,
) -> set[str]:
    """Return the unseen pods in words, with the ports; `?` and the cause where in doubt."""
    found = set()
    for each in reachability(snapshot, engine).exposure(workload, direction):
        pods = each.source if direction is Direction.INGRESS else each.destination
        if each.allowed:
            found.add(f"{pods}: {each.allowed}")
        found |= {f"{pods}: {part.ports}? {part.because}" for part in each.undetermined}
    return found


def shown(*parts: Any) -> Snapshot:
    return cluster(X, A, B, *parts, complete=False)


INGRESS = {
    "nobody isolates it": ([], {"any other pod of x: all ports", f"{OTHERS}: all ports"}),
    "nobody may": ([to_a()], set()),
    "a rule without peers": (
        [to_a(allow(ports=(tcp(80),)))],
        {"any other pod of x: TCP 80", f"{OTHERS}: TCP 80"},
    ),
    "every pod of its namespace": (
        [to_a(allow(PodPeer(EVERYTHING)))],
        {"any other pod of x: all ports"},
    ),
    "the role of a workload": ([to_a(allow(peers(app="b")))], set()),
    "a role that nobody has": (
        [to_a(allow(peers(app="c")))],
        {"pods with app=c of x: all ports"},
    ),
    "one role that nobody has among several": (
        [to_a(allow(PodPeer(selector(requirement("app", Operator.IN, "a", "b", "c")))))],
        {"pods with app=c of x: all ports"},
    ),
    "whoever has the label": (
        [to_a(allow(PodPeer(selector(requirement("app", Operator.EXISTS)))))],
        {"pods with app of x: all ports"},
    ),
    "whoever lacks a label": (
        [to_a(allow(PodPeer(selector(requirement("app", Operator.NOT_IN, "b")))))],
        {"pods with app notin (b) of x: all ports"},
    ),
    "a selector that contradicts itself": (
        [
            to_a(
                allow(
                    PodPeer(
                        selector(
                            requirement("app", Operator.IN, "c"),
                            requirement("app", Operator.DOES_NOT_EXIST),
                        )
                    )
                )
            )
        ],
        set(),
    ),
    "every namespace": (
        [to_a(allow(ALL_NAMESPACES))],
        {"any other pod of x: all ports", f"{OTHERS}: all ports"},
    ),
    "namespaces by a label that its own lacks": (
        [to_a(allow(in_namespaces(team="x")))],
        {"any pod of other namespaces with team=x: all ports"},
    ),
    "namespaces by a label that its own has": (
        [to_a(allow(in_namespaces(env="dev")))],
        {
            "any other pod of x: all ports",
            "any pod of other namespaces with env=dev: all ports",
        },
    ),
    "a namespace by its name": (
        [to_a(allow(PodPeer(selector(app="p"), selector(**{"kubernetes.io/metadata.name": "m"}))))],
        {"pods with app=p of namespace m: all ports"},
    ),
    "its own namespace by its name": (
        [to_a(allow(PodPeer(selector(app="b"), selector(**{"kubernetes.io/metadata.name": "x"}))))],
        set(),
    ),
    "a role in every namespace": (
        [to_a(allow(PodPeer(selector(app="b"), EVERYTHING)))],
        {"pods with app=b of other namespaces: all ports"},
    ),
    "what another rule contains goes": (
        [to_a(allow(in_namespaces(team="x")), allow(in_namespaces(selector(app="p"), team="x")))],
        {"any pod of other namespaces with team=x: all ports"},
    ),
    "what another rule contains stays where it has more ports": (
        [
            to_a(allow(ALL_NAMESPACES, ports=(tcp(80),))),
            to_a(allow(in_namespaces(team="x"), ports=(tcp(81),))),
        ],
        {
            "any other pod of x: TCP 80",
            f"{OTHERS}: TCP 80",
            "any pod of other namespaces with team=x: TCP 80-81",
        },
    ),
    "a policy that keeps unseen pods from sending": (
        [to_a(allow(PodPeer(EVERYTHING))), policy("x", egress=())],
        set(),
    ),
    "a policy that lets a role send": (
        [
            to_a(allow(PodPeer(EVERYTHING))),
            policy("x", egress=()),
            policy("x", selector(app="job"), egress=(allow(ports=(tcp(80),)),)),
        ],
        {"pods with app=job of x: TCP 80"},
    ),
    "a policy that isolates some of those that may": (
        [
            to_a(allow(PodPeer(EVERYTHING))),
            policy("x", selector(app="job"), egress=()),
        ],
        {"pods with app notin (job) of x: all ports"},
    ),
}


@pytest.mark.parametrize(("parts", "expected"), INGRESS.values(), ids=INGRESS)
def test_who_may_connect_to_a(parts: list[Policy], expected: set[str]) -> None:
    assert exposed(shown(*parts)) == expected


def from_a(*rules: Rule) -> Policy:
    return policy("x", TO_A, egress=rules)


NAME = "an unseen pod may give any port of its own the name that a rule asks for"
EGRESS = {
    "nobody isolates it": ([], {"any other pod of x: all ports", f"{OTHERS}: all ports"}),
    "the role of a workload": ([from_a(allow(peers(app="b")))], set()),
    "a port by its name": (
        [from_a(allow(in_namespaces(team="x"), ports=(tcp("http"), tcp(80))))],
        {
            "any pod of other namespaces with team=x: TCP 80",
            f"any pod of other namespaces with team=x: TCP 1-79, 81-65535? {NAME}",
        },
    ),
    "a port by its name at a pod of its namespace": (
        [from_a(allow(PodPeer(EVERYTHING), ports=(tcp("http"),)))],
        {f"any other pod of x: all TCP? {NAME}"},
    ),
    "unseen pods that are closed": (
        [from_a(allow(PodPeer(EVERYTHING))), policy("x", ingress=())],
        set(),
    ),
}


@pytest.mark.parametrize(("parts", "expected"), EGRESS.values(), ids=EGRESS)
def test_to_whom_a_may_connect(parts: list[Policy], expected: set[str]) -> None:
    assert exposed(shown(*parts), direction=Direction.EGRESS) == expected


def test_a_port_name_of_its_own_is_resolved_on_the_workload() -> None:
    snapshot = cluster(
        X,
        pod("x/a", named("http", 8080)),
        to_a(allow(ALL_NAMESPACES, ports=(tcp("http"),))),
        complete=False,
    )
    assert exposed(snapshot) == {"any other pod of x: TCP 8080", f"{OTHERS}: TCP 8080"}


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (CILIUM, set()),
        (AZURE, {"TCP 80?"}),
        (CALICO, {"TCP 80?"}),
        (SPEC, {"TCP 80?"}),
    ],
)
def test_a_block_means_unseen_pods_where_the_engine_matches_addresses(
    engine: Engine, expected: set[str]
) -> None:
    found = exposed(shown(to_a(allow(block("10.244.1.0/24"), ports=(tcp(80),)))), engine=engine)
    assert {each.split(": ")[1].split(" ip block")[0] for each in found} == expected


def test_a_block_of_all_addresses_of_pods_means_every_pod() -> None:
    snapshot = shown(to_a(allow(block("0.0.0.0/0"), ports=(tcp(80),))))
    found = exposed(snapshot, engine=AZURE)
    assert found == {"any other pod of x: TCP 80", f"{OTHERS}: TCP 80"}


def test_without_an_engine_everything_is_open() -> None:
    assert exposed(shown(to_a()), engine=NONE) == {
        "any other pod of x: all ports",
        f"{OTHERS}: all ports",
    }


def test_a_node_port_under_azure_is_open_to_all() -> None:
    snapshot = shown(to_a(), load_balancer("x/lb", 80, TO_A))
    assert exposed(snapshot, engine=AZURE) == {"any other pod of x: TCP 80", f"{OTHERS}: TCP 80"}
    assert exposed(snapshot, engine=CILIUM) == set()


def test_a_node_port_under_azure_opens_unseen_backends() -> None:
    snapshot = shown(from_a(), load_balancer("x/lb", 80, selector(app="job")))
    found = exposed(snapshot, direction=Direction.EGRESS, engine=AZURE)
    assert found == {"pods with app=job of x: TCP 80"}


def test_a_pod_on_the_host_network_is_a_node_and_open() -> None:
    snapshot = cluster(X, replace(A, host_network=True), to_a(), complete=False)
    assert exposed(snapshot) == {"any other pod of x: all ports", f"{OTHERS}: all ports"}


def test_the_label_of_a_pod_on_the_host_network_makes_no_twin() -> None:
    snapshot = cluster(
        X, A, replace(B, host_network=True), to_a(allow(peers(app="b"))), complete=False
    )
    assert exposed(snapshot) == {"pods with app=b of x: all ports"}


def test_the_labels_of_a_namespace_that_is_not_declared_are_not_known() -> None:
    snapshot = cluster(A, B, pod("y/c"), X, to_a(allow(in_namespaces(team="x"))), complete=False)
    cause = "the labels of namespace `y`, which the source does not declare"
    assert exposed(snapshot) == {
        f"any other pod of y: all ports? {cause}",
        "any pod of other namespaces with team=x: all ports",
    }


def test_alike_namespaces_are_one_class() -> None:
    spaces = [namespace(name) for name in ("y", "z")]
    snapshot = shown(*spaces, to_a(allow(ALL_NAMESPACES)), policy("z", egress=()))
    assert exposed(snapshot) == {"any other pod of x and y: all ports", f"{OTHERS}: all ports"}


def test_a_peer_that_is_not_known_yet_may_be_anyone() -> None:
    why = Unknown("the value of a test")
    snapshot = shown(to_a(allow(why, ports=(tcp(80),))))
    cause = "the value of a test"
    assert exposed(snapshot) == {
        f"any other pod of x: TCP 80? {cause}",
        f"{OTHERS}: TCP 80? {cause}",
    }


def test_a_closed_source_has_no_unseen_pods() -> None:
    found = reachability(replace(shown(), complete=True))
    assert found.is_closed
    assert list(found.exposures()) == []


def test_default_deny_and_peers_by_role_expose_nothing() -> None:
    snapshot = shown(
        policy("x", ingress=(), egress=()),
        to_a(allow(peers(app="b"), ports=(tcp(80),))),
        policy("x", selector(app="b"), egress=(allow(peers(app="a"), ports=(tcp(80),)),)),
    )
    assert list(reachability(snapshot).exposures()) == []


@pytest.mark.long
def test_too_many_ways_to_divide_pods_are_undetermined() -> None:
    halves = [
        policy("x", selector(*(requirement(f"{k}{n}", Operator.EXISTS) for k in "pq")), egress=())
        for n in range(20)
    ]
    found = exposed(shown(to_a(allow(PodPeer(EVERYTHING))), *halves))
    assert {each.partition("?")[0] for each in found} == {"any other pod of x: all ports"}
    assert all("?" in each for each in found)


@pytest.mark.long
def test_the_replay_of_a_class_says_what_the_exposure_says() -> None:
    for seed in range(60):
        found = reachability(open_cluster(Random(f"replay {seed}"), SMALL), SPEC)
        for each in found.exposures():
            replayed = found.connection(each.source_id, each.destination_id)
            if "," not in each.source_id + each.destination_id:
                assert each.allowed - replayed.allowed == each.allowed - each.allowed


def test_what_is_undetermined_has_a_cause_and_is_apart() -> None:
    for seed in range(60):
        found = reachability(open_cluster(Random(f"causes {seed}"), SMALL), SPEC)
        for each in found.exposures():
            assert each.allowed or each.undetermined
            assert all(part.because and part.ports for part in each.undetermined)
            assert not any(part.ports & each.allowed for part in each.undetermined)


def test_an_external_range_is_exposed_to_nobody() -> None:
    found = reachability(shown())
    assert found.exposure("0.0.0.0/0", Direction.INGRESS) == ()
    with pytest.raises(InvalidValue, match="there is no workload"):
        found.exposure("x/c", Direction.INGRESS)


def test_a_namespace_counts_as_shown_if_anything_is_in_it() -> None:
    snapshot = Snapshot(
        namespaces=(SnapshotNamespace("n", LabelMap()),),
        workloads=(pod("w/a"),),
        policies=(policy("p", ingress=()),),
        services=(load_balancer("s/lb", 80, TO_A),),
    )
    assert reachability(snapshot).cluster.shown_namespaces == ("n", "p", "s", "w")
