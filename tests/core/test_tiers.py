"""Tiers, rule by rule: what the documentation of the API says, as rows of a table.

https://network-policy-api.sigs.k8s.io/api-overview/
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
NAME = "kubernetes.io/metadata.name"


def of(*namespaces: str) -> Manifest:
    """Return a peer, or a subject: all pods of some namespaces, of all without names."""
    named = [{"key": NAME, "operator": "In", "values": list(namespaces)}]
    return {"namespaces": {"matchExpressions": named} if namespaces else {}}


def pods(app: str, *namespaces: str) -> Manifest:
    selected: Manifest = {"podSelector": {"matchLabels": {"app": app}}}
    if namespaces:
        selected["namespaceSelector"] = of(*namespaces)["namespaces"]
    return {"pods": selected}


def rule(action: str, *peers: Manifest, way: str = "from", **more: Any) -> Manifest:
    return {"action": action, way: list(peers), **more}


def cluster_policy(
    tier: str, priority: int, subject: Manifest, *ingress: Manifest, **more: Any
) -> Manifest:
    spec = {"tier": tier, "priority": priority, "subject": subject, **more}
    if ingress:
        spec["ingress"] = list(ingress)
    metadata = {"name": f"{tier.lower()}-{priority}"}
    kind = "ClusterNetworkPolicy"
    return {"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": kind,
            "metadata": metadata, "spec": spec}  # fmt: skip


def older(kind: str, name: str, **spec: Any) -> Manifest:
    api = "policy.networking.k8s.io/v1alpha1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def network_policy(app: str | None = None, **spec: Any) -> Manifest:
    selector = {"matchLabels": {"app": app}} if app else {}
    metadata = {"name": "np", "namespace": "shop"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": metadata, "spec": {"podSelector": selector, **spec}}  # fmt: skip


def cluster(*policies: Manifest) -> Snapshot:
    objects: list[Manifest] = []
    for number, name in enumerate(PODS):
        namespace, app = name.split("/")
        ports = [{"name": "http", "containerPort": 8080 if app == "web" else 80}]
        objects.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": app, "namespace": namespace, "labels": {"app": app}},
                "spec": {"containers": [{"name": "a", "ports": ports}]},
                "status": {"podIP": f"10.244.1.{number}"},
            }
        )
    read = snapshot([Document(each) for each in (*objects, *policies)], complete=True)
    assert not [each for each in read.findings if each.id != "cidr-host-bits"]
    return read.snapshot


def denied(found: Reachability, port: int = 80, protocol: IpProtocol = IpProtocol.TCP) -> str:
    """Return the pairs that are denied, `?` before those that are undetermined."""
    marks = {Verdict.DENIED: "", Verdict.UNDETERMINED: "?"}
    asked = {
        (source, destination): found.verdict(source, destination, protocol, port)
        for source, destination in product(PODS, repeat=2)
    }
    said = [f"{marks[each]}{pair[0]}>{pair[1]}" for pair, each in asked.items() if each in marks]
    return " ".join(sorted(said))


FROM_BANK = "bank/api>shop/db bank/api>shop/web bank/db>shop/db bank/db>shop/web"
WITHIN = "shop/db>shop/web shop/web>shop/db"
DENY_BANK = cluster_policy("Admin", 10, of("shop"), rule("Deny", of("bank")))
ACCEPT_OPS = cluster_policy("Admin", 10, of("shop"), rule("Accept", of("ops")))
CLOSED = network_policy(policyTypes=["Ingress"])
BASELINE_DENY = cluster_policy("Baseline", 1, of(), rule("Deny", of()))


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param([DENY_BANK], FROM_BANK, id="an admin rule denies, and nothing else changes"),
        pytest.param([ACCEPT_OPS], "", id="an accepting rule isolates nobody"),
        pytest.param([ACCEPT_OPS, CLOSED], f"{FROM_BANK} {WITHIN}", id="accept beats a policy"),
        pytest.param(
            [DENY_BANK, network_policy(ingress=[{}])], FROM_BANK, id="no policy undoes a deny"
        ),
        pytest.param(
            [
                cluster_policy(
                    "Admin",
                    10,
                    of("shop"),
                    rule("Accept", pods("api", "bank")),
                    rule("Deny", of("bank")),
                )
            ],
            "bank/db>shop/db bank/db>shop/web",
            id="the first matching rule of a policy decides",
        ),
        pytest.param(
            [
                cluster_policy("Admin", 900, of("shop"), rule("Deny", of())),
                cluster_policy("Admin", 0, of("shop"), rule("Accept", of("bank"))),
            ],
            f"ops/mon>shop/db ops/mon>shop/web {WITHIN}",
            id="the lower number comes first, whatever the order of the files",
        ),
        pytest.param(
            [
                cluster_policy(
                    "Admin",
                    1,
                    of("shop"),
                    rule("Pass", pods("api", "bank")),
                    rule("Accept", of("bank")),
                ),
                cluster_policy("Baseline", 1, of("shop"), rule("Deny", of("bank"))),
            ],
            "bank/api>shop/db bank/api>shop/web",
            id="what passes falls to the baseline",
        ),
        pytest.param(
            [
                cluster_policy("Admin", 1, of("shop"), rule("Pass", of("bank"))),
                cluster_policy("Admin", 2, of("shop"), rule("Deny", of("bank"))),
            ],
            "",
            id="pass skips the rest of its tier",
        ),
        pytest.param(
            [BASELINE_DENY, network_policy("db", ingress=[{}])],
            " ".join(
                f"{a}>{b}" for a, b in sorted(product(PODS, repeat=2)) if b not in {a, "shop/db"}
            ),
            id="a policy that selects the pod hides the baseline",
        ),
        pytest.param(
            [
                cluster_policy("Baseline", 1, of("shop"), rule("Accept", of())),
                CLOSED,
            ],
            f"{FROM_BANK} ops/mon>shop/db ops/mon>shop/web {WITHIN}",
            id="a baseline accept does not open what a policy isolates",
        ),
        pytest.param(
            [
                CLOSED,
                cluster_policy(
                    "Baseline", 1, of("shop"), egress=[rule("Deny", of("bank"), way="to")]
                ),
            ],
            f"{FROM_BANK} ops/mon>shop/db ops/mon>shop/web shop/db>bank/api shop/db>bank/db "
            f"{WITHIN.split(maxsplit=1)[0]} shop/web>bank/api shop/web>bank/db {WITHIN.split()[1]}",
            id="a policy for ingress only leaves egress to the baseline",
        ),
        pytest.param(
            [
                older(
                    "AdminNetworkPolicy",
                    "a",
                    priority=10,
                    subject=of("shop"),
                    ingress=[rule("Deny", of("bank"))],
                )
            ],
            FROM_BANK,
            id="the older admin kind",
        ),
        pytest.param(
            [
                older(
                    "BaselineAdminNetworkPolicy",
                    "default",
                    subject=of("shop"),
                    egress=[
                        rule("Allow", pods("db", "bank"), way="to"),
                        rule("Deny", of("bank"), way="to"),
                    ],
                )
            ],
            "shop/db>bank/api shop/web>bank/api",
            id="the older baseline kind, whose first rule decides",
        ),
        pytest.param(
            [cluster_policy("Admin", 1, of("ops"), egress=[rule("Deny", pods("db"), way="to")])],
            "ops/mon>bank/db ops/mon>shop/db",
            id="pods without a namespace selector are those of all namespaces",
        ),
        pytest.param(
            [
                cluster_policy("Admin", 5, of("shop"), rule("Deny", of("bank"))),
                {
                    **cluster_policy("Admin", 5, of("shop"), rule("Accept", pods("api"))),
                    "metadata": {"name": "other"},
                },
            ],
            "?bank/api>shop/db ?bank/api>shop/web bank/db>shop/db bank/db>shop/web",
            id="of equal priorities either may win, where they disagree",
        ),
        pytest.param(
            [
                cluster_policy(
                    "Admin",
                    1,
                    of("ops"),
                    egress=[rule("Deny", {"networks": ["10.244.1.0/31"]}, way="to")],
                )
            ],
            "ops/mon>shop/db ops/mon>shop/web",
            id="networks mean pods by their addresses",
        ),
        pytest.param(
            [
                cluster_policy(
                    "Admin",
                    1,
                    of("ops"),
                    egress=[
                        rule("Deny", {"nodes": {}}, {"domainNames": ["*.example.org"]}, way="to")
                    ],
                )
            ],
            "",
            id="nodes and names mean no pod",
        ),
    ],
)
def test_who_is_denied(policies: list[Manifest], expected: str) -> None:
    found = reachability(cluster(*policies))
    assert denied(found) == " ".join(sorted(expected.split()))
    for source, destination in product(PODS, repeat=2):
        if source == destination:
            continue
        bounds = found.replay(source, destination).allowed
        verdict = found.verdict(source, destination, IpProtocol.TCP, 80)
        assert bounds.must.contains(IpProtocol.TCP, 80) == (verdict is Verdict.ALLOWED)
        assert bounds.may.contains(IpProtocol.TCP, 80) == (verdict is not Verdict.DENIED)


def from_ops(**port: Any) -> Reachability:
    denying = rule("Deny", of("ops"), protocols=[port])
    return reachability(cluster(cluster_policy("Admin", 1, of("shop"), denying)))


def test_a_rule_for_tcp_leaves_udp_alone() -> None:
    found = from_ops(tcp={"destinationPort": {"number": 53}})
    assert denied(found, 53, IpProtocol.UDP) == ""
    assert denied(found, 53) == "ops/mon>shop/db ops/mon>shop/web"


def test_a_name_is_the_number_of_each_destination() -> None:
    found = from_ops(destinationNamedPort="http")
    assert denied(found, 80) == "ops/mon>shop/db"
    assert denied(found, 8080) == "ops/mon>shop/web"


def test_ingress_names_no_address_so_that_the_internet_stays() -> None:
    found = reachability(cluster(cluster_policy("Admin", 1, of("shop"), rule("Deny", of()))))
    assert found.verdict("0.0.0.0/0", "shop/web", IpProtocol.TCP, 80) is Verdict.ALLOWED


def test_what_nodes_and_names_stand_for_is_undetermined_outside() -> None:
    denying = rule("Deny", {"domainNames": ["example.org"]}, way="to")
    found = reachability(cluster(cluster_policy("Admin", 1, of("ops"), egress=[denying])))
    connection = found.connection("ops/mon", "0.0.0.0/0")
    assert not connection.allowed
    assert [each.because for each in connection.undetermined] == [
        "the addresses of `example.org` are learnt by DNS"
    ]


def test_pods_on_the_host_network_are_no_subjects_and_no_peers() -> None:
    known = cluster(cluster_policy("Admin", 1, of(), rule("Deny", of())))
    host = replace(known.workloads[-1], host_network=True)
    found = reachability(replace(known, workloads=(*known.workloads[:-1], host)))
    assert found.verdict("ops/mon", "shop/web", IpProtocol.TCP, 80) is Verdict.ALLOWED
    assert found.verdict("shop/web", "ops/mon", IpProtocol.TCP, 80) is Verdict.ALLOWED


def test_both_policies_of_a_conflict_are_named() -> None:
    other = cluster_policy("Admin", 10, of("shop"), rule("Accept", of("bank")))
    found = reachability(cluster(DENY_BANK, {**other, "metadata": {"name": "b"}}))
    [part] = found.connection("bank/api", "shop/db").undetermined
    assert part.because == (
        "policies `admin-10` and `b` have the same priority and decide differently"
    )


@pytest.mark.parametrize(
    ("engine", "version", "kind", "expected"),
    [
        ("azure", "1.34", "cluster", ""),
        ("cilium", "1.34", "cluster", ""),
        ("calico", "1.34", "cluster", ""),
        ("none", "1.34", "cluster", ""),
        ("spec", None, "cluster", FROM_BANK),
        ("cilium", None, "cluster", "?"),
        ("cilium", "1.37", "cluster", "?"),
        ("cilium", None, "admin", ""),
        ("calico", "1.33", "admin", "?"),
    ],
)
def test_each_engine_enforces_what_its_version_knows(
    engine: str, version: str | None, kind: str, expected: str
) -> None:
    admin = older("AdminNetworkPolicy", "a", priority=1, subject=of("shop"),
                  ingress=[rule("Deny", of("bank"))])  # fmt: skip
    known = cluster(DENY_BANK if kind == "cluster" else admin)
    found = reachability(replace(known, kubernetes_version=version), engine)
    perhaps = " ".join(f"?{each}" for each in FROM_BANK.split())
    assert denied(found) == (perhaps if expected == "?" else expected)


def test_unseen_pods_are_under_tiers_as_well() -> None:
    known = replace(cluster(BASELINE_DENY), complete=False)
    found = reachability(known)
    assert found.exposure("shop/web", Direction.INGRESS) == ()
    accepting = cluster_policy("Admin", 1, of("shop"), rule("Accept", of("tools")))
    opened = reachability(replace(cluster(BASELINE_DENY, accepting), complete=False))
    [connection] = opened.exposure("shop/web", Direction.INGRESS)
    assert str(connection.source) == "any pod of namespace tools"
    assert str(opened.connection("any:", "shop/web").allowed) == "no ports"


def test_the_deciding_rule_is_named() -> None:
    found = reachability(cluster(DENY_BANK, BASELINE_DENY))
    text = str(explain(found, "bank/api", "shop/db", IpProtocol.TCP, 80))
    assert "denied, rule `spec.ingress[0]` of ClusterNetworkPolicy admin-10 denies it" in text
    assert "spec.ingress[0]: Deny comes too late, it names every pod of every namespace" in text


def test_an_accepting_rule_exposes_a_pod_that_a_policy_isolates() -> None:
    accepting = cluster_policy("Admin", 1, of("shop"), rule("Accept", of("tools")))
    found = reachability(replace(cluster(CLOSED, accepting), complete=False))
    [connection] = found.exposure("shop/web", Direction.INGRESS)
    assert str(connection.source) == "any pod of namespace tools"
    assert str(connection.allowed) == "all ports"
