"""The workload component at the edge of the package."""

from typing import NotRequired, TypedDict

from pulumi import Output, ResourceOptions

from components.package.namespace import Resources
from components.reading import read, snake_case
from podwall.components import kubernetes, workload_args
from podwall.components.workload_args import WorkloadKind
from podwall.policies.ports import Protocol

__all__ = ["ContainerPort", "Probe", "Workload", "WorkloadInputs"]


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
    image: str
    """A reference with a version or a digest."""
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
