"""The namespaces that belong to the cluster, in which a default deny would break it.

Source: https://learn.microsoft.com/azure/aks/managed-namespaces and
https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
"""

from __future__ import annotations

__all__ = ["is_system_namespace"]

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


def is_system_namespace(name: str) -> bool:
    """Tell whether a namespace is of Kubernetes, of AKS or of one of its extensions.

    >>> is_system_namespace("kube-system"), is_system_namespace("shop")
    (True, False)
    """
    return name in _NAMES or name.startswith(_PREFIXES)
