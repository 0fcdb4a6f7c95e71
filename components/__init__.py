"""The components of this program: those of the library, what the stacks run, and its settings.

`components/` is also a Pulumi package for every other language, see `components.package`.
"""

from podwall.components import AksCluster, Namespace, NetworkPolicies, Workload

__all__ = ["AksCluster", "Namespace", "NetworkPolicies", "Workload"]
