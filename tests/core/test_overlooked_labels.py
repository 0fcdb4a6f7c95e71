"""Labels that an engine does not see: as if they were not there, for every selector."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from podwall.engines import AZURE, CALICO, CILIUM, SPEC, Engine
from podwall.migrate import migrate
from podwall.model import (
    LabelMap,
    Operator,
    PodPeer,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.rules import Direction
from podwall.reachability import reachability
from tests.core import clusters
from tests.core.builders import EVERYTHING, allow, cluster, column, namespace, pod, policy, tcp
from tests.core.clusters import Size, random_cluster

_A_B = "x/a -> y/b"
_OUTSIDE = "kubernetes.io/cluster-service"
_ASKS = [
    pytest.param(Operator.IN, ("true",), "yyyny", id="by value"),
    pytest.param(Operator.EXISTS, (), "yyyny", id="by key"),
    pytest.param(Operator.NOT_IN, ("true",), "nnnyy", id="for another value"),
    pytest.param(Operator.DOES_NOT_EXIST, (), "nnnyy", id="for its absence"),
]


def _labelled(key: str = _OUTSIDE) -> tuple[SnapshotWorkload, ...]:
    return pod("x/a", labels={"app": "a", key: "true"}), pod(
        "y/b", labels={"app": "b", key: "true"}
    )


def _asking(operator: Operator, values: tuple[str, ...], key: str = _OUTSIDE) -> Selector:
    return Selector((SelectorRequirement(key, operator, values),))


@pytest.mark.parametrize(("operator", "values", "admitted"), _ASKS)
def test_a_peer_by_a_label_that_is_not_of_the_identity(
    operator: Operator, values: tuple[str, ...], admitted: str
) -> None:
    """Measured with Cilium 1.18.6: the label counts as missing."""
    peer = PodPeer(_asking(operator, values), EVERYTHING)
    snapshot = cluster(*_labelled(), policy("y", ingress=(allow(peer),)))
    assert column(snapshot, _A_B) == admitted


@pytest.mark.parametrize(("operator", "values", "admitted"), _ASKS)
def test_a_subject_by_a_label_that_is_not_of_the_identity(
    operator: Operator, values: tuple[str, ...], admitted: str
) -> None:
    """A policy that selects in vain protects no pod."""
    snapshot = cluster(*_labelled(), policy("y", _asking(operator, values), ingress=()))
    opposite = admitted[:4].translate(str.maketrans("yn", "ny"))
    assert column(snapshot, _A_B) == f"{opposite}y"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("pod-template-hash", "n"),
        ("controller-uid", "n"),
        ("statefulset.kubernetes.io/pod-name", "n"),
        ("apps.kubernetes.io/pod-index", "n"),
        ("batch.kubernetes.io/job-completion-index", "n"),
        ("k8s.io/role", "n"),
        ("failure-domain.beta.kubernetes.io/zone", "n"),
        ("app.kubernetes.io/name", "y"),
        ("k8s-app", "y"),
        ("helm.sh/chart", "y"),
        ("batch.kubernetes.io/job-name", "y"),
        ("kubernetes.azure.com/mode", "y"),
    ],
)
def test_which_labels_cilium_sees_of_pods(key: str, expected: str) -> None:
    peer = PodPeer(_asking(Operator.EXISTS, (), key), EVERYTHING)
    snapshot = cluster(*_labelled(key), policy("y", ingress=(allow(peer),)))
    assert column(snapshot, _A_B) == f"yyy{expected}y"


@pytest.mark.parametrize(("version", "expected"), [("1.35", "y"), ("1.36", "?"), (None, "?")])
@pytest.mark.parametrize("operator", [Operator.EXISTS, Operator.IN])
def test_a_zone_that_newer_versions_may_not_see(
    version: str | None, expected: str, operator: Operator
) -> None:
    key = "topology.kubernetes.io/zone"
    values = ("true",) if operator is Operator.IN else ()
    peer = PodPeer(_asking(operator, values, key), EVERYTHING)
    rules = policy("y", ingress=(allow(peer),))
    snapshot = cluster(*_labelled(key), rules, kubernetes_version=version)
    assert column(snapshot, _A_B) == f"yyy{expected}y"


def test_the_absence_of_a_zone_that_newer_versions_may_not_see() -> None:
    key = "topology.kubernetes.io/zone"
    peer = PodPeer(_asking(Operator.DOES_NOT_EXIST, (), key), EVERYTHING)
    snapshot = cluster(*_labelled(key), policy("y", ingress=(allow(peer),)))
    assert column(snapshot, _A_B) == "nnn?y"


@pytest.mark.parametrize(
    ("key", "expected"), [("failure-domain.beta.kubernetes.io/zone", "n"), ("k8s.io/team", "y")]
)
def test_which_labels_cilium_sees_of_namespaces(key: str, expected: str) -> None:
    peer = PodPeer(EVERYTHING, _asking(Operator.EXISTS, (), key))
    there = namespace("x", **{key: "true"})
    snapshot = cluster(there, *_labelled(), policy("y", ingress=(allow(peer),)))
    assert column(snapshot, _A_B) == f"yyy{expected}y"


def test_pods_with_unknown_labels_have_none_that_cilium_sees_either() -> None:
    labels = LabelMap((), Unknown("labels of an operator"))
    source = replace(pod("x/a"), labels=labels)
    peer = PodPeer(_asking(Operator.EXISTS, ()), EVERYTHING)
    snapshot = cluster(source, pod("y/b"), policy("y", ingress=(allow(peer),)))
    assert column(snapshot, _A_B) == "???ny"


def test_unseen_pods_are_not_told_apart_by_what_cilium_does_not_see() -> None:
    peer = PodPeer(_asking(Operator.IN, ("true",)), EVERYTHING)
    rules = policy("y", ingress=(allow(peer),))
    snapshot = cluster(pod("y/b"), rules, complete=False)
    assert reachability(snapshot, CALICO).exposure("y/b", Direction.INGRESS)
    found = reachability(snapshot, CILIUM)
    assert not found.exposure("y/b", Direction.INGRESS)
    assert not found.connection(f"any:{_OUTSIDE}=true", "y/b").allowed


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=8)
def test_labels_that_cilium_does_not_see_might_as_well_not_be_there(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge strips them off the pods, before an engine that sees every label."""
    monkeypatch.setattr(clusters, "KEYS", ("app", _OUTSIDE))
    snapshot = random_cluster(Random(seed), Size(workloads=6, policies=5, blocks=False))
    bare = replace(snapshot, workloads=tuple(map(_without_label, snapshot.workloads)))
    seeing = replace(CILIUM, pod_labels=SPEC.pod_labels)
    assert _told(snapshot, CILIUM) == _told(bare, seeing)


def _without_label(workload: SnapshotWorkload) -> SnapshotWorkload:
    kept = {key: value for key, value in workload.labels.items if key != _OUTSIDE}
    return replace(workload, labels=LabelMap.of(kept))


def _told(snapshot: Snapshot, engine: Engine) -> list[tuple[object, ...]]:
    connections = reachability(snapshot, engine).connections()
    return [(e.source_id, e.destination_id, e.allowed, e.undetermined_ports) for e in connections]


def test_a_migration_tells_which_labels_are_seen_by_one_engine_only() -> None:
    rules = policy("y", _asking(Operator.EXISTS, ()), name="p", ingress=())
    for engines, does in (((AZURE, CILIUM), "will not find"), ((CILIUM, AZURE), "will find")):
        found = migrate(cluster(*_labelled(), rules), *engines)
        assert [each.message for each in found.limits if each.id == "label-overlooked"] == [
            f"the selectors of `p` {does} the label `{_OUTSIDE}`"
        ]
        assert not found.edits


def test_a_migration_from_cilium_writes_the_labels_that_were_written() -> None:
    peer = PodPeer(_asking(Operator.NOT_IN, ("true",)), EVERYTHING)
    written = policy(
        "y", ingress=(allow(peer, ports=(tcp(80),)),), unlisted_egress=(allow(ports=(tcp(1),)),)
    )
    (edit,) = migrate(cluster(*_labelled(), written), CILIUM, AZURE).edits
    assert edit.new.ingress == written.ingress
