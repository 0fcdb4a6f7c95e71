"""A hardened workload as Kubernetes resources."""

from __future__ import annotations

from pulumi import ComponentResource, Output, ResourceOptions

from podwall.components.kubernetes_object import KubernetesObject
from podwall.components.options import child_options
from podwall.components.workload import manifests
from podwall.components.workload.args import WorkloadArgs

__all__ = ["Workload"]


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
        account = KubernetesObject(
            args.id, manifests.service_account(args), child_options(self, opts)
        )
        with_account = child_options(self, opts, depends_on=[account])
        KubernetesObject(args.id, manifests.workload(args), with_account)
        for companion in manifests.companions(args):
            KubernetesObject(args.id, companion, child_options(self, opts))
        self.workload_id = Output.from_input(args.id)
        self.register_outputs({"workloadId": self.workload_id})
