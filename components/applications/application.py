"""An application and the container images it runs: what it is made of, before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from podwall.components.checks import check_image, refused
from podwall.components.namespace_args import NamespaceArgs
from podwall.components.workload_args import WorkloadArgs
from podwall.policies.policy import NetworkPolicy
from podwall.policies.syntax import shown

__all__ = ["Application", "Images"]


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
