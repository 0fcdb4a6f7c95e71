"""The document that the page embeds says what the analysis says, of every pair and every rule."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

import pytest

from podwall.diff import ChangeCause, ConnectionChange, ConnectionChangeKind, PassingPorts
from podwall.engines import ENGINES
from podwall.model import Snapshot
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Connection, Reachability, reachability
from podwall.reports.page.building import page_document
from podwall.reports.page.document import PageDocument, PageSide
from podwall.reports.page.verdicts import page_change_kind
from tests.core.builders import allow, block, cluster, peers, pod, policy, selector, tcp
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured
from tests.reports.page.reader import allowed_by_rules, includes, port_set, verdict_number

SMALL = Size(workloads=6)


def _random(seed: str, engine: str, *, hidden: float = 0.0, size: Size = SMALL) -> Reachability:
    rng = Random(seed)
    return reachability(obscured(rng, random_cluster(rng, size), hidden), engine)


def _real_ids(document: PageDocument) -> list[str]:
    """Return an id that the analysis knows for each endpoint of the page."""
    return [dict(each.labels)["range"] if each.external else each.id for each in document.endpoints]


def _told(
    document: PageDocument, side: PageSide, source: int, destination: int
) -> tuple[object, ...]:
    verdict = document.verdicts[verdict_number(side, source, destination)]
    doubts = [(port_set(document, n), because) for n, because in verdict.undetermined]
    return port_set(document, verdict.allowed), doubts


def _known(pair: Connection) -> tuple[object, ...]:
    return pair.allowed, [(part.ports, part.because) for part in pair.undetermined]


@pytest.mark.parametrize("hidden", [0.0, 0.3], ids=["all known", "some values hidden"])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_pair_has_the_verdict_of_the_analysis(engine: str, hidden: float) -> None:
    for seed in range(6):
        found = _random(f"{engine} {seed}", engine, hidden=hidden)
        document = page_document(found)
        ids = _real_ids(document)
        for i, source in enumerate(ids):
            for j, destination in enumerate(ids):
                told = _told(document, document.after, i, j)
                same_range = i == j and document.endpoints[i].external
                if not same_range:
                    assert told == _known(found.connection(source, destination))


def test_the_rules_that_explain_a_pair_allow_what_the_verdict_allows() -> None:
    size = Size(workloads=6, policies=6, hosts=False)
    for seed in range(40):
        found = _random(f"rules {seed}", "calico", size=size)
        document = page_document(found)
        ids = _real_ids(document)
        workloads = [k for k, each in enumerate(document.endpoints) if not each.external]
        for i in workloads:
            for j in (each for each in range(len(ids)) if each != i):
                egress = allowed_by_rules(document, document.after, "egress", i, j)
                ingress = allowed_by_rules(document, document.after, "ingress", i, j)
                pair = found.connection(ids[i], ids[j])
                assert egress.must & ingress.must == pair.allowed
                assert bool(egress.may & ingress.may - pair.allowed) == bool(pair.undetermined)


def test_a_condition_holds_for_every_workload_of_its_peer() -> None:
    for seed in range(20):
        size = Size(workloads=6, policies=6, hosts=False)
        document = page_document(_random(f"conditions {seed}", "azure", size=size))
        side = document.after
        workloads = {k for k, each in enumerate(document.endpoints) if not each.external}
        for rule in (r for p in side.policies for r in (*(p.ingress or ()), *(p.egress or ()))):
            for peer in rule.peers or ():
                matching = workloads.intersection(_members(side, peer.may))
                assert matching == workloads.intersection(
                    *(_members(side, t.set) for t in peer.tests)
                )


def _members(side: PageSide, number: int) -> list[int]:
    return [each for each in range(len(side.rows)) if includes(side.sets[number], each)]


def test_ranges_that_behave_alike_are_one_endpoint() -> None:
    inner = cluster(policy("x", ingress=(allow(block("10.0.0.0/8"), ports=(tcp(80),)),)))
    outside = [e for e in page_document(reachability(inner, "cilium")).endpoints if e.external]
    assert [each.id for each in outside] == ["10.0.0.0/8", "outside"]
    everything = page_document(reachability(cluster(), "spec")).endpoints
    assert [each.id for each in everything if each.external] == ["outside"]


def test_endpoints_of_one_namespace_stand_together() -> None:
    ids = ["a-b/w", "a/z", "a-b/c", "a/b"]
    document = page_document(reachability(cluster(*(pod(each) for each in ids))))
    shown = [each.id for each in document.endpoints]
    assert shown == ["a/b", "a/z", "a-b/c", "a-b/w", "outside"]


BEFORE = cluster(policy("x", selector(app="a"), "web", ingress=(allow(peers(app="b")),)))
AFTER = cluster(
    policy("x", selector(app="a"), "web", ingress=(allow(peers(app="b"), ports=(tcp(80),)),)),
    policy("y", ingress=()),
    pod("x/a"),
    pod("x/b"),
    pod("y/a"),
    pod("y/new"),
)


def _changes(before: Snapshot, after: Snapshot) -> dict[tuple[str, str], str]:
    document = page_document(reachability(after), reachability(before))
    assert document.before is not None
    kinds = {(each.before, each.after): each.kind for each in document.changes}
    found = {}
    for i, source in enumerate(document.endpoints):
        for j, destination in enumerate(document.endpoints):
            numbers = [_number(side, i, j) for side in (document.before, document.after)]
            if (numbers[0], numbers[1]) in kinds:
                found[source.id, destination.id] = kinds[numbers[0], numbers[1]]
    return found


def _number(side: PageSide, source: int, destination: int) -> int:
    there = side.rows[source] >= 0 and side.columns[destination] >= 0
    return verdict_number(side, source, destination) if there else 0


def test_a_change_says_what_opens_and_what_closes() -> None:
    found = _changes(BEFORE, AFTER)
    assert found["x/b", "x/a"] == "narrows"
    assert found["x/b", "y/a"] == "closes"
    assert found["x/b", "y/b"] == "closes"
    assert found["y/new", "x/b"] == "opens"
    assert ("x/a", "x/b") not in found


def test_ranges_that_only_one_moment_tells_apart_keep_their_verdicts_at_both() -> None:
    open_to = policy("x", name="in", ingress=(allow(block("10.0.0.0/8")),))
    before = cluster(policy("x", name="in", ingress=()))
    document = page_document(reachability(cluster(open_to), "cilium"), reachability(before))
    ids = [each.id for each in document.endpoints]
    assert document.before is not None
    for name, expected in (("10.0.0.0/8", "all ports"), ("outside", "no ports")):
        place, target = ids.index(name), ids.index("x/a")
        assert str(_told(document, document.after, place, target)[0]) == expected
        assert str(_told(document, document.before, place, target)[0]) == "no ports"


def _ports(first: int, last: int) -> PortSet:
    return PortSet(tcp=((first, last),)) if first else NO_PORTS


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param(((0, 0), (0, 0)), ((80, 80), (0, 0)), "opens", id="denied, then a port"),
        pytest.param(((80, 80), (0, 0)), ((0, 0), (0, 0)), "closes", id="a port, then denied"),
        pytest.param(((80, 80), (0, 0)), ((80, 81), (0, 0)), "widens", id="one port more"),
        pytest.param(((80, 81), (0, 0)), ((80, 80), (0, 0)), "narrows", id="one port less"),
        pytest.param(((80, 80), (0, 0)), ((81, 81), (0, 0)), "changes", id="another port"),
        pytest.param(((0, 0), (0, 0)), ((0, 0), (80, 80)), "opens", id="denied, then in doubt"),
        pytest.param(((0, 0), (80, 80)), ((0, 0), (0, 0)), "closes", id="in doubt, then denied"),
        pytest.param(((80, 80), (0, 0)), ((0, 0), (80, 80)), "narrows", id="no longer certain"),
        pytest.param(((0, 0), (80, 80)), ((80, 80), (0, 0)), "widens", id="certain at last"),
    ],
)
def test_the_kinds_of_change(
    before: tuple[tuple[int, int], tuple[int, int]],
    after: tuple[tuple[int, int], tuple[int, int]],
    kind: str,
) -> None:
    old, new = ((_ports(*allowed), _ports(*doubt)) for allowed, doubt in (before, after))
    assert page_change_kind(old, new) == kind


def test_a_network_of_the_page_is_one_of_the_analysis() -> None:
    document = page_document(_random("networks", "spec"))
    for each in document.endpoints:
        assert all(ip_network(value) for key, value in each.labels if each.external and key)


WORDS = {
    ConnectionChangeKind.ADDED: "opens",
    ConnectionChangeKind.WIDENED: "widens",
    ConnectionChangeKind.CHANGED: "changes",
    ConnectionChangeKind.NARROWED: "narrows",
    ConnectionChangeKind.REMOVED: "closes",
}


def test_the_kinds_of_change_are_those_of_the_diff() -> None:
    sets = [_ports(*ends) for ends in ((0, 0), (80, 80), (80, 81), (443, 443))]
    verdicts = [(allowed, doubt - allowed) for allowed in sets for doubt in sets]
    end = reachability(cluster()).workloads[0]
    for before in verdicts:
        for after in (each for each in verdicts if each != before):
            told = ConnectionChange(
                end, end, PassingPorts(*before), PassingPorts(*after), ChangeCause.OTHER
            ).kind
            assert page_change_kind(before, after) == WORDS[told]
