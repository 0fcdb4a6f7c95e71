"""Suggested policies open what is stated, all of it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from podwall.expectations import Outcome
from podwall.expectations.selecting import KnownEnds
from podwall.policies import Severity
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import reachability
from podwall.reachability.values import ExternalRange, WorkloadEndpoint
from podwall.suggest import Suggestion, suggest
from podwall.suggest.rules import ResolvedExpectation
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured
from tests.suggest.intents import asked_for, random_intent

if TYPE_CHECKING:
    from podwall.expectations import Expectation
    from podwall.model import Snapshot
    from podwall.reachability.values import AnyEndpoint, Connection

SIZE = Size(workloads=6, policies=2, keys=3)
ENGINES = ("spec", "azure", "calico", "cilium")
DNS = PortSet(tcp=((53, 53),), udp=((53, 53),))


def suggested(seed: str, size: Size, engine: str) -> tuple[Snapshot, list[Expectation], Suggestion]:
    """Return a random cluster, some intent, and what is suggested for it."""
    rng = Random(seed)
    cluster = random_cluster(rng, size)
    ends = reachability(replace(cluster, policies=()), engine).workloads
    intent = random_intent(rng, ends)
    return cluster, intent, suggest(cluster, intent, engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(25))
@pytest.mark.long(keep=2)
def test_nothing_is_open_that_is_not_stated(seed: int, engine: str) -> None:
    _, intent, found = suggested(f"open {engine} {seed}", replace(SIZE, hosts=False), engine)
    for each in found.found.connections():
        if each.source == each.destination:
            continue
        stated = asked_for(intent, each.source, each.destination) | _names(each.destination)
        assert each.allowed - stated == NO_PORTS, (each.source_id, each.destination_id)


def _names(destination: AnyEndpoint) -> PortSet:
    is_local = isinstance(destination, ExternalRange) and destination.id == "169.254.10.10/31"
    return DNS if is_local else NO_PORTS


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(25))
@pytest.mark.long(keep=2)
def test_everything_is_open_that_is_stated_or_it_is_told_why_not(seed: int, engine: str) -> None:
    _, intent, found = suggested(f"stated {engine} {seed}", replace(SIZE, hosts=False), engine)
    assert [each.expectation for each in found.results] == intent
    told = {each.id for each in found.findings}
    for result in found.results:
        if result.outcome is not Outcome.PASS:
            reasons = {"labels-alike", "expectation-undetermined", "engine-without-ipv6"}
            assert told & reasons, result


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.long(keep=1)
def test_a_suggestion_has_every_namespace_closed_and_no_name_twice(seed: int) -> None:
    cluster, _, found = suggested(f"closed {seed}", SIZE, "spec")
    names = [(each.namespace, each.name) for each in found.policies]
    assert len(names) == len(set(names))
    for namespace in {str(each.namespace) for each in cluster.workloads}:
        assert (namespace, "default-deny") in names


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.long(keep=2)
def test_what_is_not_known_is_told_and_never_opens_more(seed: int, engine: str) -> None:
    """Where values are hidden, nothing is open for certain that may not be meant."""
    rng = Random(f"hidden {engine} {seed}")
    cluster = obscured(rng, random_cluster(rng, SIZE), 0.1)
    ends = reachability(replace(cluster, policies=()), engine).workloads
    intent = random_intent(rng, [each for each in ends if _is_in_a_known_namespace(each)] or ends)
    found = suggest(cluster, intent, engine)
    if any(each.outcome is Outcome.UNDETERMINED for each in found.results):
        assert not found.is_certain
    told = [each.message for each in found.findings if each.severity is Severity.ERROR]
    known = KnownEnds(found.found.endpoints)
    statements = [ResolvedExpectation(expectation, known) for expectation in intent]
    for each in found.found.connections():
        if each.source == each.destination or not _is_closed(each, found):
            continue
        stated = _names(each.destination)
        for statement in statements:
            if each.source_id in statement.sources.all:
                stated |= statement.ports(each.destination)
        pair = f"{each.source_id} -> {each.destination_id} "
        assert not each.allowed - stated or any(pair in message for message in told)


def _is_in_a_known_namespace(end: WorkloadEndpoint) -> bool:
    return isinstance(end.workload.namespace, str)


def _is_closed(connection: Connection, found: Suggestion) -> bool:
    closed = {each.namespace for each in found.policies}
    ends = [connection.source, connection.destination]
    workloads = [each.workload for each in ends if isinstance(each, WorkloadEndpoint)]
    return all(each.host_network is False and each.namespace in closed for each in workloads)
