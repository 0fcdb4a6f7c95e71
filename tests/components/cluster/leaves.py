"""The leaves that replace a cluster or a pool, written down a second time from their sources.

Those of the cluster are `forceNewMap` of `ManagedCluster` in
https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/gen/replacement.go, and the
parts of its id. Those of a pool are there for `AgentPool`, and what Azure refuses to change
(`PropertyChangeNotAllowed`, https://learn.microsoft.com/azure/aks/create-node-pools).
"""

from __future__ import annotations

__all__ = ["REPLACES_A_CLUSTER", "REPLACES_A_POOL"]


REPLACES_A_CLUSTER = (
    "networkProfile.networkPolicy",
    "networkProfile.networkDataplane",
    "networkProfile.networkPluginMode",
    "networkProfile.networkPlugin",
    "networkProfile.networkMode",
    "networkProfile.podCidr",
    "networkProfile.serviceCidr",
    "networkProfile.serviceCidrs",
    "networkProfile.dnsServiceIP",
    "networkProfile.outboundType",
    "dnsPrefix",
    "fqdnSubdomain",
    "nodeResourceGroup",
    "location",
    "diskEncryptionSetID",
    "linuxProfile",
    "windowsProfile",
    "resourceGroupName",
    "resourceName",
)

REPLACES_A_POOL = (
    "name",
    "vmSize",
    "maxPods",
    "availabilityZones",
    "osDiskType",
    "osDiskSizeGB",
    "osType",
    "vnetSubnetID",
    "podSubnetID",
    "podIPAllocationMode",
    "scaleSetPriority",
    "scaleSetEvictionPolicy",
    "enableEncryptionAtHost",
    "gpuInstanceProfile",
    "networkProfile.nodePublicIPTags",
)
