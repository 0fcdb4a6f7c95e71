"""What a diff says of each kind of edit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podwall.diff import (
    ChangeCause,
    ConnectionChange,
    ConnectionChangeKind,
    Diff,
    PairVerdict,
    diff,
)
from podwall.model import LabelMap, Policy, Snapshot, SnapshotWorkload, Unknown
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import reachability
from tests.core.builders import EVERYTHING, allow, block, cluster, peers, pod, policy, selector, tcp


def compared(old: Snapshot, new: Snapshot, engines: tuple[str, str] = ("spec", "spec")) -> Diff:
    """Return the diff of two clusters."""
    return diff(reachability(old, engines[0]), reachability(new, engines[1]))


def ingress(*ports: int, name: str = "p") -> Policy:
    """Return a policy that lets y and x reach x/a on some TCP ports."""
    rules = (allow(ports=tuple(tcp(port) for port in ports)),) if ports else ()
    return policy("x", selector(app="a"), name, ingress=rules)


def change(difference: Diff, flow: str) -> ConnectionChange:
    """Return the change of one flow."""
    (found,) = (
        each
        for each in difference.changes()
        if f"{each.source.id} -> {each.destination.id}" == flow
    )
    return found


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param((), (80,), ConnectionChangeKind.ADDED, id="a first port"),
        pytest.param((80,), (), ConnectionChangeKind.REMOVED, id="the last port"),
        pytest.param((80,), (80, 81), ConnectionChangeKind.WIDENED, id="one more port"),
        pytest.param((80, 81), (80,), ConnectionChangeKind.NARROWED, id="one port less"),
        pytest.param((80,), (81,), ConnectionChangeKind.CHANGED, id="another port"),
    ],
)
def test_the_kind_of_a_change(
    before: tuple[int, ...], after: tuple[int, ...], kind: ConnectionChangeKind
) -> None:
    found = change(compared(cluster(ingress(*before)), cluster(ingress(*after))), "y/b -> x/a")
    assert (found.kind, found.cause) == (kind, ChangeCause.POLICY)
    assert [each.name for each in found.policies] == ["x/p"]


OTHERS = "abcdefg"
EDITED = {"c": 81, "f": 82}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(OTHERS, OTHERS, id="in one order"),
        pytest.param(OTHERS, "gfedcba", id="in the reverse order"),
        pytest.param(OTHERS, "bacdegf", id="in another order at both ends"),
        pytest.param(OTHERS, "xabcdefg", id="a new one first"),
        pytest.param(OTHERS, "abcdxefg", id="a new one among them"),
        pytest.param(OTHERS, "abcdefgx", id="a new one last"),
        pytest.param("abxcdefgy", OTHERS, id="two that are gone"),
        pytest.param("abcxdefg", "cabzdefg", id="everything at once"),
        pytest.param("", OTHERS, id="none before"),
        pytest.param(OTHERS, "", id="none after"),
        pytest.param("abxfg", "xfgab", id="one part in the place of another"),
    ],
)
@pytest.mark.parametrize("shared", ["", OTHERS], ids=["read twice", "read once"])
def test_policies_that_differ_are_found_in_any_order(before: str, after: str, shared: str) -> None:
    """Policies are told apart by their names, wherever they stand."""
    old = {name: ingress(80, name=name) for name in before}
    new = {
        name: old[name]
        if name in shared and name in old and name not in EDITED
        else ingress(EDITED.get(name, 80), name=name)
        for name in after
    }
    found = compared(cluster(*old.values()), cluster(*new.values())).policies
    names = sorted({*old, *new})
    expected = [(old.get(each), new.get(each)) for each in names if old.get(each) != new.get(each)]
    assert [(each.old, each.new) for each in found] == expected


def test_policies_of_unknown_namespaces_are_paired_in_their_order() -> None:
    """Policies of two namespaces that are not known may have one name."""
    old, same, new = (replace(ingress(port), namespace=Unknown("n")) for port in (80, 81, 82))
    found = compared(cluster(old, same, ingress(80)), cluster(new, replace(same), ingress(80)))
    assert [(each.old, each.new) for each in found.policies] == [(old, new)]
    found = compared(cluster(old, same), cluster(ingress(80), old, same, new))
    gone = [(each.old, each.new) for each in found.policies]
    assert gone == [(None, new), (None, ingress(80))]


def test_policies_that_do_not_select_an_end_are_not_responsible() -> None:
    other = policy("x", selector(app="b"), "other", ingress=())
    found = compared(cluster(ingress(80)), cluster(ingress(81), other))
    assert [each.name for each in found.policies] == ["x/other", "x/p"]
    assert [each.name for each in change(found, "y/b -> x/a").policies] == ["x/p"]
    assert [each.name for each in change(found, "x/a -> x/b").policies] == ["x/other"]


def test_a_direction_that_is_not_edited_is_not_responsible() -> None:
    old = policy("x", name="p", ingress=(allow(ports=(tcp(80),)),), egress=())
    new = replace(old, ingress=(allow(ports=(tcp(81),)),))
    found = compared(cluster(old), cluster(new))
    sources = {each.source.id for each in found.changes()}
    assert sources == {"y/a", "y/b", "0.0.0.0/0", "::/0"}


def test_new_workloads_are_told_apart() -> None:
    pods = (pod("x/a"), pod("x/b"))
    found = compared(cluster(*pods), cluster(*pods, pod("x/c")))
    assert [each.id for each in found.added] == ["x/c"]
    assert {each.cause for each in found.changes()} == {ChangeCause.NEW}
    back = compared(cluster(*pods, pod("x/c")), cluster(*pods))
    assert [each.id for each in back.gone] == ["x/c"]
    assert {(each.cause, each.kind) for each in back.changes()} == {
        (ChangeCause.GONE, ConnectionChangeKind.REMOVED)
    }


def test_a_workload_of_another_kind_takes_the_place_of_its_namesake() -> None:
    old = cluster(pod("x/a"), pod("x/b"))
    new = cluster(pod("x/a", kind="Deployment"), pod("x/b"))
    assert compared(old, new).is_empty


def test_a_namesake_of_another_kind_is_new_and_changes_nothing_else() -> None:
    old = cluster(pod("x/a", kind="Deployment"), pod("x/b"))
    new = cluster(pod("x/a", kind="Deployment"), pod("x/a", kind="CronJob"), pod("x/b"))
    found = compared(old, new)
    assert [each.id for each in found.added] == ["x/CronJob/a"]
    assert {each.cause for each in found.changes()} == {ChangeCause.NEW}


def test_a_relabelled_pod_is_no_policy_effect() -> None:
    old, new = (cluster(ingress(80), pod("x/a", labels={"app": app})) for app in "ab")
    assert {each.cause for each in compared(old, new).changes()} == {ChangeCause.OTHER}


def test_ranges_that_change_alike_are_told_as_one() -> None:
    def blocks(*cidrs: str) -> Snapshot:
        rules = tuple(allow(block(cidr), ports=(tcp(80),)) for cidr in cidrs)
        return cluster(pod("x/a"), policy("x", name="p", ingress=rules))

    found = compared(blocks("10.0.0.0/9", "192.0.2.0/24"), blocks("10.128.0.0/9", "192.0.2.0/24"))
    told = {each.source.id: each.kind for each in found.changes()}
    assert told == {
        "10.0.0.0/9": ConnectionChangeKind.REMOVED,
        "10.128.0.0/9": ConnectionChangeKind.ADDED,
    }
    opened = compared(blocks("10.0.0.0/9"), blocks("10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/10"))
    assert [each.source.id for each in opened.changes()] == ["10.128.0.0/9"]


def test_what_becomes_undetermined_is_told_with_its_cause() -> None:
    hidden = SnapshotWorkload("y", "b", "Pod", LabelMap.of({"app": Unknown("the app label")}))
    only_b = policy("x", name="p", ingress=(allow(peers(app="b")),))
    old = cluster(pod("x/a"), pod("x/b"), only_b)
    new = cluster(pod("x/a"), replace(hidden, namespace="x"), only_b)
    found = change(compared(old, new), "x/b -> x/a")
    assert (found.kind, found.because) == (ConnectionChangeKind.NARROWED, "the app label")
    assert found.after.undetermined


def test_pods_of_one_role_have_causes_of_their_own() -> None:
    hidden = [
        pod(f"x/{name}", labels={"app": Unknown(f"the label of {name}")}) for name in ("b", "c")
    ]
    rule = allow(peers(app="a"), ports=(tcp(80),))
    closed = policy("x", selector(app="z"), "p", ingress=(rule,))
    found = compared(cluster(pod("x/a"), *hidden), cluster(pod("x/a"), *hidden, closed))
    told = {f"{each.source.id} -> {each.destination.id}": each.because for each in found.changes()}
    assert told["x/a -> x/b"] == "the label of b"
    assert told["x/a -> x/c"] == "the label of c"
    assert told["x/b -> x/c"].count("the label of b") == 1


def test_another_engine_is_a_finding_of_its_own() -> None:
    found = compared(cluster(), cluster(), ("azure", "cilium"))
    (only,) = found.findings
    assert only.message == "the network policy engine changes from `azure` to `cilium`"
    assert compared(cluster(), cluster()).findings == ()


def test_a_first_deployment_changes_no_engine() -> None:
    after = cluster(pod("x/a"), engine="azure")
    assert diff(reachability(Snapshot()), reachability(after)).findings == ()
    deployed = Snapshot(engine="calico")
    assert len(diff(reachability(deployed), reachability(after)).findings) == 1


def test_a_policy_for_everyone_touches_only_its_namespace() -> None:
    found = compared(cluster(), cluster(policy("x", EVERYTHING, "deny", ingress=())))
    assert {each.destination.id for each in found.changes()} == {"x/a", "x/b"}
    assert {each.kind for each in found.changes()} == {ConnectionChangeKind.REMOVED}


def test_a_deny_that_goes_opens_nothing_where_a_rule_comes_that_would_have() -> None:
    """Policies add up: beside the deny the rule would have opened the same."""
    pods = cluster(pod("x/a"), pod("x/b"))
    closed = (policy("x", name="b", ingress=()),)
    moved = (policy("x", name="a", ingress=(allow(ports=(tcp(1),)),)),)
    (changed, *_) = compared(
        replace(pods, policies=closed), replace(pods, policies=moved)
    ).changes()
    assert [each.name for each in changed.policies] == ["x/a"]


def _ports(first: int, last: int) -> PortSet:
    return PortSet(tcp=((first, last),)) if first else NO_PORTS


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param(((0, 0), (0, 0)), ((80, 80), (0, 0)), "added", id="denied, then a port"),
        pytest.param(((80, 80), (0, 0)), ((0, 0), (0, 0)), "removed", id="a port, then denied"),
        pytest.param(((80, 80), (0, 0)), ((80, 81), (0, 0)), "widened", id="one port more"),
        pytest.param(((80, 81), (0, 0)), ((80, 80), (0, 0)), "narrowed", id="one port less"),
        pytest.param(((80, 80), (0, 0)), ((81, 81), (0, 0)), "changed", id="another port"),
        pytest.param(((0, 0), (0, 0)), ((0, 0), (80, 80)), "added", id="denied, then perhaps"),
        pytest.param(((0, 0), (80, 80)), ((0, 0), (0, 0)), "removed", id="perhaps, then denied"),
        pytest.param(((80, 80), (0, 0)), ((0, 0), (80, 80)), "narrowed", id="no longer certain"),
        pytest.param(((0, 0), (80, 80)), ((80, 80), (0, 0)), "widened", id="certain at last"),
    ],
)
def test_the_kinds_of_change(
    before: tuple[tuple[int, int], tuple[int, int]],
    after: tuple[tuple[int, int], tuple[int, int]],
    kind: str,
) -> None:
    old, new = (PairVerdict(_ports(*sure), _ports(*maybe)) for sure, maybe in (before, after))
    assert ConnectionChangeKind.of(old, new) == kind


@pytest.mark.parametrize("kept", [0, 1, 3, 1000])
def test_every_reader_gets_all_changes_however_few_are_kept(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podwall.diff.difference._MOST_KEPT", kept)
    old, new = cluster(), cluster(ingress(80), policy("y", selector(), "all", egress=()))
    whole = list(compared(old, new).changes())
    assert len(whole) > 3
    found = compared(old, new)
    assert not found.is_empty
    first, second = found.changes(), found.changes()
    apart = [next(first), next(second), next(first)]
    assert apart == [whole[0], whole[0], whole[1]]
    assert list(second) == whole[1:]
    assert list(first) == whole[2:]
    assert list(found.changes()) == whole
