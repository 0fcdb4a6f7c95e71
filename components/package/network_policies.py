"""The network policies component at the edge of the package, in Kubernetes' own shape."""

from typing import Any, NotRequired, TypedDict

from pulumi import Output, ResourceOptions, log

from components.package.policy_documents import policies_of
from podwall.components import network_policies
from podwall.policies.labels import Operator
from podwall.policies.ports import Protocol

__all__ = [
    "IpBlock",
    "LabelRequirement",
    "LabelSelector",
    "NetworkPolicies",
    "NetworkPoliciesArgs",
    "NetworkPolicyEgressRule",
    "NetworkPolicyIngressRule",
    "NetworkPolicyPeer",
    "NetworkPolicyPort",
    "NetworkPolicySpec",
]


class LabelRequirement(TypedDict):
    """One condition on one label."""

    key: str
    """The label."""
    operator: Operator
    """How the condition looks at the label."""
    values: NotRequired[list[str]]
    """For `In` and `NotIn`, at least one."""


class LabelSelector(TypedDict):
    """All conditions must hold; none selects everything."""

    match_labels: NotRequired[dict[str, str]]
    """Labels that must be there."""
    match_expressions: NotRequired[list[LabelRequirement]]
    """Further conditions."""


class IpBlock(TypedDict):
    """Addresses outside the cluster."""

    cidr: str
    """Such as `203.0.113.0/24`."""
    except_: NotRequired[list[str]]
    """Ranges inside it that are left out."""


class NetworkPolicyPeer(TypedDict):
    """Pods by label, of namespaces by label, both together; or addresses."""

    pod_selector: NotRequired[LabelSelector]
    """Pods; of the policy's own namespace unless `namespaceSelector` says otherwise."""
    namespace_selector: NotRequired[LabelSelector]
    """Namespaces."""
    ip_block: NotRequired[IpBlock]
    """Addresses, and nothing else in this peer."""


class NetworkPolicyPort(TypedDict):
    """A port by number or by name, a range, or every port of a protocol."""

    protocol: NotRequired[Protocol]
    """`TCP` if left out."""
    port: NotRequired[int]
    """The number."""
    port_name: NotRequired[str]
    """The name, in place of the number."""
    end_port: NotRequired[int]
    """Makes a range of `port`, both ends included."""


class NetworkPolicyIngressRule(TypedDict):
    """Who may connect, to which ports; a part that is left out allows all."""

    from_: NotRequired[list[NetworkPolicyPeer]]
    """The clients."""
    ports: NotRequired[list[NetworkPolicyPort]]
    """The ports of the selected pods."""


class NetworkPolicyEgressRule(TypedDict):
    """Whom the pods may connect to, on which ports; a part that is left out allows all."""

    to: NotRequired[list[NetworkPolicyPeer]]
    """The servers."""
    ports: NotRequired[list[NetworkPolicyPort]]
    """The ports of the servers."""


class NetworkPolicySpec(TypedDict):
    """One policy."""

    name: str
    """Its name in Kubernetes."""
    labels: NotRequired[dict[str, str]]
    """Labels of the policy itself."""
    pod_selector: LabelSelector
    """The pods it protects; an empty selector selects all of the namespace."""
    policy_types: list[str]
    """The directions that it isolates: `Ingress`, `Egress`."""
    ingress: NotRequired[list[NetworkPolicyIngressRule]]
    """Who may connect to the pods; nobody if left out where `Ingress` is isolated."""
    egress: NotRequired[list[NetworkPolicyEgressRule]]
    """Whom the pods may connect to; nobody if left out where `Egress` is isolated."""


class NetworkPoliciesArgs(TypedDict):
    """The policies of one namespace."""

    namespace: NotRequired[str]
    """The namespace of all policies; the resource's name if left out."""
    policies: list[NetworkPolicySpec]
    """At least one; each is checked as the API server would."""


class NetworkPolicies(network_policies.NetworkPolicies):
    """The policies of one namespace, created before the workloads that depend on them."""

    names: Output[list[str]]
    """The policies' names, in the order given."""

    def __init__(
        self, name: str, args: NetworkPoliciesArgs, opts: ResourceOptions | None = None
    ) -> None:
        """Check the policies and make them; what is legal but surprising becomes a warning."""
        namespace = args.get("namespace", name)
        documents: list[Any] = list(args["policies"])
        policies, findings = policies_of(documents, namespace)
        super().__init__(name, policies, namespace=namespace, opts=opts)
        for finding in findings:
            log.warn(str(finding), self)
