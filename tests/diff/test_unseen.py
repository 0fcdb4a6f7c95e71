"""What a change opens to pods that are not shown, held against hypothetical pods one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import NamedTuple

import pytest

from podwall.diff import ChangeCause, ConnectionChange, Diff, diff
from podwall.engines import AZURE, CILIUM, SPEC
from podwall.model import PodPeer, Snapshot, SnapshotWorkload
from podwall.policies.rules import Direction
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import UnseenPods, reachability
from podwall.reports.changes import changes_text
from tests import unseen_oracle
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    namespace,
    peers,
    pod,
    policy,
    selector,
    tcp,
)
from tests.core.clusters import Size
from tests.core.judged import probes
from tests.core.test_agreement import LEAST
from tests.core.test_exposure import is_in, open_cluster
from tests.diff.edits import edited
from tests.oracle import Pod, Probes, selects
from tests.unseen_oracle import Hypothetical

SMALL = Size(workloads=4, policies=4, blocks=False, hosts=False)
EVERY = PodPeer(EVERYTHING, EVERYTHING)


def unseen_changes(difference: Diff) -> list[ConnectionChange]:
    return [
        each
        for each in difference.changes()
        if isinstance(each.source, UnseenPods) or isinstance(each.destination, UnseenPods)
    ]


@pytest.mark.parametrize("batch", range(8))
@pytest.mark.long(keep=1)
def test_what_opens_and_closes_is_what_a_pod_would_see(batch: int) -> None:
    for seed in range(15 * batch, 15 * batch + 15):
        rng = Random(f"unseen {seed}")
        before = open_cluster(rng, SMALL)
        after = replace(edited(rng, before, SMALL), namespaces=before.namespaces)
        names = {each.name for each in before.namespaces}
        used = {str(each.namespace) for each in after.workloads}
        used |= {str(each.namespace) for each in after.policies}
        if used <= names and "Unknown(" not in repr(after):
            assert list(differences(rng, before, after)) == []


def differences(rng: Random, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Yield pods for which more opens or closes than is told, or less."""
    changes = unseen_changes(diff(reachability(before, SPEC), reachability(after, SPEC)))
    both = replace(before, policies=(*before.policies, *after.policies))
    asked = frozenset(probes(both))
    pods = list(unseen_oracle.universe(both))
    workloads = {(each.namespace, each.name, each.kind): each for each in before.workloads}
    pairs = [
        (workloads[each.namespace, each.name, each.kind], each)
        for each in after.workloads
        if (each.namespace, each.name, each.kind) in workloads
    ]
    for hypothetical in rng.sample(pods, min(40, len(pods))):
        for old, new in pairs:
            for direction in Direction:
                told = claimed(changes, Asked(direction, new), hypothetical, before)
                was, had = judged(before, hypothetical, ends(hypothetical, direction, old), asked)
                is_, has = judged(after, hypothetical, ends(hypothetical, direction, new), asked)
                opened, closed = ({p for p in asked if each.contains(*p)} for each in told)
                where = f"{direction} {new.name}: {hypothetical}"
                if not has - was <= opened <= is_ - was:
                    yield f"{where} opens {has - was}, told {opened}"
                if not had - is_ <= closed <= was - is_:
                    yield f"{where} closes {had - is_}, told {closed}"


class Asked(NamedTuple):
    """A workload, and which way pods connect."""

    direction: Direction
    workload: SnapshotWorkload

    def is_meant(self, endpoint_id: str) -> bool:
        parts = endpoint_id.split("/")
        return (parts[0], parts[-1]) == (self.workload.namespace, self.workload.name)


def ends(pods: Hypothetical, direction: Direction, workload: SnapshotWorkload) -> tuple[Pod, Pod]:
    both = (pods.pod((), LEAST.pod_address), Pod(workload))
    return both if direction is Direction.INGRESS else (both[1], both[0])


def judged(
    snapshot: Snapshot, pods: Hypothetical, both: tuple[Pod, Pod], asked: Probes
) -> tuple[Probes, Probes]:
    """Return what passes, and what of it for another reason than that of a twin."""
    return (
        unseen_oracle.passing(snapshot, pods, both, asked),
        unseen_oracle.new(snapshot, pods, both, asked),
    )


def claimed(
    changes: list[ConnectionChange], workload: Asked, pods: Hypothetical, snapshot: Snapshot
) -> tuple[PortSet, PortSet]:
    """Return what is told to open and to close, for certain, for a pod that may exist."""
    opened = closed = NO_PORTS
    for each in changes:
        ends_ = (each.source, each.destination)
        if workload.direction is Direction.EGRESS:
            ends_ = ends_[::-1]
        unseen, other = ends_
        if not isinstance(unseen, UnseenPods) or not workload.is_meant(other.id):
            continue
        if selects(unseen.pods, pods.labels) and is_in(pods.namespace, unseen.namespaces, snapshot):
            opened |= each.after.allowed - each.before.allowed
            closed |= each.before.allowed - each.after.allowed
    return opened, closed


def changed(before: Snapshot, after: Snapshot, engine: str | None = None) -> set[str]:
    """Return what opens to unseen pods and what closes, in words."""
    found = diff(reachability(before, engine), reachability(after, engine))
    return {
        f"{change.kind}: {change.source} -> {change.destination.id} {change.after.allowed}"
        if isinstance(change.source, UnseenPods)
        else f"{change.kind}: {change.source.id} -> {change.destination} {change.after.allowed}"
        for change in unseen_changes(found)
    }


X = namespace("x")
CLOSED = policy("x", name="closed", egress=())


def shown(*parts: object, complete: bool = False) -> Snapshot:
    both = (X, pod("x/a"), pod("x/b"), CLOSED)
    return cluster(*both, *parts, complete=complete)  # type: ignore[arg-type]  # any object of one


def to_a(*rules: PodPeer) -> object:
    return policy("x", selector(app="a"), "a", ingress=(allow(*rules, ports=(tcp(80),)),))


B = policy("x", selector(app="b"), "b", ingress=())
OTHERS = "any pod of other namespaces"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            to_a(PodPeer(EVERYTHING)), to_a(EVERY), {f"added: {OTHERS} -> x/a TCP 80"}, id="opens"
        ),
        pytest.param(
            to_a(EVERY),
            to_a(PodPeer(EVERYTHING)),
            {f"removed: {OTHERS} -> x/a no ports"},
            id="closes",
        ),
        pytest.param(to_a(EVERY), to_a(EVERY), set(), id="stays"),
        pytest.param(
            to_a(PodPeer(EVERYTHING, selector(team="x"))),
            to_a(EVERY),
            {
                "added: any pod of other namespaces with team notin (x) -> x/a TCP 80",
            },
            id="only what is new",
        ),
        pytest.param(
            to_a(peers(app="c")), to_a(peers(app="b")), set(), id="egress keeps it closed"
        ),
    ],
)
def test_what_a_policy_opens_is_told(before: object, after: object, expected: set[str]) -> None:
    assert changed(shown(before, B), shown(after, B)) == expected


def test_a_role_that_loses_its_workload_is_no_change() -> None:
    admits = to_a(peers(app="b"))
    before = cluster(X, pod("x/a"), pod("x/b"), admits, complete=False)  # type: ignore[arg-type]
    after = cluster(X, pod("x/a"), admits, complete=False)  # type: ignore[arg-type]
    assert not {each for each in changed(before, after) if "-> x/a" in each}
    assert not {each for each in changed(after, before) if "-> x/a" in each}


def test_a_whole_cluster_has_nothing_to_compare() -> None:
    before, after = to_a(PodPeer(EVERYTHING)), to_a(EVERY)
    assert changed(shown(before, complete=True), shown(after, complete=True)) == set()
    assert changed(shown(before), shown(after, complete=True)) == set()


def test_an_engine_that_matches_pods_by_address_opens_blocks_to_them() -> None:
    into = policy("x", selector(app="a"), ingress=(allow(block("0.0.0.0/0"), ports=(tcp(80),)),))
    snapshot = shown(into, B)
    found = diff(reachability(snapshot, CILIUM), reachability(snapshot, AZURE))
    told = {
        f"{each.source} {each.kind}" for each in unseen_changes(found) if each.source.id != "x/a"
    }
    assert f"{OTHERS} added" in told


def test_a_cause_is_about_the_ports_that_change() -> None:
    """What is in doubt on another port, if only for some of the pods, is no cause."""
    first = allow(block("198.51.100.0/24"), ports=(tcp(80),))
    some = allow(block("203.0.113.0/24"))
    into = (allow(ports=(tcp(80),)), allow(block("192.0.2.0/24"), ports=(tcp(9200),)))
    snapshot = cluster(
        namespace("x"),
        namespace("y"),
        pod("y/b"),
        policy("x", EVERYTHING, "every", egress=(first,)),
        policy("x", selector(app="u"), "some", egress=(some,)),
        policy("y", EVERYTHING, "into", ingress=into),
        complete=False,
        pod_cidrs=(),
    )
    found = unseen_changes(diff(reachability(snapshot, AZURE), reachability(snapshot, CILIUM)))
    told = {each.source.id: each.because for each in found if each.destination.id == "y/b"}
    causes = {pods: set(re.findall(r"[0-9.]+/24", because)) for pods, because in told.items()}
    assert causes["x/any:"] == {"198.51.100.0/24", "203.0.113.0/24"}
    assert causes["x/any:app=u"] == {"198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"}


def test_a_namespace_that_is_new_to_the_source_opens_what_is_new() -> None:
    by_name = PodPeer(EVERYTHING, selector(**{"kubernetes.io/metadata.name": "y"}))
    before, after = shown(to_a(PodPeer(EVERYTHING)), B), shown(namespace("y"), to_a(by_name), B)
    assert "added: any other pod of y -> x/a TCP 80" in changed(before, after)
    known = shown(to_a(by_name), B)
    assert changed(known, after) == set()


def test_the_workload_that_is_new_is_the_reason() -> None:
    after = shown(to_a(EVERY), pod("x/c"), B)
    found = diff(reachability(shown(to_a(EVERY), B)), reachability(after))
    assert {each.cause for each in unseen_changes(found)} == {ChangeCause.NEW}


def test_the_policy_that_is_behind_it_is_named() -> None:
    found = diff(
        reachability(shown(to_a(PodPeer(EVERYTHING)), B)), reachability(shown(to_a(EVERY), B))
    )
    (change,) = unseen_changes(found)
    assert ([each.name for each in change.policies], change.cause) == (["x/a"], ChangeCause.POLICY)
    assert f"added     {OTHERS} -> x/a  nothing => TCP 80  [x/a]" in "".join(changes_text(found))


def test_a_policy_of_the_unseen_pods_is_named_where_it_is_what_changes() -> None:
    open_ = cluster(X, pod("x/a"), pod("x/b"), to_a(PodPeer(EVERYTHING)), complete=False)  # type: ignore[arg-type]
    closed = cluster(X, pod("x/a"), pod("x/b"), to_a(PodPeer(EVERYTHING)), CLOSED, complete=False)  # type: ignore[arg-type]
    found = unseen_changes(diff(reachability(open_), reachability(closed)))
    into_a = [each for each in found if each.destination.id == "x/a"]
    assert [(each.kind.value, each.policies[0].name) for each in into_a] == [
        ("removed", "x/closed")
    ]
