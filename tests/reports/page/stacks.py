"""Small and large stacks to look at."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from podwall.model import (
    IpPeer,
    LabelMap,
    PodPeer,
    Policy,
    Rule,
    Selector,
    Snapshot,
    SnapshotNamespace,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.errors import Place
from tests.core.builders import allow, named, policy, selector, tcp

__all__ = ["AFTER", "BEFORE", "HOSTILE", "STACK", "hostile", "many"]

ANYWHERE = IpPeer(ip_network("0.0.0.0/0"))
NAME = "kubernetes.io/metadata.name"


def _in(namespace: str, **labels: str) -> PodPeer:
    return PodPeer(selector(**labels), selector(**{NAME: namespace}))


def _workload(where: str, name: str, kind: str = "Deployment", **more: str) -> SnapshotWorkload:
    labels = LabelMap.of({"app": name, **more})
    ports = (named("http", 8080),) if name == "api" else ()
    place = Place("__main__.py", 20 + len(name))
    return SnapshotWorkload(where, name, kind, labels, ports, 2, place=place)


def _at(line: int, rule: Policy) -> Policy:
    return replace(rule, place=Place("__main__.py", line))


WORKLOADS = (
    _workload("shop", "web", tier="front"),
    _workload("shop", "api", tier="back"),
    _workload("shop", "db", "StatefulSet", tier="data"),
    _workload("ops", "prometheus", "StatefulSet"),
    _workload("ops", "runner"),
)
NAMESPACES = tuple(SnapshotNamespace(name, LabelMap.of({NAME: name})) for name in ("ops", "shop"))
POLICIES = (
    _at(31, policy("shop", name="default-deny", ingress=(), egress=())),
    _at(
        35,
        policy("shop", selector(app="web"), "web", ingress=(allow(ANYWHERE, ports=(tcp(443),)),)),
    ),
    _at(
        40,
        policy(
            "shop",
            selector(app="api"),
            "api",
            ingress=(
                allow(PodPeer(selector(tier="front")), ports=(tcp("http"),)),
                allow(_in("ops", app="prometheus"), ports=(tcp(9090),)),
            ),
        ),
    ),
    _at(
        52,
        policy(
            "shop",
            selector(app="web"),
            "web-calls",
            egress=(allow(PodPeer(selector(app="api")), ports=(tcp(8080),)),),
        ),
    ),
)
STACK = Snapshot(
    NAMESPACES, WORKLOADS, POLICIES, pod_cidrs=(ip_network("10.244.0.0/16"),), complete=True
)

BEFORE = STACK
AFTER = replace(
    STACK,
    policies=(
        *POLICIES,
        _at(60, policy("shop", selector(app="db"), "db", ingress=(allow(_in("ops")),))),
        _at(64, policy("ops", selector(app="runner"), "runner", ingress=())),
        _at(
            70,
            policy(
                "shop",
                selector(app="web"),
                "late",
                egress=(Rule((Unknown("the cidr of policy `shop/late`"),), None),),
            ),
        ),
    ),
)

HOSTILE = (
    "</script><script>window.stolen=1</script>",
    "<img src=x onerror=window.stolen=1>",
    "<!--<script>",
    "\"onmouseover='window.stolen=1'",
    "javascript:window.stolen=1",
    "${window.stolen=1}",
    "]]>&lt;b&gt;\u2028\u2029",
    "\u202egnp.exe",
    "$policy",
)


def hostile() -> Snapshot:
    """Return a stack in which every name, label and place is written by an attacker."""
    workloads = tuple(
        SnapshotWorkload(each, each, each, LabelMap.of({each: each}), place=Place(each, 1, each))
        for each in HOSTILE
    )
    policies = tuple(
        Policy(
            each, each, Selector(), (allow(PodPeer(selector(**{each: each}))),), place=Place(each)
        )
        for each in HOSTILE
    )
    return Snapshot((), workloads, policies)


def many(namespaces: int, workloads: int) -> Snapshot:
    """Return a stack of so many namespaces with so many workloads each."""
    roles = ("web", "api", "db", "cache", "worker")
    names = [f"team-{number:03}" for number in range(namespaces)]
    pods = tuple(
        _workload(name, f"{roles[k % 5]}-{k:02}", role=roles[k % 5])
        for name in names
        for k in range(workloads)
    )
    rules = tuple(
        each
        for name in names
        for each in (
            policy(name, name="default-deny", ingress=(), egress=()),
            policy(
                name,
                selector(role="api"),
                "api",
                ingress=(allow(PodPeer(selector(role="web")), ports=(tcp(8080),)),),
            ),
            policy(
                name, selector(role="web"), "web", egress=(allow(PodPeer(selector(role="api"))),)
            ),
        )
    )
    return Snapshot((), pods, rules, pod_cidrs=(ip_network("10.244.0.0/16"),), complete=True)
