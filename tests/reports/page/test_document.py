"""The document that the page embeds says what the analysis says, of every pair and every rule."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from ipaddress import ip_network
from random import Random

import pytest

from podwall.diff import ConnectionChangeKind, Diff, diff
from podwall.engines import ENGINES
from podwall.model import IpNetwork, PodPeer, Snapshot
from podwall.overview import exposure_groups
from podwall.policies.rules import Direction
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import AnyEndpoint, Connection, ExternalRange, Reachability, reachability
from podwall.reachability.matching import first_address
from podwall.reachability.values import PairVerdict
from podwall.reports.page.building import page_document
from podwall.reports.page.document import PageDocument, PageEndpoint, PageSide
from tests.core.builders import allow, block, cluster, peers, pod, policy, selector, tcp
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured
from tests.diff.edits import edited
from tests.reports.page.reader import allowed_by_rules, includes, port_set, verdict_number

SMALL = Size(workloads=6)


def _random(seed: str, engine: str, *, hidden: float = 0.0, size: Size = SMALL) -> Reachability:
    rng = Random(seed)
    return reachability(obscured(rng, random_cluster(rng, size), hidden), engine)


def _shown(document: PageDocument) -> list[PageEndpoint]:
    """Return the endpoints but for pods that are not shown, which come last."""
    return [each for each in document.endpoints if not each.unseen]


def _real_ids(document: PageDocument) -> list[str]:
    """Return an id that the analysis knows for each endpoint of the page that is shown."""
    shown = _shown(document)
    return [dict(each.labels)["range"] if each.external else each.id for each in shown]


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
@pytest.mark.long(keep=1)
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


@pytest.mark.long
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
    outside = [e for e in _shown(page_document(reachability(inner, "cilium"))) if e.external]
    assert [each.id for each in outside] == ["10.0.0.0/8", "outside"]
    everything = _shown(page_document(reachability(cluster(), "spec")))
    assert [each.id for each in everything if each.external] == ["outside"]


def test_endpoints_of_one_namespace_stand_together() -> None:
    ids = ["a-b/w", "a/z", "a-b/c", "a/b"]
    document = page_document(reachability(cluster(*(pod(each) for each in ids))))
    shown = [each.id for each in _shown(document)]
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


def test_a_network_of_the_page_is_one_of_the_analysis() -> None:
    document = page_document(_random("networks", "spec"))
    for each in _shown(document):
        assert all(ip_network(value) for key, value in each.labels if each.external and key)


WORDS = {
    ConnectionChangeKind.ADDED: "opens",
    ConnectionChangeKind.WIDENED: "widens",
    ConnectionChangeKind.CHANGED: "changes",
    ConnectionChangeKind.NARROWED: "narrows",
    ConnectionChangeKind.REMOVED: "closes",
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long
def test_the_page_changes_what_the_diff_changes(engine: str) -> None:
    changing = 0
    for seed in range(24):
        rng = Random(f"page changes {engine} {seed}")
        before = random_cluster(rng, SMALL)
        old = reachability(before, engine)
        new = reachability(edited(rng, before, SMALL), engine)
        document = page_document(new, old)
        expected = _kinds(diff(old, new), document)
        assert _page_kinds(document) == expected, seed
        changing += bool(expected)
    assert changing > 5 or engine == "none"


@pytest.mark.parametrize("kinds", [("Deployment", "CronJob"), ("CronJob", "Deployment")])
def test_a_namesake_that_comes_or_goes_changes_nothing_else(kinds: tuple[str, str]) -> None:
    alone = cluster(pod("x/a", kind="Deployment"), pod("x/b"), policy("x", ingress=()))
    both = replace(alone, workloads=(*alone.workloads, pod("x/a", kind="CronJob")))
    old, new = map(reachability, (alone, both) if kinds[0] == "Deployment" else (both, alone))
    document = page_document(new, old)
    found = _page_kinds(document)
    assert found == _kinds(diff(old, new), document)
    assert found
    assert all("x/CronJob/a" in pair for pair in found)
    assert sum(not each.external for each in document.endpoints) == 3


def _ranges(document: PageDocument, place: int) -> list[str]:
    """Return the ids that an endpoint of the page stands for: its own, or its networks."""
    end = document.endpoints[place]
    return [value for _, value in end.labels] if end.external else [end.id]


def _page_kinds(document: PageDocument) -> dict[tuple[str, str], str]:
    """Return the kind of change of every pair that the page shows as changed."""
    assert document.before is not None
    kinds = {(each.before, each.after): each.kind for each in document.changes}
    found: dict[tuple[str, str], str] = {}
    for i, source in enumerate(_shown(document)):
        for j, destination in enumerate(_shown(document)):
            pair = _number(document.before, i, j), _number(document.after, i, j)
            if pair in kinds and not (source.external and destination.external):
                for one in _ranges(document, i):
                    found.update(((one, two), kinds[pair]) for two in _ranges(document, j))
    return found


def _kinds(difference: Diff, document: PageDocument) -> dict[tuple[str, str], str]:
    """Return the kind of every change of a diff, its ranges cut as the page has them."""
    places = range(len(_shown(document)))
    outside = [
        ip_network(each)
        for place in places
        if document.endpoints[place].external
        for each in _ranges(document, place)
    ]
    found: dict[tuple[str, str], str] = {}
    for change in difference.changes():
        for source in _cut(change.source, outside):
            for destination in _cut(change.destination, outside):
                found[source, destination] = WORDS[change.kind]
    return found


def _cut(end: AnyEndpoint, outside: list[IpNetwork]) -> list[str]:
    if not isinstance(end, ExternalRange):
        return [end.id]
    same = [each for each in outside if each.version == end.network.version]
    return [str(each) for each in same if first_address(each) in _span(end.network)]


def _span(network: IpNetwork) -> range:
    first = first_address(network)
    return range(first, first + network.num_addresses)


def _of_unseen(
    document: PageDocument, side: PageSide, name: str
) -> dict[tuple[str, ...], PairVerdict]:
    """Return what passes between workloads and a row of pods that are not shown."""
    ids = [each.id for each in document.endpoints]
    row = ids.index(name)
    found: dict[tuple[str, ...], PairVerdict] = {}
    for index, each in enumerate(document.endpoints):
        if not each.external:
            for pair in ((row, index), (index, row)):
                verdict = document.verdicts[verdict_number(side, *pair)]
                allowed = port_set(document, verdict.allowed)
                maybe = PortSet.union(port_set(document, n) for n, _ in verdict.undetermined)
                found[ids[pair[0]], ids[pair[1]]] = PairVerdict(allowed, maybe)
    return found


def _exposed(found: Reachability, names: set[str]) -> dict[tuple[str, ...], PairVerdict]:
    """Return what passes between workloads and some pods that are not shown, group by group."""
    passing: dict[tuple[str, ...], PairVerdict] = defaultdict(
        lambda: PairVerdict(NO_PORTS, NO_PORTS)
    )
    for group in exposure_groups(found):
        if names.intersection(map(str, group.pods)):
            for workload in group.workloads:
                pair = (
                    ("pods", workload)
                    if group.direction is Direction.INGRESS
                    else (workload, "pods")
                )
                allowed = passing[pair].allowed | group.ports.allowed
                maybe = passing[pair].undetermined | group.ports.undetermined
                passing[pair] = PairVerdict(allowed, maybe - allowed)
    return passing


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=1)
def test_a_row_of_pods_that_are_not_shown_has_what_the_exposure_has(engine: str) -> None:
    exposed = 0
    for seed in range(12):
        rng = Random(f"unseen {engine} {seed}")
        found = reachability(replace(random_cluster(rng, SMALL), complete=False), engine)
        document = page_document(found)
        rows = [each for each in document.endpoints if each.unseen]
        assert bool(rows) == bool(exposure_groups(found))
        assert len(rows) <= 2
        for each in rows:
            told = _of_unseen(document, document.after, each.id)
            expected = _exposed(found, {value for _, value in each.labels})
            exposed += bool(expected)
            for pair, verdict in told.items():
                end = tuple("pods" if name == each.id else name for name in pair)
                assert verdict == expected[end], (seed, pair)
    assert exposed > 5


@pytest.mark.parametrize(
    ("label", "rows"),
    [
        ("b", [f"any pod of other namespaces with {each}" for each in ("env=dev", "team=b")]),
        ("a-name-that-would-turn-every-head", ["other pods"]),
    ],
)
def test_kinds_of_pods_that_are_not_shown_share_a_row_where_a_name_is_long(
    label: str, rows: list[str]
) -> None:
    labels = {"env": "dev"}, {"team": label}
    far = (PodPeer(selector(), selector(**each)) for each in labels)
    rule = policy("x", selector(app="a"), "in", ingress=(allow(*far),))
    snapshot = cluster(policy("x", name="deny", egress=()), rule, pod("x/a"), complete=False)
    document = page_document(reachability(snapshot))
    assert [each.id for each in document.endpoints if each.unseen] == rows


def test_a_whole_cluster_has_no_row_for_pods_that_are_not_shown() -> None:
    document = page_document(reachability(cluster(), closed=True))
    assert not any(each.unseen for each in document.endpoints)


def test_what_pods_may_begin_to_do_that_are_not_shown_is_a_change() -> None:
    inside = policy("x", selector(app="a"), "in", ingress=(allow(peers(app="b")),))
    deny = policy("x", name="deny", ingress=(), egress=())
    everywhere = replace(inside, ingress=(allow(PodPeer(selector(), selector(env="dev"))),))
    pods = pod("x/a"), pod("x/b")
    both = (cluster(deny, each, *pods, complete=False) for each in (inside, everywhere))
    before, after = map(reachability, both)
    document = page_document(after, before)
    (row,) = (each for each in document.endpoints if each.unseen)
    assert row.id == "any pod of other namespaces with env=dev"
    kinds = {(each.before, each.after): each.kind for each in document.changes}
    assert document.before is not None
    place, target = document.endpoints.index(row), [e.id for e in document.endpoints].index("x/a")
    numbers = [_number(side, place, target) for side in (document.before, document.after)]
    assert kinds[numbers[0], numbers[1]] == "opens"
