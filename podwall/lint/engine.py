"""What the engine does not do as it is written: rules, labels, port names, the limits of azure.

To them such labels are missing, on every pod: what asks for one selects nothing, and what excludes
one excludes nothing.

It skips a name with several numbers, and opens a single one on every peer of the rule: whether
that peer calls a port so or not. Both are asked of what the analysis itself reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from podwall.aks.limits import LEARN, written_day
from podwall.aks.network_engine import NetworkEngine, first_kubernetes
from podwall.engines import AZURE, BlockMatch, Treatment
from podwall.lint.context import Diagnostic, Lint, LintContext, PeerAt, PortAt, quoted_name
from podwall.model import (
    IpPeer,
    IpProtocol,
    Operator,
    PodPeer,
    Policy,
    Rule,
    Selector,
    Service,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.errors import Place, Severity
from podwall.policies.rules import Direction
from podwall.reachability.cluster import rules_of
from podwall.reachability.matching import Match
from podwall.reachability.port_rules import NamedPorts, ranges_work, seen_names
from podwall.reachability.values import Bounds

__all__ = [
    "AZURE_LINTS",
    "ENFORCEMENT_LINTS",
    "OVERLOOKED_LABEL_LINTS",
    "PORT_NAME_LINTS",
]

SERVICES_DOC: Final = f"{LEARN}/migrate-from-npm-to-cilium-network-policy"
IPV6: Final = 6


def _no_engine(context: LintContext) -> Iterator[Diagnostic]:
    if not context.engine.enforces and context.snapshot.policies:
        count = len(context.snapshot.policies)
        idle = "1 policy is idle" if count == 1 else f"{count} policies are idle"
        called = f"cluster `{name}`" if (name := context.snapshot.cluster) else "the cluster"
        yield Diagnostic(Place(), f"{called} has no network policy engine, so {idle}")


def _skipped_policies(context: LintContext) -> Iterator[Diagnostic]:
    if context.engine.enforces and context.engine.ipv6_blocks.value is Treatment.IGNORED:
        for found in context.peers:
            if isinstance(found.peer, IpPeer) and found.peer.network.version == IPV6:
                yield Diagnostic(
                    found.place,
                    f"{context.engine.title}: none of policy {quoted_name(found.at.policy)} is "
                    f"enforced, because of the IPv6 block `{found.peer.network}`",
                )


def _single_ports(context: LintContext) -> Iterator[Diagnostic]:
    if ranges_work(context.engine, context.versions) is Match.YES:
        return
    fact = context.engine.end_port
    first = first_kubernetes(context.engine.name, fact.since or "")
    for found in context.ports:
        if found.port.end_port is not None:
            yield Diagnostic(
                found.place,
                f"{context.engine.title} before Kubernetes {first} applies only port "
                f"`{found.port.port}` of the range",
            )


def _sctp(context: LintContext) -> Iterator[Diagnostic]:
    if context.engine.sctp_rules.value is Treatment.UNDEFINED:
        for found in context.ports:
            if found.port.protocol is IpProtocol.SCTP:
                yield Diagnostic(
                    found.place, f"{context.engine.title}: {context.engine.sctp_rules.says}"
                )


def _blocks_exclude_pods(context: LintContext) -> Iterator[Diagnostic]:
    if context.engine.pods_by_block.value is not BlockMatch.NEVER or not context.engine.enforces:
        return
    for found in context.peers:
        if _reaches_pods(context, found):
            yield Diagnostic(
                found.place, f"{context.engine.title}: {context.engine.pods_by_block.says}"
            )


def _reaches_pods(context: LintContext, found: PeerAt) -> bool:
    """Return whether a block covers everything, or addresses that pods get."""
    if not isinstance(found.peer, IpPeer):
        return False
    network = found.peer.network
    if network.prefixlen == 0:
        return True
    return any(
        network.version == cidr.version and network.overlaps(cidr)
        for cidr in context.snapshot.pod_cidrs
    )


def _node_ports(context: LintContext) -> Iterator[Diagnostic]:
    treatment = context.engine.cluster_services.value
    for service in context.snapshot.services:
        if treatment is Treatment.OPEN and context.engine.enforces and _is_exposed(service):
            selected = context.pods.selected(service.namespace, service.selector or Selector())
            isolated = _isolated(context) & selected.may
            if isolated:
                whom = "its source ranges" if service.narrows_clients else "everyone"
                yield Diagnostic(
                    service.place,
                    f"service `{service.name}` opens {context.pods.names(isolated)} to {whom}, "
                    "whatever the policies say",
                )


def _is_exposed(service: Service) -> bool:
    opens = service.type in {"NodePort", "LoadBalancer"}
    rewrites = service.external_traffic_policy == "Cluster"
    return opens and rewrites and service.selector not in {None, Selector()}


def _isolated(context: LintContext) -> frozenset[int]:
    acting = context.reachability.cluster.policies
    policies = (each for each in acting if each.ingress is not None)
    return frozenset().union(*(context.pods.of_policy(each).may for each in policies))


def _host_network(context: LintContext) -> Iterator[Diagnostic]:
    for number, workload in enumerate(context.snapshot.workloads):
        if workload.host_network is True and not isinstance(workload.namespace, Unknown):
            yield Diagnostic(
                workload.place.at("spec.hostNetwork"),
                f"no policy applies to `{context.pods.name(number)}`, which is on the host network",
            )


ENFORCEMENT_LINTS: Final = (
    Lint(
        "engine-missing",
        Severity.ERROR,
        _no_engine,
        "choose an engine when you create the cluster: cilium, calico or azure",
        "https://learn.microsoft.com/azure/aks/use-network-policies",
    ),
    Lint(
        "engine-skips-policy",
        Severity.ERROR,
        _skipped_policies,
        "put IPv6 blocks into another engine's cluster, or leave them out",
        "https://github.com/Azure/azure-container-networking/blob/master/npm/pkg/"
        "controlplane/translation/translatePolicy.go",
    ),
    Lint(
        "engine-applies-one-port",
        Severity.WARNING,
        _single_ports,
        "list the ports one by one, or run a newer Kubernetes",
        SERVICES_DOC,
    ),
    Lint(
        "engine-without-sctp",
        Severity.WARNING,
        _sctp,
        "switch SCTP on in the engine, or do without",
        "https://docs.cilium.io/en/stable/configuration/sctp/",
    ),
    Lint(
        "engine-blocks-exclude-pods",
        Severity.INFO,
        _blocks_exclude_pods,
        "add a peer with `namespaceSelector: {}` where pods are meant, too",
        SERVICES_DOC,
    ),
    Lint(
        "service-bypasses-policies",
        Severity.ERROR,
        _node_ports,
        "set `externalTrafficPolicy: Local` on the service, or use another engine",
        SERVICES_DOC,
    ),
    Lint(
        "host-network",
        Severity.INFO,
        _host_network,
        "to others it is its node: only an `ipBlock` can name it",
        "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
        "#networkpolicy-and-hostnetwork-pods",
    ),
)


AZURE_DOC: Final = f"{LEARN}/use-network-policies"
LIMITS: Final = NetworkEngine.AZURE.limits
MOST_BLOCKS: Final = 4


def _too_many_pods(context: LintContext) -> Iterator[Diagnostic]:
    counts = (workload.replicas for workload in context.snapshot.workloads)
    pods = sum(1 if isinstance(count, Unknown) else count for count in counts)
    if context.engine == AZURE and LIMITS.pods is not None and pods > LIMITS.pods:
        yield Diagnostic(
            Place(), f"{pods} pods are more than the azure engine can hold ({LIMITS.pods})"
        )


def _many_blocks(context: LintContext) -> Iterator[Diagnostic]:
    for policy in context.snapshot.policies if context.engine == AZURE else ():
        blocks = _count_of_blocks(policy)
        if blocks > MOST_BLOCKS:
            yield Diagnostic(
                policy.place.at("spec"), f"policy {quoted_name(policy)} has {blocks} ip blocks"
            )


def _count_of_blocks(policy: Policy) -> int:
    rules = [rule for direction in Direction for rule in rules_of(policy, direction) or ()]
    peers = (rule.peers for rule in rules if isinstance(rule, Rule))
    return sum(
        isinstance(peer, IpPeer) for each in peers if isinstance(each, tuple) for peer in each
    )


def _engine_ends(context: LintContext) -> Iterator[Diagnostic]:
    ends = NetworkEngine.AZURE.support_ends
    if context.engine == AZURE and context.snapshot.engine == AZURE.name and ends is not None:
        yield Diagnostic(Place(), f"the azure engine is supported until {written_day(ends)}")


AZURE_LINTS: Final = (
    Lint(
        "azure-too-many-pods",
        Severity.ERROR,
        _too_many_pods,
        f"beyond {LIMITS.nodes} nodes or {LIMITS.pods} pods it runs out of memory: use cilium",
        AZURE_DOC,
    ),
    Lint(
        "azure-many-ip-blocks",
        Severity.WARNING,
        _many_blocks,
        f"with more than {MOST_BLOCKS} its edits and reloads can race: split the policy",
        AZURE_DOC,
    ),
    Lint(
        "azure-engine-ends",
        Severity.INFO,
        _engine_ends,
        "plan the move to cilium: `podwall migrate --from azure --to cilium`",
        AZURE_DOC,
    ),
)


def _overlooked(context: LintContext) -> Iterator[Diagnostic]:
    """Yield the selectors of policies, which leave pods open, before those of peers."""
    for policy in context.policies:
        for key, does in _selected_in_vain(policy.pod_selector):
            yield Diagnostic(
                policy.place.at("spec.podSelector"),
                f"{context.engine.title} overlooks the label `{key}` of pods, so policy "
                f"{quoted_name(policy)} {does}",
            )
    for found in context.peers:
        if isinstance(found.peer, PodPeer):
            whose = {"pods": found.peer.pods, "namespaces": found.peer.namespaces or Selector()}
            for of, selector in whose.items():
                for key, does in _selected_in_vain(selector):
                    yield Diagnostic(
                        found.place,
                        f"{context.engine.title} overlooks the label `{key}` of {of}, so the peer "
                        f"{does}",
                    )


def _selected_in_vain(selector: Selector) -> Iterator[tuple[str, str]]:
    """Yield the labels that are overlooked, and what the selector does therefore."""
    for each in selector.requirements:
        if each.overlooked:
            excludes = each.operator in {Operator.NOT_IN, Operator.DOES_NOT_EXIST}
            yield each.key, "excludes nothing by it" if excludes else "selects nothing"


OVERLOOKED_LABEL_LINTS: Final = (
    Lint(
        "engine-overlooks-label",
        Severity.ERROR,
        _overlooked,
        "select by a label of your own, such as `app`; the agent's option `labels` lists what it "
        "sees",
        "https://docs.cilium.io/en/stable/operations/performance/scalability/"
        "identity-relevant-labels/",
    ),
)


DOC: Final = "https://github.com/cilium/cilium/issues/30003"


class ReplacedName(NamedTuple):
    """A port name in an egress rule, and what the engine reads instead of it."""

    found: PortAt
    name: str
    protocol: IpProtocol
    instead: Bounds


def _skipped(context: LintContext) -> Iterator[Diagnostic]:
    for each in _replaced(context):
        if not each.instead.may:
            yield Diagnostic(
                each.found.place,
                f"{_reader(context)} skips the port: its name `{each.name}` stands for several "
                f"numbers in the cluster: {_numbers(context, each)}",
            )


def _opened(context: LintContext) -> Iterator[Diagnostic]:
    for each in _replaced(context):
        others = _others(context, each)
        if each.instead.must and others:
            yield Diagnostic(
                each.found.place,
                f"{_reader(context)} opens {each.instead.must} instead of the name "
                f"`{each.name}`, also to {others}",
            )


def _replaced(context: LintContext) -> Iterator[ReplacedName]:
    if not context.engine.enforces:
        return
    reader = context.reachability.cluster.ports
    for found in context.ports:
        name, protocol = found.port.port, found.port.protocol
        if found.at.direction is not Direction.EGRESS or not isinstance(name, str):
            continue
        if isinstance(protocol, IpProtocol):
            instead = reader.instead_of(name, protocol)
            if instead is not None:
                yield ReplacedName(found, name, protocol, instead)


def _reader(context: LintContext) -> str:
    """Return who reads a name so, with the last version where another one may run."""
    last = context.engine.egress_port_names.until
    doubted = context.reachability.cluster.ports.doubts_names
    return f"{context.engine.title} up to {last}" if doubted else context.engine.title


def _numbers(context: LintContext, each: ReplacedName) -> str:
    """Return the numbers of a name, each with a pod that has it."""
    having: defaultdict[int, list[int]] = defaultdict(list)
    for number, workload in enumerate(context.snapshot.workloads):
        if workload.host_network is not True:
            for port in _seen(context, workload).ports:
                if (port.name, port.protocol) == (each.name, each.protocol):
                    having[port.number].append(number)
    return ", ".join(
        f"{number} in {context.pods.names(having[number], most=1)}" for number in sorted(having)
    )


def _seen(context: LintContext, workload: SnapshotWorkload) -> NamedPorts:
    return seen_names(context.engine, NamedPorts(workload.ports, workload.open_ports))


def _others(context: LintContext, each: ReplacedName) -> str:
    """Return who else gets the port than those who call one so, in words; mostly nobody."""
    peers = each.found.at.rule.peers
    if isinstance(peers, Unknown):
        return ""
    outside = peers is None or any(isinstance(peer, IpPeer) for peer in peers)
    pods = context.pods.names(_without_name(context, each))
    words = ["addresses outside of the cluster"] if outside else []
    return " and ".join([*words, *([pods] if pods else [])])


def _without_name(context: LintContext, each: ReplacedName) -> Iterator[int]:
    """Yield the pods that a rule certainly means, and that do not call the port so."""
    for number in sorted(_meant(context, each.found)):
        workload = context.snapshot.workloads[number]
        named = _seen(context, workload).resolve(each.name, each.protocol).may
        if workload.host_network is False and not named & each.instead.must:
            yield number


def _meant(context: LintContext, found: PortAt) -> frozenset[int]:
    peers = found.at.rule.peers
    if not isinstance(peers, tuple):
        return frozenset(range(len(context.snapshot.workloads)))
    pods = (peer for peer in peers if isinstance(peer, PodPeer))
    return frozenset().union(*(context.pods.of_peer(found.at.policy, each).must for each in pods))


PORT_NAME_LINTS: Final = (
    Lint(
        "engine-skips-rule",
        Severity.ERROR,
        _skipped,
        "write port numbers in egress rules",
        DOC,
    ),
    Lint(
        "engine-opens-number",
        Severity.WARNING,
        _opened,
        "write the port's number, or name only peers that have the port name",
        DOC,
    ),
)
