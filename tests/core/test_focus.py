"""A narrowed answer is the whole one without what nobody asked for."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from podwall import focus as focus_module
from podwall.focus import EVERYTHING, Focus, NarrowedAnswer, narrowed
from podwall.model import IpProtocol
from podwall.policies.errors import InvalidValue
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from podwall.reachability import Connection, Reachability, reachability
from tests.core.builders import allow, cluster, named, peers, pod, policy, selector, tcp
from tests.core.clusters import Size, exposed, random_cluster
from tests.core.obscured import obscured

WEB, API, BATCH = (
    pod("shop/web"),
    pod("shop/api", named("http", 8080), named("metrics", 9090)),
    pod("jobs/batch", replicas=2),
)
SHOP = reachability(
    cluster(
        WEB,
        API,
        BATCH,
        policy("shop", selector(app="api"), ingress=(allow(peers(app="web"), ports=(tcp(8080),)),)),
        complete=False,
    )
)
PORTS = {
    "80": PortSet.of(IpProtocol.TCP, 80),
    "443": PortSet.of(IpProtocol.TCP, 443),
    "udp/53": PortSet.of(IpProtocol.UDP, 53),
    "tcp": PortSet.all_of(IpProtocol.TCP),
}
Pair = tuple[str, str, str]


def pairs(answer: Reachability | NarrowedAnswer) -> list[Pair]:
    found = (*answer.connections(), *answer.exposures())
    return [(each.source_id, each.destination_id, ports_of(each)) for each in found]


def ports_of(connection: Connection) -> str:
    return f"{connection.allowed}|{connection.undetermined}"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(Focus(ends=("shop/api",)), 4, id="either end"),
        pytest.param(Focus(("shop/api",), Direction.INGRESS), 2, id="what comes to it"),
        pytest.param(Focus(("shop/api",), Direction.EGRESS), 3, id="what it sends"),
        pytest.param(Focus(sources=("shop",), destinations=("jobs",)), 2, id="namespaces"),
        pytest.param(Focus(sources=("sh*",), destinations=("*/batch",)), 2, id="patterns"),
        pytest.param(Focus(("shop/api",), sources=("shop/web",)), 1, id="ends and sources"),
    ],
)
def test_an_end_is_a_workload_a_namespace_or_a_pattern(asked: Focus, expected: int) -> None:
    inside = {each.id for each in SHOP.workloads}
    found = [each for each in pairs(narrowed(SHOP, asked)) if {*each[:2]} <= inside]
    assert len(found) == expected


def test_outside_is_every_address_and_an_address_is_the_range_that_it_is_in() -> None:
    asked = Focus(sources=("outside",), destinations=("shop/web",))
    assert [each[:2] for each in pairs(narrowed(SHOP, asked))] == [
        ("0.0.0.0/0", "shop/web"),
        ("::/0", "shop/web"),
    ]
    asked = Focus(sources=("203.0.113.7",), destinations=("shop/web",))
    assert [each[0] for each in pairs(narrowed(SHOP, asked))] == ["0.0.0.0/0"]


@pytest.mark.parametrize(
    ("port", "allowed"),
    [
        pytest.param("8080", PortSet.of(IpProtocol.TCP, 8080), id="a number"),
        pytest.param("tcp/8080", PortSet.of(IpProtocol.TCP, 8080), id="the protocol first"),
        pytest.param("http", PortSet.of(IpProtocol.TCP, 8080), id="a name"),
        pytest.param("8000-9000", PortSet.of(IpProtocol.TCP, 8080), id="a range"),
        pytest.param("9090", None, id="a port that is denied"),
        pytest.param("udp/8080", None, id="another protocol"),
    ],
)
def test_ports_are_cut_down_to_those_that_are_asked_for(port: str, allowed: PortSet | None) -> None:
    asked = Focus(sources=("shop/web",), destinations=("shop/api",), port=port)
    found = [each.allowed for each in narrowed(SHOP, asked).connections()]
    assert found == ([] if allowed is None else [allowed])


def test_the_numbers_count_pairs_of_workloads_and_no_pod_with_itself() -> None:
    everything = narrowed(SHOP, EVERYTHING)
    assert (everything.asked, everything.open) == (7, 6)  # 3 x 3, without web and api themselves
    to_api = narrowed(SHOP, Focus(destinations=("shop/api",)))
    assert (to_api.asked, to_api.open) == (2, 1)
    assert [each.id for each in to_api.workloads] == ["shop/api", "shop/web"]


def test_pods_that_are_not_shown_are_meant_by_their_ids() -> None:
    ids = {each.unseen.id for each in SHOP.exposures() if each.unseen is not None}
    assert ids
    for each in ids:
        expected = [pair for pair in pairs(SHOP) if each in pair[:2]]
        assert pairs(narrowed(SHOP, Focus(ends=(each,)))) == expected


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param(Focus(ends=("shop/wbe",)), "did you mean `shop/web`?", id="a workload"),
        pytest.param(Focus(ends=("job",)), "did you mean `jobs`?", id="a namespace"),
        pytest.param(Focus(sources=("x-*",)), "`podwall reach` lists", id="a pattern of none"),
        pytest.param(
            Focus(ends=("10.244.3.4",)), "name the workload instead", id="a pod's address"
        ),
        pytest.param(Focus(ends=("any:app=x",)), "`podwall explain` answers", id="unseen pods"),
        pytest.param(Focus(port="metrisc"), "did you mean `metrics`?", id="a port name"),
        pytest.param(Focus(port="shop/api"), "as in `8080`", id="no port"),
        pytest.param(Focus(port="70000"), "", id="a port out of range"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_likely_meant(asked: Focus, words: str) -> None:
    with pytest.raises(InvalidValue) as problem:
        narrowed(SHOP, asked)
    assert words in (problem.value.help or "")


def test_what_is_undetermined_stays_so_with_its_cause() -> None:
    found = reachability(obscured(Random(3), cluster(WEB, API, BATCH), 0.5))
    asked = narrowed(found, Focus(ends=tuple(each.id for each in found.workloads[:1])))
    name = found.workloads[0].id
    expected = [
        each for each in found.connections() if name in {each.source_id, each.destination_id}
    ]
    assert list(asked.connections()) == expected


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=3)
def test_it_is_the_whole_answer_without_what_nobody_asked_for(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    snapshot = random_cluster(random, Size(workloads=5, policies=4))
    found = reachability(exposed(random, snapshot) if seed % 2 else snapshot)
    ends = [each.id for each in found.endpoints]
    one, other = random.choice(ends), random.choice(ends)
    for asked in _questions(one, other):
        expected = [each for each in pairs(found) if _is_asked(asked, each)]
        for most in (0, 10**9):
            monkeypatch.setattr(focus_module, "_ONE_BY_ONE", most)
            assert pairs(narrowed(found, asked)) == expected, (asked, most)


def _questions(one: str, other: str) -> list[Focus]:
    ways = (None, *Direction)
    either = [Focus((one,), way) for way in ways]
    both = [Focus((one,), way, (other,)) for way in ways]
    return [*either, *both, Focus(sources=(one,)), Focus((), None, (one,), (other,))]


def _is_asked(asked: Focus, pair: Pair) -> bool:
    source, destination, _ = pair
    ways = {
        Direction.INGRESS: not asked.ends or destination in asked.ends,
        Direction.EGRESS: not asked.ends or source in asked.ends,
    }
    at_an_end = any(met for way, met in ways.items() if asked.direction in {None, way})
    from_ = not asked.sources or source in asked.sources
    return at_an_end and from_ and (not asked.destinations or destination in asked.destinations)


@pytest.mark.parametrize(("seed", "port"), [*product(range(5), PORTS)])
def test_ports_are_those_of_the_whole_answer(seed: int, port: str) -> None:
    found = reachability(random_cluster(Random(seed), Size(workloads=5, policies=4)))
    ports = PORTS[port]
    expected = {
        (each.source_id, each.destination_id, str(each.allowed & ports))
        for each in found.connections()
        if (each.allowed | each.undetermined_ports) & ports
    }
    answer = narrowed(found, Focus(port=port))
    assert {
        (each.source_id, each.destination_id, str(each.allowed)) for each in answer.connections()
    } == expected


def test_nothing_in_particular_is_everything() -> None:
    assert not EVERYTHING
    assert pairs(narrowed(SHOP, EVERYTHING)) == pairs(SHOP)
