"""The cluster as a Pulumi component."""

from __future__ import annotations

from datetime import UTC, datetime

import pulumi
from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.provider import Provider

from podwall.components.cluster.advice import cluster_findings
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.cluster_properties import Surroundings
from podwall.components.cluster.fixed import fixed_leaves
from podwall.components.cluster.resources.credentials import kubeconfig_of
from podwall.components.cluster.resources.guard import guarded
from podwall.components.cluster.resources.identities import assign_after_cluster
from podwall.components.cluster.resources.maintenance import plan_maintenance
from podwall.components.cluster.resources.managed_cluster import (
    issuer_url,
    kubelet_object_id,
    make_cluster,
)
from podwall.components.cluster.resources.node_pools import make_pools
from podwall.components.cluster.resources.surroundings import surround
from podwall.policies.findings import Finding, Severity

__all__ = ["AksCluster"]

_OUTPUTS = (
    "name",
    "cluster_id",
    "fqdn",
    "resource_group",
    "node_resource_group",
    "node_subnet_id",
    "oidc_issuer_url",
    "kubelet_identity_object_id",
    "kubeconfig",
)


class AksCluster(ComponentResource):
    """An AKS cluster with its network, its node pools, its identities and their roles.

    `resource` is the ManagedCluster. `kubernetes` is the provider for everything in it; pass it in
    the options of Kubernetes resources, together with `deleted_with=cluster.resource`, so that they
    need not be deleted one by one when the cluster goes.

    Everything that is worth knowing about `args` is logged; see `cluster.advice`.
    """

    name: Output[str]
    """The name of the cluster in Azure."""
    cluster_id: Output[str]
    """The resource id of the cluster."""
    fqdn: Output[str]
    """The name of its API server; empty where only a private name exists."""
    resource_group: Output[str]
    """The name of the resource group that the cluster is in."""
    node_resource_group: Output[str]
    """The name of the resource group that AKS keeps the nodes in."""
    node_subnet_id: Output[str]
    """The id of the subnet that the nodes are in."""
    oidc_issuer_url: Output[str]
    """The issuer to name in federated credentials of workload identities."""
    kubelet_identity_object_id: Output[str]
    """The object id of what nodes act as, to be given rights such as pulling images."""
    kubeconfig: Output[str]
    """How to reach the cluster; a secret."""

    def __init__(
        self, name: str, args: AksClusterArgs, opts: ResourceOptions | None = None
    ) -> None:
        """Declare the cluster called `name` in the program."""
        super().__init__(
            "podwall:index:AksCluster",
            name,
            fixed_leaves(name, args),
            guarded(name, args.engine_change, opts),
        )
        for finding in cluster_findings(args, datetime.now(UTC).date()):
            _log(finding, self)
        surroundings, prerequisites = surround(name, args, self)
        self.resource = make_cluster(name, args, surroundings, self, prerequisites)
        self._set_outputs(surroundings, args)
        ready = [
            *make_pools(name, args, surroundings, self.resource, self),
            *assign_after_cluster(name, args, self.resource, self.kubelet_identity_object_id, self),
        ]
        plan_maintenance(name, args, surroundings, self.resource, self)
        self.kubernetes = Provider(
            name,
            kubeconfig=self.kubeconfig,
            # Without it an unknown kubeconfig would plan every object in the cluster anew.
            cluster_identifier=self.resource.id,
            enable_server_side_apply=True,
            opts=ResourceOptions(parent=self, depends_on=ready),
        )
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})

    def _set_outputs(self, surroundings: Surroundings, args: AksClusterArgs) -> None:
        cluster = self.resource
        self.name = cluster.name
        self.cluster_id = cluster.id
        self.fqdn = Output.all(cluster.fqdn, cluster.private_fqdn).apply(
            lambda names: next(filter(None, names), "")
        )
        self.resource_group = Output.from_input(surroundings.resource_group)
        self.node_resource_group = cluster.node_resource_group.apply(lambda group: group or "")
        self.node_subnet_id = Output.from_input(surroundings.node_subnet_id)
        self.oidc_issuer_url = cluster.oidc_issuer_profile.apply(issuer_url)
        self.kubelet_identity_object_id = cluster.identity_profile.apply(kubelet_object_id)
        self.kubeconfig = kubeconfig_of(cluster, surroundings.resource_group, args.access.sign_in)


def _log(finding: Finding, component: AksCluster) -> None:
    text = f"{finding.place}: {finding.message}; {finding.help} ({finding.link})"
    if finding.severity is Severity.INFO:
        pulumi.log.info(text, component)
    else:
        pulumi.log.warn(text, component)
