"""A namespace's typed network policies as Kubernetes resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pulumi import ComponentResource, Output, ResourceOptions

from podwall.components.checks import refused
from podwall.components.kubernetes_object import KubernetesObject
from podwall.components.options import child_options
from podwall.components.system_namespaces import check_no_system_namespace
from podwall.policies.policy import NetworkPolicy
from podwall.policies.syntax import shown

__all__ = ["NetworkPolicies"]


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
            KubernetesObject(f"{policy.namespace}/{policy.name}", policy.to_manifest(), options)
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
