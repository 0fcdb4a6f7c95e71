"""One observed flow as plain values, and what became of the records of flows that were read."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from enum import StrEnum
from typing import Final

from podwall.model import IpProtocol
from podwall.policies.errors import Finding, Place, Severity
from podwall.quick_dataclass import dataclass

__all__ = [
    "RESERVED",
    "Fate",
    "FlowRecords",
    "NotCounted",
    "SeenEnd",
    "SeenFlow",
]


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


_MOST_FINDINGS: Final = 10


class NotCounted(StrEnum):
    """Why a record that could be read counts as no flow."""

    OTHER_EVENT = "events of another kind"
    OTHER_DROP = "dropped, and not by a policy"
    NO_VERDICT = "without a verdict"
    NO_DIRECTION = "neither a request nor a reply for certain"
    BEFORE_SERVICE = "to a service, before its address is translated"
    NO_PORT = "without a protocol or a port"


@dataclass(slots=True)
class FlowRecords:
    """What became of the records: filled while they are read.

    `lost` is how many events the recorder itself says were lost. `first` and `last` are the times
    of the records that were read, to the second, in RFC 3339; empty without any.
    """

    counted: int = 0
    not_counted: Counter[NotCounted] = field(default_factory=Counter)
    unreadable: int = 0
    lost: int = 0
    first: str = ""
    last: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many records there were, those that can't be read included."""
        return self.counted + self.not_counted.total() + self.unreadable

    def note_time(self, time: str) -> None:
        """Widen the time that the records cover."""
        second = time[: len("2026-01-01T00:00:00")]
        if second:
            self.first = min(self.first or second, second)
            self.last = max(self.last, second)

    def refuse(self, problem: str, place: Place) -> None:
        """Count a line that is no record, and keep the first ones as findings."""
        self.unreadable += 1
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(
                Finding(
                    "flow-record-not-read",
                    Severity.WARNING,
                    f"this line is no flow record: {problem}",
                    place,
                    "give one JSON object a line; `jq -c '.[]'` makes lines of a list",
                )
            )
