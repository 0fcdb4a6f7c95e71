"""The namespaces that belong to the cluster, in which a default deny would break it.

Source: https://learn.microsoft.com/azure/aks/managed-namespaces and
https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
"""

from __future__ import annotations

from components.checks import check_dns_label, refused
from policies.syntax import shown

__all__ = ["check_application_namespace", "check_no_system_namespace"]

_REMEDY = "give each application a namespace of its own"
_PREFIXES = ("kube-", "aks-istio-")
_NAMES = frozenset(
    {
        "app-routing-system",
        "azureml",
        "calico-system",
        "dapr-system",
        "dataprotection-microsoft",
        "flux-system",
        "gatekeeper-system",
        "istio-system",
        "tigera-operator",
        "tigera-system",
    }
)


def check_application_namespace(name: str, path: str) -> None:
    """Refuse a namespace that is not an application's own: the system's, and `default`.

    >>> check_application_namespace("kube-system", "metadata.namespace")
    Traceback (most recent call last):
    policies.errors.InvalidValue: metadata.namespace: `kube-system` is a namespace of the system
    """
    check_no_system_namespace(name, path)
    if name == "default":
        message = "`default` is there in every cluster and is for nobody's workloads"
        raise refused(path, message, _REMEDY)


def check_no_system_namespace(name: str, path: str) -> None:
    """Refuse a namespace of Kubernetes, of AKS or of one of its extensions."""
    check_dns_label(name, path)
    if name in _NAMES or name.startswith(_PREFIXES):
        raise refused(path, f"{shown(name)} is a namespace of the system", _REMEDY)
