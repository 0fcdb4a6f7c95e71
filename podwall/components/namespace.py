"""A namespace that is closed before anything runs in it."""

from __future__ import annotations

from pulumi import ComponentResource, Output, ResourceOptions

from podwall.components import namespace_manifests as manifests
from podwall.components.kubernetes_object import KubernetesObject
from podwall.components.namespace_args import NamespaceArgs
from podwall.components.network_policies import NetworkPolicies
from podwall.components.options import child_options

__all__ = ["Namespace"]


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
        namespace = KubernetesObject(
            args.name, manifests.namespace(args), child_options(self, opts)
        )
        options = child_options(self, opts, depends_on=[namespace])
        for manifest in (manifests.resource_quota(args), manifests.limit_range(args)):
            if manifest is not None:
                KubernetesObject(f"{args.name}/{manifest['metadata']['name']}", manifest, options)
        if args.closing_policies:
            NetworkPolicies(
                f"{args.name}/closed", args.closing_policies, namespace=args.name, opts=options
            )
        self.namespace_name = Output.from_input(args.name)
        self.register_outputs({"namespaceName": self.namespace_name})
