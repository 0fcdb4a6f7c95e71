"""A hardened workload as Kubernetes resources."""

from __future__ import annotations

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Pod, Service, ServiceAccount
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

from components.options import child_options
from components.workload import manifests
from components.workload.args import WorkloadArgs, WorkloadKind

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
        self._args = args
        account = self._make_account(child_options(self, opts))
        self._make_pods(child_options(self, opts, depends_on=[account]))
        self._make_access(child_options(self, opts))
        self.workload_id = Output.from_input(args.id)
        self.register_outputs({"workloadId": self.workload_id})

    def _make_account(self, options: ResourceOptions) -> ServiceAccount:
        account = manifests.service_account(self._args)
        return ServiceAccount(
            self._args.id,
            metadata=account["metadata"],
            automount_service_account_token=account["automountServiceAccountToken"],
            opts=options,
        )

    def _make_pods(self, options: ResourceOptions) -> None:
        runner = manifests.workload(self._args)
        make = Pod if self._args.kind is WorkloadKind.POD else Deployment
        make(self._args.id, metadata=runner["metadata"], spec=runner["spec"], opts=options)

    def _make_access(self, options: ResourceOptions) -> None:
        budget = manifests.disruption_budget(self._args)
        if budget is not None:
            PodDisruptionBudget(
                self._args.id, metadata=budget["metadata"], spec=budget["spec"], opts=options
            )
        service = manifests.service(self._args)
        if service is not None:
            Service(self._args.id, metadata=service["metadata"], spec=service["spec"], opts=options)
