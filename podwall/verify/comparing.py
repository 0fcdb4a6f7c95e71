"""Hold what was observed against what was predicted: agrees, disagrees, or was not observed.

A connection that is made, and one that is refused by the server's own host, prove that the path is
open. Silence and "unreachable" say that it is closed, but only of a client that has reached
something, and of a server that runs before and after: anything else may be as silent. A reset can
come from both, and proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from podwall.verify.probe import ConnectionProbe

__all__ = [
    "Agreement",
    "ComparedProbe",
    "Observation",
    "ProbeOutcome",
    "compared",
    "counts",
    "unforeseen",
]


class ProbeOutcome(StrEnum):
    """How an attempt to connect ended.

    `REFUSED`: nothing listens, and the server's host says so: the path is open. `NOT_OBSERVED`: no
    attempt was made, or it is not known how it ended.
    """

    CONNECTED = "connected"
    REFUSED = "refused"
    RESET = "reset"
    TIMED_OUT = "timed out"
    UNREACHABLE = "unreachable"
    UNRESOLVED = "unresolved"
    NOT_OBSERVED = "not observed"


_PASSED: Final = frozenset({ProbeOutcome.CONNECTED, ProbeOutcome.REFUSED})
_BLOCKED: Final = frozenset({ProbeOutcome.TIMED_OUT, ProbeOutcome.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a probe: how its last attempt ended, and how many there were.

    `controlled`: before it, the same client reached something that it is allowed to reach, or its
    own node, so that its silence is not that of a pod without a network. `reason` says why nothing
    was observed.
    """

    outcome: ProbeOutcome = ProbeOutcome.NOT_OBSERVED
    attempts: int = 0
    controlled: bool = False
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the path is proven to be open."""
        return self.outcome in _PASSED

    @property
    def blocked(self) -> bool:
        """Whether nothing came back, as where a policy drops it."""
        return self.outcome in _BLOCKED


class Agreement(StrEnum):
    """Whether what was observed is what was predicted."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    NOT_OBSERVED = "not observed"


@dataclass(frozen=True, slots=True)
class ComparedProbe:
    """A probe, what was seen of it, whether both agree, and why not in a sentence."""

    probe: ConnectionProbe
    observation: Observation
    agreement: Agreement
    reason: str = ""


def compared(probe: ConnectionProbe, seen: Observation) -> ComparedProbe:
    """Return whether a probe ended as predicted.

    >>> from podwall.reachability import Verdict
    >>> probe = ConnectionProbe("shop/web", "shop/db", 5432, Verdict.DENIED)
    >>> compared(probe, Observation(ProbeOutcome.REFUSED, 3, controlled=True)).reason
    'declared but not enforced: refused, which only an open path can be'
    """
    if seen.passed:
        if probe.should_pass:
            return ComparedProbe(probe, seen, Agreement.AGREES)
        return ComparedProbe(probe, seen, Agreement.DISAGREES, _not_enforced(seen.outcome))
    if not seen.blocked:
        return ComparedProbe(probe, seen, Agreement.NOT_OBSERVED, _unseen(seen))
    if not seen.controlled:
        return ComparedProbe(probe, seen, Agreement.NOT_OBSERVED, _UNCONTROLLED)
    if probe.should_pass:
        reason = f"allowed and not open: {seen.outcome}, {_times(seen.attempts)}"
        return ComparedProbe(probe, seen, Agreement.DISAGREES, reason)
    return ComparedProbe(probe, seen, Agreement.AGREES)


_UNCONTROLLED: Final = (
    "the client reached nothing at all, not even its own node, so that its silence proves nothing"
)


def _not_enforced(outcome: ProbeOutcome) -> str:
    what = (
        "which only an open path can be" if outcome is ProbeOutcome.REFUSED else "a server answers"
    )
    return f"declared but not enforced: {outcome}, {what}"


def _unseen(seen: Observation) -> str:
    if seen.reason:
        return seen.reason
    if seen.outcome is ProbeOutcome.RESET:
        return "it was reset, which a policy can do as well as a server"
    return f"it is {seen.outcome}"


def _times(attempts: int) -> str:
    return "once" if attempts == 1 else f"{attempts} times"


_NO_ENGINE: Final = (
    "no engine enforces policies in this cluster: `podwall lint cluster` names it; on AKS, "
    "networkPolicy is set when the cluster is made, or by `az aks update`"
)
_ALL: Final = (
    "every denied connection is open: either no engine runs (its agent is down, or was never "
    "installed), or it enforces nothing on this node"
)
_OPEN: Final = {
    "azure": (
        "on azure, what comes in through a node port, and what a pod sends to its own node, is not "
        "filtered; the agent `azure-npm` may also be behind or down on one node"
    ),
    "cilium": (
        "on cilium, the agent of one node may be behind, or its configuration enforces policies "
        "only where it is told to (`enable-policy`)"
    ),
    "calico": (
        "on calico, a policy of its own (NetworkPolicy or GlobalNetworkPolicy of "
        "`projectcalico.org`, of a lower order) may allow it first"
    ),
}
_OPEN_ANYWHERE: Final = (
    "the engine's agent may be behind or down on one of the two nodes, or another kind of policy "
    "allows it"
)
_CLOSED: Final = {
    "azure": (
        "on azure, a fresh pod needs some seconds before rules know it, and more on a node with "
        "many policies; a network security group of the subnet may close it as well"
    ),
    "cilium": (
        "on cilium, a CiliumNetworkPolicy or a cluster-wide one may deny it first, and ip blocks "
        "never match pods"
    ),
    "calico": "on calico, a global policy with a lower order may deny it first",
}
_CLOSED_ANYWHERE: Final = (
    "the server may drop what it does not expect (a firewall or a mesh in the pod), a network "
    "between nodes may block it, or another kind of policy denies it"
)


def unforeseen(results: Sequence[ComparedProbe], engine: str) -> tuple[str, ...]:
    """Return what commonly causes such disagreements under an engine, in sentences.

    Nothing where everything that was observed agrees.
    """
    wrong = [each for each in results if each.agreement is Agreement.DISAGREES]
    opened = [each for each in wrong if not each.probe.should_pass]
    enforced = any(
        each.agreement is Agreement.AGREES and not each.probe.should_pass for each in results
    )
    found: list[str] = []
    if opened and engine == "none":
        found.append(_NO_ENGINE)
    elif opened:
        found.append(_OPEN.get(engine, _OPEN_ANYWHERE) if enforced else _ALL)
    if len(opened) < len(wrong):
        found.append(_CLOSED.get(engine, _CLOSED_ANYWHERE))
    return tuple(found)


def counts(results: Iterable[ComparedProbe]) -> dict[Agreement, int]:
    """Return how many agree, disagree and were not observed."""
    found = Counter(each.agreement for each in results)
    return {each: found[each] for each in Agreement}
