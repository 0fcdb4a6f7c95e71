"""The edits that keep who can reach whom under another engine, and how edited policies are written.

How it works: for each fact on which the two engines differ, a rule is rewritten so that it means
under the target what it means under the source: pods are added beside ip blocks, port names become
numbers, ranges are written out, and backends that node ports had opened get rules of their own. The
result is proved by a third analysis (see `migration`), not trusted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from podwall.engines import Treatment
from podwall.model import (
    IpPeer,
    IpProtocol,
    Operator,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Service,
    SnapshotWorkload,
    Unknown,
    WorkloadPort,
)
from podwall.policies.manifest import (
    API_VERSION,
    KIND,
    block_manifest,
    port_manifest,
    requirement_manifest,
)
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.python_code import imports, policy_code, source_of
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import EnforcedCluster, MatchAnswers, rules_of
from podwall.reachability.matching import (
    Match,
    block_ranges,
    blocks_match,
    host_match,
    running_versions,
)
from podwall.reachability.policy_reader import excludes_only, with_unlisted
from podwall.reachability.port_rules import NamedPorts

__all__ = [
    "Backends",
    "Edit",
    "RuleEditor",
    "block_match",
    "edits",
    "manifest_code",
    "policy_manifest",
    "python_code",
    "python_script",
]


T = TypeVar("T")


def policy_manifest(policy: Policy) -> dict[str, Any]:
    """Return the manifest of a policy; parts that are not known yet are left out.

    >>> from podwall.model import Policy, Selector
    >>> policy_manifest(Policy("shop", "deny", Selector(), ingress=()))["spec"]
    {'podSelector': {}, 'policyTypes': ['Ingress'], 'ingress': []}
    """
    spec: dict[str, Any] = {"podSelector": _selector(policy.pod_selector), "policyTypes": []}
    for direction, rules in zip(Direction, (policy.ingress, policy.egress), strict=True):
        if isinstance(rules, tuple):
            spec["policyTypes"].append(str(direction))
            written = (_rule(each, direction) for each in rules if isinstance(each, Rule))
            spec[direction.field] = [each for each in written if each is not None]
    metadata = {"name": policy.name}
    if isinstance(policy.namespace, str):
        metadata["namespace"] = policy.namespace
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "spec": spec,
    }


def _selector(selector: Selector) -> dict[str, Any]:
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for each in dict.fromkeys(selector.requirements):
        if each.operator is Operator.IN and len(each.values) == 1 and each.key not in labels:
            labels[each.key] = each.values[0]
        else:
            expressions.append(requirement_manifest(each.key, each.operator, each.values))
    found: dict[str, Any] = {"matchLabels": labels} if labels else {}
    return {**found, "matchExpressions": expressions} if expressions else found


def _rule(rule: Rule, direction: Direction) -> dict[str, Any] | None:
    """Return the document of what is known of a rule; None where a list would allow everything."""
    lists: dict[str, list[dict[str, Any]]] = {}
    if rule.peers is not None:
        lists[direction.peers_field] = [
            _peer(each) for each in _known(rule.peers) if _is_known_peer(each)
        ]
    if rule.ports is not None:
        entries = [each for each in _known(rule.ports) if isinstance(each, PortRule)]
        lists["ports"] = [_port(each) for each in entries if each.is_known]
    return lists if all(lists.values()) else None


def _known(parts: tuple[T, ...] | Unknown) -> tuple[T, ...]:
    return () if isinstance(parts, Unknown) else parts


def _is_known_peer(peer: Peer) -> bool:
    if isinstance(peer, PodPeer):
        return peer.pods.is_known and (peer.namespaces is None or peer.namespaces.is_known)
    return isinstance(peer, IpPeer)


def _peer(peer: Peer) -> dict[str, Any]:
    if isinstance(peer, IpPeer):
        return block_manifest(peer.network, peer.exceptions)
    assert isinstance(peer, PodPeer)
    if peer.namespaces is None:
        return {"podSelector": _selector(peer.pods)}
    found = {"namespaceSelector": _selector(peer.namespaces)}
    return {**found, "podSelector": _selector(peer.pods)} if peer.pods.requirements else found


def _port(entry: PortRule) -> dict[str, Any]:
    return port_manifest(entry.protocol, entry.port, entry.end_port)


def python_code(policy: Policy) -> str:
    """Return the expression that makes a policy; parts that are not known yet are left out.

    >>> from podwall.model import Policy, Selector
    >>> print(python_code(Policy("shop", "deny", Selector(), ingress=())))
    NetworkPolicy(
        name="deny",
        namespace="shop",
        pod_selector=ALL_PODS,
        ingress=DENY_ALL,
    )
    """
    return manifest_code(policy_manifest(policy))


def manifest_code(manifest: Mapping[str, Any]) -> str:
    """Return the expression that makes the policy of a manifest."""
    return source_of(policy_code(manifest))


def python_script(manifests: Sequence[Mapping[str, Any]]) -> str:
    """Return the expressions that make policies, below the import of what they mention."""
    made = [policy_code(each) for each in manifests]
    return "\n\n".join([imports(made), *map(source_of, made)]) + "\n" if made else ""


def _in_namespace(name: str) -> Selector:
    """Return the selector of one namespace by its name."""
    return Selector((SelectorRequirement(METADATA_NAME, Operator.IN, (name,)),))


class Backends:
    """What keeps the backends of services open under an engine that closes them."""

    why: Final = (
        "pods whose egress is restricted reached these backends through a node port; "
        "leave the rule out if that was not meant"
    )

    def __init__(self, source: EnforcedCluster, target: EnforcedCluster) -> None:
        """Find the services that the source opens for certain, and the target does not."""
        opened = source.engine.cluster_services.value is Treatment.OPEN
        closed = target.engine.cluster_services.value is not Treatment.OPEN
        self._cluster = source
        self._answers = MatchAnswers(source)
        services = source.services if opened and closed else ()
        self._services = [each for each in services if _is_known(each)]

    def egress(self, direction: Direction) -> tuple[Rule, ...]:
        """Return the rules that let pods reach the backends; none for ingress."""
        if direction is Direction.INGRESS:
            return ()
        return tuple(
            Rule((PodPeer(each.selector, _in_namespace(str(each.namespace))),), _target_ports(each))
            for each in self._services
            if each.selector is not None
        )

    def policies(self) -> Iterator[tuple[Policy, str]]:
        """Yield a policy for each service whose backends are isolated, and why."""
        for service in self._services:
            pods = [each for each in self._cluster.workloads if self._is_backend(service, each)]
            if pods and all(self._is_isolated(each) for each in pods):
                assert service.selector is not None
                rule = Rule(None, _target_ports(service))
                name = f"allow-service-{service.name}"
                yield (
                    Policy(service.namespace, name, service.selector, ingress=(rule,)),
                    f"service `{service.name}` opened its backends to everyone past the policies",
                )

    def mixed(self) -> Iterator[Service]:
        """Yield the services of whose backends only some are isolated: no policy keeps those."""
        for service in self._services:
            pods = [each for each in self._cluster.workloads if self._is_backend(service, each)]
            if len({self._is_isolated(each) for each in pods}) > 1:
                yield service

    def _is_backend(self, service: Service, workload: SnapshotWorkload) -> bool:
        assert service.selector is not None
        found = self._answers.pods(service.namespace, service.selector, workload)
        return found.match is Match.YES

    def _is_isolated(self, workload: SnapshotWorkload) -> bool:
        return any(
            rules_of(each, Direction.INGRESS) is not None
            and self._answers.pods(each.namespace, each.pod_selector, workload).match is Match.YES
            for each in self._cluster.policies
        )


def _is_known(service: Service) -> bool:
    parts = (service.namespace, service.type, service.external_traffic_policy)
    targets = (value for port in service.ports for value in (port.target, port.protocol))
    unknown = (isinstance(each, Unknown) for each in (*parts, *targets))
    plain = bool(service.ports) and service.is_behind_nodes and not service.narrows_clients
    return plain and not any(unknown)


def _target_ports(service: Service) -> tuple[PortRule, ...]:
    return tuple(dict.fromkeys(PortRule(each.protocol, each.target) for each in service.ports))


RewrittenRules = tuple[tuple[Rule, ...], tuple[str, ...]]
"""The rules to write instead, and why."""

_EVERY_POD: Final = PodPeer(Selector(), Selector())
_MOST_NUMBERS: Final = 64
"""A range of more ports than that is not written out."""


def block_match(cluster: EnforcedCluster, rule: Rule) -> Match:
    """Return whether the ip blocks of a rule mean pods under the cluster's engine."""
    peers = rule.peers if isinstance(rule.peers, tuple) else ()
    blocks = tuple(peer for peer in peers if isinstance(peer, IpPeer))
    if not blocks:
        return Match.NO
    return blocks_match(cluster.engine.pods_by_block, block_ranges(blocks), cluster.pods_at)


class RuleEditor:
    """Rewrites rules for a target engine."""

    def __init__(self, source: EnforcedCluster, target: EnforcedCluster) -> None:
        """Take the cluster as both engines read it."""
        self._source = source
        self._target = target
        self._answers = MatchAnswers(source)

    def edited(self, policy: Policy, direction: Direction, rule: Rule) -> RewrittenRules:
        """Return the rules that mean under the target what the rule means under the source."""
        rule, reasons = self._with_pods(rule)
        rule, named = self._with_names(rule)
        reasons = (*reasons, *named)
        rules, more = self._with_numbers(policy, direction, rule)
        ranges = [self._without_ranges(each) for each in rules]
        spelt = "ranges of ports are written out, because this version applies only the first port"
        changed = any(one is not other for one, other in zip(rules, ranges, strict=True))
        return tuple(ranges), (*reasons, *more, *((spelt,) if changed else ()))

    def _with_pods(self, rule: Rule) -> tuple[Rule, tuple[str, ...]]:
        """Let pods in again that an ip block let in."""
        was, is_ = block_match(self._source, rule), block_match(self._target, rule)
        if not isinstance(rule.peers, tuple) or was is not Match.YES or is_ is Match.YES:
            return rule, ()
        if _EVERY_POD in rule.peers:
            return rule, ()
        why = "an ip block included the pods, and no longer does: every namespace is a peer too"
        return replace(rule, peers=(*rule.peers, _EVERY_POD)), (why,)

    def _with_names(self, rule: Rule) -> tuple[Rule, tuple[str, ...]]:
        """Say of namespaces that are only excluded that they are some, which all of them are."""
        sides = (self._source, self._target)
        was, is_ = (
            each.engine.namespace_labels.value.may_widen(
                running_versions(each.snapshot, each.engine)
            )
            for each in sides
        )
        if was or not is_ or not isinstance(rule.peers, tuple):
            return rule, ()
        peers = tuple(_with_a_name(each) if excludes_only(each) else each for each in rule.peers)
        if peers == rule.peers:
            return rule, ()
        why = (
            "a peer that only excludes namespaces may mean nodes and addresses outside, up to "
            "Cilium 1.18: that there is a name is the same, and certain"
        )
        return replace(rule, peers=peers), (why,)

    def _with_numbers(self, policy: Policy, direction: Direction, rule: Rule) -> RewrittenRules:
        """Write numbers instead of port names that the target would skip."""
        if direction is Direction.INGRESS or not isinstance(rule.ports, tuple):
            return (rule,), ()
        names = tuple(each for each in rule.ports if self._is_misread(policy, rule, each))
        if not names:
            return (rule,), ()
        kept = tuple(each for each in rule.ports if each not in names)
        rules = [replace(rule, ports=kept)] if kept else []
        rules += self._numbered(policy, rule, names)
        return tuple(rules), ("a port name no longer means each pod's own: numbers for each pod",)

    def _is_misread(self, policy: Policy, rule: Rule, entry: PortRule | Unknown) -> bool:
        if isinstance(entry, Unknown) or not isinstance(entry.port, str):
            return False
        if isinstance(entry.protocol, Unknown):
            return False
        sample = NamedPorts((WorkloadPort(1, entry.protocol, entry.port),))
        readers = (self._source.ports, self._target.ports)
        was, is_ = (each.bounds((entry,), sample, Direction.EGRESS).may for each in readers)
        if was and not is_:
            return True
        none = (each.bounds((entry,), NamedPorts(), Direction.EGRESS).may for each in readers)
        return len(set(none)) > 1 and self._means_others(policy, rule, entry)

    def _means_others(self, policy: Policy, rule: Rule, entry: PortRule) -> bool:
        """Return whether a rule means anyone who does not declare the name that it asks for."""
        if not isinstance(rule.peers, tuple) or any(isinstance(p, IpPeer) for p in rule.peers):
            return True
        return any(
            self._is_peer(policy, rule, each) and not list(_named_numbers(each, (entry,)))
            for each in self._source.workloads
        )

    def _numbered(
        self, policy: Policy, rule: Rule, names: tuple[PortRule | Unknown, ...]
    ) -> Iterator[Rule]:
        """Yield a rule for each set of numbers, to the pods that have these."""
        groups: defaultdict[tuple[PortRule, ...], dict[PodPeer, None]] = defaultdict(dict)
        for workload in self._source.workloads:
            numbers = tuple(_named_numbers(workload, names))
            if numbers and self._is_peer(policy, rule, workload):
                groups[numbers][_exactly(workload)] = None
        for numbers, peers in groups.items():
            yield Rule(tuple(peers), numbers)

    def _is_peer(self, policy: Policy, rule: Rule, workload: SnapshotWorkload) -> bool:
        if rule.peers is None:
            return True
        if isinstance(rule.peers, Unknown) or isinstance(workload.namespace, Unknown):
            return False
        pods = (peer for peer in rule.peers if isinstance(peer, PodPeer))
        return any(
            self._answers.peer(policy.namespace, peer, workload).match is Match.YES for peer in pods
        )

    def _without_ranges(self, rule: Rule) -> Rule:
        if not isinstance(rule.ports, tuple):
            return rule
        ports = tuple(part for entry in rule.ports for part in self._spelt_out(entry))
        return rule if ports == rule.ports else replace(rule, ports=ports)

    def _spelt_out(self, entry: PortRule | Unknown) -> Iterator[PortRule | Unknown]:
        readers = (self._source.ports, self._target.ports)
        was, is_ = (each.bounds((entry,), NamedPorts(), Direction.INGRESS) for each in readers)
        if isinstance(entry, Unknown) or entry.end_port is None or was.must == is_.must:
            yield entry
        elif isinstance(entry.port, int) and isinstance(entry.end_port, int):
            numbers = range(entry.port, entry.end_port + 1)
            whole = len(numbers) > _MOST_NUMBERS
            yield from (
                [entry] if whole else (PortRule(entry.protocol, number) for number in numbers)
            )
        else:
            yield entry


def _with_a_name(peer: Peer) -> Peer:
    """Return a peer of namespaces that have a name, which all of them have."""
    assert isinstance(peer, PodPeer)
    assert peer.namespaces is not None
    named = SelectorRequirement(METADATA_NAME, Operator.EXISTS)
    asked = (*peer.namespaces.requirements, named)
    return replace(peer, namespaces=replace(peer.namespaces, requirements=asked))


def _named_numbers(
    workload: SnapshotWorkload, names: tuple[PortRule | Unknown, ...]
) -> Iterator[PortRule]:
    """Yield the ports that names mean on a workload; on the network of the node they mean none."""
    if host_match(workload) is not Match.NO:
        return
    wanted = {(each.port, each.protocol) for each in names if isinstance(each, PortRule)}
    for port in sorted(
        {
            (each.protocol, each.number)
            for each in workload.ports
            if (each.name, each.protocol) in wanted
        }
    ):
        yield PortRule(IpProtocol(port[0]), port[1])


def _exactly(workload: SnapshotWorkload) -> PodPeer:
    """Return the peer that means pods with all the labels of a workload, in its namespace."""
    known = ((key, value) for key, value in workload.labels.items if isinstance(value, str))
    requirements = tuple(SelectorRequirement(key, Operator.IN, (value,)) for key, value in known)
    return PodPeer(Selector(requirements), _in_namespace(str(workload.namespace)))


@dataclass(frozen=True, slots=True)
class Edit:
    """A policy as it is (None: it is new) and as it should be, and why, in sentences."""

    old: Policy | None
    new: Policy
    reasons: tuple[str, ...]

    @property
    def name(self) -> str:
        """The policy as `namespace/name`."""
        return self.new.full_name


def edits(source: EnforcedCluster, target: EnforcedCluster) -> Iterator[Edit]:
    """Yield the edits for a cluster as two engines read it: policies in order, then new ones."""
    editor = RuleEditor(source, target)
    backends = Backends(source, target)
    for policy in source.policies:
        written = source.as_written(policy)
        edit = _edit_of(editor, backends, written, _listed(source, target, policy))
        if edit is not None:
            yield edit
    for new, why in backends.policies():
        yield Edit(None, new, (why,))


def _listed(source: EnforcedCluster, target: EnforcedCluster, policy: Policy) -> Policy:
    """Return an acting policy with nothing that the two engines read differently by direction."""
    if source.engine.unlisted_rules.value is target.engine.unlisted_rules.value:
        return source.as_written(policy)
    written = source.as_written(policy)
    if source.engine.unlisted_rules.value is Treatment.ENFORCED:
        return with_unlisted(written)
    return replace(written, unlisted_ingress=None, unlisted_egress=None)


_UNLISTED: Final = "rules that `policyTypes` does not list act under one of the engines only"


def _edit_of(
    editor: RuleEditor, backends: Backends, written: Policy, policy: Policy
) -> Edit | None:
    """Return the edit of a policy as it is written, which acts like `policy` under the source."""
    unlisted = written.unlisted_ingress, written.unlisted_egress
    reasons = {} if policy is written or unlisted == (None, None) else {_UNLISTED: None}
    sides = {}
    for direction in Direction:
        rules = rules_of(policy, direction)
        if rules is None or Unknown in map(type, (policy.ingress, policy.egress)):
            continue
        edited: list[Rule | Unknown] = []
        for rule in (*rules, *backends.egress(direction)):
            if isinstance(rule, Rule):
                parts, why = editor.edited(policy, direction, rule)
                edited.extend(parts)
                reasons.update(dict.fromkeys(why))
            else:
                edited.append(rule)
        if backends.egress(direction):
            reasons[backends.why] = None
        sides[direction] = tuple(edited)
    new = replace(
        policy,
        ingress=sides.get(Direction.INGRESS, policy.ingress),
        egress=sides.get(Direction.EGRESS, policy.egress),
    )
    return None if new == written else Edit(written, new, tuple(reasons))
