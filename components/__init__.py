"""The components of this program: those of the library, what the stacks run, and its settings.

`components/` is also a Pulumi package for every other language, see `components.package`.
"""

from podwall.components import (
    AksCluster,
    AksClusterArgs,
    ContainerPort,
    Namespace,
    NamespaceArgs,
    NetworkEngine,
    NetworkPolicies,
    PodSecurity,
    Probe,
    Quota,
    Resources,
    Workload,
    WorkloadArgs,
    WorkloadKind,
)

__all__ = [
    "AksCluster",
    "AksClusterArgs",
    "ContainerPort",
    "Namespace",
    "NamespaceArgs",
    "NetworkEngine",
    "NetworkPolicies",
    "PodSecurity",
    "Probe",
    "Quota",
    "Resources",
    "Workload",
    "WorkloadArgs",
    "WorkloadKind",
]
