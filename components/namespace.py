"""A namespace that is closed before anything runs in it."""

from __future__ import annotations

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.core.v1 import LimitRange, LimitRangeItemArgsDict, ResourceQuota
from pulumi_kubernetes.core.v1 import Namespace as NamespaceResource

from components.namespace_args import NamespaceArgs
from components.network_policies import NetworkPolicies
from components.options import child_options
from components.quantities import Resources

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
        self._args = args
        self._namespace = NamespaceResource(
            args.name,
            metadata={"name": args.name, "labels": args.all_labels},
            opts=child_options(self, opts),
        )
        options = child_options(self, opts, depends_on=[self._namespace])
        self._close(options)
        self._limit(options)
        self.namespace_name = Output.from_input(args.name)
        self.register_outputs({"namespaceName": self.namespace_name})

    def _close(self, options: ResourceOptions) -> None:
        policies = self._args.closing_policies
        if policies:
            NetworkPolicies(
                f"{self._args.name}/closed", policies, namespace=self._args.name, opts=options
            )

    def _limit(self, options: ResourceOptions) -> None:
        if self._args.quota is not None:
            ResourceQuota(
                f"{self._args.name}/quota",
                metadata={"name": "quota", "namespace": self._args.name},
                spec={"hard": self._args.quota.hard},
                opts=options,
            )
        if self._args.default_resources is not None:
            LimitRange(
                f"{self._args.name}/defaults",
                metadata={"name": "defaults", "namespace": self._args.name},
                spec={"limits": [_container_defaults(self._args.default_resources)]},
                opts=options,
            )


def _container_defaults(resources: Resources) -> LimitRangeItemArgsDict:
    asked = resources.requirements
    return {"type": "Container", "default_request": asked["requests"], "default": asked["limits"]}
