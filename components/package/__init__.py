"""The components for every language of Pulumi: typed dictionaries at the edge, the same rules.

Modules in this package do without `from __future__ import annotations`: Pulumi reads their
annotations to write the schema. Inputs are plain values, never outputs of other resources: a
preview must know every name, label and port, or nobody could say who reaches whom.
"""

from pulumi import ComponentResource

from components.package.cluster import AksCluster
from components.package.namespace import Namespace
from components.package.network_policies import NetworkPolicies
from components.package.provider import PackageProvider
from components.package.workload import Workload

__all__ = ["AksCluster", "Namespace", "NetworkPolicies", "Workload", "provider"]

_COMPONENTS: list[type[ComponentResource]] = [AksCluster, Namespace, NetworkPolicies, Workload]
_VERSION = "0.1.0"


def provider() -> PackageProvider:
    """Return the provider of the package `podwall`; its schema comes from the annotations."""
    return PackageProvider(_COMPONENTS, "podwall", version=_VERSION)
