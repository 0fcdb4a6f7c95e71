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
from itertools import product
from typing import Final

from podwall.engines import Engine
from podwall.expectations import ANYTHING, Expectation, Kind, Outcome, Result, check
from podwall.expectations.selecting import SelectedEndpoints, selected
from podwall.explain import ports_at
from podwall.model import Policy, Snapshot, Unknown
from podwall.policies import Finding, InvalidValue, NetworkPolicy, Severity
from podwall.portset import NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, reachability
from podwall.reachability.matching import Match, host_match
from podwall.reachability.values import (
    AnyEndpoint,
    Connection,
    Endpoint,
    ExternalRange,
    WorkloadEndpoint,
)
from podwall.reading import Document, snapshot
from podwall.suggest.drafting import DNS, PolicyDraft, resolves_names
from podwall.suggest.rules import ports_unsaid
from podwall.suggest.selectors import UNDETERMINED, SelectableWorkloads

__all__ = [
    "Excess",
    "ResolvedExpectation",
    "Suggestion",
    "beyond_intent",
    "contradictions",
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


class ResolvedExpectation:
    """An expectation, with the endpoints and ports that it means."""

    def __init__(self, expectation: Expectation, found: Reachability) -> None:
        """Look up the endpoints."""
        self.expectation = expectation
        self.sources = selected(expectation.sources, found.endpoints)
        self.destinations = selected(expectation.destinations, found.endpoints)
        self._everything = selected((ANYTHING,), found.endpoints).all

    @property
    def opens(self) -> bool:
        """Whether it asks for something to be open."""
        return self.expectation.kind is not Kind.DENIED

    @property
    def closed_to(self) -> frozenset[str]:
        """The sources for which it asks that everything be closed."""
        match self.expectation.kind:
            case Kind.DENIED:
                return self.sources.certain
            case Kind.ONLY:
                return self._everything - self.sources.all
            case Kind.ALLOWED:
                return frozenset()

    def ports(self, destination: AnyEndpoint) -> PortSet:
        """Return the ports that it means at a destination."""
        if self.expectation.ports:
            return ports_at(self.expectation.ports, destination)
        if not isinstance(destination, WorkloadEndpoint):
            return NO_PORTS
        declared = destination.workload.ports
        return PortSet.union(PortSet.of(each.protocol, each.number) for each in declared)


def contradictions(
    resolved: Iterable[ResolvedExpectation], found: Reachability
) -> Iterator[Finding]:
    """Yield a finding for two expectations of which one denies what the other asks for."""
    listed = list(resolved)
    ends = {each.id: each for each in found.endpoints}
    for closing, opening in product(listed, listed):
        if closing is opening or not opening.opens:
            continue
        flow = _clash(closing, opening, ends)
        if flow is not None:
            yield Finding(
                "contradiction",
                Severity.ERROR,
                f"`{closing.expectation.name}` and `{opening.expectation.name}` contradict each "
                f"other: {flow}",
                closing.expectation.place,
                "exempt one from the other, or remove one of the two",
            )


def _clash(
    closing: ResolvedExpectation, opening: ResolvedExpectation, ends: dict[str, Endpoint]
) -> str | None:
    sources = sorted(closing.closed_to & opening.sources.certain)
    targets = sorted(_both(closing.destinations, opening.destinations))
    for source, target in product(sources, targets):
        outside = isinstance(ends[source], ExternalRange) and isinstance(
            ends[target], ExternalRange
        )
        if source == target or outside:
            continue
        closed = closing.ports(ends[target]) if closing.expectation.ports else None
        wanted = opening.ports(ends[target])
        shared = wanted if closed is None else wanted & closed
        if shared:
            return f"{source} -> {target} on {shared}"
    return None


def _both(one: SelectedEndpoints, other: SelectedEndpoints) -> frozenset[str]:
    return one.certain & other.certain


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
    resolved = [ResolvedExpectation(each, found) for each in expectations]
    _refuse_contradictions(tuple(contradictions(resolved, found)))
    results = check(found, expectations)
    findings = (
        *subjects.findings(),
        *ports_unsaid(expectations, bare.workloads),
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
