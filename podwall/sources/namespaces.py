"""The namespace of objects that name none, as the tool that deploys them fills it in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from podwall.reading import Document
from podwall.reading.documents import single_objects

__all__ = ["in_namespace"]

#: The kinds that are in no namespace. https://kubernetes.io/docs/reference/kubernetes-api/
_OF_THE_CLUSTER: Final = frozenset(
    [
        "APIService",
        "AdminNetworkPolicy",
        "BaselineAdminNetworkPolicy",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "CiliumClusterwideNetworkPolicy",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "GatewayClass",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PodSecurityPolicy",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
        "VolumeSnapshotClass",
        "VolumeSnapshotContent",
    ]
)
#: How the kinds of others are called that are in no namespace, such as ClusterIssuer.
_OTHERS_OF_THE_CLUSTER: Final = re.compile("(Cluster|Global)[A-Z]")


def in_namespace(documents: Iterable[Document], namespace: str) -> Iterator[Document]:
    """Yield every object, each in a namespace: its own where it names one, else the one given.

    Only a server knows the kinds of others that are in no namespace. Here their name decides.

    >>> pod, role = ({"kind": kind, "metadata": {"name": "web"}} for kind in ("Pod", "ClusterRole"))
    >>> [each.manifest["metadata"] for each in in_namespace(map(Document, (pod, role)), "shop")]
    [{'name': 'web', 'namespace': 'shop'}, {'name': 'web'}]
    """
    for document in single_objects(documents):
        yield replace(document, manifest=_placed(document.manifest, namespace))


def _placed(manifest: Any, namespace: str) -> Any:
    """Return an object with its namespace; what is no object stays as it is, to be reported."""
    metadata = manifest.get("metadata") if isinstance(manifest, Mapping) else None
    if not isinstance(metadata, Mapping) or not _needs_one(manifest, metadata):
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": namespace}}


def _needs_one(manifest: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    kind = str(manifest.get("kind"))
    return (
        metadata.get("namespace") in (None, "")
        and kind not in _OF_THE_CLUSTER
        and not _OTHERS_OF_THE_CLUSTER.match(kind)
    )
