"""The cluster as a Pulumi component, and the hook that refuses to make it anew.

It declares the ManagedCluster, its user pools, and the windows in which Azure may upgrade them.
User pools are resources of their own, so that one can come and go alone.

A program sees no state, but Pulumi hands it to a hook before an update. The component therefore
records the leaves that can't change as its own inputs, and a hook on the component compares them.
Nothing is bound to deletions, so `pulumi destroy` needs no program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import (
    ComponentResource,
    CustomTimeouts,
    Output,
    Resource,
    ResourceHook,
    ResourceHookArgs,
    ResourceHookBinding,
    ResourceHookOptions,
    ResourceOptions,
    getter,
)
from pulumi_kubernetes.provider import Provider

from podwall.aks.resource_types import POOL_LEAVES
from podwall.components.cluster.access import ExistingIdentity
from podwall.components.cluster.advice import cluster_findings
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.fixed import fixed_changes, fixed_leaves
from podwall.components.cluster.operations import EngineChange, MaintenanceWindow
from podwall.components.cluster.pools import Autoscale, UserPool
from podwall.components.cluster.properties import (
    ClusterPrerequisites,
    cluster_properties,
    pool_properties,
)
from podwall.components.cluster.resources import (
    assign_after_cluster,
    assign_before_cluster,
    find_or_make_group,
    find_or_make_identity,
    kubeconfig_of,
    make_subnets,
)
from podwall.on_demand import alone
from podwall.policies.errors import Finding, InvalidValue, Severity

if TYPE_CHECKING:
    from pulumi_azure_native.containerservice import (
        AgentPool,
        MaintenanceConfiguration,
        MaintenanceWindowArgsDict,
        ManagedCluster,
    )
    from pulumi_azure_native.containerservice.outputs import (
        ManagedClusterOIDCIssuerProfileResponse,
        UserAssignedIdentityManagedClusterResponse,
    )
else:
    _SDK = "pulumi_azure_native.containerservice"
    AgentPool = alone(f"{_SDK}.agent_pool", "AgentPool")
    ManagedCluster = alone(f"{_SDK}.managed_cluster", "ManagedCluster")
    MaintenanceConfiguration = alone(
        f"{_SDK}.maintenance_configuration", "MaintenanceConfiguration"
    )

__all__ = [
    "AksCluster",
    "make_cluster",
    "refuse_changes",
]


class EchoedCluster(ManagedCluster):
    """A cluster of which a preview may echo the inputs.

    Its identities are sent as a list and come back as a map. A plugin that answers a preview with
    what it was sent makes the SDK fail, because the list is not the map that it expects.
    """

    @property
    @getter
    def identity(self) -> Output[Any]:
        """What the cluster acts as: a map, or in a preview perhaps the list that was sent.

        Without a type of its own it is not judged.
        """
        return super().identity


def make_cluster(
    name: str,
    args: AksClusterArgs,
    prerequisites: ClusterPrerequisites,
    parent: Resource,
    wait_for: Sequence[Resource],
) -> ManagedCluster:
    """Return the cluster, made after its prerequisites and what it has to wait for besides."""
    return EchoedCluster(
        name,
        **cluster_properties(name, args, prerequisites),
        opts=ResourceOptions(
            parent=parent,
            protect=args.protect,
            depends_on=list(wait_for),
            ignore_changes=_azures_own(args),
            # A change of the policy engine reimages every node.
            custom_timeouts=CustomTimeouts(create="60m", update="120m", delete="60m"),
        ),
    )


def _issuer_url(profile: ManagedClusterOIDCIssuerProfileResponse | None) -> str:
    """Return the issuer of the cluster's tokens; empty while there is none."""
    return "" if profile is None else profile.issuer_url


def _kubelet_object_id(
    identities: Mapping[str, UserAssignedIdentityManagedClusterResponse] | None,
) -> str:
    """Return the object id of what nodes act as; empty while there is none."""
    kubelet = (identities or {}).get("kubeletidentity")
    return (kubelet.object_id if kubelet else None) or ""


def _kubelet_client_id(
    identities: Mapping[str, UserAssignedIdentityManagedClusterResponse] | None,
) -> str:
    """Return the client id of what nodes act as; empty while there is none."""
    kubelet = (identities or {}).get("kubeletidentity")
    return (kubelet.client_id if kubelet else None) or ""


def _azures_own(args: AksClusterArgs) -> list[str]:
    found = []
    if isinstance(args.system_pool.node_count, Autoscale):
        found.append("agentPoolProfiles[0].count")
    if args.lifecycle.upgrades.chooses_version:
        found.append("kubernetesVersion")
    return found


_INLINE_ONLY = "name"


def _make_pools(
    name: str,
    args: AksClusterArgs,
    prerequisites: ClusterPrerequisites,
    cluster: ManagedCluster,
    parent: Resource,
) -> list[AgentPool]:
    """Return the user pools of `cluster`."""
    return [
        AgentPool(
            f"{name}-{pool.name}",
            resource_group_name=prerequisites.resource_group,
            resource_name_=cluster.name,
            agent_pool_name=pool.name,
            **_pool_inputs(args, pool, prerequisites),
            opts=_pool_options(pool, cluster, parent),
        )
        for pool in args.user_pools
    ]


def _pool_inputs(
    args: AksClusterArgs, pool: UserPool, prerequisites: ClusterPrerequisites
) -> dict[str, Any]:
    inline = pool_properties(args, pool, prerequisites.node_subnet_id, prerequisites.pod_subnet_id)
    return {leaf: value for leaf, value in inline.items() if leaf != _INLINE_ONLY}


def _pool_options(pool: UserPool, cluster: ManagedCluster, parent: Resource) -> ResourceOptions:
    return ResourceOptions(
        parent=parent,
        deleted_with=cluster,
        # The name is fixed, so the new pool has to wait until the old one is gone.
        delete_before_replace=True,
        replace_on_changes=[leaf for leaf in POOL_LEAVES if leaf != _INLINE_ONLY],
        ignore_changes=["count"] if isinstance(pool.node_count, Autoscale) else [],
        custom_timeouts=CustomTimeouts(create="60m", update="120m", delete="60m"),
    )


_CONFIGURATIONS = {
    "upgrades": "aksManagedAutoUpgradeSchedule",
    "node-os": "aksManagedNodeOSUpgradeSchedule",
}
"""The two configurations that AKS knows, by what they are for."""


def _plan_maintenance(
    name: str,
    args: AksClusterArgs,
    prerequisites: ClusterPrerequisites,
    cluster: ManagedCluster,
    parent: Resource,
) -> None:
    """Hold upgrades of Kubernetes and of the nodes' operating system to the window, if any."""
    if args.lifecycle.maintenance is None:
        return
    for use, configuration in _CONFIGURATIONS.items():
        MaintenanceConfiguration(
            f"{name}-{use}",
            config_name=configuration,
            resource_group_name=prerequisites.resource_group,
            resource_name_=cluster.name,
            maintenance_window=_window(args.lifecycle.maintenance),
            opts=ResourceOptions(parent=parent, deleted_with=cluster),
        )


def _window(window: MaintenanceWindow) -> MaintenanceWindowArgsDict:
    return {
        "duration_hours": window.hours,
        "start_time": window.start,
        "utc_offset": window.utc_offset,
        "schedule": {
            "weekly": {"day_of_week": window.day.value, "interval_weeks": window.every_weeks}
        },
    }


def _make_prerequisites(
    name: str, args: AksClusterArgs, parent: Resource
) -> tuple[ClusterPrerequisites, ExistingIdentity, list[Resource]]:
    """Return what the cluster stands on, its identity, and what it has to wait for besides.

    It waits for the roles of its identity, which no id of its own arguments speaks of.
    """
    group = find_or_make_group(name, args, parent)
    subnets = make_subnets(name, args, group, parent)
    identity = find_or_make_identity(name, args, group, parent)
    kubelet = args.identities.kubelet
    prerequisites = ClusterPrerequisites(
        resource_group=group.name,
        location=group.location,
        node_subnet_id=subnets.nodes,
        pod_subnet_id=subnets.pods,
        api_server_subnet_id=subnets.api_server,
        identity_id=identity.resource_id,
        kubelet_identity_id=None if kubelet is None else kubelet.resource_id,
    )
    roles = assign_before_cluster(name, args, identity, subnets, parent)
    return prerequisites, identity, roles


def _guarded(name: str, change: EngineChange, opts: ResourceOptions | None) -> ResourceOptions:
    """Return `opts` with the hook that refuses changes, unless `change` allows them."""
    given = opts or ResourceOptions()
    if change is not EngineChange.REFUSE:
        return given
    hook = ResourceHook(
        f"{name}: settings that can't change", refuse_changes, ResourceHookOptions(on_dry_run=True)
    )
    return ResourceOptions.merge(
        given, ResourceOptions(hooks=ResourceHookBinding(before_update=[hook]))
    )


def refuse_changes(update: ResourceHookArgs) -> None:
    """Refuse an update of the component in which a leaf changes that can't.

    Raises:
        InvalidValue: the message names every such leaf and what to do instead, because Pulumi
            shows nothing but the message.
    """
    changes = fixed_changes(update.old_inputs or {}, update.new_inputs or {})
    if changes:
        named = ", ".join(str(change) for change in changes)
        instead = "; ".join(dict.fromkeys(change.instead for change in changes))
        raise InvalidValue(
            f"the cluster `{update.name}` would have to be made anew ({named}); {instead}; once the"
            " live cluster is as the program says, set"
            " `engine_change=EngineChange.ALREADY_MIGRATED` for one deployment"
        )


_OUTPUTS = (
    "name",
    "cluster_id",
    "fqdn",
    "resource_group",
    "node_resource_group",
    "node_subnet_id",
    "oidc_issuer_url",
    "identity_id",
    "identity_principal_id",
    "kubelet_identity_object_id",
    "kubelet_identity_client_id",
    "kubeconfig",
)


class AksCluster(ComponentResource):
    """An AKS cluster with its network, its node pools, its identities and their roles.

    `resource` is the ManagedCluster. `kubernetes` is the provider for everything in it; pass it in
    the options of Kubernetes resources, together with `deleted_with=cluster.resource`, so that they
    need not be deleted one by one when the cluster goes.

    Everything worth knowing about `args` is logged, see `podwall.components.cluster.advice`.
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
    identity_id: Output[str]
    """The resource id of what the control plane acts as."""
    identity_principal_id: Output[str]
    """The object id of what the control plane acts as, to be given further roles."""
    kubelet_identity_object_id: Output[str]
    """The object id of what nodes act as, to be given rights such as pulling images."""
    kubelet_identity_client_id: Output[str]
    """The client id of what nodes act as, for drivers and pods that name it."""
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
            _guarded(name, args.engine_change, opts),
        )
        for finding in cluster_findings(args, datetime.now(UTC).date()):
            _log(finding, self)
        prerequisites, identity, wait_for = _make_prerequisites(name, args, self)
        self.resource = make_cluster(name, args, prerequisites, self, wait_for)
        self._set_outputs(prerequisites, args)
        self.identity_id = Output.from_input(identity.resource_id)
        self.identity_principal_id = Output.from_input(identity.principal_id)
        ready = [
            *_make_pools(name, args, prerequisites, self.resource, self),
            *assign_after_cluster(name, args, self.resource, self.kubelet_identity_object_id, self),
        ]
        _plan_maintenance(name, args, prerequisites, self.resource, self)
        self.kubernetes = Provider(
            name,
            kubeconfig=self.kubeconfig,
            # Without it an unknown kubeconfig would plan every object in the cluster anew.
            cluster_identifier=self.resource.id,
            enable_server_side_apply=True,
            opts=ResourceOptions(parent=self, depends_on=ready),
        )
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})

    def _set_outputs(self, prerequisites: ClusterPrerequisites, args: AksClusterArgs) -> None:
        cluster = self.resource
        self.name = cluster.name
        self.cluster_id = cluster.id
        self.fqdn = Output.all(cluster.fqdn, cluster.private_fqdn).apply(
            lambda names: next(filter(None, names), "")
        )
        self.resource_group = Output.from_input(prerequisites.resource_group)
        self.node_resource_group = cluster.node_resource_group.apply(lambda group: group or "")
        self.node_subnet_id = Output.from_input(prerequisites.node_subnet_id)
        self.oidc_issuer_url = cluster.oidc_issuer_profile.apply(_issuer_url)
        self.kubelet_identity_object_id = cluster.identity_profile.apply(_kubelet_object_id)
        self.kubelet_identity_client_id = cluster.identity_profile.apply(_kubelet_client_id)
        self.kubeconfig = kubeconfig_of(cluster, prerequisites.resource_group, args.access.sign_in)


def _log(finding: Finding, component: AksCluster) -> None:
    text = f"{finding.place}: {finding.message}; {finding.help} ({finding.link})"
    if finding.severity is Severity.INFO:
        pulumi.log.info(text, component)
    else:
        pulumi.log.warn(text, component)
