"""The ports a container listens on, and how the kubelet asks whether it is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from podwall.components.checks import refused
from podwall.policies.ports import Ports, Protocol, sctp, tcp, udp
from podwall.policies.syntax import port_name_problem, shown

__all__ = ["FIRST_UNPRIVILEGED", "ContainerPort", "Probe"]

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
