"""The applications that the stack can deploy, each one a value: namespaces, policies, workloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from podwall.components.checks import check_image, refused
from podwall.components.namespace_args import NamespaceArgs, Quota
from podwall.components.workload_args import ContainerPort, Probe, WorkloadArgs, WorkloadKind
from podwall.policies.policy import NetworkPolicy
from podwall.policies.presets import Step
from podwall.policies.syntax import shown
from policies.shop import SHOP_POLICIES
from policies.walkthrough import STARWIND, backend_policies

__all__ = [
    "Application",
    "Images",
    "shop",
    "walkthrough",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """An image for each part; all of them run as any user, with a file system that is read-only.

    Attributes:
        backend: the walkthrough's web server; must serve port 80 with the command it comes with.
        client: the walkthrough's probes; must have `sh`, `wget` and `nc`.
        gateway: the shop's way in; serves port 8080.
        web: the shop's pages; serves port 8080.
        api: the shop's interface; serves the port in `WHOAMI_PORT_NUMBER`.
        db: the shop's data; serves port 6379.
        prometheus: what scrapes the metrics.
    """

    backend: str = "ghcr.io/traefik/whoami:v1.11.0"
    client: str = "docker.io/library/busybox:1.37.0"
    gateway: str = "ghcr.io/nginxinc/nginx-unprivileged:1.29-alpine"
    web: str = "ghcr.io/nginxinc/nginx-unprivileged:1.29-alpine"
    api: str = "ghcr.io/traefik/whoami:v1.11.0"
    db: str = "docker.io/valkey/valkey:8.1-alpine"
    prometheus: str = "quay.io/prometheus/prometheus:v3.5.0"

    def __post_init__(self) -> None:
        """Check every reference."""
        for part in fields(self):
            check_image(getattr(self, part.name), part.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Namespaces, what runs in them, and who may connect to whom.

    Applications are added with `+`; a name that two of them use is refused.

    Raises:
        InvalidValue: two namespaces, workloads or policies of one name, or a workload or policy in
            a namespace that is not the application's own.
    """

    namespaces: tuple[NamespaceArgs, ...] = ()
    workloads: tuple[WorkloadArgs, ...] = ()
    policies: tuple[NetworkPolicy, ...] = ()

    def __post_init__(self) -> None:
        """Check that names are unique and namespaces are there."""
        _refuse_repeated("namespaces", (each.name for each in self.namespaces))
        _refuse_repeated("workloads", (each.id for each in self.workloads))
        _refuse_repeated("policies", (f"{each.namespace}/{each.name}" for each in self.policies))
        for each in self.workloads:
            self._refuse_foreign(each.name, each.namespace)
        for policy in self.policies:
            self._refuse_foreign(policy.name, policy.namespace)

    def __add__(self, other: Application) -> Application:
        """Return both applications as one."""
        return Application(
            namespaces=self.namespaces + other.namespaces,
            workloads=self.workloads + other.workloads,
            policies=self.policies + other.policies,
        )

    def _refuse_foreign(self, name: str, namespace: str) -> None:
        if namespace not in (each.name for each in self.namespaces):
            message = f"{shown(name)} is in {shown(namespace)}, which is not declared"
            raise refused("metadata.namespace", message, "add the namespace")

    @property
    def policies_by_namespace(self) -> Mapping[str, tuple[NetworkPolicy, ...]]:
        """Return the policies of each namespace that has some, in the order of the namespaces."""
        grouped = {
            each.name: tuple(policy for policy in self.policies if policy.namespace == each.name)
            for each in self.namespaces
        }
        return {name: policies for name, policies in grouped.items() if policies}


def _refuse_repeated(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise refused(kind, f"{shown(name)} is given twice")
        seen.add(name)


_HTTP = ContainerPort(name="http", number=8080)
_DATA = ContainerPort(name="data", number=6379)


def shop(images: Images, replicas: int) -> Application:
    """Return the shop, with `replicas` pods of each of its stateless parts.

    Who may connect to whom is said in `policies.shop`; its namespaces deny all else, in both
    directions.
    """
    gateway, prometheus = _gateway(images.gateway, replicas), _prometheus(images.prometheus)
    web, api, db = _tiers(images, replicas)
    return Application(
        namespaces=(
            _closed("ingress", replicas),
            _closed("monitoring", replicas),
            _closed("shop", replicas),
        ),
        workloads=(gateway, prometheus, web, api, db),
        policies=SHOP_POLICIES,
    )


def _closed(name: str, replicas: int) -> NamespaceArgs:
    # Two stateless tiers and the data, each with one pod more while it is updated.
    return NamespaceArgs(name=name, quota=Quota(pods=2 * replicas + 4))


def _gateway(image: str, replicas: int) -> WorkloadArgs:
    return WorkloadArgs(
        name="gateway",
        namespace="ingress",
        labels={"app": "gateway"},
        image=image,
        replicas=replicas,
        ports=(_HTTP,),
    )


def _prometheus(image: str) -> WorkloadArgs:
    return WorkloadArgs(
        name="prometheus",
        namespace="monitoring",
        labels={"app": "prometheus"},
        image=image,
        replicas=1,
        ports=(ContainerPort(name="http", number=9090),),
        probe=Probe(port="http", path="/-/healthy"),
        writable_paths=("/prometheus",),
    )


def _tiers(images: Images, replicas: int) -> tuple[WorkloadArgs, WorkloadArgs, WorkloadArgs]:
    web = _tier("web", images.web, replicas=replicas, ports=(_HTTP,))
    listens: Mapping[str, str] = {"WHOAMI_PORT_NUMBER": str(_HTTP.number)}
    api = _tier("api", images.api, replicas=replicas, ports=(_HTTP,), environment=listens)
    # Two pods that don't know of each other would hold different data.
    db = _tier("db", images.db, replicas=1, ports=(_DATA,), writable_paths=("/data",))
    return web, api, db


def _tier(name: str, image: str, **choices: Any) -> WorkloadArgs:
    return WorkloadArgs(name=name, namespace="shop", labels={"app": name}, image=image, **choices)


_OWN = STARWIND.name
_OTHER = "visitor"
_BACKEND = {"app": "webapp", "role": "backend"}
_LABELLED = {"app": "webapp", "role": "frontend"}
_UNLABELLED = {"app": "unknown"}

# Ends at once when it is told to, so that deleting a client takes no grace period.
_WAIT = "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"


def walkthrough(step: Step, images: Images) -> Application:
    """Return the walkthrough at a step: what the backend's policy lets the three clients do.

    Its namespaces deny nothing by themselves, or the step `open` would not be open.

    >>> [workload.id for workload in walkthrough(Step.OPEN, Images()).workloads]
    ... # doctest: +NORMALIZE_WHITESPACE
    ['starwind/backend', 'starwind/client-labelled', 'starwind/client-unlabelled',
     'visitor/client-labelled']
    """
    return Application(
        namespaces=(_open(_OWN), _open(_OTHER)),
        workloads=(
            _backend(images.backend),
            _client(_OWN, "client-labelled", _LABELLED, images.client),
            _client(_OWN, "client-unlabelled", _UNLABELLED, images.client),
            _client(_OTHER, "client-labelled", _LABELLED, images.client),
        ),
        policies=backend_policies(step),
    )


def _open(name: str) -> NamespaceArgs:
    return NamespaceArgs(name=name, deny_ingress=False, deny_egress=False)


def _backend(image: str) -> WorkloadArgs:
    return WorkloadArgs(
        name="backend",
        namespace=_OWN,
        labels=_BACKEND,
        image=image,
        kind=WorkloadKind.POD,
        ports=(ContainerPort(name="http", number=80),),
    )


def _client(namespace: str, name: str, labels: Mapping[str, str], image: str) -> WorkloadArgs:
    return WorkloadArgs(
        name=name,
        namespace=namespace,
        labels=labels,
        image=image,
        kind=WorkloadKind.POD,
        command=("sh", "-c", _WAIT),
    )
