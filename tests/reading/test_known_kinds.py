"""Kinds and versions with typing errors: refused as the API server does, with what is meant."""

from __future__ import annotations

import pytest

from podwall.policies.errors import Severity
from podwall.reading import Document, ObjectStatus, typed_policies
from tests.reading.written import read

MISTYPED = [
    ("v1", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("networking/v1", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("networking.k8s.io", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("networking.k8s.oi/v1", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("networking.k8s.io/v1/v1", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("network.k8s.io/v1", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("policy.networking.k8s.io/v1", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("Networking.k8s.io/v1", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("policy/v1", "NetworkPolicy", "`apiVersion: networking.k8s.io/v1`"),
    ("networking.k8s.io/v1", "networkPolicy", "`kind: NetworkPolicy`"),
    ("networking.k8s.io/v1", "NetworkPolicies", "`kind: NetworkPolicy`"),
    ("networking.k8s.io/v1", "NetworkPolcy", "`kind: NetworkPolicy`"),
    ("networking/v1", "Networkpolicy", "`kind: NetworkPolicy` and `apiVersion: networking.k8s.io"),
    ("apps/v1", "Pod", "`apiVersion: v1`"),
    ("apps/v1", "Statefulset", "`kind: StatefulSet`"),
    ("apps/v1", "Deploymnet", "`kind: Deployment`"),
    ("v1", "Deployment", "`apiVersion: apps/v1`"),
    ("app/v1", "Deployment", "`apiVersion: apps/v1`"),
    ("Apps/v1", "Deployment", "`apiVersion: apps/v1`"),
    ("apps.k8s.io/v1", "DaemonSet", "`apiVersion: apps/v1`"),
    ("batch.k8s.io/v1", "Job", "`apiVersion: batch/v1`"),
    ("v1", "Cronjob", "`kind: CronJob` and `apiVersion: batch/v1`"),
    ("v1", "pod", "`kind: Pod`"),
    ("core/v1", "Service", "`apiVersion: v1`"),
    ("v1", "Namespaces", "`kind: Namespace`"),
]


@pytest.mark.parametrize(("api", "kind", "meant"), MISTYPED)
def test_a_typing_error_is_refused_with_what_is_meant(api: str, kind: str, meant: str) -> None:
    reading = read(f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: closed}}}}")
    (finding,) = reading.findings
    assert (finding.id, finding.severity) == ("no-such-kind", Severity.ERROR)
    assert f"did you mean {meant}" in finding.help
    assert "`closed` is refused" in finding.message
    assert [each.status for each in reading.ledger] == [ObjectStatus.UNREAD]
    assert (reading.snapshot.workloads, reading.snapshot.policies) == ((), ())


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("projectcalico.org/v3", "NetworkPolicy"),
        ("crd.antrea.io/v1beta1", "NetworkPolicy"),
        ("policy.networking.k8s.io/v1", "ClusterNetworkPolicy"),
        ("serving.knative.dev/v1", "Service"),
        ("batch.volcano.sh/v1alpha1", "Job"),
        ("apps.kruise.io/v1beta1", "StatefulSet"),
        ("multicluster.x-k8s.io/v1alpha1", "ServiceImport"),
        ("networking.k8s.io/v1", "ServiceCIDR"),
        ("networking.k8s.io/v1", "Ingress"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("metrics.k8s.io/v1beta1", "PodMetrics"),
        ("jobset.x-k8s.io/v1alpha2", "JobSet"),
        ("scheduling.k8s.io/v1alpha1", "Workload"),
        ("events.k8s.io/v1", "Event"),
        ("v1", "PodTemplate"),
    ],
)
def test_what_others_may_have_is_no_typing_error(api: str, kind: str) -> None:
    reading = read(f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: x}}}}")
    assert not [each for each in reading.findings if each.id == "no-such-kind"]


def test_an_import_of_typed_policies_refuses_the_same() -> None:
    def imported(api: str, kind: str) -> list[str]:
        manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "closed"}}
        return [each.id for each in typed_policies([Document(manifest)]).findings]

    assert imported("networking.k8s.io/v1", "networkPolicy") == ["no-such-kind"]
    assert imported("v1", "pod") == []
