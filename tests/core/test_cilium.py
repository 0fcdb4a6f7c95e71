"""Policies of Cilium's kinds, rule by rule: what its documentation says, as rows of a table.

https://docs.cilium.io/en/stable/security/policy/
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from podwall.explain import explain
from podwall.model import IpProtocol, Snapshot
from podwall.policies.rules import Direction
from podwall.reachability import Reachability, Verdict, reachability
from podwall.reading import Document, snapshot

Manifest = dict[str, Any]
PODS = ("shop/web", "shop/db", "bank/api", "bank/db", "ops/mon")
WORLD, NODE = "0.0.0.0/0", "ops/node"
NAMESPACE = "k8s:io.kubernetes.pod.namespace"


def cnp(app: str | None = None, namespace: str = "shop", **spec: Any) -> Manifest:
    """Return a policy of a namespace about the pods with a label, or about all."""
    metadata = {"name": "p1", "namespace": namespace}
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata,
            "spec": {"endpointSelector": labels(app=app) if app else {}, **spec}}  # fmt: skip


def ccnp(app: str | None = None, **spec: Any) -> Manifest:
    """Return a policy of the whole cluster."""
    metadata = {"name": "p2"}
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy",
            "metadata": metadata,
            "spec": {"endpointSelector": labels(app=app) if app else {}, **spec}}  # fmt: skip


def labels(namespace: str = "", **asked: str) -> Manifest:
    return {"matchLabels": {**asked, **({NAMESPACE: namespace} if namespace else {})}}


def asks(key: str, operator: str, *values: str) -> Manifest:
    expression: Manifest = {"key": key, "operator": operator}
    return {"matchExpressions": [{**expression, "values": list(values)} if values else expression]}


def ports(*numbers: str, protocol: str = "TCP", **more: Any) -> list[Manifest]:
    return [{"ports": [{"port": each, "protocol": protocol} for each in numbers], **more}]


def network_policy(app: str, **spec: Any) -> Manifest:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "np", "namespace": "shop"},
            "spec": {"podSelector": labels(app=app), **spec}}  # fmt: skip


def pod(name: str, number: int, **spec: Any) -> Manifest:
    namespace, app = name.split("/")
    named = [{"name": "http", "containerPort": 8080 if app == "web" else 80}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": app, "namespace": namespace, "labels": {"app": app}},
        "spec": {"containers": [{"name": "a", "ports": named}], **spec},
        "status": {"podIP": f"10.244.1.{number}"},
    }


def cluster(*policies: Manifest) -> Snapshot:
    objects = [pod(name, number) for number, name in enumerate(PODS)]
    objects.append(pod(NODE, 9, hostNetwork=True))
    spaces = [{"apiVersion": "v1", "kind": "Namespace",
               "metadata": {"name": each, "labels": {"team": team}}}
              for each, team in (("shop", "red"), ("bank", "blue"), ("ops", "blue"))]  # fmt: skip
    read = snapshot([Document(each) for each in (*objects, *spaces, *policies)], complete=True)
    known = {"cidr-host-bits", "duplicate-object"}
    assert not [each for each in read.findings if each.id not in known]
    return replace(read.snapshot, kubernetes_version="1.34")


MARKS = {Verdict.DENIED: "", Verdict.UNDETERMINED: "?"}


def denied(found: Reachability, port: int = 80, protocol: IpProtocol = IpProtocol.TCP) -> str:
    """Return the pairs that are denied, `?` before those that are undetermined."""
    ends = (*PODS, NODE, WORLD)
    asked = {
        (source, destination): found.verdict(source, destination, protocol, port)
        for source, destination in product(ends, repeat=2)
        if source != destination and not {source, destination} <= {NODE, WORLD}
    }
    said = [f"{MARKS[each]}{one}>{two}" for (one, two), each in asked.items() if each in MARKS]
    return " ".join(sorted(said))


def into(destination: str, *but: str, node: str = "?") -> str:
    """Return all who are denied on a destination; its own node always passes, so nodes perhaps."""
    others = [each for each in (*PODS, WORLD) if each not in {destination, *but}]
    nodes = [] if NODE in but else [f"{node}{NODE}>{destination}"]
    return " ".join([*(f"{each}>{destination}" for each in others), *nodes])


def out_of(source: str, *but: str) -> str:
    others = [each for each in (*PODS, WORLD, NODE) if each not in {source, *but}]
    return " ".join(f"{source}>{each}" for each in others)


DENY_BANK = [{"fromEndpoints": [labels("bank")]}]
EVERY_POD = [{"fromEndpoints": [asks(NAMESPACE, "Exists")]}]


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param(
            [cnp("web", ingress=[{"fromEndpoints": [labels(app="db")]}])],
            into("shop/web", "shop/db"),
            id="a peer without a namespace is of the policy's own",
        ),
        pytest.param(
            [cnp("web", ingress=[{"fromEndpoints": [labels("bank", app="db")]}])],
            into("shop/web", "bank/db"),
            id="a peer may name another namespace",
        ),
        pytest.param(
            [cnp("web", ingress=[{"fromEndpoints": [labels(**{"any:app": "db"})]}])],
            into("shop/web", "shop/db"),
            id="the source of a label makes no difference",
        ),
        pytest.param(
            [
                cnp(
                    "web",
                    ingress=[
                        {
                            "fromEndpoints": [
                                labels(**{"k8s:io.cilium.k8s.namespace.labels.team": "blue"})
                            ]
                        }
                    ],
                )
            ],
            into("shop/web", "bank/api", "bank/db", "ops/mon"),
            id="a peer may ask for the labels of a namespace",
        ),
        pytest.param(
            [cnp("web", ingress=[{}])], into("shop/web"), id="an empty rule lets nobody in"
        ),
        pytest.param(
            [cnp("web", ingress=[], egress=[{"toEntities": ["all"]}])],
            "",
            id="an empty list of rules is none",
        ),
        pytest.param(
            [cnp("web", ingress=[{"fromEndpoints": [], "toPorts": ports("80")}])],
            into("shop/web"),
            id="an empty list of peers is nobody",
        ),
        pytest.param(
            [cnp("web", ingress=[{"toPorts": ports("80")}])], "", id="ports alone are for everyone"
        ),
        pytest.param(
            [cnp("web", ingress=[{"toPorts": [{}]}])],
            into("shop/web"),
            id="an entry without ports opens nothing",
        ),
        pytest.param(
            [cnp("web", ingress=[{"fromEndpoints": [{}]}])],
            into("shop/web", "shop/db"),
            id="an empty selector is every pod of the namespace",
        ),
        pytest.param(
            [ccnp("web", ingress=[{"fromEndpoints": [{}]}])],
            into("shop/web", *PODS),
            id="in a policy of the cluster it is every pod",
        ),
        pytest.param(
            [ccnp("db", ingress=[{"fromEndpoints": [labels(app="mon")]}])],
            f"{into('shop/db', 'ops/mon')} {into('bank/db', 'ops/mon')}",
            id="a policy of the cluster is about pods of every namespace",
        ),
        pytest.param(
            [
                network_policy("db", ingress=[{"from": [{"podSelector": labels(app="web")}]}]),
                cnp("db", ingress=[{"fromEndpoints": [labels("ops", app="mon")]}]),
            ],
            into("shop/db", "shop/web", "ops/mon"),
            id="it adds up with NetworkPolicies",
        ),
        pytest.param(
            [
                network_policy("db", ingress=[{"from": [{"podSelector": labels(app="web")}]}]),
                ccnp("db", ingress=[{"fromEndpoints": [labels(app="mon")]}]),
            ],
            f"{into('shop/db', 'shop/web', 'ops/mon')} {into('bank/db', 'ops/mon')}",
            id="so do policies of the cluster",
        ),
        pytest.param(
            [cnp("db", ingress=EVERY_POD, ingressDeny=DENY_BANK)],
            into("shop/db", "shop/web", "ops/mon"),
            id="a deny beats every allow",
        ),
        pytest.param(
            [ccnp("db", ingress=EVERY_POD, ingressDeny=DENY_BANK)],
            f"{into('shop/db', 'shop/web', 'ops/mon')} "
            f"{into('bank/db', 'shop/web', 'shop/db', 'ops/mon')}",
            id="so it does in a policy of the cluster",
        ),
        pytest.param(
            [cnp("db", ingressDeny=DENY_BANK)], into("shop/db"), id="a deny alone isolates as well"
        ),
        pytest.param(
            [cnp("db", ingressDeny=DENY_BANK, enableDefaultDeny={"ingress": False})],
            "bank/api>shop/db bank/db>shop/db",
            id="a deny without default deny closes what it names",
        ),
        pytest.param(
            [
                network_policy("db", ingress=[{}]),
                ccnp("db", ingressDeny=DENY_BANK, enableDefaultDeny={"ingress": False}),
            ],
            "bank/api>bank/db bank/api>shop/db bank/db>shop/db",
            id="no NetworkPolicy opens what is denied",
        ),
        pytest.param(
            [
                network_policy("db", policyTypes=["Ingress"]),
                cnp("db", ingress=EVERY_POD, enableDefaultDeny={"ingress": False}),
            ],
            into("shop/db", *PODS),
            id="what does not isolate allows where another isolates",
        ),
        pytest.param(
            [cnp("web", egress=[{"toEntities": ["world"]}])],
            out_of("shop/web", WORLD),
            id="the world is no pod and no node",
        ),
        pytest.param(
            [cnp("web", egress=[{"toEntities": ["cluster"]}])],
            out_of("shop/web", *PODS, NODE),
            id="the cluster is all but the world",
        ),
        pytest.param(
            [cnp("web", egress=[{"toEntities": ["all"]}])], "", id="all are all that there are"
        ),
        pytest.param(
            [cnp("web", egress=[{"toEntities": ["none"]}])], out_of("shop/web"), id="none is nobody"
        ),
        pytest.param(
            [cnp("web", egress=[{"toEntities": ["host"]}])],
            f"{out_of('shop/web', NODE)} ?shop/web>{NODE}",
            id="which node is a pod's own is not known",
        ),
        pytest.param(
            [cnp("web", egress=[{"toEntities": ["host", "remote-node"]}])],
            out_of("shop/web", NODE),
            id="the own node and all others are every node",
        ),
        pytest.param(
            [cnp("web", egress=[{"toEndpoints": [labels(**{"reserved:host": ""})]}])],
            f"{out_of('shop/web', NODE)} ?shop/web>{NODE}",
            id="a reserved label is an entity",
        ),
        pytest.param(
            [cnp("web", egress=[{"toCIDR": [WORLD]}])],
            out_of("shop/web", WORLD),
            id="a block is no pod and no node",
        ),
        pytest.param(
            [cnp("web", egress=[{"toFQDNs": [{"matchName": "example.org"}]}])],
            f"{out_of('shop/web', WORLD, NODE)} ?shop/web>{WORLD} ?shop/web>{NODE}",
            id="what a name stands for is learnt at run time, and no pod",
        ),
        pytest.param(
            [
                cnp(
                    "web",
                    ingress=[
                        {
                            **EVERY_POD[0],
                            "toPorts": ports("80", rules={"http": [{"method": "GET"}]}),
                        }
                    ],
                )
            ],
            " ".join(f"?{each}>shop/web" for each in PODS if each != "shop/web")
            + f" {WORLD}>shop/web ?{NODE}>shop/web",
            id="rules for requests narrow what passes",
        ),
        pytest.param(
            [
                cnp(
                    "web",
                    ingress=[
                        {
                            **EVERY_POD[0],
                            "toPorts": ports("80", rules={"http": [{"method": "GET"}]}),
                        },
                        {"fromEndpoints": [{}], "toPorts": ports("80")},
                    ],
                )
            ],
            " ".join(f"?{each}>shop/web" for each in PODS[2:])
            + f" {WORLD}>shop/web ?{NODE}>shop/web",
            id="a rule without them leaves no filter",
        ),
        pytest.param(
            [
                cnp(
                    "web",
                    enableDefaultDeny={"ingress": False},
                    ingress=[
                        {
                            **EVERY_POD[0],
                            "toPorts": ports("80", rules={"http": [{"method": "GET"}]}),
                        },
                    ],
                )
            ],
            " ".join(f"?{each}>shop/web" for each in PODS if each != "shop/web"),
            id="rules for requests filter without default deny, too",
        ),
        pytest.param(
            [cnp("web", ingress=[{"icmps": [{"fields": [{"type": 8}]}]}])],
            into("shop/web"),
            id="rules for ICMP isolate",
        ),
        pytest.param(
            [
                {
                    "apiVersion": "cilium.io/v2",
                    "kind": "CiliumNetworkPolicy",
                    "metadata": {"name": "p", "namespace": "shop"},
                    "specs": [
                        {"endpointSelector": labels(app="web"), "ingress": [{}]},
                        {"endpointSelector": {}, "ingress": [{"fromEndpoints": [labels("ops")]}]},
                    ],
                }
            ],
            f"{into('shop/web', 'ops/mon')} {into('shop/db', 'ops/mon')}",
            id="an object may be several rules",
        ),
        pytest.param(
            [
                cnp(ingress=[{"fromEntities": ["cluster"]}])
                | {"spec": {"endpointSelector": labels("bank", app="db"), "ingress": [{}]}}
            ],
            into("shop/db"),
            id="a policy of a namespace is about pods of no other",
        ),
        pytest.param(
            [{**ccnp(), "spec": {"nodeSelector": {}, "ingress": [{}]}}],
            "",
            id="a policy about nodes is about no pod",
        ),
    ],
)
def test_who_is_denied(policies: list[Manifest], expected: str) -> None:
    found = reachability(cluster(*policies), "cilium")
    assert denied(found) == " ".join(sorted(expected.split()))
    for source, destination in product((*PODS, NODE, WORLD), repeat=2):
        if source == destination or {source, destination} <= {NODE, WORLD}:
            continue
        bounds = found.replay(source, destination).allowed
        verdict = found.verdict(source, destination, IpProtocol.TCP, 80)
        assert bounds.must.contains(IpProtocol.TCP, 80) == (verdict is Verdict.ALLOWED)
        assert bounds.may.contains(IpProtocol.TCP, 80) == (verdict is not Verdict.DENIED)


def opened(*entries: Manifest) -> str:
    """Return what web may send to db, where a rule lists some ports; names are asked for by web."""
    rules = [{"toPorts": list(entries)}]
    names = any("dns" in each.get("rules", {}) for each in entries)
    policy = cnp("web", egress=rules) if names else cnp("db", ingress=rules)
    found = reachability(cluster(policy), "cilium")
    part = found.connection("shop/web", "shop/db")
    return f"{part.allowed} / {part.undetermined_ports}"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"ports": [{"port": "53", "protocol": "UDP"}]}, "UDP 53 / no ports"),
        ({"ports": [{"port": "53"}]}, "TCP 53; UDP 53 / SCTP 53"),
        ({"ports": [{"port": "53", "protocol": "ANY"}]}, "TCP 53; UDP 53 / SCTP 53"),
        ({"ports": [{"port": "80", "endPort": 90, "protocol": "TCP"}]}, "TCP 80-90 / no ports"),
        ({"ports": [{"port": "0", "protocol": "TCP"}]}, "all TCP / no ports"),
        ({"ports": [{"port": "http", "protocol": "TCP"}]}, "TCP 80 / no ports"),
        (
            {"ports": [{"port": "53", "protocol": "UDP"}],
             "rules": {"dns": [{"matchPattern": "*"}]}},
            "UDP 53 / no ports",
        ),
        (
            {"ports": [{"port": "53", "protocol": "UDP"}],
             "rules": {"dns": [{"matchName": "example.org"}]}},
            "no ports / UDP 53",
        ),
    ],
)  # fmt: skip
def test_which_ports_are_open(entry: Manifest, expected: str) -> None:
    assert opened(entry) == expected


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("cilium", into("shop/web")),
        ("azure", ""),
        ("calico", ""),
        ("none", ""),
        ("spec", " ".join(f"?{each}" for each in into("shop/web", node="").split())),
    ],
)
def test_only_cilium_enforces_its_kinds(engine: str, expected: str) -> None:
    found = reachability(cluster(cnp("web", ingress=[{}])), engine)
    assert denied(found) == " ".join(sorted(expected.split()))


def test_why_a_verdict_is_undetermined_is_said() -> None:
    get = ports("80", rules={"http": [{"method": "GET"}]})
    found = reachability(cluster(cnp("web", ingress=[{**EVERY_POD[0], "toPorts": get}])), "cilium")
    [part] = found.connection("bank/api", "shop/web").undetermined
    assert part.because == "only for the requests that the rule lists"


def test_pods_that_are_not_shown_are_under_policies_of_the_cluster() -> None:
    allowing = [{"fromEndpoints": [labels(app="web")]}]
    known = replace(cluster(ccnp("db", ingress=allowing)), complete=False)
    found = reachability(known, "cilium")
    received = found.exposure("shop/db", Direction.INGRESS)
    assert [each.source.id for each in received] == ["bank,ops,shop/any:app=web", "any:app=web"]
    sent = found.exposure("ops/mon", Direction.EGRESS)
    assert [each.destination.id for each in sent] == [
        "bank,ops,shop/any:app notin (db)", "any:app notin (db)"
    ]  # fmt: skip


def test_the_rule_that_denies_is_named() -> None:
    found = reachability(cluster(cnp("db", ingress=EVERY_POD, ingressDeny=DENY_BANK)), "cilium")
    said = str(explain(found, "bank/api", "shop/db", IpProtocol.TCP, 80))
    assert "rule `spec.ingressDeny[0]` of CiliumNetworkPolicy shop/p1 denies it" in said
    assert "CiliumNetworkPolicy shop/p1: allowed, isolates the pod for ingress" in said
    assert "spec.ingress[0]: allowed, it allows every pod of namespaces with" in said


def test_a_policy_that_isolates_the_cluster_is_named() -> None:
    found = reachability(cluster(ccnp("db", ingress=[{"fromEntities": ["world"]}])), "cilium")
    said = str(explain(found, "bank/api", "shop/db", IpProtocol.TCP, 80))
    assert "CiliumClusterwideNetworkPolicy p2 isolates it, and no rule allows it" in said
    said = str(explain(found, WORLD, "shop/db", IpProtocol.TCP, 80))
    assert "rule `spec.ingress[0]` of CiliumClusterwideNetworkPolicy p2 allows it" in said


@pytest.mark.parametrize(
    ("selector", "outside"),
    [
        pytest.param([("NotIn", ["bank"])], "?", id="only excluding"),
        pytest.param([("NotIn", ["bank"]), ("Exists", None)], "", id="a positive term beside"),
    ],
)
def test_what_has_no_namespace_may_be_meant_by_what_excludes_namespaces(
    selector: list[tuple[str, list[str] | None]], outside: str
) -> None:
    key = "kubernetes.io/metadata.name"
    terms = [
        {"key": key, "operator": operator, **({"values": values} if values else {})}
        for operator, values in selector
    ]
    peer = {"namespaceSelector": {"matchExpressions": terms}}
    policy = network_policy("db", ingress=[{"from": [peer]}], policyTypes=["Ingress"])
    bank = "bank/api>shop/db bank/db>shop/db"
    expected = f"{bank} {outside}{WORLD}>shop/db ?{NODE}>shop/db"
    found = reachability(cluster(policy), "cilium")
    assert denied(found) == " ".join(sorted(expected.split()))
    own = (
        asks(NAMESPACE, "NotIn", "bank")
        if outside
        else {"matchExpressions": [{**each, "key": NAMESPACE} for each in terms]}
    )
    same = reachability(cluster(cnp("db", ingress=[{"fromEndpoints": [own]}])), "cilium")
    assert denied(same) == denied(found)
