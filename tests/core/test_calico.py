"""Policies of Calico's kinds, rule by rule: what its code does, as rows of a table.

https://docs.tigera.io/calico/latest/reference/resources/
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest

from podwall.engines import ENGINES
from podwall.explain import explain
from podwall.model import IpProtocol
from podwall.policies.rules import Direction
from podwall.reachability import ExternalRange, Reachability, Verdict, reachability
from podwall.reading import DeclaredCluster, Document, snapshot

Manifest = dict[str, Any]
PODS = ("shop/web", "shop/db", "bank/api", "bank/db", "ops/mon")
LABELS: dict[str, dict[str, str]] = {
    "shop/web": {"app": "web", "tier": "front"},
    **{each: {"app": each.partition("/")[2]} for each in PODS[1:]},
}
SPACES = {"shop": {"team": "red"}, "bank": {"team": "blue"}, "ops": {}}
WORLD = ip_address("203.0.113.7")
OUTSIDE = "outside"
HTTP = {"name": "http", "containerPort": 80}
V3, CRD = "projectcalico.org/v3", "crd.projectcalico.org/v1"


def made(kind: str, name: str, spec: Manifest, api: str = V3, **metadata: Any) -> Manifest:
    """Return an object of Calico's."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def own(selector: str = "app == 'db'", api: str = V3, **spec: Any) -> Manifest:
    """Return a policy of the namespace shop."""
    return made("NetworkPolicy", "p1", {"selector": selector, **spec}, api, namespace="shop")


def wide(selector: str = "app == 'db'", name: str = "p1", **spec: Any) -> Manifest:
    """Return a policy of the whole cluster."""
    return made("GlobalNetworkPolicy", name, {"selector": selector, **spec})


def rule(action: str, **source: Any) -> Manifest:
    return {"action": action, **({"source": source} if source else {})}


def network_policy(**spec: Any) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "np", "namespace": "shop"},
        "spec": {"podSelector": {}, **spec},
    }


POD: Manifest = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "db", "namespace": "shop", "labels": {"app": "db"}},
}
PARTNERS = made(
    "GlobalNetworkSet", "partners", {"nets": ["0.0.0.0/0", "::/0"]}, labels={"who": "us"}
)
ACCOUNT: Manifest = {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {"name": "watcher", "namespace": "ops", "labels": {"trust": "high"}},
}
SERVICE: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "mon", "namespace": "ops"},
    "spec": {"selector": {"app": "mon"}, "ports": [{"port": 80}]},
}
ISOLATED = network_policy()
OPEN = network_policy(ingress=[{}])


def found(*objects: Manifest, engine: str = "calico", cidrs: tuple[str, ...] = ()) -> Reachability:
    """Return who reaches whom under some objects."""
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in SPACES.items()
    ]
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": dict(
                zip(("namespace", "name"), each.split("/"), strict=True), labels=LABELS[each]
            ),
            "spec": {
                "serviceAccountName": "watcher" if each == "ops/mon" else "default",
                "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 80}]}],
            },
            "status": {"podIP": f"10.244.{number}.10"},
        }
        for number, each in enumerate(PODS)
    ]
    cluster = DeclaredCluster(pod_cidrs=tuple(map(ip_network, cidrs)))
    documents = [Document(each) for each in (*spaces, *pods, *objects)]
    read = snapshot(documents, complete=True, cluster=cluster)
    assert [str(each) for each in read.findings if each.severity == "error"] == []
    return reachability(read.snapshot, engine)


def sources(reach: Reachability, target: str = "shop/db", port: int = 80) -> set[str]:
    """Return who reaches a pod on a port of TCP."""
    outside = (each for each in reach.endpoints if isinstance(each, ExternalRange))
    world = next(each.id for each in outside if WORLD in each.network)
    passing = (
        each
        for each in ({*PODS} - {target}) | {world}
        if reach.verdict(each, target, IpProtocol.TCP, port) is Verdict.ALLOWED
    )
    return {OUTSIDE if each == world else each for each in passing}


ALL = {*PODS, OUTSIDE} - {"shop/db"}
ROWS = {
    "a policy without rules isolates for ingress alone": ([own()], set()),
    "written to the definitions, a policy without types is about both directions": (
        [own(api=CRD, egress=[rule("Allow")])],
        set(),
    ),
    "a selector alone means the own namespace": (
        [own(ingress=[rule("Allow", selector="has(app)")])],
        {"shop/web"},
    ),
    "a source that asks for nothing is everyone, outside included": (
        [own(ingress=[rule("Allow")])],
        ALL,
    ),
    "all() is the own namespace": (
        [own(ingress=[rule("Allow", selector="all()")])],
        {"shop/web"},
    ),
    "a namespace selector chooses others, by the name that Calico gives them too": (
        [own(ingress=[rule("Allow", namespaceSelector="projectcalico.org/name == 'bank'")])],
        {"bank/api", "bank/db"},
    ),
    "a selector of a global policy chooses pods of all namespaces": (
        [wide("projectcalico.org/namespace == 'shop'", ingress=[
            rule("Allow", selector="app in {'api', 'mon'} || tier == 'front'")])],
        {"bank/api", "ops/mon", "shop/web"},
    ),
    "not equal is true of a label that is missing": (
        [wide(ingress=[rule("Allow", selector="tier != 'front'")])],
        {"bank/api", "bank/db", "ops/mon"},
    ),
    "a notSelector of a global policy lets in everything else, outside included": (
        [wide(ingress=[rule("Allow", notSelector="app == 'mon'")])],
        ALL - {"ops/mon"},
    ),
    "a notSelector leaves out what is in the networks of a set, pods included": (
        [PARTNERS, wide(ingress=[rule("Allow", notSelector="who == 'us'")])],
        set(),
    ),
    "a notSelector of a namespace's policy is about the own namespace": (
        [own(ingress=[rule("Allow", notSelector="app == 'mon'")])],
        {"shop/web"},
    ),
    "labels of the namespace stand beside those of the pod": (
        [wide(ingress=[rule("Allow", selector="pcns.team == 'blue' && app == 'api'")])],
        {"bank/api"},
    ),
    "nets match pods by their addresses": (
        [own(ingress=[rule("Allow", nets=["10.244.2.0/24"])])],
        {"bank/api"},
    ),
    "notNets match everything else": (
        [own(ingress=[rule("Allow", notNets=["10.244.0.0/16"])])],
        {OUTSIDE},
    ),
    "the first rule that matches decides, and Log goes on": (
        [own(ingress=[rule("Log"), rule("Deny", selector="app == 'web'"), rule("Allow")])],
        ALL - {"shop/web"},
    ),
    "the lesser order comes first, whatever the name": (
        [wide(name="a", order=20, ingress=[rule("Allow")]),
         wide(name="z", order=10, ingress=[rule("Deny")])],
        set(),
    ),
    "what comes before a NetworkPolicy opens what it isolates": (
        [wide(order=5, ingress=[rule("Allow", selector="app == 'mon'")]), ISOLATED],
        {"ops/mon"},
    ),
    "and denies what it allows": (
        [wide(order=5, ingress=[rule("Deny", selector="app == 'mon'")]), OPEN],
        ALL - {"ops/mon"},
    ),
    "what comes after a NetworkPolicy still opens what it isolates": (
        [wide(order=5000, ingress=[rule("Allow", selector="app == 'mon'")]), ISOLATED],
        {"ops/mon"},
    ),
    "but does not deny what it allows": (
        [wide(order=5000, ingress=[rule("Deny")]), OPEN],
        ALL,
    ),
    "a policy without an order is the last": (
        [wide(ingress=[rule("Deny")]), OPEN],
        ALL,
    ),
    "Pass in the default tier goes on to what allows": (
        [wide(order=10, ingress=[rule("Pass", selector="app == 'mon'")]), ISOLATED],
        {"ops/mon"},
    ),
    "a tier denies what no policy of it matches": (
        [made("Tier", "guard", {"order": 100}),
         wide(tier="guard", ingress=[rule("Pass", selector="app == 'web'")])],
        {"shop/web"},
    ),
    "unless it passes on": (
        [made("Tier", "guard", {"order": 100, "defaultAction": "Pass"}),
         wide(tier="guard", ingress=[rule("Deny", selector="app == 'web'")])],
        ALL - {"shop/web"},
    ),
    "Pass skips the rest of its tier alone": (
        [made("Tier", "one", {"order": 1}), made("Tier", "two", {"order": 2}),
         wide(name="a", tier="one", ingress=[rule("Pass")]),
         wide(name="b", tier="two", ingress=[rule("Allow", selector="app == 'mon'")])],
        {"ops/mon"},
    ),
    "a set of networks is chosen by its labels in a global policy": (
        [PARTNERS,
         wide(ingress=[rule("Allow", selector="who == 'us'")])],
        ALL,
    ),
    "and not in one of a namespace": (
        [PARTNERS,
         own(ingress=[rule("Allow", selector="who == 'us'")])],
        set(),
    ),
    "global() is what is in no namespace": (
        [PARTNERS,
         wide(ingress=[rule("Allow", namespaceSelector="global()", selector="who == 'you'")])],
        set(),
    ),
    "a namespace selector that only excludes means global sets, too: they have no namespace": (
        [PARTNERS,
         own(ingress=[rule("Allow", selector="has(who)", namespaceSelector="team != 'red'")])],
        ALL,
    ),
    "but not together with all(), which is all that is in a namespace": (
        [PARTNERS,
         own(ingress=[rule("Allow", selector="has(who)",
                           namespaceSelector="all() && team != 'red'")])],
        set(),
    ),
    "a set of a namespace has its namespace's labels": (
        [made("NetworkSet", "s", {"nets": ["203.0.113.0/24"]}, namespace="bank",
              labels={"who": "us"}),
         wide(ingress=[rule("Allow", selector="pcns.team == 'blue' && who == 'us'")])],
        {OUTSIDE},
    ),
    "and the name of its namespace": (
        [made("NetworkSet", "s", {"nets": ["203.0.113.0/24"]}, namespace="bank",
              labels={"who": "us"}),
         wide(ingress=[rule("Allow", selector="projectcalico.org/namespace == 'shop'")])],
        {"shop/web"},
    ),
    "addresses beside labels keep a set's networks within them": (
        [PARTNERS,
         wide(ingress=[rule("Allow", selector="who == 'us'", nets=["203.0.113.0/24"])])],
        {OUTSIDE},
    ),
    "a part of a label": (
        [own(ingress=[rule("Allow", namespaceSelector="all()", selector="app starts with 'm'")])],
        {"ops/mon"},
    ),
    "the end of a label, and not another one": (
        [own(ingress=[rule("Allow", namespaceSelector="all()",
                           selector="app endswith 'b' && !(app contains 'w')")])],
        {"bank/db"},
    ),
    "no part of a label that is missing": (
        [wide(ingress=[rule("Allow", selector="!(tier contains 'x')")])],
        ALL - {OUTSIDE},
    ),
    "a part of a namespace's name": (
        [wide(ingress=[rule("Allow", namespaceSelector="projectcalico.org/name ends with 's'")])],
        {"ops/mon"},
    ),
    "one word as well as two": (
        [wide(ingress=[rule("Allow", selector="app notin {'api', 'db'} && app startswith 'm'")])],
        {"ops/mon"},
    ),
    "the service account's name": (
        [wide(ingress=[rule("Allow", serviceAccounts={"names": ["watcher"]})])],
        {"ops/mon"},
    ),
    "of a policy in a namespace, accounts of this one": (
        [own(ingress=[rule("Allow", serviceAccounts={"names": ["watcher", "default"]})])],
        {"shop/web"},
    ),
    "and of all, where it says so": (
        [own(ingress=[rule("Allow", serviceAccounts={"names": ["watcher"]},
                           namespaceSelector="all()")])],
        {"ops/mon"},
    ),
    "the labels of a service account": (
        [ACCOUNT, wide(ingress=[rule("Allow", serviceAccounts={"selector": "trust == 'high'"})])],
        {"ops/mon"},
    ),
    "an empty list of accounts asks for nothing": (
        [wide(ingress=[rule("Allow", serviceAccounts={})])],
        ALL,
    ),
    "accounts and labels together": (
        [wide(ingress=[rule("Allow", serviceAccounts={"names": ["default"]},
                            selector="app == 'db' || app == 'mon'")])],
        {"bank/db"},
    ),
    "a policy about the pods of an account": (
        [wide("", serviceAccountSelector="trust == 'high'", ingress=[rule("Deny")]), ACCOUNT],
        ALL,
    ),
    "about the default account, which has no labels": (
        [wide("", serviceAccountSelector="!has(trust)", ingress=[rule("Deny")]), ACCOUNT],
        set(),
    ),
    "the pods behind a service": (
        [SERVICE, own(ingress=[rule("Allow", services={"name": "mon", "namespace": "ops"})])],
        {"ops/mon"},
    ),
    "nobody behind a service that is not there": (
        [own(ingress=[rule("Allow", services={"name": "mon"})])],
        set(),
    ),
    "ports of the source that are all ports ask for nothing": (
        [own(ingress=[rule("Allow", ports=["1:65535"]) | {"protocol": "TCP"}])],
        ALL,
    ),
    "what is asked of the own pods": (
        [wide("", ingress=[{"action": "Deny", "destination": {"selector": "app == 'db'"}},
                           rule("Allow")])],
        set(),
    ),
    "and is about other ones": (
        [wide("", ingress=[rule("Allow", selector="app == 'mon'"),
                           {"action": "Deny", "destination": {"selector": "app == 'web'"}},
                           rule("Allow", selector="app == 'api'")])],
        {"ops/mon", "bank/api"},
    ),
    "of one order, by name": (
        [wide(name="b", order=5, ingress=[rule("Deny")]),
         wide(name="a", order=5, ingress=[rule("Allow", selector="app == 'mon'")])],
        {"ops/mon"},
    ),
    "of one order in one namespace, by name": (
        [own(order=5, ingress=[rule("Deny")]),
         made("NetworkPolicy", "p0", {"selector": "all()", "order": 5, "ingress": [
             rule("Allow", selector="all()", namespaceSelector="all()")]}, namespace="shop")],
        {*PODS} - {"shop/db"},
    ),
    "of the order of NetworkPolicies, before those whose names come later": (
        [made("NetworkPolicy", "default.a", {"selector": "all()", "order": 1000,
                                             "ingress": [rule("Deny")]}, namespace="shop"),
         OPEN],
        set(),
    ),
    "a staged policy enforces nothing": (
        [made("StagedGlobalNetworkPolicy", "p1", {"selector": "all()", "ingress": [rule("Deny")]})],
        ALL,
    ),
}  # fmt: skip


KNOWN_ADDRESSES = {
    "addresses of IPv6 beside labels leave no pod of IPv4": (
        [wide(ingress=[rule("Allow", selector="has(app)", nets=["2001:db8::/32"])])],
        set(),
    ),
    "every address of pods beside labels leaves the labels": (
        [wide(ingress=[rule("Allow", selector="app == 'mon'", notNets=["203.0.113.0/24"],
                            nets=["10.0.0.0/8"])])],
        {"ops/mon"},
    ),
    "only connections of the version of IP that pods have": (
        [own(ingress=[{"action": "Deny", "ipVersion": 6}, rule("Allow")])],
        ALL,
    ),
    "and of no other one": (
        [own(ingress=[{"action": "Allow", "ipVersion": 4}])],
        ALL,
    ),
    "of the own pods those with such addresses, which are all": (
        [wide("", ingress=[{"action": "Deny", "destination": {"nets": ["10.0.0.0/8"]}}])],
        set(),
    ),
    "or none": (
        [wide("", ingress=[{"action": "Deny", "destination": {"nets": ["10.9.0.0/16"]}},
                           rule("Allow")])],
        ALL,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN_ADDRESSES)
def test_who_reaches_it_where_the_addresses_of_pods_are_known(name: str) -> None:
    objects, expected = KNOWN_ADDRESSES[name]
    assert sources(found(*objects, cidrs=("10.244.0.0/16",))) == expected


@pytest.mark.parametrize("name", ROWS)
def test_who_reaches_the_database(name: str) -> None:
    objects, expected = ROWS[name]
    assert sources(found(*objects)) == expected


@pytest.mark.parametrize(
    ("written", "passing"),
    [
        ({"protocol": "TCP", "destination": {"ports": [80]}}, {80}),
        ({"protocol": "TCP", "destination": {"ports": ["79:81", 9000]}}, {79, 80, 81, 9000}),
        ({"protocol": "TCP", "destination": {"ports": ["http"]}}, {80}),
        ({"protocol": "TCP", "destination": {"notPorts": ["79:9000"]}}, {78, 9001}),
        ({"protocol": 6, "destination": {"ports": [80]}}, {80}),
        ({"protocol": "UDP"}, set()),
        ({"notProtocol": "UDP"}, {78, 79, 80, 81, 9000, 9001}),
        ({"notProtocol": "TCP"}, set()),
        ({"protocol": "ICMP"}, set()),
    ],
)
def test_ports_and_protocols(written: Manifest, passing: set[int]) -> None:
    reach = found(own(ingress=[{"action": "Allow", **written}]))
    open_ = {
        each for each in (78, 79, 80, 81, 9000, 9001) if "shop/web" in sources(reach, port=each)
    }
    assert open_ == passing


@pytest.mark.parametrize("engine", ENGINES)
def test_only_calico_enforces_its_kinds(engine: str) -> None:
    objects = [own(ingress=[rule("Deny")])]
    reach = found(*objects, engine=engine)
    verdict = reach.verdict("bank/api", "shop/db", IpProtocol.TCP, 80)
    other = {"calico": Verdict.DENIED, "spec": Verdict.UNDETERMINED}
    assert verdict is other.get(engine, Verdict.ALLOWED)


def test_an_explanation_names_the_rule_at_its_place() -> None:
    reach = found(own(ingress=[rule("Log"), rule("Deny", selector="app == 'web'")]))
    side = explain(reach, "shop/web", "shop/db", IpProtocol.TCP, 80).ingress
    assert [tier.tier for tier in side.tiers] == ["Calico tiers", "end of Calico tiers"]
    (only,) = side.tiers[0].policies[0].rules
    assert (only.place.path, bool(only.decides)) == ("spec.ingress[1]", True)
    assert side.verdict is Verdict.DENIED


def test_what_is_about_hosts_or_staged_is_no_policy() -> None:
    kinds = ("HostEndpoint", "StagedNetworkPolicy", "StagedGlobalNetworkPolicy")
    read = snapshot([Document(made(kind, "a", {}, namespace="shop")) for kind in kinds])
    assert read.findings == ()
    assert {each.status.value for each in read.ledger} == {"harmless"}


def test_every_pair_of_other_pods_stays_open() -> None:
    reach = found(own(ingress=[rule("Deny")]))
    others = [each for each in PODS if each != "shop/db"]
    for one, other in product(others, repeat=2):
        assert reach.verdict(one, other, IpProtocol.TCP, 80) is Verdict.ALLOWED


def test_a_port_by_its_name_alone_is_one_of_tcp_for_certain() -> None:
    by_name = {"action": "Allow", "destination": {"ports": ["http"]}}
    assert "shop/web" in sources(found(own(ingress=[by_name])))


def test_a_service_as_a_destination_has_its_own_ports() -> None:
    spec = {"selector": {"app": "mon"}, "ports": [{"port": 443, "targetPort": "http"}]}
    service = {**SERVICE, "spec": spec}
    to = {"action": "Allow", "destination": {"services": {"name": "mon", "namespace": "ops"}}}
    reach = found(service, wide("app == 'web'", types=["Egress"], egress=[to]))
    ports = {
        (target, port): reach.verdict("shop/web", target, IpProtocol.TCP, port)
        for target in ("ops/mon", "bank/db")
        for port in (80, 443)
    }
    assert {key for key, each in ports.items() if each is Verdict.ALLOWED} == {("ops/mon", 80)}
    assert Verdict.UNDETERMINED not in ports.values()


def test_unseen_pods_may_have_any_text_that_is_asked_for() -> None:
    """Those whose label begins so are let in, whatever comes after it, and no others."""
    selector = "app starts with 'pay' && !(app ends with 'test')"
    policy = own(ingress=[rule("Allow", namespaceSelector="all()", selector=selector)])
    read = snapshot([Document(each) for each in (POD, policy)])
    opened = reachability(read.snapshot, "calico").exposure("shop/db", Direction.INGRESS)
    assert {str(each.source.id) for each in opened} == {
        "any:app=pay…",
        "shop/any:app=pay…",
    }
