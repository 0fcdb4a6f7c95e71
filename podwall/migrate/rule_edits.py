"""One rule as it has to be written for another engine to mean the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from podwall.migrate.backends import in_namespace
from podwall.model import (
    IpPeer,
    Operator,
    PodPeer,
    PortRule,
    Protocol,
    Requirement,
    Rule,
    Selector,
    Unknown,
    Workload,
    WorkloadPort,
)
from podwall.reachability.addresses import block_ranges, blocks_match
from podwall.reachability.answers import Answers
from podwall.reachability.matching import Match
from podwall.reachability.pod_classes import host_match
from podwall.reachability.port_rules import Direction, NamedPorts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.model import Policy
    from podwall.reachability.cluster import Cluster

__all__ = ["RuleEditor", "block_match"]

Edited = tuple[tuple[Rule, ...], tuple[str, ...]]
"""The rules to write instead, and why."""

_EVERY_POD: Final = PodPeer(Selector(), Selector())
_MOST_NUMBERS: Final = 64
"""A range of more ports than that is not written out."""


def block_match(cluster: Cluster, rule: Rule) -> Match:
    """Return whether the ip blocks of a rule mean pods under the cluster's engine."""
    peers = rule.peers if isinstance(rule.peers, tuple) else ()
    blocks = tuple(peer for peer in peers if isinstance(peer, IpPeer))
    if not blocks:
        return Match.NO
    return blocks_match(cluster.engine.pods_by_block, block_ranges(blocks), cluster.pods_at)


class RuleEditor:
    """Rewrites rules for a target engine."""

    def __init__(self, source: Cluster, target: Cluster) -> None:
        """Take the cluster as both engines read it."""
        self._source = source
        self._target = target
        self._answers = Answers(source)

    def edited(self, policy: Policy, direction: Direction, rule: Rule) -> Edited:
        """Return the rules that mean under the target what the rule means under the source."""
        rule, reasons = self._with_pods(rule)
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

    def _with_numbers(self, policy: Policy, direction: Direction, rule: Rule) -> Edited:
        """Write numbers instead of port names that the target would skip."""
        if direction is Direction.INGRESS or not isinstance(rule.ports, tuple):
            return (rule,), ()
        names = tuple(each for each in rule.ports if self._is_skipped(each))
        if not names:
            return (rule,), ()
        kept = tuple(each for each in rule.ports if each not in names)
        rules = [replace(rule, ports=kept)] if kept else []
        rules += self._numbered(policy, rule, names)
        return tuple(rules), ("a port name stands for different numbers: numbers for each pod",)

    def _is_skipped(self, entry: PortRule | Unknown) -> bool:
        if isinstance(entry, Unknown) or not isinstance(entry.port, str):
            return False
        if isinstance(entry.protocol, Unknown):
            return False
        sample = NamedPorts((WorkloadPort(1, entry.protocol, entry.port),))
        readers = (self._source.ports, self._target.ports)
        was, is_ = (each.bounds((entry,), sample, Direction.EGRESS).may for each in readers)
        return bool(was) and not is_

    def _numbered(
        self, policy: Policy, rule: Rule, names: tuple[PortRule | Unknown, ...]
    ) -> Iterator[Rule]:
        """Yield a rule for each set of numbers, to the pods that have these."""
        groups: defaultdict[tuple[PortRule, ...], dict[PodPeer, None]] = defaultdict(dict)
        for workload in self._source.workloads:
            numbers = tuple(_numbers(workload, names))
            if numbers and self._is_peer(policy, rule, workload):
                groups[numbers][_exactly(workload)] = None
        for numbers, peers in groups.items():
            yield Rule(tuple(peers), numbers)

    def _is_peer(self, policy: Policy, rule: Rule, workload: Workload) -> bool:
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


def _numbers(workload: Workload, names: tuple[PortRule | Unknown, ...]) -> Iterator[PortRule]:
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
        yield PortRule(Protocol(port[0]), port[1])


def _exactly(workload: Workload) -> PodPeer:
    """Return the peer that means pods with all the labels of a workload, in its namespace."""
    known = ((key, value) for key, value in workload.labels.items if isinstance(value, str))
    requirements = tuple(Requirement(key, Operator.IN, (value,)) for key, value in known)
    return PodPeer(Selector(requirements), in_namespace(str(workload.namespace)))
