"""The whole analysis: from a snapshot to the join of what may be sent and what may be received."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

import numpy as np

from podwall.engines import Engine
from podwall.model import PortRule, Service, Snapshot
from podwall.policies.rules import Direction
from podwall.reachability.addresses import PodLocations, address_atoms, block_ranges
from podwall.reachability.arrays import Atoms, Csr, Registry, Sets
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.destinations import Destinations, destinations, exemptions
from podwall.reachability.join import Join, roles
from podwall.reachability.matching import Match
from podwall.reachability.peers import PodLookup, Universe, peer_members
from podwall.reachability.pod_classes import MentionedLabels, PodClasses, pod_classes
from podwall.reachability.policy_rules import PeerSets, PolicyGroups, policy_groups
from podwall.reachability.port_table import PortTable
from podwall.reachability.profiles import Grants, Profiles, profiles
from podwall.reachability.values import Bounds

__all__ = ["Analysis", "analysis"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known about a cluster's connections, in classes, atoms and roles."""

    cluster: EnforcedCluster
    classes: PodClasses
    lookup: PodLookup
    addresses: Atoms
    ends: Destinations
    ports: PortTable
    join: Join


def analysis(snapshot: Snapshot, engine: Engine) -> Analysis:
    """Return the analysis of a snapshot under an engine."""
    cluster = EnforcedCluster(snapshot, engine)
    context = _Context(cluster)
    outgoing = context.side(Direction.EGRESS)
    incoming = context.side(Direction.INGRESS)
    table = PortTable(context.bounds.values)
    egress, ingress = (each.profiles.with_ports(table.numbers) for each in (outgoing, incoming))
    universe = context.universe
    join = Join.of(
        sources=roles(outgoing.profiles, incoming.sets, universe),
        destinations=roles(incoming.profiles, outgoing.sets, universe),
        egress=egress,
        ingress=ingress,
        table=table,
    )
    return Analysis(
        cluster=cluster,
        classes=context.classes,
        lookup=context.lookup,
        addresses=context.addresses,
        ends=context.ends,
        ports=table,
        join=join,
    )


class _DirectionRules(NamedTuple):
    """One direction's profiles, and the sets that they speak of."""

    profiles: Profiles
    sets: Sets


class _Context:
    """What both directions share: classes of pods, parts of addresses, and the terms' members."""

    def __init__(self, cluster: EnforcedCluster) -> None:
        terms = PeerSets()
        self.cluster = cluster
        self.stated = {each: policy_groups(cluster, each, terms) for each in Direction}
        services = [_with_peer_set(service, terms) for service in cluster.services]
        mentions = MentionedLabels(terms.pod_selectors.values)
        names = _port_names(self.stated.values(), cluster.services)
        blocks = {block for each in terms.blocks for block in each} | cluster.idle_blocks()
        self.addresses = address_atoms([block_ranges((block,)) for block in blocks])
        places = PodLocations(self.addresses)
        self.classes = pod_classes(cluster.workloads, mentions, names, places)
        self.universe = Universe(len(self.classes), len(self.addresses))
        self.lookup = PodLookup(self.classes, cluster.namespaces)
        self.members = peer_members(cluster, terms, self.lookup, self.addresses)
        self.ends = destinations(cluster, self.classes, self.members, services, self.universe.size)
        self.bounds = Registry[Bounds]()

    def side(self, direction: Direction) -> _DirectionRules:
        """Return one direction's profiles and their sets."""
        cluster, ends, stated = self.cluster, self.ends, self.stated[direction]
        boxes = Grants(stated, self.members, ends, cluster.ports, self.bounds)
        on_host = np.flatnonzero(self.classes.host != Match.NO)
        found = profiles(
            isolating=self._isolating(stated),
            naming=ends.naming if direction is Direction.INGRESS else np.zeros_like(ends.naming),
            exemptions=exemptions(direction, cluster.engine, on_host, ends),
            boxes=boxes,
            bounds=self.bounds,
        )
        used, compact = np.unique(found.sets.items, return_inverse=True)
        return _DirectionRules(
            replace(found, sets=Csr(found.sets.starts, compact)), boxes.sets(used)
        )

    def _isolating(self, stated: PolicyGroups) -> Csr:
        """Return for each element `2 * act` for the acts that isolate it, plus one if perhaps."""
        targets = np.array(stated.targets, dtype=np.int64)
        doubtful = np.isin(np.arange(len(targets)), list(stated.doubtful))
        certain, isolated = self.members.must.gather(targets)
        perhaps, place = self.members.perhaps.gather(targets)
        elements = (isolated, self.members.perhaps.items[place])
        codes = np.concatenate([2 * certain + doubtful[certain], 2 * perhaps + 1])
        order = np.argsort(codes, kind="stable")
        return Csr.of_pairs(np.concatenate(elements)[order], codes[order], self.universe.size)


def _with_peer_set(service: Service, terms: PeerSets) -> tuple[int, Service]:
    assert service.selector is not None
    return terms.of_pods(service.namespace, service.selector), service


def _port_names(stated: Iterable[PolicyGroups], services: Iterable[Service]) -> set[str]:
    """Return the port names that rules and services mention."""
    lists = (ports for each in stated for ports in each.ports.values if isinstance(ports, tuple))
    entries = (entry for each in lists for entry in each if isinstance(entry, PortRule))
    targets = (port.target for service in services for port in service.ports)
    ports = chain((entry.port for entry in entries), targets)
    return {port for port in ports if isinstance(port, str)}
