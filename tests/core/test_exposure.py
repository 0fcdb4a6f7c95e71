"""Exposure equals a judge that asks about pods that nobody has written, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from random import Random
from typing import Final

import pytest

from podwall.engines import CALICO, SPEC, Engine
from podwall.model import LabelMap, Selector, Snapshot, SnapshotNamespace
from podwall.policies.rules import Direction
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import reachability
from podwall.reachability.exposure import ExposedClasses, UnseenOpening, exposure
from podwall.reachability.label_conditions import LabelConditions
from podwall.reachability.unseen_peers import Counted
from tests import unseen_oracle
from tests.conftest import SOAK
from tests.core.clusters import Size, random_cluster
from tests.core.judged import World, probes
from tests.core.obscured import obscured
from tests.core.test_agreement import LEAST, MOST
from tests.oracle import Address, Pod, Probes, selects
from tests.unseen_oracle import Hypothetical

SMALL: Final = Size(workloads=5, policies=5)
ASKED: Final = 60
"""So many hypothetical pods are asked about in each cluster."""

Judge = Callable[[Snapshot, Hypothetical, tuple[Pod, Pod], Probes], Probes]


def open_cluster(rng: Random, size: Size) -> Snapshot:
    """Return a cluster that may hold more, with the labels of every namespace that it shows."""
    found = random_cluster(rng, size)
    used = {str(each.namespace) for each in found.workloads}
    used |= {str(each.namespace) for each in found.policies}
    missing = sorted(used - {each.name for each in found.namespaces})
    rest = (SnapshotNamespace(each, LabelMap()) for each in missing)
    return replace(found, namespaces=(*found.namespaces, *rest), complete=False)


@pytest.mark.parametrize("batch", range(10))
@pytest.mark.parametrize(
    ("counted", "judge"),
    [(Counted.EVERY_POD, unseen_oracle.passing), (Counted.NO_TWINS, unseen_oracle.new)],
    ids=["every pod", "no twins"],
)
@pytest.mark.long(keep=1)
def test_every_packet_of_hypothetical_pods(counted: Counted, judge: Judge, batch: int) -> None:
    for seed in range(15 * batch, 15 * batch + 15 + SOAK // 10):
        rng = Random(f"{counted} {seed}")
        assert list(differences(rng, open_cluster(rng, SMALL), counted, judge)) == []


@pytest.mark.parametrize("batch", range(5))
@pytest.mark.long
def test_every_packet_where_blocks_speak_of_pods(batch: int) -> None:
    size = replace(SMALL, hosts=False)
    for seed in range(10 * batch, 10 * batch + 10):
        rng = Random(f"by address {seed}")
        snapshot = open_cluster(rng, size)
        by_address = (CALICO, (MOST, MOST))
        assert not list(
            differences(rng, snapshot, Counted.EVERY_POD, unseen_oracle.passing, by_address)
        )


@pytest.mark.parametrize("hidden", [0.05, 0.3], ids="{:.0%} of the values hidden".format)
@pytest.mark.long
def test_what_is_hidden_is_neither_open_nor_closed(hidden: float) -> None:
    for seed in range(40):
        rng = Random(f"hidden {hidden} {seed}")
        known = open_cluster(rng, replace(SMALL, hosts=False))
        seen = obscured(rng, known, hidden)
        assert list(overclaims(rng, known, seen)) == []


def overclaims(rng: Random, known: Snapshot, seen: Snapshot) -> Iterator[str]:
    """Yield the packets that the exposure of what is seen calls open, or closed, and are not."""
    found = reachability(seen, SPEC)
    asked = frozenset(probes(known))
    ports = unseen_oracle.every_port_name(known, asked)
    pods = list(unseen_oracle.universe(known))
    exposed = exposure(found.analysis)
    for hypothetical in rng.sample(pods, min(ASKED // 2, len(pods))):
        for number, workload in enumerate(known.workloads):
            for direction, classes in exposed.items():
                openings = of_workload(classes, int(found.analysis.classes.of_workload[number]))
                must, may = claimed(openings, hypothetical, known)
                least = (hypothetical.pod(), Pod(workload, 0, None, "b"))
                most = (
                    hypothetical.pod(ports, MOST.pod_address),
                    Pod(workload, 0, MOST.pod_address),
                )
                if direction is Direction.EGRESS:
                    least, most = (least[1], least[0]), (most[1], most[0])
                passed = unseen_oracle.passing(known, hypothetical, least, asked)
                if not {each for each in asked if must.contains(*each)} <= passed:
                    yield f"{direction} {workload.name}: {hypothetical} is called open"
                passed = unseen_oracle.new(known, hypothetical, most, asked)
                if not passed <= {each for each in asked if may.contains(*each)}:
                    yield f"{direction} {workload.name}: {hypothetical} is called closed"


@pytest.mark.long
def test_no_class_is_in_another_with_its_ports() -> None:
    for seed in range(100):
        found = reachability(open_cluster(Random(f"fewest {seed}"), SMALL))
        for classes in exposure(found.analysis).values():
            for number in range(len(classes)):
                openings = classes.openings(number)
                pairs = product(openings, repeat=2)
                assert not [1 for one, other in pairs if one is not other and within(one, other)]


def within(one: UnseenOpening, other: UnseenOpening) -> bool:
    """Say whether an opening adds nothing to another one."""
    ports = one.ports | other.ports
    pods = LabelConditions.of(one.pods.pods), LabelConditions.of(other.pods.pods)
    assert pods[0] is not None
    assert pods[1] is not None
    there, elsewhere = one.pods.namespaces, other.pods.namespaces
    if isinstance(there, tuple) and isinstance(elsewhere, tuple):
        inside = set(there) <= set(elsewhere)
    elif isinstance(there, Selector) and isinstance(elsewhere, Selector):
        spaces = LabelConditions.of(there), LabelConditions.of(elsewhere)
        assert spaces[0] is not None
        assert spaces[1] is not None
        inside = spaces[0] <= spaces[1]
    else:
        inside = False
    return inside and pods[0] <= pods[1] and ports == other.ports


Worlds = tuple[Engine, tuple[World, World]]


def differences(
    rng: Random,
    snapshot: Snapshot,
    counted: Counted,
    judge: Judge,
    under: Worlds = (SPEC, (LEAST, MOST)),
) -> Iterator[str]:
    """Yield the packets on which the exposure differs from the judge.

    What is called open must pass in the world that allows least, for pods that name no port, and
    what is not called closed in the world that allows most, for pods that name every port.
    """
    engine, worlds = under
    found = reachability(snapshot, engine)
    asked = frozenset(probes(snapshot))
    ports = unseen_oracle.every_port_name(snapshot, asked)
    pods = list(unseen_oracle.universe(snapshot))
    exposed = exposure(found.analysis, counted)
    for hypothetical in rng.sample(pods, min(ASKED, len(pods))):
        for number, workload in enumerate(found.cluster.workloads):
            for direction, classes in exposed.items():
                openings = of_workload(classes, int(found.analysis.classes.of_workload[number]))
                must, may = claimed(openings, hypothetical, snapshot)
                for world, names, ports_said in zip(worlds, ((), ports), (must, may), strict=True):
                    there = hypothetical.pod(names, world.pod_address)
                    here = Pod(workload, 0, _address(workload.host_network, world), node_of(world))
                    ends = (there, here)
                    if direction is Direction.EGRESS:
                        ends = (here, there)
                    passed = judge(snapshot, hypothetical, ends, asked)
                    said = frozenset(probe for probe in asked if ports_said.contains(*probe))
                    for probe in sorted(passed ^ said):
                        yield (
                            f"{direction} {workload.namespace}/{workload.name}: "
                            f"{hypothetical} {probe} passes: {probe in passed} in {world}"
                        )


def of_workload(classes: ExposedClasses, class_: int) -> tuple[UnseenOpening, ...]:
    return classes.openings(int(classes.of[class_]))


def claimed(
    openings: tuple[UnseenOpening, ...], pod: Hypothetical, snapshot: Snapshot
) -> tuple[PortSet, PortSet]:
    """Return the ports on which the openings let a pod connect: for certain, and perhaps."""
    must = may = NO_PORTS
    for pods, ports in openings:
        if selects(pods.pods, pod.labels) and is_in(pod.namespace, pods.namespaces, snapshot):
            must, may = must | ports.must, may | ports.may
    return must, may


def is_in(
    namespace: SnapshotNamespace, meant: tuple[str, ...] | Selector, snapshot: Snapshot
) -> bool:
    shown = namespace.name in {each.name for each in snapshot.namespaces}
    if isinstance(meant, tuple):
        return namespace.name in meant
    labels = {**dict(namespace.labels.items), "kubernetes.io/metadata.name": namespace.name}
    return not shown and selects(meant, LabelMap.of(labels))


def _address(host: object, world: World) -> Address | None:
    return world.node_address if host else world.pod_address


def node_of(world: World) -> str:
    return unseen_oracle.FRESH if world.one_node else "a"
