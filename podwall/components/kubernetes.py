"""Namespaces, network policies and workloads as Pulumi components.

Each declares the documents of `podwall.components.manifests` as they are written. Names, namespaces
and labels are plain strings and order is by `depends_on`, so that a preview knows every object
before the cluster exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from pulumi import ComponentResource, CustomResource, Output, Resource, ResourceOptions

from podwall.components import manifests
from podwall.components.checks import check_no_system_namespace, refused
from podwall.components.namespace_args import NamespaceArgs
from podwall.components.workload_args import WorkloadArgs
from podwall.engines import Treatment
from podwall.engines import engine as engine_of
from podwall.policies.cilium_policy import CILIUM_KIND, CiliumNetworkPolicy
from podwall.policies.cluster_policy import ClusterNetworkPolicy, check_priorities
from podwall.policies.manifest import CLUSTER_KIND
from podwall.policies.policy import NetworkPolicy
from podwall.policies.syntax import shown

__all__ = [
    "CiliumNetworkPolicies",
    "ClusterNetworkPolicies",
    "KubernetesResource",
    "Namespace",
    "NetworkPolicies",
    "Workload",
    "check_enforced",
    "check_policies",
    "child_options",
    "resource_type",
]


class KubernetesResource(CustomResource):
    """An object that the Kubernetes provider creates exactly as its manifest says.

    To the engine and to the provider it is what the class of the same kind in `pulumi_kubernetes`
    is. Those classes would translate every key to Python and back, and importing the ones of
    `core/v1` alone takes longer than to plan a whole stack.
    """

    def __init__(
        self, name: str, manifest: Mapping[str, Any], opts: ResourceOptions | None = None
    ) -> None:
        """Declare the object of a manifest, which has `apiVersion`, `kind` and a name."""
        provider = ResourceOptions(version=_provider_version())
        super().__init__(
            resource_type(manifest), name, dict(manifest), ResourceOptions.merge(provider, opts)
        )


def resource_type(manifest: Mapping[str, Any]) -> str:
    """Return Pulumi's type token of a manifest.

    >>> resource_type({"apiVersion": "v1", "kind": "Pod"})
    'kubernetes:core/v1:Pod'
    >>> resource_type({"apiVersion": "apps/v1", "kind": "Deployment"})
    'kubernetes:apps/v1:Deployment'
    """
    group_version = str(manifest["apiVersion"])
    module = group_version if "/" in group_version else f"core/{group_version}"
    return f"kubernetes:{module}:{manifest['kind']}"


@cache
def _provider_version() -> str:
    return version("pulumi-kubernetes")


def child_options(
    parent: ComponentResource,
    given: ResourceOptions | None,
    *,
    depends_on: Sequence[Resource] = (),
) -> ResourceOptions:
    """Return the options of a child: what the component was given, where Pulumi doesn't hand it on.

    Pulumi inherits providers and protection. `deleted_with` and `depends_on` of a component say
    nothing about its children, yet children are what is created and deleted: a pod must wait for
    the policies that protect it, and nothing is deleted one by one when the cluster goes.
    """
    inherited = given or ResourceOptions()
    own = ResourceOptions(parent=parent, depends_on=list(depends_on))
    handed_on = ResourceOptions(
        depends_on=inherited.depends_on, deleted_with=inherited.deleted_with
    )
    return ResourceOptions.merge(handed_on, own)


class NetworkPolicies(ComponentResource):
    """The policies of one namespace: created before the workloads that depend on this component.

    Each resource is called `namespace/name` in Pulumi and `name` in Kubernetes, so that no change
    of a rule replaces it: a renamed policy is deleted before it is created again, and the pods it
    protects are open in between. When you rename one, or move it between components, pass the old
    place as `aliases`.

    Attributes:
        names: the policies' names, in the order given.
    """

    def __init__(
        self,
        name: str,
        policies: Sequence[NetworkPolicy],
        *,
        namespace: str | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        """Make one resource for each policy.

        Args:
            name: the logical name of the component.
            policies: at least one; to protect nothing, leave the component out.
            namespace: the namespace of all policies; left out, it is `name`.
            opts: handed on to the policies where Pulumi doesn't do so itself.

        Raises:
            InvalidValue: no policy, two of one name, one of another namespace, or a namespace of
                the system.
        """
        check_policies(policies, namespace or name)
        super().__init__("podwall:index:NetworkPolicies", name, None, opts)
        options = child_options(self, opts)
        for policy in policies:
            KubernetesResource(f"{policy.namespace}/{policy.name}", policy.to_manifest(), options)
        self.names = Output.from_input([policy.name for policy in policies])
        self.register_outputs({"names": self.names})


def check_policies(policies: Iterable[NetworkPolicy], namespace: str) -> None:
    """Refuse policies that could not all be created in the namespace, or that would break it."""
    check_no_system_namespace(namespace, "metadata.namespace")
    names: set[str] = set()
    for policy in policies:
        if policy.namespace != namespace:
            message = f"{shown(policy.name)} is a policy of {shown(policy.namespace)}"
            remedy = f"all policies here are of {shown(namespace)}"
            raise refused("metadata.namespace", message, remedy)
        if policy.name in names:
            message = f"{shown(policy.name)} is given twice"
            raise refused("metadata.name", message, "two rules of one policy are one policy")
        names.add(policy.name)
    if not names:
        raise refused("policies", "no policy is given", "leave the component out instead")


class ClusterNetworkPolicies(ComponentResource):
    """The policies with tiers of a cluster, on an engine that enforces them.

    Give them all to one component: priorities are compared among the policies that it has. What
    they guard waits for them with `depends_on`.

    Attributes:
        names: the policies' names, in the order given.
    """

    def __init__(
        self,
        name: str,
        policies: Sequence[ClusterNetworkPolicy],
        *,
        engine: str,
        kubernetes_version: str | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        """Make one resource for each policy.

        Args:
            name: the logical name of the component.
            policies: at least one; to guard nothing, leave the component out.
            engine: what enforces policies in the cluster, a name of `podwall.engines`: `spec` is
                one that implements this kind, whatever its name.
            kubernetes_version: of the cluster, where it matters to what its engine enforces.
            opts: handed on to the policies where Pulumi doesn't do so itself.

        Raises:
            InvalidValue: no policy, two of one name, two of one tier and priority, or an engine
                that does not enforce this kind, or of which that is not known.
        """
        check_enforced(engine, kubernetes_version)
        given = list(policies)
        if not given:
            raise refused("policies", "no policy is given", "leave the component out instead")
        check_priorities(given)
        super().__init__("podwall:index:ClusterNetworkPolicies", name, None, opts)
        options = child_options(self, opts)
        for policy in given:
            KubernetesResource(policy.name, policy.to_manifest(), options)
        self.names = Output.from_input([policy.name for policy in given])
        self.register_outputs({"names": self.names})


class CiliumNetworkPolicies(ComponentResource):
    """CiliumNetworkPolicies, made only where Cilium is the engine: elsewhere they would be idle.

    Attributes:
        names: the policies as `namespace/name`, in the order given.
    """

    def __init__(
        self,
        name: str,
        policies: Iterable[CiliumNetworkPolicy],
        *,
        engine: str,
        opts: ResourceOptions | None = None,
    ) -> None:
        """Make the policies.

        Args:
            name: the logical name of the component.
            policies: at least one, of any namespaces.
            engine: the network policy engine of the cluster.
            opts: handed on to the policies where Pulumi doesn't do so itself.

        Raises:
            InvalidValue: no policy, two of one name, or an engine that does not enforce this kind.
        """
        check_enforced(engine, None, CILIUM_KIND)
        given = list(policies)
        if not given:
            raise refused("policies", "no policy is given", "leave the component out instead")
        ids = [f"{each.namespace}/{each.name}" for each in given]
        for index, each in enumerate(ids):
            if each in ids[:index]:
                remedy = "two rules of one policy are one policy"
                raise refused("policies", f"{shown(each)} is given twice", remedy)
        super().__init__("podwall:index:CiliumNetworkPolicies", name, None, opts)
        options = child_options(self, opts)
        for each, policy in zip(ids, given, strict=True):
            KubernetesResource(each, policy.to_manifest(), options)
        self.names = Output.from_input(ids)
        self.register_outputs({"names": self.names})


def check_enforced(engine: str, kubernetes_version: str | None, kind: str = CLUSTER_KIND) -> None:
    """Refuse an engine that leaves policies of a kind idle, or of which that is not known.

    >>> check_enforced("cilium", "1.34")
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: engine: Cilium does not enforce ClusterNetworkPolicy: \
ClusterNetworkPolicies came with Cilium 1.20, and AKS up to 1.36 has an earlier one
    """
    found = engine_of(engine)
    fact = found.enforces_kind(kind)
    treatment = found.treatment(kind, found.versions(kubernetes_version))
    if treatment is Treatment.ENFORCED and found.enforces:
        return
    known = treatment is Treatment.IGNORED or not found.enforces
    what = "does not enforce" if known else "is not known to enforce"
    title = found.title[:1].upper() + found.title[1:]
    message = f"{title} {what} {kind}: {fact.says}"
    remedy = "write NetworkPolicies, or say `spec` of an engine of your own that enforces it"
    if kind == CILIUM_KIND:
        remedy = "write NetworkPolicies, or use the engine `cilium`"
    raise refused("engine", message, remedy)


class Namespace(ComponentResource):
    """A namespace with its Pod Security labels, its default deny, and its quota.

    What depends on this component waits for all of it: no pod starts before it is isolated.

    Attributes:
        namespace_name: the name in Kubernetes.
    """

    def __init__(self, name: str, args: NamespaceArgs, opts: ResourceOptions | None = None) -> None:
        """Make the namespace and what closes it.

        Args:
            name: the logical name of the component.
            args: what the namespace must be; its own checks have passed already.
            opts: handed on to the children where Pulumi doesn't do so itself.
        """
        super().__init__("podwall:index:Namespace", name, None, opts)
        namespace = KubernetesResource(
            args.name, manifests.namespace(args), child_options(self, opts)
        )
        options = child_options(self, opts, depends_on=[namespace])
        for manifest in (manifests.resource_quota(args), manifests.limit_range(args)):
            if manifest is not None:
                KubernetesResource(f"{args.name}/{manifest['metadata']['name']}", manifest, options)
        if args.closing_policies:
            NetworkPolicies(
                f"{args.name}/closed", args.closing_policies, namespace=args.name, opts=options
            )
        self.namespace_name = Output.from_input(args.name)
        self.register_outputs({"namespaceName": self.namespace_name})


class Workload(ComponentResource):
    """Pods under the restricted Pod Security Standard, with their account, Service and budget.

    Give it `depends_on` with the policies that protect it: its pods wait for them.

    Attributes:
        workload_id: `namespace/name`, as reports call it.
    """

    def __init__(self, name: str, args: WorkloadArgs, opts: ResourceOptions | None = None) -> None:
        """Make the objects.

        Args:
            name: the logical name of the component; `args.id` is a good one.
            args: what the workload must be; its own checks have passed already.
            opts: handed on to the children where Pulumi doesn't do so itself.
        """
        super().__init__("podwall:index:Workload", name, None, opts)
        account = KubernetesResource(
            args.id, manifests.service_account(args), child_options(self, opts)
        )
        with_account = child_options(self, opts, depends_on=[account])
        KubernetesResource(args.id, manifests.workload(args), with_account)
        for companion in manifests.companions(args):
            KubernetesResource(args.id, companion, child_options(self, opts))
        self.workload_id = Output.from_input(args.id)
        self.register_outputs({"workloadId": self.workload_id})
