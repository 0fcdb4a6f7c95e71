"""One attempt to connect, as a value: from whom, to whom, on which port, and how it should end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from podwall.model import IpProtocol
from podwall.reachability import Verdict

__all__ = ["RUN_LABEL", "ConnectionProbe", "NotProbed", "ProbePlan"]

RUN_LABEL: Final = "podwall.dev/verify"
"""The label of all that a verification makes; its value is the one of the run."""


@dataclass(frozen=True, slots=True)
class ConnectionProbe:
    """An attempt to connect from a pod of one workload to a pod of another.

    `client` and `server` are ids of workloads, which may be the same: the pods are two different
    ones. `predicted` is allowed or denied; what is undetermined is never probed, as no end of it
    would be as predicted.
    """

    client: str
    server: str
    port: int
    predicted: Verdict
    protocol: IpProtocol = IpProtocol.TCP

    def __str__(self) -> str:
        """Write the flow for people.

        >>> print(ConnectionProbe("shop/web", "shop/api", 8080, Verdict.ALLOWED))
        shop/web -> shop/api TCP 8080
        """
        return f"{self.client} -> {self.server} {self.protocol} {self.port}"

    @property
    def should_pass(self) -> bool:
        """Whether the connection is predicted to pass."""
        return self.predicted is Verdict.ALLOWED


@dataclass(frozen=True, slots=True)
class NotProbed:
    """How many boundaries are not probed for one reason, which is in words."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What is to be probed, in order of importance, and what of that which was asked for is not."""

    probes: tuple[ConnectionProbe, ...]
    left_out: tuple[NotProbed, ...] = ()

    @property
    def clients(self) -> tuple[str, ...]:
        """The workloads that connect, each once, in order of their first probe."""
        return tuple(dict.fromkeys(each.client for each in self.probes))
