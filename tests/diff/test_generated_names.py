"""A workload whose name is made up anew is the same workload, and what opens to it opens."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from podwall.diff import ChangeCause, Diff, diff
from podwall.model import LabelMap, Policy, SnapshotWorkload
from podwall.reachability import reachability
from tests.core.builders import allow, cluster, policy, selector

Described = tuple[str, str, str]


def workload(kind: str, name: str, labels: str) -> SnapshotWorkload:
    """Return a workload of namespace x; its labels are `key=value` by spaces."""
    pairs = dict(each.split("=") for each in labels.split())
    return SnapshotWorkload("x", name, kind, LabelMap.of(pairs), replicas=2)


def compared(
    before: Sequence[Described],
    after: Sequence[Described],
    policies: tuple[tuple[Policy, ...], tuple[Policy, ...]] = ((), ()),
) -> Diff:
    """Return the diff of two clusters with these workloads."""
    sides = (
        cluster(*each, *(workload(*one) for one in some))
        for some, each in zip((before, after), policies, strict=True)
    )
    old, new = map(reachability, sides)
    return diff(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            ("ReplicaSet", "web-6b9fdc4c77", "app=web"),
            ("ReplicaSet", "web-7c8d9f5d66", "app=web"),
            id="the template's hash",
        ),
        pytest.param(
            ("Pod", "web-6b9fdc4c77-x2vbn", "app=web pod-template-hash=6b9fdc4c77"),
            ("Pod", "web-7c8d9f5d66-q8k4w", "app=web pod-template-hash=7c8d9f5d66"),
            id="a pod of a ReplicaSet",
        ),
        pytest.param(
            ("Deployment", "web-1a2b3c4", "app=web"),
            ("Deployment", "web-9f8e7d6a", "app=web version=2"),
            id="Pulumi's suffix, and another label",
        ),
        pytest.param(
            ("Deployment", "web-1a2b3c4", "app=web-1a2b3c4"),
            ("Deployment", "web-9f8e7d6", "app=web-9f8e7d6"),
            id="Pulumi's suffix in a label, too",
        ),
        pytest.param(
            ("Pod", "web-1a2b3c4-6b9fdc4c77-x2vbn", "app=web"),
            ("Pod", "web-9f8e7d6-7c8d9f5d66-q8k4w", "app=web"),
            id="both",
        ),
        pytest.param(("Pod", "db-0", "app=db"), ("Pod", "db-1", "app=db"), id="an ordinal"),
        pytest.param(
            ("Job", "migrate-1700000000", "job=migrate"),
            ("Job", "migrate-1700086400", "job=migrate version=2"),
            id="a time in seconds",
        ),
        pytest.param(
            ("Job", "report-28333333", "job=report"),
            ("Job", "report-28334773", "job=report"),
            id="a CronJob's time in minutes",
        ),
        pytest.param(
            ("Job", "report-20260101-120000", "job=report"),
            ("Job", "report-20260102-120000", "job=report"),
            id="a date",
        ),
        pytest.param(("Job", "up-3", "job=up"), ("Job", "up-4", "job=up"), id="a revision"),
        pytest.param(
            ("Workflow", "build-x2vbn", "app=b"), ("Workflow", "build-q8k4w", "app=b"), id="random"
        ),
        pytest.param(
            ("Deployment", "web-3f786850e387550fdab836ed7e6dc881de23001b", "app=web"),
            ("Deployment", "web-89e6c98d92887913cadf06b2adb97f26cde4849b", "app=web"),
            id="a commit",
        ),
    ],
)
def test_the_same_workload_under_another_generated_name(old: Described, new: Described) -> None:
    found = compared([old], [new])
    assert found.is_empty
    assert (found.added, found.gone) == ((), ())
    assert found.renamed == ((f"x/{old[1]}", f"x/{new[1]}"),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            [("Deployment", "web-https", "app=s")],
            [("Deployment", "web-grpcs", "app=g")],
            id="words",
        ),
        pytest.param([("Pod", "node-1", "app=a")], [("Pod", "node-2", "app=b")], id="other pods"),
        pytest.param(
            [("Deployment", "web-1a2b3c4", "app=web")],
            [("Job", "web-9f8e7d6", "app=web")],
            id="kind",
        ),
        pytest.param(
            [("Deployment", "web", "app=w")], [("Deployment", "api", "app=w")], id="names"
        ),
    ],
)
def test_other_workloads_stay_others(before: list[Described], after: list[Described]) -> None:
    found = compared(before, after)
    assert (len(found.added), len(found.gone), found.renamed) == (1, 1, ())


def test_of_several_those_with_equal_labels_are_the_same() -> None:
    old = [("Pod", "db-0", "app=db"), ("Pod", "db-1", "app=db"), ("Pod", "db-2", "app=other")]
    new = [("Pod", "db-3", "app=db"), ("Pod", "db-4", "app=db"), ("Pod", "db-5", "app=third")]
    found = compared(old, new)
    assert found.renamed == (("x/db-0", "x/db-3"), ("x/db-1", "x/db-4"))
    assert [each.id for each in (*found.gone, *found.added)] == ["x/db-2", "x/db-5"]


def test_what_opens_to_a_renamed_workload_is_not_called_a_new_workload() -> None:
    closed = policy("x", selector(app="db"), "closed", ingress=())
    opened = policy("x", selector(app="db"), "closed", ingress=(allow(),))
    others = [("Deployment", "web", "app=web")]
    found = compared(
        [*others, ("Deployment", "db-1a2b3c4", "app=db")],
        [*others, ("Deployment", "db-9f8e7d6", "app=db")],
        ((closed,), (opened,)),
    )
    causes = {(str(each.destination.id), each.cause) for each in found.port_changes()}
    assert causes == {("x/db-9f8e7d6", ChangeCause.POLICY)}
