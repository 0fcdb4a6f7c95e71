"""Namespaces, workloads and network policies at the edge of the package, in Kubernetes' shape.

The inputs are put into Kubernetes' spelling and read by the reader of manifests.
"""

# Without postponed annotations, as `cluster`: Pulumi reads them as types, to make its schema.
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from pulumi import Input, Output, ResourceOptions, log

from components.reading import camel_case, read, snake_case
from podwall.components import kubernetes, namespace_args, workload_args
from podwall.components.checks import refused
from podwall.components.namespace_args import PodSecurity
from podwall.components.workload_args import WorkloadKind
from podwall.policies import policy
from podwall.policies.errors import Finding, InvalidManifest, Place, Severity
from podwall.policies.labels import Operator
from podwall.policies.policy import NetworkPolicy
from podwall.policies.ports import Protocol

__all__ = [
    "ContainerPort",
    "IpBlock",
    "LabelRequirement",
    "LabelSelector",
    "Namespace",
    "NamespaceInputs",
    "NetworkPolicies",
    "NetworkPoliciesInputs",
    "NetworkPolicyEgressRule",
    "NetworkPolicyIngressRule",
    "NetworkPolicyPeer",
    "NetworkPolicyPort",
    "NetworkPolicySpec",
    "Probe",
    "Quota",
    "Resources",
    "Workload",
    "WorkloadInputs",
    "policies_of",
]


class Quota(TypedDict):
    """The most that all pods of a namespace together may ask for."""

    pods: NotRequired[int]
    """The number of pods."""
    requests_cpu: NotRequired[str]
    """Processors that are promised, such as `4`."""
    requests_memory: NotRequired[str]
    """Memory that is promised, such as `8Gi`."""
    limits_cpu: NotRequired[str]
    """Processors that may be used."""
    limits_memory: NotRequired[str]
    """Memory that may be used."""


class Resources(TypedDict):
    """What a container is promised (requests) and may not exceed (limits)."""

    cpu_request: NotRequired[str]
    """At least `100m`, which is the default."""
    memory_request: NotRequired[str]
    """At least `100Mi`; `128Mi` if left out."""
    cpu_limit: NotRequired[str]
    """`500m` if left out."""
    memory_limit: NotRequired[str]
    """`256Mi` if left out."""


class NamespaceInputs(TypedDict):
    """One namespace, closed by default."""

    name: NotRequired[str]
    """The name in Kubernetes; the resource's name if left out."""
    labels: NotRequired[dict[str, str]]
    """Further labels; those of Pod Security are derived."""
    pod_security: NotRequired[PodSecurity]
    """What pods may ask for; `restricted` if left out."""
    pod_security_version: NotRequired[str]
    """Whose rules hold, such as `v1.36`; `latest`, if left out, follows the cluster."""
    deny_ingress: NotRequired[bool]
    """Pods accept no connection unless a policy allows it; true if left out."""
    deny_egress: NotRequired[bool]
    """Pods open no connection unless a policy allows it; true if left out."""
    allow_dns: NotRequired[bool]
    """Pods may resolve names where egress is denied; true if left out."""
    quota: NotRequired[Quota]
    """The most that all pods together may ask for; unlimited if left out."""
    default_resources: NotRequired[Resources]
    """What containers get that ask for nothing; nothing if left out."""


class Namespace(kubernetes.Namespace):
    """A namespace with its Pod Security labels, its default deny, and its quota."""

    namespace_name: Output[str]
    """The name in Kubernetes."""

    def __init__(
        self, name: str, args: NamespaceInputs, opts: ResourceOptions | None = None
    ) -> None:
        """Check the arguments and make the namespace."""
        document = {"name": name, **args}
        super().__init__(name, read(namespace_args.NamespaceArgs, document, "", snake_case), opts)


class ContainerPort(TypedDict):
    """A port that the container listens on, and that the Service offers."""

    name: str
    """1 to 15 lower case letters, digits and `-`; policies may use it."""
    number: int
    """1 to 65535."""
    protocol: NotRequired[Protocol]
    """`TCP` if left out."""


class Probe(TypedDict):
    """How the kubelet sees that the container serves."""

    port: str
    """The name of a port."""
    path: NotRequired[str]
    """The page that must answer; a connection is enough if left out."""


class WorkloadInputs(TypedDict):
    """One container image, run under the restricted Pod Security Standard."""

    name: NotRequired[str]
    """The name in Kubernetes; the resource's name if left out."""
    namespace: str
    """The namespace, which is there already or is depended on."""
    labels: dict[str, str]
    """What selects the pods in policies; at least one."""
    image: Input[str]
    """A reference with a version or a digest, perhaps with a registry's output in it."""
    kind: NotRequired[WorkloadKind]
    """A Deployment if left out."""
    replicas: NotRequired[int]
    """Pods of the Deployment; 2 if left out."""
    ports: NotRequired[list[ContainerPort]]
    """What the container listens on; without ports there is no Service."""
    command: NotRequired[list[str]]
    """Replaces the image's entry point."""
    arguments: NotRequired[list[str]]
    """Replaces the image's arguments."""
    environment: NotRequired[dict[str, str]]
    """Variables in plain text, no secrets."""
    probe: NotRequired[Probe]
    """A connection to the first TCP port if left out."""
    resources: NotRequired[Resources]
    """Requests and limits."""
    writable_paths: NotRequired[list[str]]
    """The only folders the container can write to; the temporary folder if left out."""
    user: NotRequired[int]
    """The numeric user that the container runs as, never 0; 65532 if left out."""


class Workload(kubernetes.Workload):
    """Pods under the restricted profile, with their account, Service and disruption budget."""

    workload_id: Output[str]
    """`namespace/name`."""

    def __init__(
        self, name: str, args: WorkloadInputs, opts: ResourceOptions | None = None
    ) -> None:
        """Check the arguments and make the workload."""
        document = {"name": name, **args}
        super().__init__(name, read(workload_args.WorkloadArgs, document, "", snake_case), opts)


_KEPT_AS_WRITTEN = ("labels", "match_labels")


def policies_of(
    documents: Sequence[Mapping[str, Any]], namespace: str
) -> tuple[list[NetworkPolicy], list[Finding]]:
    """Return the policies of a namespace, and what is surprising about how they are written.

    Raises:
        InvalidManifest: the API server would refuse a policy.
        InvalidValue: a port has both a number and a name.
    """
    policies: list[NetworkPolicy] = []
    findings: list[Finding] = []
    for index, document in enumerate(documents):
        place = Place(path=f"policies[{index}]")
        reading = policy.read(_manifest(document, namespace, place), place)
        if reading.policy is None:
            raise _refusal(reading.findings)
        policies.append(reading.policy)
        findings.extend(reading.findings)
    return policies, findings


def _refusal(findings: Sequence[Finding]) -> InvalidManifest:
    first = next((each for each in findings if each.severity is Severity.ERROR), findings[0])
    return InvalidManifest(first.message, help=first.help, place=first.place)


def _manifest(document: Mapping[str, Any], namespace: str, place: Place) -> dict[str, Any]:
    spec = {key: value for key, value in document.items() if key not in ("name", "labels")}
    metadata = {"name": document["name"], "namespace": namespace}
    if "labels" in document:
        metadata["labels"] = document["labels"]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": _spelled(spec, place),
    }


def _spelled(value: Any, place: Place) -> Any:
    """Return a document with Kubernetes' keys; whole numbers, which arrive as floats, are whole."""
    if isinstance(value, Mapping):
        entries = _with_one_port(value, place)
        return {camel_case(key): _entry(key, each, place) for key, each in entries.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_spelled(each, place.at(f"[{index}]")) for index, each in enumerate(value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _entry(key: str, value: Any, place: Place) -> Any:
    return value if key in _KEPT_AS_WRITTEN else _spelled(value, place.at(camel_case(key)))


def _with_one_port(entry: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
    """Return a port entry with `port` alone: Kubernetes has one field for number and name."""
    if "port_name" not in entry:
        return entry
    if "port" in entry:
        raise refused(place.at("portName").path, "a port has a number or a name", "leave one out")
    rest = {key: value for key, value in entry.items() if key != "port_name"}
    return {**rest, "port": entry["port_name"]}


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


class NetworkPoliciesInputs(TypedDict):
    """The policies of one namespace."""

    namespace: NotRequired[str]
    """The namespace of all policies; the resource's name if left out."""
    policies: list[NetworkPolicySpec]
    """At least one; each is checked as the API server would."""


class NetworkPolicies(kubernetes.NetworkPolicies):
    """The policies of one namespace, created before the workloads that depend on them."""

    names: Output[list[str]]
    """The policies' names, in the order given."""

    def __init__(
        self, name: str, args: NetworkPoliciesInputs, opts: ResourceOptions | None = None
    ) -> None:
        """Check the policies and make them; what is legal but surprising becomes a warning."""
        namespace = args.get("namespace", name)
        documents: list[Any] = list(args["policies"])
        policies, findings = policies_of(documents, namespace)
        super().__init__(name, policies, namespace=namespace, opts=opts)
        for finding in findings:
            log.warn(str(finding), self)
