"""What became of each object of a source: read, known to change nothing here, or not read.

Nothing of a source is passed over in silence: what is not part of the snapshot has a reason. Kinds
that cannot change who reaches whom are harmless; an object of any other kind that is not read may
change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from podwall.policies.errors import Place

__all__ = ["LedgerEntry", "ObjectStatus", "harmless", "named_in"]


class ObjectStatus(StrEnum):
    """What became of an object.

    `READ`: it is part of the snapshot, by itself or through the controller that made it.
    `HARMLESS`: it is not, and cannot change who reaches whom. `UNREAD`: it is not, and may.
    """

    READ = "read"
    HARMLESS = "harmless"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """An object of a source, and what became of it.

    `kind` and `name` are as far as they are known; the name is `namespace/name` where the object
    says its namespace. `reason` says in a few words why the object is not part of the snapshot, and
    is empty where it is.

    >>> print(LedgerEntry("Rollout", "shop/web", reason="podwall does not know this kind"))
    Rollout shop/web
    """

    kind: str
    name: str
    place: Place = field(default_factory=Place)
    status: ObjectStatus = ObjectStatus.UNREAD
    reason: str = ""

    def __str__(self) -> str:
        """Write kind and name, else the place."""
        return " ".join(filter(None, (self.kind, self.name))) or str(self.place)


#: The kinds of the Kubernetes API that cannot change who reaches whom, by group, with the reason.
#: https://kubernetes.io/docs/reference/kubernetes-api/
_HARMLESS: Final[Mapping[str, Mapping[str, str]]] = {
    "it holds data that pods use": {
        "": "ConfigMap Secret",
    },
    "it says who may use the API": {
        "": "ServiceAccount",
        "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
        "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    },
    "it limits, scales or schedules pods that are declared elsewhere": {
        "": "LimitRange ResourceQuota",
        "autoscaling": "HorizontalPodAutoscaler",
        "autoscaling.k8s.io": "VerticalPodAutoscaler",
        "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
        "node.k8s.io": "RuntimeClass",
        "policy": "PodDisruptionBudget PodSecurityPolicy",
        "resource.k8s.io": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
        "scheduling.k8s.io": "PriorityClass",
    },
    "it is storage": {
        "": "PersistentVolume PersistentVolumeClaim",
        "snapshot.storage.k8s.io": "VolumeSnapshot VolumeSnapshotClass VolumeSnapshotContent",
        "storage.k8s.io": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment "
        "VolumeAttributesClass",
    },
    "it extends the API, and is no object of the kinds that it declares": {
        "apiextensions.k8s.io": "CustomResourceDefinition",
        "apiregistration.k8s.io": "APIService",
    },
    "it can refuse objects, and changes none": {
        "admissionregistration.k8s.io": "ValidatingAdmissionPolicy "
        "ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
    },
    "it routes requests to services, and policies act on the pods behind them": {
        "extensions": "Ingress",
        "networking.k8s.io": "Ingress IngressClass IPAddress ServiceCIDR",
    },
    "the cluster keeps it for itself": {
        "": "Binding ComponentStatus Endpoints Event Node",
        "apps": "ControllerRevision",
        "coordination.k8s.io": "Lease LeaseCandidate",
        "discovery.k8s.io": "EndpointSlice",
        "events.k8s.io": "Event",
        "metrics.k8s.io": "NodeMetrics PodMetrics",
    },
}
_REASONS: Final = {
    (group, kind): reason
    for reason, groups in _HARMLESS.items()
    for group, kinds in groups.items()
    for kind in kinds.split()
}


def harmless(group: str, kind: str) -> str:
    """Return why no object of a kind can change who reaches whom; nothing where one may.

    >>> harmless("", "ConfigMap"), harmless("argoproj.io", "Rollout")
    ('it holds data that pods use', '')
    """
    return _REASONS.get((group, kind), "")


def named_in(manifest: object) -> tuple[str, str]:
    """Return the kind and name that an object has at least in writing, however damaged it is.

    >>> named_in({"kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}})
    ('Pod', 'shop/web')
    >>> named_in({"kind": 1, "metadata": []}), named_in("text")
    (('', ''), ('', ''))
    """
    metadata = _at(manifest, "metadata")
    parts = (_at(metadata, "namespace"), _at(metadata, "name"))
    return _text(_at(manifest, "kind")), "/".join(filter(None, map(_text, parts)))


def _at(node: object, key: str) -> object:
    return node.get(key) if isinstance(node, Mapping) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
