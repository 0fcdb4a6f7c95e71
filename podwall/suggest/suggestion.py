"""The suggestion and its proof: the suggested policies, and what stays open that nothing states.

The analysis cuts addresses where rules do, so that one opening is many connections. They are put
together again: sources with the same destination and ports, then destinations with the same
sources. What is uncertain for one reason is one finding, however many connections it is about.

Contradicting expectations are refused before anything is drafted. Afterwards every expectation is
checked against the suggested policies alone, and whatever else is open is a finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Final

from podwall.engines import Engine, Treatment
from podwall.expectations import Expectation, Outcome, Result, check
from podwall.expectations.selecting import KnownEnds
from podwall.model import Policy, Snapshot, Unknown
from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PODS,
    ALL_PORTS,
    ClusterNetworkPolicy,
    Finding,
    InvalidValue,
    NetworkPolicy,
    PolicyTier,
    Severity,
    accept_from,
    allow_from,
    deny_from,
)
from podwall.policies import namespace as named_namespace
from podwall.policies.cluster_policy import LAST_PRIORITY
from podwall.policies.manifest import CLUSTER_KIND
from podwall.portset import NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, reachability
from podwall.reachability.matching import Match, host_match, running_versions
from podwall.reachability.values import (
    AnyEndpoint,
    Connection,
    ExternalRange,
    WorkloadEndpoint,
)
from podwall.reading import Document, snapshot
from podwall.suggest.drafting import DNS, PolicyDraft, resolves_names
from podwall.suggest.rules import ResolvedExpectation, contradictions, ports_unsaid
from podwall.suggest.selectors import UNDETERMINED, SelectableWorkloads

__all__ = [
    "Baseline",
    "Excess",
    "Suggestion",
    "baseline",
    "beyond_intent",
    "suggest",
    "unmet",
    "unstated",
]

_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Excess:
    """Ports of a connection that are open, or may be, and that nothing states."""

    connection: Connection
    open: PortSet
    doubtful: PortSet

    @property
    def because(self) -> str:
        """What the doubtful ports depend on."""
        parts = self.connection.undetermined
        return ", ".join(
            dict.fromkeys(part.because for part in parts if part.ports & self.doubtful)
        )


def beyond_intent(found: Iterable[Excess]) -> Iterator[Finding]:
    """Yield a finding for each set of like connections, and one for each cause of doubt."""
    certain: list[tuple[Connection, PortSet]] = []
    doubtful: defaultdict[str, list[tuple[Connection, PortSet]]] = defaultdict(list)
    for each in found:
        if each.open:
            certain.append((each.connection, each.open))
        if each.doubtful:
            doubtful[each.because].append((each.connection, each.doubtful))
    for flow in _flows(certain):
        yield Finding(
            "open-beyond-intent",
            Severity.ERROR,
            f"{flow}, which no expectation states".replace(" on ", " stays open on ", 1),
            help="see why with `podwall explain`",
        )
    for because, connections in doubtful.items():
        yield _perhaps(_flows(connections), because)


def _perhaps(flows: list[str], because: str) -> Finding:
    return Finding(
        "perhaps-open-beyond-intent",
        Severity.WARNING,
        f"{_some(flows, 'other connections')} may stay open, "
        f"which no expectation states: {because}",
    )


def _flows(connections: Iterable[tuple[Connection, PortSet]]) -> list[str]:
    """Return the connections in words, those that are alike as one."""
    sources: defaultdict[tuple[str, PortSet], dict[str, AnyEndpoint]] = defaultdict(dict)
    ends: dict[str, AnyEndpoint] = {}
    for connection, ports in connections:
        sources[connection.destination_id, ports][connection.source_id] = connection.source
        ends[connection.destination_id] = connection.destination
    targets: defaultdict[tuple[tuple[str, ...], PortSet], list[AnyEndpoint]] = defaultdict(list)
    from_: dict[tuple[str, ...], list[AnyEndpoint]] = {}
    for (destination, ports), several in sources.items():
        key = tuple(several)
        from_[key] = list(several.values())
        targets[key, ports].append(ends[destination])
    return [
        f"{_ends(from_[key])} -> {_ends(to)} on {ports}" for (key, ports), to in targets.items()
    ]


def _ends(ends: Iterable[AnyEndpoint]) -> str:
    """Return endpoints in words: workloads by name, and addresses as few networks as cover them."""
    names: list[str] = []
    ipv4: list[IPv4Network] = []
    ipv6: list[IPv6Network] = []
    for end in ends:
        if not isinstance(end, ExternalRange):
            names.append(end.id)
        elif isinstance(end.network, IPv4Network):
            ipv4.append(end.network)
        else:
            ipv6.append(end.network)
    networks = [*map(str, collapse_addresses(ipv4)), *map(str, collapse_addresses(ipv6))]
    shown = [_some(names, "workloads")] if names else []
    return ", ".join([*shown, _some(networks, "ranges of addresses")] if networks else shown)


def _some(words: list[str], kind: str) -> str:
    """Return the first few, and how many more there are."""
    more = len(words) - _MOST_NAMED
    if more <= 1:
        return ", ".join(words)
    return f"{', '.join(words[:_MOST_NAMED])} and {more} {kind} more"


def unmet(results: Iterable[Result]) -> Iterator[Finding]:
    """Yield a finding for each expectation that the policies do not fulfil, or perhaps not."""
    for each in results:
        if each.outcome is Outcome.PASS:
            continue
        fails = each.outcome is Outcome.FAIL
        yield Finding(
            "expectation-not-met" if fails else "expectation-undetermined",
            Severity.ERROR if fails else Severity.WARNING,
            f"no policy here fulfils `{each.expectation.name}`: {each.reason}"
            if fails
            else f"it is not certain that `{each.expectation.name}` is fulfilled: {each.reason}",
            each.expectation.place,
            "see the flow with `podwall check`" if each.flow else "",
        )


def unstated(
    resolved: Iterable[ResolvedExpectation], found: Reachability, closed: Iterable[str]
) -> Iterator[Finding]:
    """Yield what is open, or may be, and nothing states: one finding for what is alike.

    Names are resolved, a pod reaches itself, and no policy closes what goes from or to the network
    of a node: these are left out, and so is what stays between namespaces that are left alone.
    """
    opening = [each for each in resolved if each.opens]
    yield from beyond_intent(_excesses(opening, found, frozenset(closed)))


def _excesses(
    opening: list[ResolvedExpectation], found: Reachability, closed: frozenset[str]
) -> Iterator[Excess]:
    for connection in found.connections():
        if not _is_in_scope(connection, closed):
            continue
        stated = _stated(connection, opening)
        extra, doubtful = connection.allowed - stated, connection.undetermined_ports - stated
        if extra or doubtful:
            yield Excess(connection, extra, doubtful)


def _is_in_scope(connection: Connection, closed: frozenset[str]) -> bool:
    ends = (connection.source, connection.destination)
    if connection.source == connection.destination:
        return False
    workloads = [each.workload for each in ends if isinstance(each, WorkloadEndpoint)]
    if any(host_match(each) is not Match.NO for each in workloads):
        return False
    return any(each.namespace in closed for each in workloads)


def _stated(connection: Connection, opening: Iterable[ResolvedExpectation]) -> PortSet:
    ports = DNS if resolves_names(connection.destination) else NO_PORTS
    for each in opening:
        if (
            connection.source_id in each.sources.all
            and connection.destination_id in each.destinations.all
        ):
            ports |= each.ports(connection.destination)
    return ports


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Policies that open what expectations state, and nothing else.

    `found` is the analysis of the workloads with these policies alone, `results` what becomes of
    the expectations there. `replaced` and `left_over` are policies that are there: those that have
    the name of a suggested one, and others, which stay and still allow what they allow.
    """

    policies: tuple[NetworkPolicy, ...]
    findings: tuple[Finding, ...]
    found: Reachability
    results: tuple[Result, ...]
    replaced: tuple[Policy, ...]
    left_over: tuple[Policy, ...]

    @property
    def is_certain(self) -> bool:
        """Whether nothing depends on what is known only after deployment."""
        return not any(each.id in UNDETERMINED for each in self.findings)


def suggest(
    declared: Snapshot, expectations: Sequence[Expectation], engine: Engine | str | None = None
) -> Suggestion:
    """Return the policies that let declared workloads do what expectations state, and no more.

    Raises:
        InvalidValue: an expectation denies what another asks for; or there is no such engine.
    """
    bare = reachability(replace(declared, policies=()), engine)
    subjects = SelectableWorkloads(bare.workloads)
    draft = PolicyDraft(bare.cluster, subjects, expectations)
    policies = tuple(draft.policies())
    found = reachability(replace(declared, policies=_as_read(policies)), engine)
    ends = KnownEnds(found.endpoints)
    resolved = [ResolvedExpectation(each, ends) for each in expectations]
    _refuse_contradictions(tuple(contradictions(resolved, found)))
    results = check(found, expectations)
    findings = (
        *subjects.findings(),
        *ports_unsaid(expectations, KnownEnds(bare.workloads)),
        *draft.findings,
        *unmet(results),
        *unstated(resolved, found, subjects.closed),
    )
    replaced, left_over = _existing(declared, policies)
    return Suggestion(policies, findings, found, results, replaced, left_over)


def _as_read(policies: Sequence[NetworkPolicy]) -> tuple[Policy, ...]:
    documents = (Document(policy.to_manifest()) for policy in policies)
    return snapshot(documents).snapshot.policies


def _refuse_contradictions(found: tuple[Finding, ...]) -> None:
    if found:
        first, more = found[0], len(found) - 1
        others = f" (and {more} more contradictions)" if more else ""
        raise InvalidValue(f"{first.message}{others}", help=first.help, place=first.place)


def _existing(
    declared: Snapshot, policies: Sequence[NetworkPolicy]
) -> tuple[tuple[Policy, ...], tuple[Policy, ...]]:
    """Return the policies that are there already: those to be replaced, and the others."""
    names = {(each.namespace, each.name) for each in policies}
    closed = {each.namespace for each in policies}
    here = [each for each in declared.policies if each.namespace in closed or _is_unknown(each)]
    replaced = tuple(each for each in here if (each.namespace, each.name) in names)
    return replaced, tuple(each for each in here if (each.namespace, each.name) not in names)


def _is_unknown(policy: Policy) -> bool:
    return isinstance(policy.namespace, Unknown)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Policies that close what goes between namespaces, and what closes with them.

    Policies of their names that are there are replaced.
    Of the tier that applications' NetworkPolicies override where the engine enforces it, else
    NetworkPolicies, which close pods to everything outside of the cluster as well. `before` and
    `found` are the analyses without and with them.
    """

    policies: tuple[NetworkPolicy, ...]
    cluster_policies: tuple[ClusterNetworkPolicy, ...]
    findings: tuple[Finding, ...]
    before: Reachability
    found: Reachability
    closed: int

    @property
    def is_certain(self) -> bool:
        """Whether nothing between the namespaces depends on what is not known."""
        return not any(each.id == "perhaps-open-between-namespaces" for each in self.findings)


def baseline(declared: Snapshot, engine: Engine | str | None = None) -> Baseline:
    """Return policies that let pods of a namespace be reached from that namespace alone.

    Names stay resolved: namespaces of the system are left as they are, and egress is. What else
    closes, and what stays open between namespaces because a policy that is there allows it, are
    findings, by the analysis of both.

    Raises:
        InvalidValue: there is no such engine.
    """
    everything = reachability(declared, engine)
    subjects = SelectableWorkloads(everything.workloads)
    found_engine = everything.engine
    versions = running_versions(declared, found_engine)
    treatment = found_engine.treatment(CLUSTER_KIND, versions)
    tiered = found_engine.enforces and treatment is Treatment.ENFORCED
    across = tuple(_baseline_tier(declared, subjects.closed)) if tiered else ()
    policies = () if tiered else tuple(map(_baseline_policy, subjects.closed))
    others = _without_baseline(declared, policies, across)
    before = reachability(others, engine)
    found = reachability(_with_baseline(others, policies, across), engine)
    closed, findings = _what_closes(before, found, frozenset(subjects.closed))
    why = () if tiered or not policies else (_no_tier(found_engine, treatment),)
    alone = tuple(subjects.findings())
    return Baseline(policies, across, (*alone, *why, *findings), before, found, closed)


def _baseline_tier(declared: Snapshot, namespaces: Sequence[str]) -> Iterator[ClusterNetworkPolicy]:
    """Yield a policy for each namespace, after all that is there: the last priorities, unused."""
    names = {f"baseline-{each}" for each in namespaces}
    taken = {each.priority for each in declared.tier_policies if each.name not in names}
    free = (each for each in range(LAST_PRIORITY, -1, -1) if each not in taken)
    for name, priority in zip(namespaces, free, strict=False):
        own = named_namespace(name)
        yield ClusterNetworkPolicy(
            name=f"baseline-{name}",
            tier=PolicyTier.BASELINE,
            priority=priority,
            subject=own,
            ingress=[
                accept_from(own, ports=ALL_PORTS, name="from-its-own-namespace"),
                deny_from(ALL_NAMESPACES, ports=ALL_PORTS, name="from-other-namespaces"),
            ],
        )


def _baseline_policy(namespace: str) -> NetworkPolicy:
    own = [allow_from(ALL_PODS, ports=ALL_PORTS)]
    return NetworkPolicy(name="baseline", namespace=namespace, pod_selector=ALL_PODS, ingress=own)


def _without_baseline(
    declared: Snapshot,
    policies: Sequence[NetworkPolicy],
    across: Sequence[ClusterNetworkPolicy],
) -> Snapshot:
    """Return what is declared without what a baseline of those names replaces."""
    names = {(each.namespace, each.name) for each in policies}
    spanning = {each.name for each in across}
    kept = (each for each in declared.policies if (each.namespace, each.name) not in names)
    around = (each for each in declared.tier_policies
              if each.kind != CLUSTER_KIND or each.name not in spanning)  # fmt: skip
    return replace(declared, policies=tuple(kept), tier_policies=tuple(around))


def _with_baseline(
    others: Snapshot, policies: Sequence[NetworkPolicy], across: Sequence[ClusterNetworkPolicy]
) -> Snapshot:
    written = [each.to_manifest() for each in policies] + [each.to_manifest() for each in across]
    read = snapshot(map(Document, written)).snapshot
    return replace(
        others,
        policies=(*others.policies, *read.policies),
        tier_policies=(*others.tier_policies, *read.tier_policies),
    )


def _no_tier(engine: Engine, treatment: Treatment) -> Finding:
    known = "does not enforce" if treatment is Treatment.IGNORED else "is not known to enforce"
    return Finding(
        "no-baseline-tier",
        Severity.INFO,
        f"{engine.title} {known} {CLUSTER_KIND}: these are NetworkPolicies, which also close pods "
        "to what is outside of the cluster, and which others can only open further",
        help="write a policy for each pod that has clients outside",
        link=engine.enforces_kind(CLUSTER_KIND).link,
    )


_Flows = list[tuple[Connection, PortSet]]


def _what_closes(
    before: Reachability, found: Reachability, closed: frozenset[str]
) -> tuple[int, tuple[Finding, ...]]:
    """Return how many connections between namespaces close, and the findings on all else."""
    count = 0
    still: _Flows = []
    others: _Flows = []
    perhaps: defaultdict[str, _Flows] = defaultdict(list)
    for was in before.connections():
        now = found.connection(was.source_id, was.destination_id)
        lost = (was.allowed | was.undetermined_ports) - now.allowed - now.undetermined_ports
        if _is_between_namespaces(was, closed):
            count += bool(lost)
        elif lost and was.source_id != was.destination_id:
            others.append((was, lost))
    for connection in found.connections():
        if _is_between_namespaces(connection, closed):
            if connection.allowed:
                still.append((connection, connection.allowed))
            for part in connection.undetermined:
                perhaps[part.because].append((connection, part.ports))
    return count, (
        *_findings_between(still, perhaps),
        *(
            Finding("closes-more", Severity.WARNING, f"{flow}, which is not between namespaces"
                    .replace(" on ", " closes on ", 1))
            for flow in _flows(others)
        ),
    )  # fmt: skip


def _findings_between(still: _Flows, perhaps: dict[str, _Flows]) -> Iterator[Finding]:
    for flow in _flows(still):
        message = f"{flow}, between namespaces".replace(" on ", " stays open on ", 1)
        help_ = "see why with `podwall explain`: a policy that is there allows it"
        yield Finding("open-between-namespaces", Severity.WARNING, message, help=help_)
    for because, connections in perhaps.items():
        flows = _some(_flows(connections), "other connections")
        message = f"{flows} may stay open, between namespaces: {because}"
        yield Finding("perhaps-open-between-namespaces", Severity.WARNING, message)


def _is_between_namespaces(connection: Connection, closed: frozenset[str]) -> bool:
    source, destination = connection.source, connection.destination
    if not isinstance(source, WorkloadEndpoint) or not isinstance(destination, WorkloadEndpoint):
        return False
    there = destination.workload.namespace
    return there in closed and source.workload.namespace != there
