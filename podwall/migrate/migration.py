"""A migration as a value: what changes, the edits, and what no NetworkPolicy can keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from podwall.diff import ConnectionChange, Diff, diff
from podwall.engines import AZURE, CALICO, CILIUM, SPEC, BlockMatch, Engine, Treatment
from podwall.migrate.edits import Backends, Edit, block_match, edits
from podwall.model import IpProtocol, Policy, Rule, Snapshot
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, reachability
from podwall.reachability.cluster import EnforcedCluster, Rules, rules_of
from podwall.reachability.matching import Match
from podwall.reachability.policy_reader import overlooked_keys
from podwall.reachability.port_rules import NamedPorts

__all__ = [
    "EngineDifference",
    "Migration",
    "limits",
    "migrate",
    "under_other_engines",
]

_HOST: Final = (
    "a CiliumNetworkPolicy with `toEntities: [host, remote-node]` (or `fromEntities`) can say it"
)
_DNS_PORTS: Final = PortSet.of(IpProtocol.UDP, 53) | PortSet.of(IpProtocol.TCP, 53)
_LOCAL_DNS: Final = "https://learn.microsoft.com/en-us/azure/aks/localdns-custom"


def limits(source: EnforcedCluster, target: EnforcedCluster) -> Iterator[Finding]:
    """Yield what the edits can't keep, each with the place of its policy or service."""
    yield from _blocks(source, target)
    yield from _nodes(source, target)
    yield from _services(source, target)
    yield from _unenforced(source, target)
    yield from _overlooked(source, target)


def _blocks(source: EnforcedCluster, target: EnforcedCluster) -> Iterator[Finding]:
    """Yield the rules whose blocks mean some of the pods only."""
    if source.engine.pods_by_block.value is target.engine.pods_by_block.value:
        return
    for policy, rule, place in _rules(source):
        if block_match(source, rule) is Match.MAYBE:
            yield Finding(
                "block-may-mean-pods",
                Severity.WARNING,
                f"an ip block of `{policy.name}` may cover the addresses of some pods only",
                place,
                "name those pods with selectors; addresses of pods are not known beforehand",
                target.engine.pods_by_block.link,
            )


def _nodes(source: EnforcedCluster, target: EnforcedCluster) -> Iterator[Finding]:
    """Yield what changes for traffic with nodes."""
    by_block = (source.engine.nodes_by_block, target.engine.nodes_by_block)
    if by_block[0].value is BlockMatch.BY_ADDRESS and by_block[1].value is BlockMatch.NEVER:
        for policy, rule, place in _rules(source):
            if block_match(source, rule) is not Match.NO:
                message = f"an ip block of `{policy.name}` covered nodes, and no longer does"
                yield _host("block-means-no-node", message, place, by_block[1].link)
    own = (source.engine.own_node_egress, target.engine.own_node_egress)
    if own[0].value is Treatment.OPEN and own[1].value is Treatment.ENFORCED:
        for policy in source.policies:
            rules = rules_of(policy, Direction.EGRESS)
            if rules is not None:
                yield from _own_node_closed(policy, _to_everyone(target, rules), own[1].link)


def _to_everyone(target: EnforcedCluster, rules: Rules) -> PortSet:
    """Return the ports of rules without peers, which reach the own node as well."""
    found = (
        target.ports.bounds(rule.ports, NamedPorts(), Direction.EGRESS).must
        for rule in rules
        if isinstance(rule, Rule) and rule.peers is None
    )
    return PortSet.union(found)


def _own_node_closed(policy: Policy, opened: PortSet, link: str) -> Iterator[Finding]:
    """Yield what a policy closes on the own node, of which some ports stay open."""
    place = policy.place.at("spec.egress")
    if opened != ALL_PORTS:
        message = f"`{policy.name}` will cut its pods off from their own node"
        yield _host("own-node-closed", message, place, link)
    if _DNS_PORTS - opened:
        yield Finding(
            "local-dns-closed",
            Severity.INFO,
            f"where LocalDNS is on, `{policy.name}` will cut its pods off from it",
            place,
            "a CiliumNetworkPolicy with `toEntities: [host]` on port 53 can say it",
            _LOCAL_DNS,
        )


def _host(name: str, message: str, place: Place, link: str) -> Finding:
    return Finding(name, Severity.WARNING, message, place, _HOST, link)


def _services(source: EnforcedCluster, target: EnforcedCluster) -> Iterator[Finding]:
    for service in Backends(source, target).mixed():
        yield Finding(
            "service-backends-differ",
            Severity.WARNING,
            f"only some backends of service `{service.name}` are isolated, so that one policy for "
            "all of them would isolate the others",
            service.place,
            "give the isolated ones a label of their own, and allow their ports",
            target.engine.cluster_services.link,
        )


def _unenforced(source: EnforcedCluster, target: EnforcedCluster) -> Iterator[Finding]:
    """Yield the policies that the source ignores and the target enforces, or the reverse."""
    known = [{id(each.as_written(p)) for p in each.policies} for each in (source, target)]
    for policy in source.snapshot.policies:
        enforced = [id(policy) in each for each in known]
        if enforced[0] != enforced[1]:
            begins = "begins" if enforced[1] else "ceases"
            yield Finding(
                "enforcement-changes",
                Severity.WARNING,
                f"`{policy.name}` {begins} to be enforced",
                policy.place,
                "look at what it says before the change",
                (source if enforced[1] else target).engine.ipv6_blocks.link,
            )


def _overlooked(source: EnforcedCluster, target: EnforcedCluster) -> Iterator[Finding]:
    """Yield the selectors that find labels under one of the engines only."""
    read = [
        {id(each.as_written(p)): overlooked_keys(p) for p in each.policies}
        for each in (source, target)
    ]
    blind = target if any(read[1].values()) else source
    for policy in source.snapshot.policies:
        before, after = (each.get(id(policy), frozenset()) for each in read)
        for key in sorted(before ^ after):
            begins = "will not find" if key in after else "will find"
            yield Finding(
                "label-overlooked",
                Severity.WARNING,
                f"the selectors of `{policy.name}` {begins} the label `{key}`",
                policy.place,
                "select by a label of your own, such as `app`",
                blind.engine.pod_labels.link,
            )


def _rules(cluster: EnforcedCluster) -> Iterator[tuple[Policy, Rule, Place]]:
    for policy in cluster.policies:
        for direction in Direction:
            for number, rule in enumerate(rules_of(policy, direction) or ()):
                if isinstance(rule, Rule):
                    yield policy, rule, policy.place.at(f"spec.{direction.field}[{number}]")


@dataclass(frozen=True, slots=True)
class Migration:
    """What another engine does to a cluster.

    `difference` is what changes as things are, `remaining` what still changes once all `edits` are
    applied, and `limits` what no NetworkPolicy can express or can't be known before.
    """

    difference: Diff
    edits: tuple[Edit, ...]
    edited: Snapshot
    remaining: Diff
    limits: tuple[Finding, ...]

    @property
    def weighed(self) -> tuple[Finding | Severity, ...]:
        """What counts for an exit code: the limits, and an error where a connection changes.

        The edits are a proposal, not a fact, so what they would keep still counts.
        """
        changed = any(not _is_doubtful(each) for each in self.difference.port_changes())
        return (*([Severity.ERROR] if changed else []), *self.limits)

    @property
    def is_certain(self) -> bool:
        """Whether it is known of every connection if it changes."""
        return not any(_is_doubtful(each) for each in self.difference.port_changes())


def _is_doubtful(change: ConnectionChange) -> bool:
    return bool(change.after.undetermined) and not change.closed


def migrate(snapshot: Snapshot, source: Engine | str, target: Engine | str) -> Migration:
    """Return what changes when `target` enforces the policies instead of `source`.

    Raises:
        InvalidValue: there is no engine of that name.
    """
    before, after = reachability(snapshot, source), reachability(snapshot, target)
    found = tuple(edits(before.cluster, after.cluster))
    edited = _applied(snapshot, found)
    difference = diff(before, after)
    return Migration(
        difference=difference,
        edits=found,
        edited=edited,
        remaining=diff(before, reachability(edited, target)) if found else difference,
        limits=tuple(limits(before.cluster, after.cluster)),
    )


def _applied(snapshot: Snapshot, found: tuple[Edit, ...]) -> Snapshot:
    """Return the snapshot with its edited policies in their places, and new ones at the end."""
    instead = {id(edit.old): edit.new for edit in found if edit.old is not None}
    kept = (instead.get(id(policy), policy) for policy in snapshot.policies)
    added = (edit.new for edit in found if edit.old is None)
    return replace(snapshot, policies=(*kept, *added))


@dataclass(frozen=True, slots=True)
class EngineDifference:
    """What would be different of connections if another engine enforced the policies.

    `first` is one of the `count` connections, the same each time.
    """

    engine: Engine
    count: int
    first: ConnectionChange | None = None


_COMPARED: Final = (AZURE, CALICO, CILIUM)
_MOST_COMPARED: Final = 300
"""Of more workloads, three further analyses for a sentence would take too long."""


def under_other_engines(found: Reachability) -> tuple[EngineDifference, ...]:
    """Return what would differ under each engine of AKS, where none was named.

    Nothing is returned for a cluster whose engine is known, or that is large.

    >>> from podwall.model import LabelMap, SnapshotWorkload
    >>> pods = (SnapshotWorkload("shop", "web", "Pod", LabelMap()),)
    >>> [each.count for each in under_other_engines(reachability(Snapshot(workloads=pods)))]
    [0, 0, 0]
    """
    if found.engine.name != SPEC.name or len(found.workloads) > _MOST_COMPARED:
        return ()
    return tuple(_difference(found, engine) for engine in _COMPARED)


def _difference(found: Reachability, engine: Engine) -> EngineDifference:
    changes = list(diff(found, reachability(found.snapshot, engine)).port_changes())
    return EngineDifference(engine, len(changes), changes[0] if changes else None)
