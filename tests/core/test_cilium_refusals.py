"""Odd policies of Cilium's kinds: which it finds invalid and leaves out, and what others mean.

What is expected is what its own code says (1.18.6): what it refuses it enforces no part of.
https://github.com/cilium/cilium/blob/v1.18.6/pkg/policy/api/rule_validation.go
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from podwall.reachability import reachability
from podwall.reading import Document, snapshot
from tests.core.test_cilium import (
    PODS,
    WORLD,
    Manifest,
    asks,
    ccnp,
    cluster,
    cnp,
    denied,
    into,
    labels,
    opened,
    out_of,
    pod,
    ports,
)

ALL: Final = {"toEntities": ["all"]}
HTTP: Final = {"http": [{"method": "GET"}]}
DNS: Final = {"dns": [{"matchPattern": "*"}]}
TLS: Final = ["example.org"]
NODES: Final = {"matchLabels": {"pool": "a"}}
GROUPS: Final = [{"aws": {"securityGroupsIds": ["sg-1"]}}]
LISTENER: Final = {"name": "a", "envoyConfig": {"name": "b"}}


def entry(port: str = "80", protocol: str = "TCP", **more: Any) -> Manifest:
    end = more.pop("endPort", None)
    one = {"port": port, "protocol": protocol} | ({} if end is None else {"endPort": end})
    return {"toPorts": [{"ports": [one], **more}]}


def to_blocks(*blocks: Manifest) -> Manifest:
    return cnp("web", egress=[{"toCIDRSet": list(blocks)}])


def peer(selector: Manifest) -> Manifest:
    return cnp("web", ingress=[{"fromEndpoints": [selector]}])


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(cnp("web", ingress=[], egress=None), id="no rule at all"),
        pytest.param(
            cnp("web", enableDefaultDeny={"ingress": True}, ingress=[]), id="a wish alone"
        ),
        pytest.param(cnp("web", ingress=[entry(protocol="ANY", rules=HTTP)]), id="http of any"),
        pytest.param(cnp("web", ingress=[entry(protocol="UDP", rules=HTTP)]), id="http of UDP"),
        pytest.param(cnp("web", ingress=[entry("0", rules=HTTP)]), id="http on every port"),
        pytest.param(
            cnp("web", ingress=[entry(rules={"kafka": [{"topic": "a"}], **HTTP})]), id="two sorts"
        ),
        pytest.param(cnp("web", ingress=[entry(rules={"l7": [{"a": "b"}]})]), id="l7 of no sort"),
        pytest.param(cnp("web", ingress=[entry("53", rules=DNS)]), id="names in ingress"),
        pytest.param(
            cnp("web", egress=[entry("53", "UDP", endPort=54, rules=DNS)]), id="names on a range"
        ),
        pytest.param(cnp("web", egress=[{"toPorts": [{"rules": DNS}]}]), id="names on no port"),
        pytest.param(cnp("web", egress=[entry("0", "UDP", rules=DNS)]), id="names on every port"),
        pytest.param(cnp("web", ingress=[entry(listener=LISTENER)]), id="a listener of ingress"),
        pytest.param(
            cnp("web", egress=[entry(listener=LISTENER, rules=HTTP)]), id="a listener and requests"
        ),
        pytest.param(
            cnp("web", egress=[entry("443", serverNames=TLS, rules=HTTP)]), id="requests in TLS"
        ),
        pytest.param(cnp("web", egress=[entry("443", serverNames=[""])]), id="an empty TLS name"),
        pytest.param(cnp("web", ingress=[entry("080")]), id="a port that is no octal number"),
        pytest.param(cnp("web", ingress=[entry("9" * 5_000)]), id="a port of 5,000 digits"),
        pytest.param(
            cnp("web", ingress=[entry("80", endPort=10**5_000)]), id="a last port of 5,000 digits"
        ),
        pytest.param(
            cnp("web", ingress=[{"icmps": [{"fields": [{"type": 8}] * 41}]}]), id="41 ICMP types"
        ),
        pytest.param(
            cnp("web", ingress=[{"icmps": [{"fields": [{"type": 8, "family": "IPv5"}]}]}]),
            id="a family that is none",
        ),
        pytest.param(
            cnp("web", ingress=[{"icmps": [{"fields": [{"type": 8, "family": {}}]}]}]),
            id="a family that is no text",
        ),
        pytest.param(
            cnp("web", ingress=[{"authentication": {"mode": []}, "fromEntities": ["all"]}]),
            id="a mode of authentication that is no text",
        ),
        pytest.param(
            cnp("web", egress=[{"toFQDNs": [{"matchName": "a.b", "matchPattern": "*"}]}]),
            id="a name and a pattern",
        ),
        pytest.param(
            cnp("web", egress=[{"toServices": [{"k8sService": {"serviceName": "s"}}], **ALL}]),
            id="services beside another sort of peers",
        ),
        pytest.param(peer(asks("app", "In")), id="in no values"),
        pytest.param(peer(asks("app", "NotIn")), id="not in no values"),
        pytest.param(peer(asks("app", "Exists", "db")), id="exists, with a value"),
        pytest.param(peer(labels(app="a b")), id="a value that is none"),
        pytest.param(peer(asks("app", "In", "a b")), id="a value that is none, in a list"),
        pytest.param(peer(labels(**{"a b": "x"})), id="a key that is none"),
        pytest.param(peer(labels(**{"X.y/app": "x"})), id="a key with a domain in capitals"),
        pytest.param(peer(labels(**{"a" * 60: "x"})), id="a key that is too long with its source"),
        pytest.param(cnp("web", egress=[{"toCIDR": ["10.01.0.0/16"]}]), id="zeros in an address"),
        pytest.param(cnp("web", egress=[{"toCIDR": ["10.0.0.0/255.0.0.0"]}]), id="a mask"),
        pytest.param(
            to_blocks({"cidr": "10.0.0.0/16", "except": ["10.1.0.0/24"]}), id="a hole elsewhere"
        ),
    ],
)
def test_what_cilium_refuses_denies_nothing_and_is_told(policy: Manifest) -> None:
    pods = [pod(name, number) for number, name in enumerate(PODS)]
    read = snapshot([Document(each) for each in (*pods, policy)], complete=True)
    assert read.snapshot.cilium_policies == ()
    assert {each.id for each in read.findings} <= {"cilium-refuses", "malformed-object"}
    assert len(read.findings) == 1
    found = reachability(read.snapshot, "cilium")
    assert all(each.allowed for each in found.connections())


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(
            cnp("web", enableDefaultDeny={"ingress": True}, egress=[ALL]),
            "",
            id="a wish to isolate counts only beside a rule",
        ),
        pytest.param(
            ccnp(enableDefaultDeny={"ingress": True}, egress=[ALL]),
            "",
            id="a wish to isolate counts only beside a rule, in every namespace",
        ),
        pytest.param(
            cnp("web", egress=[{"toCIDR": [], **ALL}]), out_of("shop/web"),
            id="an empty list makes the rule mean nobody",
        ),
        pytest.param(
            cnp("web", egress=[{"toEndpoints": [], "toCIDR": [WORLD]}]), out_of("shop/web"),
            id="an empty list makes the rule mean nobody, the other way round",
        ),
        pytest.param(
            cnp("web", ingress=[{"fromEntities": [], "fromEndpoints": [{}]}]), into("shop/web"),
            id="an empty list makes the rule mean nobody, in ingress",
        ),
        pytest.param(
            cnp("web", egress=[{"toFQDNs": [], "toPorts": ports("80")}]), "",
            id="an empty list of names is none",
        ),
        pytest.param(
            cnp("web", egress=[{"toServices": [], "toPorts": ports("80")}]), "",
            id="an empty list of services is none",
        ),
        pytest.param(
            cnp("web", ingress=[{"fromGroups": [], "toPorts": ports("80")}]), "",
            id="an empty list of groups is none",
        ),
        pytest.param(
            peer(labels(**{"reserved:world": ""})), f"{into('shop/web', WORLD)} ?{WORLD}>shop/web",
            id="which label of the world an address has is not known",
        ),
        pytest.param(
            peer(labels(**{"a" * 59: "x"})), into("shop/web"), id="a key that is just short enough"
        ),
        pytest.param(
            to_blocks({"cidr": "203.0.113.0/24", "except": ["203.0.113.0/8"]}),
            out_of("shop/web"),
            id="a hole that is wider than its block leaves nothing",
        ),
        pytest.param(
            cnp("web", egress=[{"toCIDR": [f"::ffff:{WORLD.partition('/')[0]}/104"]}]),
            out_of("shop/web"),
            id="an IPv4 address written in IPv6 is none",
        ),
        pytest.param(
            cnp("web", egress=[{"toGroups": GROUPS}]),
            f"?shop/web>{WORLD} shop/web>bank/api shop/web>bank/db shop/web>ops/mon "
            "shop/web>ops/node shop/web>shop/db",
            id="what a cloud calls a group is known there, and no pod",
        ),
        pytest.param(
            cnp("web", ingress=[{"fromGroups": GROUPS}]),
            f"?{WORLD}>shop/web ?ops/node>shop/web bank/api>shop/web bank/db>shop/web "
            "ops/mon>shop/web shop/db>shop/web",
            id="so it is in ingress, where an own node's traffic passes",
        ),
    ],
)  # fmt: skip
def test_what_odd_policies_mean(policy: Manifest, expected: str) -> None:
    found = reachability(cluster(policy), "cilium")
    assert denied(found) == " ".join(sorted(expected.split()))


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param(
            {"port": "0120"}, "TCP 80 / no ports", id="a number that begins with 0 is octal"
        ),
        pytest.param({"port": "81", "endPort": 53}, "TCP 81 / no ports", id="a range backwards"),
        pytest.param({"port": "81", "endPort": 81}, "TCP 81 / no ports", id="a range of one"),
        pytest.param({"port": "0", "endPort": 80}, "TCP 1-80 / no ports", id="a range from 0"),
        pytest.param({"port": "0", "endPort": 65535}, "all TCP / no ports", id="the whole range"),
    ],
)
def test_what_odd_ports_mean(port: Manifest, expected: str) -> None:
    assert opened({"ports": [{"protocol": "TCP", **port}]}) == expected


@pytest.mark.parametrize(
    "policy",
    [
        *(
            pytest.param(cnp("web", ingress=[entry(rules={"http": [{"path": each}]})]), id=each)
            for each in ("[", "/a(?=b)", r"/(a)\1", "/(?<!a)b")
        ),
        pytest.param(peer(asks("reserved:host", "DoesNotExist")), id="what is not the host"),
        pytest.param(peer(asks("reserved:host", "NotIn", "")), id="the host, without a value"),
        pytest.param(peer(labels(**{"reserved:host": "x"})), id="a reserved label with a value"),
        pytest.param(peer(labels(**{"reserved:all": ""})), id="an entity that has no label"),
        pytest.param(cnp("web", ingress=[{"fromNodes": [NODES]}]), id="nodes by their labels"),
        pytest.param(cnp("web", egress=[{"toNodes": [NODES]}]), id="to nodes by their labels"),
        pytest.param(cnp("web", ingressDeny=[{"fromNodes": [NODES]}]), id="a deny of nodes"),
        pytest.param(
            cnp("web", ingress=[{"fromRequires": [labels(app="a")]}]), id="what is required beside"
        ),
        pytest.param(
            cnp("web", egress=[{"toRequires": [labels(app="a")]}]), id="so it is of egress"
        ),
        pytest.param(
            cnp("web", ingress=[{"fromEntities": ["cluster-mesh"]}]), id="an entity from 1.20 on"
        ),
        pytest.param(
            cnp("web", egressDeny=[{"toEntities": ["world", "cluster-mesh"]}]),
            id="so it is under a deny",
        ),
    ],
)
def test_what_nobody_can_be_sure_of_leaves_its_policy_unread(policy: Manifest) -> None:
    read = snapshot([Document(policy)], complete=True)
    assert [each.kind for each in read.snapshot.unread_policies] == ["CiliumNetworkPolicy"]
