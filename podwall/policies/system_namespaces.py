"""The namespaces that belong to the cluster, in which a default deny would break it.

Source: https://learn.microsoft.com/azure/aks/managed-namespaces and
https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
"""

from __future__ import annotations

from typing import Final

__all__ = ["SYSTEM_NAMESPACES", "is_system_namespace"]

_PREFIXES = ("kube-", "aks-istio-")
SYSTEM_NAMESPACES: Final = frozenset(
    {
        "aks-istio-egress",
        "aks-istio-ingress",
        "aks-istio-system",
        "app-routing-system",
        "azureml",
        "calico-system",
        "dapr-system",
        "dataprotection-microsoft",
        "flux-system",
        "gatekeeper-system",
        "istio-system",
        "kube-node-lease",
        "kube-public",
        "kube-system",
        "tigera-operator",
        "tigera-system",
    }
)
"""Those that are known by name, for readers that may not take a user's `kube-something` for one."""


def is_system_namespace(name: str) -> bool:
    """Return whether a namespace is of Kubernetes, of AKS or of one of its extensions.

    Also one that only begins as theirs do: Kubernetes reserves the prefix `kube-`.


    >>> is_system_namespace("kube-system"), is_system_namespace("shop")
    (True, False)
    """
    return name in SYSTEM_NAMESPACES or name.startswith(_PREFIXES)
