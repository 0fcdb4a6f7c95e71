"""Everything at once, in the proportions of real clusters, from a seed."""

from __future__ import annotations

from ipaddress import IPv4Network
from random import Random
from typing import Final

from benchmarks.parts import equal, namespace
from podwall.model import (
    IpPeer,
    IpProtocol,
    LabelMap,
    Operator,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
    WorkloadPort,
)

__all__ = ["random_mix"]

EVERYTHING: Final = Selector()
APPS: Final = 20
TEAMS: Final = 10
PORTS: Final = (80, 443, 3000, 5432, 6379, 8080, 8443, 9090, 9093, 9200)


def random_mix(workloads: int) -> Snapshot:
    """Namespaces of twenty workloads with ten policies of every kind."""
    rng = Random(workloads)
    names = [f"ns-{number}" for number in range(max(workloads // APPS, 1))]
    return Snapshot(
        namespaces=tuple(namespace(name, team=f"team-{rng.randrange(TEAMS)}") for name in names),
        workloads=tuple(_workload(rng, name, app) for name in names for app in range(APPS)),
        policies=tuple(_policy(rng, name, n) for name in names for n in range(APPS // 2)),
        pod_cidrs=(IPv4Network("10.244.0.0/16"),),
        complete=True,
    )


def _workload(rng: Random, where: str, app: int) -> SnapshotWorkload:
    labels = {"app": f"app-{app}", "tier": rng.choice("abc"), "version": f"v{rng.randrange(5)}"}
    ports = (WorkloadPort(rng.choice(PORTS), IpProtocol.TCP, "http"),)
    host = rng.random() < 0.01
    kind = rng.choice(("Deployment", "Deployment", "StatefulSet"))
    return SnapshotWorkload(where, f"app-{app}", kind, LabelMap.of(dict(labels)), ports, 3, host)


def _policy(rng: Random, where: str, number: int) -> Policy:
    ingress, egress = rng.choices(((1, 0), (0, 1), (1, 1)), (55, 15, 30))[0]
    return Policy(
        where,
        f"p{number}",
        _selector(rng),
        ingress=_rules(rng) if ingress else None,
        egress=_rules(rng) if egress else None,
    )


def _rules(rng: Random) -> tuple[Rule, ...]:
    return tuple(Rule(_peers(rng), _ports(rng)) for _ in range(rng.randint(1, 3)))


def _selector(rng: Random) -> Selector:
    kind = rng.choices(("all", "equal", "in", "not in", "exists", "none"), (20, 60, 8, 6, 3, 3))[0]
    app = tuple(sorted({f"app-{rng.randrange(APPS)}" for _ in range(2)}))
    match kind:
        case "all":
            return EVERYTHING
        case "equal":
            return equal(app=app[0])
        case "in":
            return Selector((SelectorRequirement("app", Operator.IN, app),))
        case "not in":
            return Selector((SelectorRequirement("app", Operator.NOT_IN, app),))
        case "exists":
            return Selector((SelectorRequirement("tier", Operator.EXISTS),))
        case _:
            return Selector((SelectorRequirement("canary", Operator.DOES_NOT_EXIST),))


def _peers(rng: Random) -> tuple[Peer, ...] | None:
    kinds = ("everyone", "pods", "namespaces", "everywhere", "both", "block")
    team = equal(team=f"team-{rng.randrange(TEAMS)}")
    match rng.choices(kinds, (10, 40, 15, 5, 20, 10))[0]:
        case "everyone":
            return None
        case "pods":
            return (PodPeer(_selector(rng)),)
        case "namespaces":
            return (PodPeer(EVERYTHING, team),)
        case "everywhere":
            return (PodPeer(EVERYTHING, EVERYTHING),)
        case "both":
            return (PodPeer(_selector(rng), team),)
        case _:
            return (_block(rng),)


def _block(rng: Random) -> IpPeer:
    length = rng.choice((16, 20, 24))
    network = IPv4Network((rng.getrandbits(32) >> (32 - length) << (32 - length), length))
    return IpPeer(network, (next(network.subnets(4)),) if rng.random() < 0.3 else ())


def _ports(rng: Random) -> tuple[PortRule, ...] | None:
    port = rng.choice(PORTS)
    match rng.choices(("all", "number", "range", "name", "protocol"), (25, 45, 10, 15, 5))[0]:
        case "all":
            return None
        case "number":
            return (PortRule(IpProtocol.TCP, port),)
        case "range":
            return (PortRule(IpProtocol.TCP, port, port + rng.randrange(100)),)
        case "name":
            return (PortRule(IpProtocol.TCP, "http"),)
        case _:
            return (PortRule(IpProtocol.UDP),)
