"""The components for every language of Pulumi: typed dictionaries at the edge, the same rules.

Modules in this package do without `from __future__ import annotations`: Pulumi reads their
annotations to write the schema. Inputs are plain values, never outputs of other resources: a
preview must know every name, label and port, or nobody could say who reaches whom.
"""

from pulumi import ComponentResource

from components.package.cluster import AksCluster
from components.package.namespace import Namespace
from components.package.network_policies import NetworkPolicies
from components.package.workload import Workload

__all__ = [
    "COMPONENTS",
    "NAME",
    "VERSION",
    "AksCluster",
    "Namespace",
    "NetworkPolicies",
    "Workload",
]

NAME = "podwall"
"""The name of the package, and the first part of its type tokens."""

VERSION = "0.1.0"
"""The version of the package: that of the repository."""

COMPONENTS: list[type[ComponentResource]] = [AksCluster, Namespace, NetworkPolicies, Workload]
"""What the package offers."""
