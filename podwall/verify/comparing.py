"""Probes as values, and what was observed held against what was predicted.

A connection that is made, and one that is refused by the server's own host, prove that the path is
open. Silence and "unreachable" say that it is closed, but only of a client that has reached
something, and of a server that runs before and after: anything else may be as silent. A reset can
come from both, and proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from podwall.exit_code import ExitCode
from podwall.explain import Explanation, explain
from podwall.model import IpProtocol, Service
from podwall.quick_dataclass import dataclass
from podwall.reachability import ExternalRange, Reachability, Verdict, reachability
from podwall.verdict_table import VerdictTable, verdict_table
from podwall.walkthrough import Attempt

__all__ = [
    "BALANCER",
    "NODE_PORT",
    "OUTSIDE",
    "RUN_LABEL",
    "Agreement",
    "ComparedProbe",
    "ConnectionProbe",
    "MadeProbes",
    "NotProbed",
    "Observation",
    "ObservedAttempt",
    "OutsideWays",
    "ProbeOutcome",
    "ProbePlan",
    "Verification",
    "attempts_exit_code",
    "compared",
    "counts",
    "doubtful_ones",
    "outside_ranges",
    "unforeseen",
    "verification",
]

RUN_LABEL: Final = "podwall.dev/verify"
"""The label of all that a verification makes; its value is the one of the run."""

OUTSIDE: Final = "outside"
"""The client that is the machine which runs the verification."""
NODE_PORT: Final = "node port"
BALANCER: Final = "load balancer"


@dataclass(frozen=True, slots=True)
class ConnectionProbe:
    """An attempt to connect from a pod of one workload to a pod of another.

    `client` and `server` are ids of workloads, which may be the same: the pods are two different
    ones. `predicted` is allowed or denied; what is undetermined is never probed, as no end of it
    would be as predicted. `service` is a service of the server's namespace and its port, such as
    `api:80`, where the connection is made to its address. `way` is how the connection comes in from
    `OUTSIDE`, by a `NODE_PORT` of the service or its `BALANCER`; empty for pods.
    """

    client: str
    server: str
    port: int
    predicted: Verdict
    protocol: IpProtocol = IpProtocol.TCP
    service: str = ""
    way: str = ""

    def __str__(self) -> str:
        """Write the flow for people.

        >>> print(ConnectionProbe("shop/web", "shop/api", 8080, Verdict.ALLOWED))
        shop/web -> shop/api TCP 8080
        """
        through = f" by service {self.service}" if self.service else ""
        through += f", {self.way}" if self.way else ""
        return f"{self.client} -> {self.server} {self.protocol} {self.port}{through}"

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
        return tuple(dict.fromkeys(each.client for each in self.probes if not each.way))


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

    `controlled`: right after a silence, the same client reached something that it is allowed to
    reach, or its own node, so that it is not that of a pod without a network. `reason` says why
    nothing was observed.
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
    'declared but not enforced: refused, as by a host that was reached'

    From outside a node or a balancer can refuse as well as the pod, and silence counts only where
    something else of the same kind answered at the same address.
    """
    if seen.passed and not (probe.way and seen.outcome is ProbeOutcome.REFUSED):
        if probe.should_pass:
            return ComparedProbe(probe, seen, Agreement.AGREES)
        return ComparedProbe(probe, seen, Agreement.DISAGREES, _not_enforced(seen.outcome))
    if not seen.blocked:
        why = _REFUSED_OUTSIDE if seen.passed else _unseen(seen)
        return ComparedProbe(probe, seen, Agreement.NOT_OBSERVED, why)
    if not seen.controlled:
        reason = _SILENT_OUTSIDE if probe.way else _UNCONTROLLED
        return ComparedProbe(probe, seen, Agreement.NOT_OBSERVED, reason)
    if probe.should_pass:
        reason = f"allowed and not open: {seen.outcome}, {_times(seen.attempts)}"
        return ComparedProbe(probe, seen, Agreement.DISAGREES, reason)
    return ComparedProbe(probe, seen, Agreement.AGREES)


def doubtful_ones(results: Sequence[ComparedProbe]) -> tuple[int, ...]:
    """Return the numbers of those that are worth another try: what disagrees, or proves nothing.

    Where every denied connection is open, no other try makes it an enforced one.
    """
    enforced = _is_enforced(results)
    return tuple(
        number
        for number, each in enumerate(results)
        if (each.observation.blocked and not each.observation.controlled)
        or (each.agreement is Agreement.DISAGREES and (enforced or each.probe.should_pass))
    )


def _is_enforced(results: Iterable[ComparedProbe]) -> bool:
    """Return whether anything that is denied was seen to be shut."""
    return any(
        each.agreement is Agreement.AGREES and not each.probe.should_pass for each in results
    )


_UNCONTROLLED: Final = (
    "the client reached nothing else either at that time, so that its silence proves nothing"
)
_REFUSED_OUTSIDE: Final = (
    "it is refused, which from outside a node or a load balancer can do as well as the pod"
)
_SILENT_OUTSIDE: Final = (
    "nothing else answers at that address in this way, so that its silence may be that of a "
    "firewall before it"
)


def _not_enforced(outcome: ProbeOutcome) -> str:
    what = (
        "as by a host that was reached" if outcome is ProbeOutcome.REFUSED else "a server answers"
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
_FROM_OUTSIDE: Final = (
    "from outside, a firewall, a network security group or a proxy on the way may answer or drop"
)
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
    found: list[str] = []
    if opened and engine == "none":
        found.append(_NO_ENGINE)
    elif opened:
        found.append(_OPEN.get(engine, _OPEN_ANYWHERE) if _is_enforced(results) else _ALL)
    if len(opened) < len(wrong):
        found.append(_CLOSED.get(engine, _CLOSED_ANYWHERE))
    if any(each.probe.way for each in wrong):
        found.append(_FROM_OUTSIDE)
    return tuple(found)


def counts(results: Iterable[ComparedProbe]) -> dict[Agreement, int]:
    """Return how many agree, disagree and were not observed."""
    found = Counter(each.agreement for each in results)
    return {each: found[each] for each in Agreement}


_MOST_EXPLAINED: Final = 20
_IPV4: Final = 4


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of each probe, and what commonly causes what was not foreseen.

    `engine` is the one whose verdicts were predicted. `explanations` say of the first
    disagreements why they were predicted otherwise. `notes` say what was borrowed and left behind.
    `unpinned` says that the image was named by a tag, and which one it was; empty where it was not.
    """

    cluster: str
    engine: str
    results: tuple[ComparedProbe, ...]
    left_out: tuple[NotProbed, ...] = ()
    causes: tuple[str, ...] = ()
    explanations: Mapping[ConnectionProbe, Explanation] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unpinned: str = ""

    @property
    def counts(self) -> Mapping[Agreement, int]:
        """How many probes agree, disagree and were not observed."""
        return counts(self.results)

    @property
    def exit_code(self) -> ExitCode:
        """How the command ends: only where everything was observed, and agrees, all is fine."""
        found = self.counts
        if found[Agreement.DISAGREES]:
            return ExitCode.FOUND
        unseen = found[Agreement.NOT_OBSERVED] or not self.results
        return ExitCode.UNDETERMINED if unseen else ExitCode.FINE


@dataclass(frozen=True, slots=True)
class MadeProbes:
    """What came of probes, in their order; notes, and `unpinned`, are those of `Verification`."""

    results: tuple[ComparedProbe, ...]
    notes: tuple[str, ...] = ()
    unpinned: str = ""


def verification(
    cluster: str, found: Reachability, made: MadeProbes, left_out: tuple[NotProbed, ...] = ()
) -> Verification:
    """Return results with the explanations of those that disagree.

    Args:
        cluster: what people call it.
        found: the analysis that predicted them.
        made: what became of each probe.
        left_out: what was not probed.
    """
    return Verification(
        cluster,
        found.engine.name,
        made.results,
        left_out,
        unforeseen(made.results, found.engine.name),
        dict(_explained(found, made.results)),
        (*made.notes, *filter(None, [made.unpinned])),
        made.unpinned,
    )


def _explained(
    found: Reachability, results: Iterable[ComparedProbe]
) -> Iterator[tuple[ConnectionProbe, Explanation]]:
    wrong = (each.probe for each in results if each.agreement is Agreement.DISAGREES)
    ways = OutsideWays(found)
    for _, each in zip(range(_MOST_EXPLAINED), wrong, strict=False):
        client = outside_ranges(found)[0].id if each.way else each.client
        meant = ways.table(ways.service(each)).reachability if each.way else found
        yield each, explain(meant, client, each.server, each.protocol, each.port)


def outside_ranges(found: Reachability) -> tuple[ExternalRange, ...]:
    """Return the ranges of IPv4 addresses outside of the cluster, all of which have no pods."""
    ranges = (each for each in found.endpoints if isinstance(each, ExternalRange))
    return tuple(each for each in ranges if each.network.version == _IPV4)


class OutsideWays:
    """What is predicted of connections that come in from outside by one service.

    A pod may be open because one of its services hides clients from policies. By another one, with
    externalTrafficPolicy Local, the same pod is met by the client's own address.
    """

    def __init__(self, found: Reachability) -> None:
        """Keep the analysis of all services together."""
        self._found = found

    @cached_property
    def _together(self) -> VerdictTable:
        return verdict_table(self._found)

    @cached_property
    def _alone(self) -> VerdictTable:
        """The verdicts where no service hides anybody."""
        services = self._found.snapshot.services
        if all(each.external_traffic_policy == "Local" for each in services):
            return self._together
        alone = replace(self._found.snapshot, services=())
        return verdict_table(reachability(alone, self._found.engine))

    def table(self, service: Service) -> VerdictTable:
        """Return the verdicts that hold for who comes in by a service."""
        return self._alone if service.external_traffic_policy == "Local" else self._together

    def service(self, probe: ConnectionProbe) -> Service:
        """Return the service of the snapshot by which a probe comes in."""
        name, namespace = probe.service.partition(":")[0], probe.server.partition("/")[0]
        return next(
            each
            for each in self._found.snapshot.services
            if (each.namespace, each.name) == (namespace, name)
        )


@dataclass(frozen=True, slots=True)
class ObservedAttempt:
    """An attempt of the walkthrough, and what was seen of it; None where it was not predicted."""

    attempt: Attempt
    result: ComparedProbe | None

    @property
    def agreement(self) -> Agreement:
        """Whether it ended as predicted."""
        return Agreement.NOT_OBSERVED if self.result is None else self.result.agreement

    @property
    def outcome(self) -> ProbeOutcome:
        """How the last attempt to connect ended."""
        if self.result is None:
            return ProbeOutcome.NOT_OBSERVED
        return self.result.observation.outcome

    @property
    def observed(self) -> Verdict | None:
        """What was seen, in the words of a verdict; None where it was not observed."""
        match self.agreement:
            case Agreement.NOT_OBSERVED:
                return None
            case Agreement.AGREES:
                return self.attempt.verdict
            case Agreement.DISAGREES:
                denied = self.attempt.verdict is Verdict.DENIED
                return Verdict.ALLOWED if denied else Verdict.DENIED


def attempts_exit_code(attempts: Iterable[ObservedAttempt]) -> ExitCode:
    """Return how the command ends: only where everything was observed, and agrees, all is fine."""
    found = {each.agreement for each in attempts}
    if Agreement.DISAGREES in found:
        return ExitCode.FOUND
    return ExitCode.UNDETERMINED if Agreement.NOT_OBSERVED in found else ExitCode.FINE
