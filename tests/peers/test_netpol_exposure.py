"""np-guard's exposure analysis on the folders of its own test-suite, beside ours.

PODWALL_NETPOL_FOLDERS=netpol-analyzer/tests python -m pytest tests/peers/test_netpol_exposure.py

Every pod that one of the two exposes has to be exposed by the other, or for one of the reasons
here, each of which is looked at where it is given. Skipped without the tool and its folders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from functools import reduce
from itertools import product
from pathlib import Path
from subprocess import CalledProcessError
from typing import Final

import pytest

from podwall.model import Operator, Selector, SelectorRequirement
from podwall.policies.cluster_rules import TierAction
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Reachability, UnseenPods, reachability
from podwall.reachability.label_conditions import LabelConditions
from podwall.reachability.replayed import SideReplay
from podwall.review import review
from tests.peers.netpol import executable
from tests.peers.netpol_exposure import Exposed, exposed
from tests.peers.test_netpol_folders import FOLDERS, on_the_pod_network, owned, readable


class Difference(Enum):
    """Why the two do not say the same."""

    OTHER_END = "the policies of a namespace that is shown isolate pods there that are not"
    DENIED_BEFORE = "a rule of an admin policy denies it to some of the pods of a wider row"
    SEEN_ELSEWHERE = "where a pod that is shown matches a rule, np-guard exposes nobody by it"


@pytest.fixture(scope="module")
def tool() -> str:
    found = executable()
    if found is None or not FOLDERS:
        pytest.skip("no folders of np-guard: name them in PODWALL_NETPOL_FOLDERS, netpol on PATH")
    return found


@pytest.mark.timeout(3600)
def test_np_guard_exposes_the_same_pods_or_there_is_a_reason(
    tool: str, record_property: Callable[[str, object], None]
) -> None:
    differences: Counter[Difference] = Counter()
    for folder, read in readable(Path(FOLDERS)):
        try:
            listed = exposed(tool, folder)
        except CalledProcessError:
            continue
        found = reachability(on_the_pod_network(review(read).reading.snapshot))
        theirs = list(_by_our_ids(listed, found, dict(owned(read))))
        differences.update(_only_theirs(found, theirs))
        differences.update(_only_ours(found, theirs))
        record_property("compared: folders with np-guard's exposure", 1)
        record_property("compared: classes of unseen pods with np-guard", len(theirs))
    for reason, count in differences.items():
        record_property(f"compared: differences, as {reason.value}", count)


def _by_our_ids(
    listed: list[Exposed], found: Reachability, owners: dict[str, str]
) -> Iterator[Exposed]:
    """Yield what is listed of each pod, where np-guard names the controller of several."""
    for row in listed:
        for each in found.workloads:
            if owners.get(each.id, each.id) == row.workload:
                yield replace(row, workload=each.id)


def _only_theirs(found: Reachability, theirs: list[Exposed]) -> Iterator[Difference]:
    """Yield the reasons for what np-guard exposes and we do not, of each namespace by itself."""
    for row in theirs:
        for pods in _meant(row, found):
            ends = (pods.id, row.workload)
            source, destination = ends if row.direction is Direction.INGRESS else ends[::-1]
            connection = found.connection(source, destination)
            if row.ports - connection.allowed == NO_PORTS:
                continue
            replay = found.replay(source, destination)
            own = replay.ingress if row.direction is Direction.INGRESS else replay.egress
            missing = row.ports - own.allowed.must
            assert missing - _denied_in_tiers(own) == NO_PORTS, (row, str(pods))
            assert missing == NO_PORTS or (row.pods, row.namespaces) == ENTIRE_CLUSTER, row
            yield Difference.OTHER_END if missing == NO_PORTS else Difference.DENIED_BEFORE


ENTIRE_CLUSTER: Final = (Selector(), Selector())


def _denied_in_tiers(side: SideReplay) -> PortSet:
    rules = (rule for tier in side.tiers for each in tier.policies for rule in each.rules)
    denied = (rule.decided for rule in rules if rule.action is TierAction.DENY)
    return reduce(PortSet.__or__, denied, NO_PORTS)


def _meant(row: Exposed, found: Reachability) -> Iterator[UnseenPods]:
    """Yield the pods of each namespace that is shown, and those of others, that a row is about."""
    shown = [name for name in found.cluster.shown_namespaces if _is_meant(row, name, found)]
    yield from (UnseenPods(row.pods, (name,)) for name in shown)
    if isinstance(row.namespaces, Selector):
        yield UnseenPods(row.pods, row.namespaces)
    elif not shown:
        yield UnseenPods(row.pods, _called(row.namespaces))


def _called(name: str) -> Selector:
    return Selector((SelectorRequirement(METADATA_NAME, Operator.IN, (name,)),))


def _is_meant(row: Exposed, name: str, found: Reachability) -> bool:
    if isinstance(row.namespaces, str):
        return row.namespaces == name
    labels = dict(found.cluster.namespaces.of(name).items)
    return all(_has(labels.get(each.key), each) for each in row.namespaces.requirements)


def _has(value: object, asked: SelectorRequirement) -> bool:
    if asked.operator in {Operator.EXISTS, Operator.DOES_NOT_EXIST}:
        return (value is not None) == (asked.operator is Operator.EXISTS)
    return (value in asked.values) == (asked.operator is Operator.IN)


def _only_ours(found: Reachability, theirs: list[Exposed]) -> Iterator[Difference]:
    """Yield the reasons for what we expose and np-guard does not."""
    for workload, direction in product(found.workloads, Direction):
        rows = [r for r in theirs if (r.workload, r.direction) == (workload.id, direction)]
        for each in found.exposure(workload.id, direction):
            assert each.unseen is not None
            for pods in _one_by_one(each.unseen):
                given = [row.ports for row in rows if _is_within(pods, row, found)]
                listed = reduce(PortSet.__or__, given, NO_PORTS)
                if replace(each.allowed, other=False) - listed != NO_PORTS:
                    assert _is_matched(found, pods), (workload.id, direction, str(pods))
                    yield Difference.SEEN_ELSEWHERE


def _one_by_one(unseen: UnseenPods) -> Iterator[UnseenPods]:
    """Yield the pods of each namespace, and with each value of a label, by themselves."""
    spaces = unseen.namespaces
    namespaces: list[tuple[str, ...] | Selector] = (
        [(name,) for name in spaces] if isinstance(spaces, tuple) else [spaces]
    )
    for there, pods in product(namespaces, _values(unseen.pods)):
        yield UnseenPods(pods, there)


def _values(pods: Selector) -> Iterator[Selector]:
    choices = [
        [replace(each, values=(value,)) for value in each.values]
        if each.operator is Operator.IN
        else [each]
        for each in pods.requirements
    ]
    yield from (Selector(tuple(chosen)) for chosen in product(*choices))


def _is_within(pods: UnseenPods, row: Exposed, found: Reachability) -> bool:
    return _implies(pods.pods, row.pods) and _is_in(pods.namespaces, row, found)


def _is_in(namespaces: tuple[str, ...] | Selector, row: Exposed, found: Reachability) -> bool:
    if isinstance(namespaces, tuple):
        return all(_is_meant(row, name, found) for name in namespaces)
    asked = row.namespaces if isinstance(row.namespaces, Selector) else _called(row.namespaces)
    return _implies(namespaces, asked)


def _implies(one: Selector, other: Selector) -> bool:
    mine, asked = LabelConditions.of(one), LabelConditions.of(other)
    return mine is not None and asked is not None and mine <= asked


def _is_matched(found: Reachability, pods: UnseenPods) -> bool:
    """Return whether a pod that is shown, in a namespace that is, is of the kind of some pods."""
    return any(
        _matches(pods.pods, dict(each.workload.labels.items))
        and isinstance(pods.namespaces, Selector)
        and _matches(pods.namespaces, dict(found.cluster.namespaces.of(each.namespace).items))
        for each in found.workloads
    )


def _matches(selector: Selector, labels: dict[str, object]) -> bool:
    return all(_has(labels.get(each.key), each) for each in selector.requirements)
