"""What a statement accepts of an opening: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from random import Random

import pytest

from podwall.diff import ChangeCause, ConnectionChange, diff
from podwall.expectations import (
    ANYTHING,
    INTERNET,
    Acceptance,
    Selection,
    Statement,
    addresses,
    allowed,
    denied,
    only,
    outside,
    pods,
    stated_by,
    workload,
)
from podwall.model import IpProtocol, PodPeer, Rule, Unknown
from podwall.portset import PortSet
from podwall.reachability import reachability
from podwall.reachability.values import NOTHING_PASSES, ExternalRange, PairVerdict
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    named,
    peers,
    pod,
    policy,
    selector,
    tcp,
)

WEB, API, DB = (workload(f"shop/{name}") for name in ("web", "api", "db"))
SHOP = pods("shop")
PODS = (
    pod("shop/web"),
    pod("shop/api", named("http", 8080)),
    pod("shop/db", named("postgres", 5432)),
)
CLOSED = policy("shop", EVERYTHING, "closed", ingress=())
ON_5432 = (tcp(5432),)


def opened(*rules: Rule, to: str = "db", closed: bool = True) -> list[tuple[ConnectionChange, str]]:
    """Return what opens where a policy lets everybody in the rules reach a closed pod."""
    new = policy("shop", selector(app=to), "new", ingress=rules)
    old = reachability(cluster(*PODS, CLOSED, complete=closed))
    found = reachability(cluster(*PODS, CLOSED, new, complete=closed))
    changes = list(diff(old, found).port_changes())
    assert changes
    return [(each, f"{each.source.id} -> {each.destination.id}") for each in changes]


def left(
    statements: Sequence[Statement], *rules: Rule, to: str = "db", closed: bool = True
) -> set[str]:
    """Return what opens and is not stated."""
    new = policy("shop", selector(app=to), "new", ingress=rules)
    stated = stated_by(reachability(cluster(*PODS, CLOSED, new, complete=closed)), statements)
    found = opened(*rules, to=to, closed=closed)
    return {name for each, name in found if not stated(each)}


def accepted(sources: Selection, destinations: Selection, *ports: str) -> Acceptance:
    """Return what is accepted for a reason that does not matter."""
    return Acceptance("agreed", (sources,), (destinations,), ports)


FROM_WEB = (allow(peers(app="web"), ports=ON_5432),)
FROM_A_RANGE = (allow(block("172.16.0.0/12"), ports=ON_5432),)
FROM_ALL = (allow(block("0.0.0.0/0"), ports=ON_5432),)
WEB_TO_DB = "shop/web -> shop/db"


@pytest.mark.parametrize(
    ("statement", "rules", "rest"),
    [
        pytest.param(allowed("", WEB, DB, 5432), FROM_WEB, set(), id="the very opening"),
        pytest.param(allowed("", WEB, DB, "postgres"), FROM_WEB, set(), id="a port by its name"),
        pytest.param(allowed("", SHOP, DB, "5000-6000"), FROM_WEB, set(), id="more than opens"),
        pytest.param(allowed("", WEB, DB, 5433), FROM_WEB, {WEB_TO_DB}, id="another port"),
        pytest.param(allowed("", WEB, DB, "5432/udp"), FROM_WEB, {WEB_TO_DB}, id="of UDP"),
        pytest.param(allowed("", WEB, DB, "http"), FROM_WEB, {WEB_TO_DB}, id="no port of it"),
        pytest.param(allowed("", API, DB, 5432), FROM_WEB, {WEB_TO_DB}, id="another source"),
        pytest.param(allowed("", DB, WEB, 5432), FROM_WEB, {WEB_TO_DB}, id="the other way"),
        pytest.param(denied("", WEB, DB, 5432), FROM_WEB, {WEB_TO_DB}, id="a denial"),
        pytest.param(only("", WEB, DB, 5432), FROM_WEB, set(), id="exactly these"),
        pytest.param(only("", WEB, DB), FROM_WEB, set(), id="exactly these, on any port"),
        pytest.param(only("", API, DB, 5432), FROM_WEB, {WEB_TO_DB}, id="exactly others"),
        pytest.param(accepted(WEB, DB), FROM_WEB, set(), id="accepted on every port"),
        pytest.param(accepted(WEB, DB, "5432"), FROM_WEB, set(), id="accepted"),
        pytest.param(accepted(WEB, DB, "22"), FROM_WEB, {WEB_TO_DB}, id="accepted elsewhere"),
        pytest.param(
            allowed("", WEB, DB, 5432),
            (allow(peers(app="web"), ports=(tcp(5000, 6000),)),),
            {WEB_TO_DB},
            id="a part of the ports",
        ),
        pytest.param(
            allowed("", addresses("172.16.0.0/24"), DB, 5432),
            FROM_A_RANGE,
            {"172.16.0.0/12 -> shop/db"},
            id="a part of a range",
        ),
        pytest.param(
            allowed("", addresses("172.16.0.0/12"), DB, 5432), FROM_A_RANGE, set(), id="a range"
        ),
        pytest.param(
            allowed("", addresses("0.0.0.0/0"), DB, 5432), FROM_A_RANGE, set(), id="a wider one"
        ),
        pytest.param(allowed("", outside("shop"), DB, 5432), FROM_A_RANGE, set(), id="all outside"),
        pytest.param(
            allowed("", SHOP, DB, 5432), FROM_A_RANGE, {"172.16.0.0/12 -> shop/db"}, id="pods"
        ),
        pytest.param(
            allowed("", INTERNET, DB, 5432),
            FROM_ALL,
            {"0.0.0.0/0 -> shop/db", "shop/api -> shop/db", WEB_TO_DB},
            id="the internet is not every address",
        ),
        pytest.param(
            accepted(addresses("0.0.0.0/0"), DB),
            FROM_ALL,
            {"shop/api -> shop/db", WEB_TO_DB},
            id="addresses are no pods that have them",
        ),
        pytest.param(
            allowed("", INTERNET, DB, 5432),
            (allow(block("203.0.113.0/24"), ports=ON_5432),),
            set(),
            id="a range of the internet",
        ),
    ],
)
def test_a_statement_accepts_what_it_means_whole(
    statement: Statement, rules: tuple[Rule, ...], rest: set[str]
) -> None:
    assert left([statement], *rules) == rest


def test_several_statements_accept_together() -> None:
    halves = [
        allowed(name, addresses(name), DB, 5432) for name in ("172.16.0.0/13", "172.24.0.0/13")
    ]
    assert left(halves, *FROM_A_RANGE) == set()
    assert left(halves[:1], *FROM_A_RANGE) == {"172.16.0.0/12 -> shop/db"}
    crossed: list[Statement] = [
        allowed("a", addresses("172.16.0.0/13"), DB, "1-65535"),
        allowed("b", addresses("172.24.0.0/13"), DB, 5432),
    ]
    both = (allow(block("172.16.0.0/12"), ports=(tcp(5432), tcp(22))),)
    assert left(crossed, *both) == {"172.16.0.0/12 -> shop/db"}
    assert left([*crossed, accepted(ANYTHING, DB, "22")], *both) == set()


def test_who_accepts_is_only_who_is_needed() -> None:
    statements: list[Statement] = [
        allowed("no", API, DB, 5432),
        allowed("yes", WEB, DB, 5432),
        accepted(WEB, DB),
    ]
    new = policy("shop", selector(app="db"), "new", ingress=FROM_WEB)
    found = reachability(cluster(*PODS, CLOSED, new))
    (change,) = (each for each, _ in opened(*FROM_WEB))
    assert stated_by(found, statements)(change) == (statements[1],)


ANY_POD_OF_SHOP = (allow(PodPeer(EVERYTHING), ports=ON_5432),)
BATCH = (allow(peers(role="batch"), ports=ON_5432),)
OTHER = "shop/any: -> shop/db"


@pytest.mark.parametrize(
    ("statement", "rules", "rest"),
    [
        pytest.param(allowed("", SHOP, DB, 5432), ANY_POD_OF_SHOP, set(), id="a namespace"),
        pytest.param(
            allowed("", [WEB, API], DB, 5432),
            ANY_POD_OF_SHOP,
            {OTHER},
            id="the pods of today are not those that are not shown",
        ),
        pytest.param(
            allowed("", pods("shop", {"role": "batch"}), DB, 5432), BATCH, set(), id="by labels"
        ),
        pytest.param(
            allowed("", pods("shop", {"role": "batch", "env": "dev"}), DB, 5432),
            BATCH,
            {"shop/any:role=batch -> shop/db"},
            id="a part of those with labels",
        ),
        pytest.param(
            accepted(pods(None, {"role": "batch"}), DB), BATCH, set(), id="of any namespace"
        ),
        pytest.param(
            accepted(outside("shop"), DB),
            BATCH,
            {"shop/any:role=batch -> shop/db"},
            id="of other namespaces",
        ),
    ],
)
def test_pods_that_are_not_shown_are_accepted_whole(
    statement: Statement, rules: tuple[Rule, ...], rest: set[str]
) -> None:
    assert left([statement], *rules, closed=False) == rest


def test_a_port_name_means_no_port_of_pods_that_are_not_shown() -> None:
    """Such a pod may give the name to any port, and the opening is of all of them."""
    old = cluster(*PODS, policy("shop", selector(app="web"), "closed", egress=()), complete=False)
    to_all = policy("shop", selector(app="web"), "closed", egress=(allow(PodPeer(EVERYTHING)),))
    new = reachability(cluster(*PODS, to_all, complete=False))
    stated = stated_by(new, [accepted(WEB, SHOP, "postgres", "1-65535", "udp", "sctp")])
    names = stated_by(new, [accepted(WEB, SHOP, "postgres")])
    changes = list(diff(reachability(old), new).port_changes())
    unseen = [each for each in changes if each.destination.id == "shop/any:"]
    assert unseen
    assert all(stated(each) and not names(each) for each in unseen)


def test_what_may_not_be_meant_is_not_accepted() -> None:
    labels = {"app": "web", "tier": Unknown("the tier")}
    web = pod("shop/web", labels=labels)
    old = reachability(cluster(web, *PODS[1:], CLOSED))
    new = policy("shop", selector(app="db"), "new", ingress=FROM_WEB)
    found = reachability(cluster(web, *PODS[1:], CLOSED, new))
    (change,) = diff(old, found).port_changes()
    assert not stated_by(found, [accepted(pods("shop", {"tier": "front"}), DB)])(change)
    assert stated_by(found, [accepted(pods("shop", {"app": "web"}), DB)])(change)


def test_what_may_open_is_accepted_as_what_does() -> None:
    unknown = allow(Unknown("a peer"), ports=ON_5432)
    perhaps = [each for each, name in opened(unknown) if name == WEB_TO_DB]
    assert perhaps[0].after.undetermined
    assert WEB_TO_DB not in left([accepted(WEB, DB, "5432")], unknown)
    assert WEB_TO_DB in left([accepted(WEB, DB, "5433")], unknown)


def test_an_expectation_states_nothing_of_a_workload_itself() -> None:
    several = pod("shop/db", replicas=2)
    old = reachability(cluster(several, CLOSED))
    new = policy("shop", selector(app="db"), "new", ingress=(allow(PodPeer(EVERYTHING)),))
    found = reachability(cluster(several, CLOSED, new))
    (change,) = diff(old, found).port_changes()
    assert not stated_by(found, [allowed("", SHOP, SHOP, ["1-65535", "udp", "sctp"])])(change)
    assert stated_by(found, [accepted(DB, DB)])(change)


def test_any_statements_accept_what_they_mean_address_by_address() -> None:
    """Judged by a reader that asks about every address and every port alone."""
    found = reachability(cluster(*PODS, CLOSED))
    end = next(each for each in found.endpoints if each.id == "shop/db")
    outcomes = set()
    for seed in range(300):
        rng = Random(f"address by address {seed}")
        whole, ports = IPv4Network("198.51.100.0/30"), range(1, 1 + rng.randint(1, 3))
        given = [(_subnet(rng, whole), rng.randint(1, 3)) for _ in range(rng.randint(1, 9))]
        statements = [accepted(addresses(str(where)), DB, f"{port}-3") for where, port in given]
        after = PairVerdict(PortSet.of(IpProtocol.TCP, ports[0], ports[-1]))
        change = ConnectionChange(
            ExternalRange(whole), end, NOTHING_PASSES, after, ChangeCause.POLICY
        )
        wanted = all(
            any(address in where and first <= port for where, first in given)
            for address in whole
            for port in ports
        )
        assert bool(stated_by(found, statements)(change)) is wanted, seed
        outcomes.add(wanted)
    assert outcomes == {True, False}


def _subnet(rng: Random, whole: IPv4Network) -> IPv4Network:
    return rng.choice(list(whole.subnets(new_prefix=rng.randint(30, 32))))
