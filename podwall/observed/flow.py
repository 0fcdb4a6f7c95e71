"""One observed flow as plain values, in the words of whoever recorded it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from podwall.model import IpProtocol

__all__ = ["RESERVED", "Fate", "SeenEnd", "SeenFlow"]


class Fate(StrEnum):
    """What became of a flow: it arrived, it left and may be denied elsewhere, or it was denied.

    Each node records its own part of the way: what one lets out, another may still drop.
    """

    PASSED = "passed"
    LEFT = "left"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class SeenEnd:
    """One end of an observed flow; what the record leaves out is empty.

    `workload` and `kind` are the controller of the pod as the recorder found it. `labels` are those
    of the pod. `reserved` are the recorder's words for what is no pod, such as `world` and `host`.
    https://docs.cilium.io/en/stable/gettingstarted/terminology/#special-identities
    """

    address: str = ""
    namespace: str = ""
    pod: str = ""
    workload: str = ""
    kind: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    reserved: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Write the pod, or what stands for it.

        >>> print(SeenEnd("10.0.0.9", reserved=frozenset({"health"})), SeenEnd("10.0.0.9"))
        health (10.0.0.9) 10.0.0.9
        """
        if self.namespace:
            return f"{self.namespace}/{self.pod or self.workload or 'a pod without a name'}"
        words = ", ".join(sorted(self.reserved))
        return f"{words} ({self.address})" if words and self.address else words or self.address


RESERVED = {
    1: "host",
    2: "world",
    3: "unmanaged",
    4: "health",
    5: "init",
    6: "remote-node",
    7: "kube-apiserver",
    8: "ingress",
    9: "world-ipv4",
    10: "world-ipv6",
}
"""The numbers of Cilium's reserved identities.

https://docs.cilium.io/en/stable/gettingstarted/terminology/#special-identities
"""


@dataclass(frozen=True, slots=True)
class SeenFlow:
    """A connection from a client to a port of a server, and how often its record stands for it.

    `source` is the client, also where the record is of a reply. The port of `OTHER`, such as ICMP,
    is 0.
    """

    source: SeenEnd
    destination: SeenEnd
    protocol: IpProtocol
    port: int
    fate: Fate = Fate.PASSED
    times: int = 1
