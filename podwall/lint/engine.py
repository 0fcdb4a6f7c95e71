"""What the network policy engine does not enforce as it is written, and the limits of azure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.aks.network_engine import NetworkEngine
from podwall.aks.refusal import LEARN
from podwall.aks.versions import written_day
from podwall.engines import AZURE, BlockMatch, Treatment
from podwall.lint.context import Diagnostic, Lint, LintContext, PeerAt, quoted_name
from podwall.model import IpPeer, IpProtocol, Policy, Rule, Selector, Service, Unknown
from podwall.policies.errors import Place, Severity
from podwall.policies.rules import Direction
from podwall.reachability.cluster import rules_of
from podwall.reachability.matching import Match
from podwall.reachability.port_rules import ranges_work

__all__ = ["AZURE_LINTS", "ENFORCEMENT_LINTS"]


SERVICES_DOC: Final = f"{LEARN}/migrate-from-npm-to-cilium-network-policy"
IPV6: Final = 6


def _no_engine(context: LintContext) -> Iterator[Diagnostic]:
    if not context.engine.enforces and context.snapshot.policies:
        count = len(context.snapshot.policies)
        yield Diagnostic(
            Place(), f"the cluster has no network policy engine, so {count} policies are idle"
        )


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
    if ranges_work(context.engine, context.snapshot.kubernetes_version) is Match.YES:
        return
    first = context.engine.end_port.value
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
    policies = (each for each in context.policies if each.ingress is not None)
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
