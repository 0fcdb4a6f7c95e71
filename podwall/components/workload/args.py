"""What a workload must be, as a value: pure, checked when it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from podwall.components.checks import (
    check_at_least,
    check_image,
    check_service_name,
    refused,
)
from podwall.components.quantities import Resources
from podwall.components.system_namespaces import check_application_namespace
from podwall.components.workload.ports import ContainerPort, Probe
from podwall.policies.labels import Labels
from podwall.policies.peers import Namespace, PodsIn, namespace
from podwall.policies.ports import Protocol
from podwall.policies.syntax import shown

__all__ = ["WorkloadArgs", "WorkloadKind"]

_REPLICAS = 2
_NOBODY = 65532
_SCRATCH = "/tmp"  # noqa: S108 - a path in the container, on a volume of its own


class WorkloadKind(StrEnum):
    """What runs the pods.

    `DEPLOYMENT` replaces lost pods and rolls out changes; `POD` is one bare pod, which nothing
    replaces when its node goes: for demonstrations and probes.
    """

    DEPLOYMENT = "Deployment"
    POD = "Pod"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadArgs:
    """One container image, run under the restricted Pod Security Standard.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted

    Attributes:
        name: the name of every object that the workload makes.
        namespace: a plain string, so that a preview knows it before the cluster exists.
        labels: what selects the pods in policies, budgets and the Service; at least one. Changing
            them replaces a Deployment, because Kubernetes keeps its selector for ever.
        image: a reference with a version or a digest.
        kind: a Deployment, unless said otherwise.
        replicas: pods of the Deployment, 2 if left out; a Pod is always one.
        ports: what the container listens on; a Service of type ClusterIP offers the same ports.
        command: replaces the image's entry point; left out, the image decides.
        arguments: replaces the image's arguments; left out, the image decides.
        environment: variables in plain text, no secrets.
        probe: how the kubelet sees that it serves; a connection to the first port if left out,
            no probe at all without ports.
        resources: requests and limits.
        writable_paths: the only folders the container can write to, empty at each start, 1 GiB.
        user: the numeric user and group that the container runs as, never 0.

    Raises:
        InvalidValue: a value that the API server or the restricted profile would refuse.
    """

    name: str
    namespace: str
    labels: Mapping[str, str]
    image: str
    kind: WorkloadKind = WorkloadKind.DEPLOYMENT
    replicas: int | None = None
    ports: tuple[ContainerPort, ...] = ()
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    probe: Probe | None = None
    resources: Resources = field(default_factory=Resources)
    writable_paths: tuple[str, ...] = (_SCRATCH,)
    user: int = _NOBODY

    def __post_init__(self) -> None:
        """Check every value, and those that must agree."""
        check_service_name(self.name, "metadata.name")
        check_application_namespace(self.namespace, "metadata.namespace")
        _freeze(self)
        _check_labels(self)
        check_image(self.image, "image")
        check_at_least(self.user, 1, "runAsUser")
        _check_replicas(self)
        _check_ports(self.ports)
        _check_probe(self)
        _check_paths(self.writable_paths)

    @property
    def id(self) -> str:
        """Return `namespace/name`, the logical name of its resources.

        >>> WorkloadArgs(
        ...     name="api", namespace="shop", labels={"app": "api"}, image="shop/api:1.0"
        ... ).id
        'shop/api'
        """
        return f"{self.namespace}/{self.name}"

    @property
    def peer(self) -> PodsIn[Namespace]:
        """Return the pods as the peer of a connection: these labels in this namespace."""
        return namespace(self.namespace).pods(self.labels)

    @property
    def pod_count(self) -> int:
        """Return how many pods run."""
        return 1 if self.kind is WorkloadKind.POD else self.replicas or _REPLICAS

    @property
    def effective_probe(self) -> Probe | None:
        """Return the probe that is used: the given one, or a connection to the first port."""
        connectable = [port.name for port in self.ports if port.protocol is Protocol.TCP]
        default = Probe(port=connectable[0]) if connectable else None
        return self.probe or default

    def port(self, name: str) -> ContainerPort:
        """Return the port of this name.

        Raises:
            InvalidValue: no port has this name.
        """
        for port in self.ports:
            if port.name == name:
                return port
        raise refused("ports", f"{shown(self.id)} has no port {shown(name)}")


def _freeze(args: WorkloadArgs) -> None:
    object.__setattr__(args, "labels", Labels(args.labels, path="metadata.labels"))
    object.__setattr__(args, "environment", MappingProxyType(dict(args.environment)))
    for name in ("ports", "command", "arguments", "writable_paths"):
        object.__setattr__(args, name, tuple(getattr(args, name)))


def _check_labels(args: WorkloadArgs) -> None:
    if not args.labels:
        message = "no label is given, and no policy could select the pods"
        raise refused("metadata.labels", message, f'such as `{{"app": "{args.name}"}}`')
    reserved = [key for key in args.labels if key.startswith("kubernetes.azure.com/")]
    if reserved:
        path = f"metadata.labels[{reserved[0]}]"
        raise refused(path, "labels under `kubernetes.azure.com/` belong to AKS")


def _check_replicas(args: WorkloadArgs) -> None:
    if args.replicas is None:
        return
    if args.kind is WorkloadKind.POD:
        remedy = "leave `replicas` out, or make it a Deployment"
        raise refused("spec.replicas", "a bare pod is always one", remedy)
    check_at_least(args.replicas, 1, "spec.replicas")


def _check_ports(ports: Iterable[ContainerPort]) -> None:
    names: set[str] = set()
    numbers: set[tuple[int, Protocol]] = set()
    for port in ports:
        if port.name in names:
            raise refused("ports.name", f"{shown(port.name)} is given twice")
        if (port.number, port.protocol) in numbers:
            raise refused("ports.containerPort", f"{shown(port.number)} is given twice")
        names.add(port.name)
        numbers.add((port.number, port.protocol))


def _check_probe(args: WorkloadArgs) -> None:
    if args.probe is not None and args.port(args.probe.port).protocol is not Protocol.TCP:
        raise refused("probe.port", f"{shown(args.probe.port)} is not a TCP port")


def _check_paths(paths: Iterable[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if not path.startswith("/") or path == "/":
            raise refused("writable_paths", f"{shown(path)} is not a folder below `/`")
        if path in seen:
            raise refused("writable_paths", f"{shown(path)} is given twice")
        seen.add(path)
