"""Kinds and versions with typing errors: refused as the API server does, with what is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from podwall.policies.errors import Severity
from podwall.reading import Document, ObjectStatus, typed_policies
from podwall.reading.known_kinds import harmless
from podwall.reading.objects import READERS
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


#: All kinds that https://github.com/kubernetes/api registers (`register.go` of each group), in any
#: of its releases from 0.20 to 0.36, but options and lists.
OF_KUBERNETES = {
    "": "Binding ComponentStatus ConfigMap Endpoints EphemeralContainers Event LimitRange "
    "Namespace Node PersistentVolume PersistentVolumeClaim Pod PodStatusResult PodTemplate "
    "RangeAllocation ReplicationController ResourceQuota Secret SerializedReference Service "
    "ServiceAccount",
    "admission.k8s.io": "AdmissionReview",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy "
    "ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration",
    "apidiscovery.k8s.io": "APIGroupDiscovery",
    "apps": "ControllerRevision DaemonSet Deployment DeploymentRollback ReplicaSet Scale "
    "StatefulSet",
    "authentication.k8s.io": "SelfSubjectReview TokenRequest TokenReview",
    "authorization.k8s.io": "LocalSubjectAccessReview SelfSubjectAccessReview "
    "SelfSubjectRulesReview SubjectAccessReview",
    "autoscaling": "HorizontalPodAutoscaler Scale",
    "batch": "CronJob Job JobTemplate",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle PodCertificateRequest",
    "coordination.k8s.io": "Lease LeaseCandidate",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "extensions": "DaemonSet Deployment DeploymentRollback Ingress NetworkPolicy "
    "PodSecurityPolicy ReplicaSet Scale",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "imagepolicy.k8s.io": "ImageReview",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "ClusterCIDR IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "Eviction PodDisruptionBudget PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule PodScheduling PodSchedulingContext "
    "ResourceClaim ResourceClaimParameters ResourceClaimTemplate ResourceClass "
    "ResourceClassParameters ResourcePoolStatusRequest ResourceSlice",
    "scheduling.k8s.io": "PodGroup PriorityClass Workload",
    "storage.k8s.io": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment "
    "VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
}
#: Kinds that an API server had before, and those of the groups that it has itself.
FORMER = {
    "admissionregistration.k8s.io": "ExternalAdmissionHookConfiguration InitializerConfiguration",
    "auditregistration.k8s.io": "AuditSink",
    "extensions": "ThirdPartyResource",
    "settings.k8s.io": "PodPreset",
    "apiextensions.k8s.io": "ConversionReview CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "metrics.k8s.io": "NodeMetrics PodMetrics",
}
#: What is made by the shape of the object alone, is refused, or may let other objects be changed.
NOT_HARMLESS = {
    *((group, kind) for group, kind in READERS),
    *(("extensions", kind) for kind in ("DaemonSet", "Deployment", "NetworkPolicy", "ReplicaSet")),
    *(("admissionregistration.k8s.io", f"Mutating{kind}") for kind in (
        "AdmissionPolicy", "AdmissionPolicyBinding", "WebhookConfiguration")),
    ("batch", "JobTemplate"),
    ("", "PodTemplate"),
}  # fmt: skip


def _kinds(groups: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((group, kind) for group, kinds in groups.items() for kind in kinds.split())


def test_every_kind_of_kubernetes_is_accounted_for() -> None:
    listed = {*_kinds(OF_KUBERNETES), *_kinds(FORMER)}
    assert {each for each in listed if not harmless(*each)} == NOT_HARMLESS


@pytest.mark.parametrize(("group", "kind"), sorted({*_kinds(FORMER)}))
def test_what_no_api_server_has_any_more_disturbs_no_verdict(group: str, kind: str) -> None:
    reading = read(f"{{apiVersion: {group}/v1alpha1, kind: {kind}, metadata: {{name: x}}}}")
    assert [each.status for each in reading.ledger] == [ObjectStatus.HARMLESS]
    assert reading.snapshot.unread_policies == ()
