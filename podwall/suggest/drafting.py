"""From what is stated to policies: a default deny, a policy each workload, and name servers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from podwall.expectations import Addresses, Expectation, Kind, Selection, WorkloadId
from podwall.expectations.selecting import KnownEnds, matches
from podwall.explain import ports_at
from podwall.model import IpProtocol, LabelMap, SnapshotWorkload
from podwall.policies import (
    DNS_PORTS,
    KUBE_DNS,
    LOCAL_DNS,
    Direction,
    EgressRule,
    Finding,
    IngressRule,
    InvalidValue,
    NetworkPolicy,
    Peer,
    Severity,
    default_deny,
)
from podwall.portset import PortSet
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.matching import Match
from podwall.reachability.values import AnyEndpoint, Endpoint, ExternalRange, WorkloadEndpoint
from podwall.suggest.rules import Allowance, Opening, PeerWriter, merged, openings
from podwall.suggest.selectors import SelectableWorkloads

__all__ = [
    "DNS",
    "PolicyDraft",
    "name_servers",
    "resolves_names",
]

DNS: Final = PortSet.of(IpProtocol.UDP, 53) | PortSet.of(IpProtocol.TCP, 53)
_LABELS: Final = dict(KUBE_DNS.pods.selector.match_labels)
_KUBE_DNS: Final = WorkloadEndpoint(
    "kube-system/coredns",
    SnapshotWorkload(KUBE_DNS.namespaces.name, "coredns", "Deployment", LabelMap.of(_LABELS)),
)
_LOCAL_DNS: Final = ExternalRange(LOCAL_DNS.cidr)
_SERVERS: Final = ((KUBE_DNS, _KUBE_DNS), (LOCAL_DNS, _LOCAL_DNS))


def name_servers(
    client: WorkloadEndpoint, expectations: Iterable[Expectation]
) -> tuple[tuple[Peer, ...], tuple[Finding, ...]]:
    """Return whom a client may ask for names, and a finding on each server that is denied."""
    servers: list[Peer] = []
    findings: list[Finding] = []
    considered = [each for each in expectations if each.kind is not Kind.ALLOWED]
    for peer, server in _SERVERS:
        denying = next((each for each in considered if _denies(each, client, server)), None)
        if denying is None:
            servers.append(peer)
        else:
            findings.append(_withheld(client, server, denying))
    return tuple(servers), tuple(findings)


def resolves_names(destination: AnyEndpoint) -> bool:
    """Return whether an endpoint is a name server that clients are let ask."""
    if isinstance(destination, ExternalRange):
        network, local = destination.network, _LOCAL_DNS.network
        inside = range(int(local.network_address), int(local.broadcast_address) + 1)
        return network.version == local.version and int(network.network_address) in inside
    if not isinstance(destination, WorkloadEndpoint):
        return False
    workload = destination.workload
    is_kube_dns = _LABELS.items() <= set(workload.labels.items)
    return workload.namespace == KUBE_DNS.namespaces.name and is_kube_dns


def _denies(expectation: Expectation, client: WorkloadEndpoint, server: Endpoint) -> bool:
    """Return whether an expectation denies its sources, or all but its sources, to ask a server."""
    from_client = any(matches(each, client) is not Match.NO for each in expectation.sources)
    to_server = any(matches(each, server) is not Match.NO for each in expectation.destinations)
    if not to_server or not _asks(expectation, server):
        return False
    return from_client is (expectation.kind is Kind.DENIED)


def _asks(expectation: Expectation, server: Endpoint) -> bool:
    """Return whether the ports of an expectation include those of DNS."""
    return not expectation.ports or bool(ports_at(expectation.ports, server) & DNS)


def _withheld(client: WorkloadEndpoint, server: Endpoint, denying: Expectation) -> Finding:
    return Finding(
        "dns-denied",
        Severity.WARNING,
        f"`{client.id}` may not resolve names at `{server.id}`, because `{denying.name}` denies it",
        denying.place,
        "state what else is meant, such as the ports, if names are to be resolved",
    )


class PolicyDraft:
    """Policies for the subjects of a cluster, as expectations state what is to be open."""

    def __init__(
        self,
        cluster: EnforcedCluster,
        subjects: SelectableWorkloads,
        expectations: Sequence[Expectation],
    ) -> None:
        """Collect what each workload may receive and send; the rest is a finding."""
        self._subjects = subjects
        self._expectations = expectations
        self._peers = PeerWriter(cluster, subjects.all, subjects.chosen)
        self._closed = dict(subjects.in_closed())
        self._within: defaultdict[str, list[str]] = defaultdict(list)
        for id_, there in self._closed.items():
            self._within[there].append(id_)
        self._ends = KnownEnds(subjects.all[each] for each in self._closed)
        self._allowed: defaultdict[tuple[str, Direction], list[Allowance]] = defaultdict(list)
        self._findings: dict[Finding, None] = {}
        everyone = KnownEnds(subjects.all.values())
        for expectation in expectations:
            for opening in openings(expectation, everyone):
                try:
                    self._open(opening)
                except InvalidValue as problem:  # such as labels that no pod can have
                    problem.place = expectation.place
                    raise

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What no policy can express, each once."""
        return tuple(self._findings)

    def policies(self) -> Iterator[NetworkPolicy]:
        """Yield the policies, by namespace."""
        for namespace in self._subjects.closed:
            yield default_deny(namespace)
            taken = {"default-deny"}
            selected = set()
            for id_ in self._within[namespace]:
                pods = self._subjects.chosen[id_].pods
                ingress, egress = (self._common(id_, each) for each in Direction)
                if pods not in selected and (ingress or egress):
                    selected.add(pods)
                    name = _name(self._subjects.all[id_].workload.name, taken)
                    yield NetworkPolicy(
                        name=name,
                        namespace=namespace,
                        pod_selector=pods,
                        ingress=[IngressRule(each.peers, each.ports) for each in ingress] or None,
                        egress=self._egress(id_, egress),
                    )

    def _open(self, opening: Opening) -> None:
        """Write an opening on both sides, if selectors can say both."""
        expectation = opening.expectation
        if not (
            self._is_apart(opening.source, expectation.sources, expectation)
            and self._is_apart(opening.destination, expectation.destinations, expectation)
        ):
            return
        for client in self._meant(opening.source):
            self._allow(client, Direction.EGRESS, opening.destination, opening)
        for server in self._meant(opening.destination):
            self._allow(server, Direction.INGRESS, opening.source, opening)

    def _allow(self, id_: str, direction: Direction, other: Selection, opening: Opening) -> None:
        peers = self._peers.of(other, self._closed[id_])
        ports = opening.ingress if direction is Direction.INGRESS else opening.egress
        if peers:
            self._allowed[id_, direction].append(Allowance(peers, ports))
        elif isinstance(other, Addresses):
            finding = Finding(
                "engine-without-ipv6",
                Severity.WARNING,
                f"`{other}` is left out: this engine ignores a whole policy with an IPv6 block",
                opening.expectation.place,
                "where there is IPv6, choose an engine that knows it",
            )
            self._findings[finding] = None

    def _meant(self, selection: Selection) -> list[str]:
        """Return the workloads with policies that an end certainly means."""
        ends = self._ends.meant_at_most((selection,))
        return [each.id for each in ends if matches(selection, each) is Match.YES]

    def _is_apart(
        self, selection: Selection, side: Iterable[Selection], expectation: Expectation
    ) -> bool:
        """Return whether no selector of a workload means another that is not on the same side."""
        if not isinstance(selection, WorkloadId) or selection.id not in self._subjects.chosen:
            return True
        listed = list(side)
        strangers = [
            each
            for each in sorted(self._subjects.chosen[selection.id].companions)
            if not any(matches(end, self._subjects.all[each]) is Match.YES for end in listed)
        ]
        if strangers:
            self._report_alike(
                selection.id, strangers[0], f"`{expectation.name}` means one of them"
            )
        return not strangers

    def _common(self, id_: str, direction: Direction) -> tuple[Allowance, ...]:
        """Return what holds for a workload and for all that no selector keeps apart from it."""
        own = merged(self._allowed[id_, direction])
        for other in sorted(self._subjects.chosen[id_].companions & self._closed.keys()):
            theirs = merged(self._allowed[other, direction])
            if set(theirs) != set(own):
                self._report_alike(id_, other, "what is stated about them differs")
                own = tuple(each for each in own if each in theirs)
        return own

    def _egress(self, id_: str, egress: tuple[Allowance, ...]) -> tuple[EgressRule, ...] | None:
        """Return the rules of a client, who has to resolve names, too."""
        if not egress:
            return None
        servers, denied = name_servers(self._subjects.all[id_], self._expectations)
        self._findings.update(dict.fromkeys(denied))
        rules = tuple(EgressRule(each.peers, each.ports) for each in egress)
        resolving = EgressRule(servers, DNS_PORTS) if servers else None
        return rules if resolving is None or resolving in rules else (*rules, resolving)

    def _report_alike(self, one: str, other: str, why: str) -> None:
        chosen = self._subjects.chosen[one]
        first, second = sorted((one, other))
        unsure = other in chosen.perhaps
        workload = self._subjects.all[first].workload
        self._findings[
            Finding(
                "labels-not-known" if unsure else "labels-alike",
                Severity.WARNING if unsure else Severity.ERROR,
                f"{'perhaps ' if unsure else ''}no selector tells `{first}` and `{second}` apart, "
                f"and {why}: nothing is opened that would open both",
                workload.place,
                f"label the pods of `{first}`, as in `app.kubernetes.io/name: {workload.name}`",
            )
        ] = None


def _name(workload: str, taken: set[str]) -> str:
    """Return the name of a workload as that of its policy, once in a namespace."""
    plain = re.sub(r"[^a-z0-9]+", "-", workload.lower()).strip("-") or "workload"
    name = next(
        each
        for each in (plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3)))
        if each not in taken
    )
    taken.add(name)
    return name
