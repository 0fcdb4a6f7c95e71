"""A company that one would believe: teams with alike workloads, most of them with default deny."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.parts import equal, namespace, pods
from podwall.model import (
    IpPeer,
    IpProtocol,
    LabelMap,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    Snapshot,
    SnapshotWorkload,
    WorkloadPort,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["company"]

TEAMS: Final = (
    *("audit", "auth", "billing", "catalog", "docs", "events", "fraud", "jobs", "ledger", "mail"),
    *("media", "notify", "orders", "price", "report", "risk", "search", "ship", "shop", "stock"),
)
ROLES: Final = (
    *("web", "api", "worker", "db", "cache", "queue", "cron", "proxy", "batch", "sync", "admin"),
    *("edge", "feed", "index", "store"),
)
CALLS: Final = (
    ("web", "api", 8080),
    ("api", "db", 5432),
    ("api", "cache", 6379),
    ("worker", "queue", 5672),
)
TIERS: Final = ("front", "back", "data")
WITHOUT_POLICIES: Final = 5
"""Every so manieth team has not begun with policies yet."""

ANYONE: Final = IpPeer(ip_network("0.0.0.0/0"))
KUBE_DNS: Final = PodPeer(
    equal(**{"k8s-app": "kube-dns"}), equal(**{"kubernetes.io/metadata.name": "kube-system"})
)


def company(teams: int = 20, workloads: int = 25, seed: int = 1) -> Snapshot:
    """Return the stack of a company; equal arguments give an equal one."""
    rng = Random(seed)
    names = [_named(TEAMS, number) for number in range(teams)]
    return Snapshot(
        namespaces=tuple(namespace(name, tier=rng.choice(TIERS)) for name in names),
        workloads=tuple(
            _workload(name, number, rng) for name, number in product(names, range(workloads))
        ),
        policies=tuple(
            policy
            for number, name in enumerate(names)
            if number % WITHOUT_POLICIES != WITHOUT_POLICIES - 1
            for policy in _policies(name, rng.choice(TIERS))
        ),
        engine="azure",
        kubernetes_version="1.34",
        pod_cidrs=(ip_network("10.244.0.0/16"),),
    )


def _named(names: tuple[str, ...], number: int) -> str:
    again, place = divmod(number, len(names))
    return f"{names[place]}-{again + 1}" if again else names[place]


def _workload(where: str, number: int, rng: Random) -> SnapshotWorkload:
    name = _named(ROLES, number)
    labels = LabelMap.of({"app": name, "role": ROLES[number % len(ROLES)]})
    kind = rng.choice(("Deployment", "Deployment", "StatefulSet"))
    ports = (WorkloadPort(8080, IpProtocol.TCP, "http"),)
    return SnapshotWorkload(where, name, kind, labels, ports, rng.choice((1, 2, 3)))


def _policies(where: str, scraped_by: str) -> Iterator[Policy]:
    everything = Selector()
    dns = tuple(PortRule(protocol, 53) for protocol in (IpProtocol.UDP, IpProtocol.TCP))
    metrics = (PortRule(IpProtocol.TCP, 9090),)
    proxies = PodPeer(equal(role="proxy"), equal(tier=scraped_by))
    yield Policy(where, "default-deny", everything, (), ())
    yield Policy(where, "allow-dns", everything, None, (Rule((KUBE_DNS,), dns),))
    yield Policy(where, "metrics", everything, (Rule((proxies,), metrics),))
    scrapes = Rule((PodPeer(everything, everything),), metrics)
    yield Policy(where, "scrapes", equal(role="proxy"), None, (scrapes,))
    web = Rule((ANYONE,), (PortRule(IpProtocol.TCP, "http"),))
    yield Policy(where, "web", equal(role="web"), (web,))
    for client, server, port in CALLS:
        ports = (PortRule(IpProtocol.TCP, port),)
        callers = Rule((pods(role=client),), ports)
        yield Policy(where, f"{server}-from-{client}", equal(role=server), (callers,))
        called = Rule((pods(role=server),), ports)
        yield Policy(where, f"{client}-to-{server}", equal(role=client), None, (called,))
