"""Clusters that are hard in one way each, at any size."""

from __future__ import annotations

from ipaddress import IPv4Network
from random import Random

from benchmarks.parts import allowing, equal, namespace, pods, workload
from podwall.model import (
    IpPeer,
    IpProtocol,
    Operator,
    PodPeer,
    PortRule,
    Selector,
    SelectorRequirement,
    Snapshot,
)

__all__ = [
    "address_blocks",
    "dense_rules",
    "distinct_pods",
    "distinct_ports",
    "every_pod_excludes_one",
    "full_mesh",
    "ladder",
]

EVERYTHING = Selector()


def ladder(workloads: int) -> Snapshot:
    """Namespaces of ten workloads with ten policies; each workload is reached by ten."""
    companies = [
        f"company-{number % max(workloads // 100, 1)}" for number in range(workloads // 10)
    ]
    names = [f"{company}-{number}" for number, company in enumerate(companies)]
    labels = [{"app": f"app-{number}"} for number in range(10)]
    return Snapshot(
        namespaces=tuple(
            namespace(name, company=company) for name, company in zip(names, companies, strict=True)
        ),
        workloads=tuple(
            workload(name, f"w{number}", each, replicas=10)
            for name in names
            for number, each in enumerate(labels)
        ),
        policies=tuple(
            allowing(name, f"p{number}", equal(**each), pods(equal(company=company), **each))
            for name, company in zip(names, companies, strict=True)
            for number, each in enumerate(labels)
        ),
        complete=True,
    )


def distinct_ports(policies: int, workloads: int = 20) -> Snapshot:
    """One namespace, in which every policy selects every pod and allows a port of its own."""
    return Snapshot(
        namespaces=(namespace("ns"),),
        workloads=tuple(
            workload("ns", f"w{number}", {"app": f"a{number}"}, 2) for number in range(workloads)
        ),
        policies=tuple(
            allowing("ns", f"p{number}", EVERYTHING, pods(), ports=(_tcp(number + 1),))
            for number in range(policies)
        ),
        complete=True,
    )


def full_mesh(workloads: int) -> Snapshot:
    """No policies at all."""
    return Snapshot(
        namespaces=(namespace("ns"),),
        workloads=tuple(
            workload("ns", f"w{number}", {"app": f"a{number}"}, 2) for number in range(workloads)
        ),
        complete=True,
    )


def dense_rules(workloads: int) -> Snapshot:
    """Namespaces of a hundred that deny all but what comes from every namespace, on some port."""
    names = [f"ns-{number}" for number in range(workloads // 100)]
    return Snapshot(
        namespaces=tuple(namespace(name) for name in names),
        workloads=tuple(
            workload(name, f"w{number}", {"app": f"a{number}"}, 2)
            for name in names
            for number in range(100)
        ),
        policies=tuple(
            allowing(name, "open", EVERYTHING, PodPeer(EVERYTHING, EVERYTHING), ports=(_tcp(port),))
            for port, name in enumerate(names, 1)
        ),
        complete=True,
    )


def address_blocks(blocks: int) -> Snapshot:
    """Twenty workloads, and policies with many blocks that overlap and have exceptions."""
    rng = Random(blocks)
    peers = [_block(rng) for _ in range(blocks)]
    return Snapshot(
        namespaces=(namespace("ns"),),
        workloads=tuple(
            workload("ns", f"w{number}", {"app": f"a{number % 10}"}, 2) for number in range(20)
        ),
        policies=tuple(
            allowing("ns", f"p{number}", equal(app=f"a{number}"), *peers[number::10])
            for number in range(10)
        ),
        complete=True,
    )


def single_addresses(pods_: int, addresses: int) -> Snapshot:
    """Every pod has a policy, which lets in addresses of which no other policy speaks."""
    blocks = [
        IpPeer(IPv4Network(f"203.{n // 200}.{n % 200}.7/32")) for n in range(pods_ * addresses)
    ]
    return Snapshot(
        namespaces=(namespace("ns"),),
        workloads=tuple(workload("ns", f"w{n}", {"app": f"a{n}"}) for n in range(pods_)),
        policies=tuple(
            allowing("ns", f"p{n}", equal(app=f"a{n}"), *blocks[n * addresses :][:addresses])
            for n in range(pods_)
        ),
        complete=True,
    )


def distinct_pods(pods_: int) -> Snapshot:
    """Every pod is a class of its own, and lets every other in on a port of its own."""
    labels = [{"id": f"id-{number}"} for number in range(pods_)]
    everyone = PodPeer(EVERYTHING, EVERYTHING)
    return Snapshot(
        namespaces=(namespace("ns"),),
        workloads=tuple(workload("ns", f"p{number}", each) for number, each in enumerate(labels)),
        policies=tuple(
            allowing("ns", f"p{n}", equal(**each), everyone, ports=(_tcp(n % 60_000 + 1),))
            for n, each in enumerate(labels)
        ),
        complete=True,
    )


def every_pod_excludes_one(pods_: int) -> Snapshot:
    """Every pod is a class of its own, and lets in every pod but one: no two rows are alike."""
    labels = [{"id": f"id-{number}"} for number in range(pods_)]
    return Snapshot(
        namespaces=(namespace("ns"),),
        workloads=tuple(workload("ns", f"p{number}", each) for number, each in enumerate(labels)),
        policies=tuple(
            allowing("ns", f"p{n}", equal(**each), _all_but(labels[n - 1]["id"]))
            for n, each in enumerate(labels)
        ),
        complete=True,
    )


def _all_but(value: str) -> PodPeer:
    return PodPeer(Selector((SelectorRequirement("id", Operator.NOT_IN, (value,)),)), EVERYTHING)


def _tcp(port: int) -> PortRule:
    return PortRule(IpProtocol.TCP, port)


def _block(rng: Random) -> IpPeer:
    length = rng.choice((8, 12, 16, 20, 24))
    network = IPv4Network((rng.getrandbits(32) >> (32 - length) << (32 - length), length))
    if rng.random() < 0.5:
        return IpPeer(network)
    inner = list(network.subnets(prefixlen_diff=4))
    return IpPeer(network, (rng.choice(inner),))
