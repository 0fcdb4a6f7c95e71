"""What a workload must be, as a value: its image, ports, probes, quantities and labels.

Pure: everything is checked where it is written, and nothing needs Pulumi. Quantities are read as
Kubernetes writes them, see
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from typing import Protocol as Interface

from podwall.aks.limits import RESERVED_LABEL_PREFIX
from podwall.components.checks import (
    check_application_namespace,
    check_at_least,
    check_image,
    check_service_name,
    refused,
)
from podwall.policies.labels import Labels
from podwall.policies.ports import Ports, Protocol, sctp, tcp, udp
from podwall.policies.rules import NamedNamespace, PodsIn, namespace
from podwall.policies.syntax import port_name_problem, shown
from podwall.quick_dataclass import dataclass

__all__ = [
    "FIRST_UNPRIVILEGED",
    "ContainerPort",
    "LaterText",
    "Probe",
    "Resources",
    "WorkloadArgs",
    "WorkloadKind",
    "amount",
]


_QUANTITY = re.compile(r"(\d+|\d+\.\d*|\.\d+)(m|[kMGTPE]|[KMGTPE]i)?")
_BINARY = {f"{letter}i": Decimal(1024) ** (n + 1) for n, letter in enumerate("KMGTPE")}
_DECIMAL = {letter: Decimal(1000) ** (n + 1) for n, letter in enumerate("kMGTPE")}
_SUFFIXES = {"": Decimal(1), "m": Decimal("0.001"), **_DECIMAL, **_BINARY}


def amount(quantity: str, path: str = "quantity") -> Decimal:
    """Return a quantity in its base unit: processors, or bytes.

    >>> amount("100m"), amount("1Ki")
    (Decimal('0.100'), Decimal('1024'))
    >>> amount("100 MB")
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: quantity: `100 MB` is not a quantity
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise refused(path, f"{shown(quantity)} is not a quantity", "such as `100m` or `128Mi`")
    return Decimal(match[1]) * _SUFFIXES[match[2] or ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What each container is promised (requests) and may not exceed (limits).

    Requests below 100m and 100Mi are refused: deployment safeguards of AKS raise them behind the
    program's back, and every later preview would show a difference.
    Source: https://learn.microsoft.com/azure/aks/deployment-safeguards
    """

    cpu_request: str = "100m"
    memory_request: str = "128Mi"
    cpu_limit: str = "500m"
    memory_limit: str = "256Mi"

    def __post_init__(self) -> None:
        """Check that each request is enough and not above its limit."""
        _check_pair(self.cpu_request, self.cpu_limit, "cpu", least="100m")
        _check_pair(self.memory_request, self.memory_limit, "memory", least="100Mi")

    @property
    def requirements(self) -> dict[str, dict[str, str]]:
        """Return the `resources` of a container."""
        return {
            "requests": {"cpu": self.cpu_request, "memory": self.memory_request},
            "limits": {"cpu": self.cpu_limit, "memory": self.memory_limit},
        }


def _check_pair(request: str, limit: str, name: str, *, least: str) -> None:
    requested, allowed = amount(request, f"requests.{name}"), amount(limit, f"limits.{name}")
    if requested < amount(least):
        message = f"{shown(request)} is less than {shown(least)}"
        raise refused(f"requests.{name}", message, "safeguards of AKS would raise it")
    if requested > allowed:
        message = f"{shown(request)} is more than the limit {shown(limit)}"
        raise refused(f"requests.{name}", message, f"raise `limits.{name}` or request less")


FIRST_UNPRIVILEGED = 1024
"""Below this port a process needs a capability, or a sysctl that restricted pods may set."""

_LAST = 65535
_FAILURES_UNTIL_RESTART = 6
_WRITERS = {Protocol.TCP: tcp, Protocol.UDP: udp, Protocol.SCTP: sctp}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPort:
    """A port that the container listens on, and that the workload's Service offers.

    Attributes:
        name: 1 to 15 lower case letters, digits and `-`; policies may use it.
        number: 1 to 65535, the same on the container and on the Service.
        protocol: TCP unless said otherwise.
    """

    name: str
    number: int
    protocol: Protocol = Protocol.TCP

    def __post_init__(self) -> None:
        """Check the name and the number."""
        if problem := port_name_problem(self.name):
            raise refused("ports.name", f"{shown(self.name)} {problem}")
        if not 1 <= self.number <= _LAST:
            message = f"{shown(self.number)} is not a port"
            raise refused("ports.containerPort", message, f"1 to {_LAST}")

    @property
    def rule(self) -> Ports:
        """Return the port as network policies write it, by number: every engine knows numbers.

        >>> print(ContainerPort(name="http", number=8080).rule)
        TCP 8080
        """
        return _WRITERS[self.protocol](self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How the kubelet sees that the container serves: it connects, or asks for a page.

    The kubelet is never stopped by a network policy on AKS.

    Attributes:
        port: the name of a port.
        path: the page that must answer with a status below 400; left out, a connection is enough.
    """

    port: str
    path: str | None = None

    def __post_init__(self) -> None:
        """Check that the path is absolute."""
        if self.path is not None and not self.path.startswith("/"):
            raise refused("probe.path", f"{shown(self.path)} is not absolute", "begin with `/`")

    @property
    def readiness(self) -> dict[str, Any]:
        """Return the readiness probe: traffic comes only while it succeeds."""
        return {**self._action, "periodSeconds": 5}

    @property
    def liveness(self) -> dict[str, Any]:
        """Return the liveness probe: after a minute of failures the container is restarted."""
        return {
            **self._action,
            "periodSeconds": 10,
            "failureThreshold": _FAILURES_UNTIL_RESTART,
        }

    @property
    def _action(self) -> dict[str, Any]:
        if self.path is None:
            return {"tcpSocket": {"port": self.port}}
        return {"httpGet": {"path": self.path, "port": self.port}}


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


class LaterText(Interface):
    """A text that is known only after deployment, as `pulumi.Output[str]` is one."""

    def apply(self, func: Callable[[str], str], /) -> Any:
        """Return the text that a function makes of it."""


ImageReference = str | LaterText
"""A text, or an output that will be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadArgs:
    """One container image, run under the restricted Pod Security Standard.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted

    Attributes:
        name: the name of every object that the workload makes.
        namespace: a plain string, so that a preview knows it before the cluster exists.
        labels: what selects the pods in policies, budgets and the Service; at least one. Changing
            them replaces a Deployment, because Kubernetes keeps its selector for ever.
        image: a reference with a version or a digest; an output, such as one with the login server
            of a registry, is checked once it is known.
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
    image: ImageReference
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
        object.__setattr__(self, "image", _checked_image(self.image))
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
    def peer(self) -> PodsIn[NamedNamespace]:
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


def _checked_image(image: ImageReference) -> Any:
    if not isinstance(image, str):
        return image.apply(_checked_image)
    check_image(image, "image")
    return image


def _freeze(args: WorkloadArgs) -> None:
    object.__setattr__(args, "labels", Labels(args.labels, path="metadata.labels"))
    object.__setattr__(args, "environment", MappingProxyType(dict(args.environment)))
    for name in ("ports", "command", "arguments", "writable_paths"):
        object.__setattr__(args, name, tuple(getattr(args, name)))


def _check_labels(args: WorkloadArgs) -> None:
    if not args.labels:
        message = "no label is given, and no policy could select the pods"
        raise refused("metadata.labels", message, f'such as `{{"app": "{args.name}"}}`')
    reserved = [key for key in args.labels if key.startswith(RESERVED_LABEL_PREFIX)]
    if reserved:
        path = f"metadata.labels[{reserved[0]}]"
        raise refused(path, f"labels under `{RESERVED_LABEL_PREFIX}` belong to AKS")


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
