"""The whole analysis: from a snapshot to the join of what may be sent and what may be received."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from podwall.model import PodPeer, PortRule, Rule, Selector
from podwall.reachability.acts import acts
from podwall.reachability.bounds import Bounds
from podwall.reachability.boxes import Boxes
from podwall.reachability.cluster import Cluster, rules_of
from podwall.reachability.destinations import destinations
from podwall.reachability.exemptions import exemptions
from podwall.reachability.join import Join
from podwall.reachability.label_index import Mentions
from podwall.reachability.matching import Match
from podwall.reachability.peers import PeerSets
from podwall.reachability.pod_classes import pod_classes
from podwall.reachability.pod_sets import PodSets
from podwall.reachability.port_atoms import PortAtoms
from podwall.reachability.port_rules import Direction
from podwall.reachability.profiles import ProfileBuilder
from podwall.reachability.registry import Registry
from podwall.reachability.roles import roles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from podwall.engines import Engine
    from podwall.model import Policy, Snapshot
    from podwall.reachability.atoms import Atoms
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.pod_classes import PodClasses
    from podwall.reachability.profiles import Profiles

__all__ = ["Analysis", "analysis"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known about a cluster's connections, in classes, atoms and roles."""

    cluster: Cluster
    classes: PodClasses
    addresses: Atoms
    ports: PortAtoms
    join: Join


def analysis(snapshot: Snapshot, engine: Engine) -> Analysis:
    """Return the analysis of a snapshot under an engine."""
    cluster = Cluster(snapshot, engine)
    context = _Context(cluster)
    outgoing = context.side(Direction.EGRESS)
    incoming = context.side(Direction.INGRESS)
    bounds = context.bounds.values
    ports = PortAtoms(bounds)
    universe = context.peers.universe
    join = Join(
        sources=roles(outgoing.profiles, incoming.sets, universe),
        destinations=roles(incoming.profiles, outgoing.sets, universe),
        egress=outgoing.profiles,
        ingress=incoming.profiles,
        words=ports.words(bounds),
    )
    return Analysis(cluster, context.classes, context.peers.atoms, ports, join)


class _Side(NamedTuple):
    """One direction's profiles, and the sets that its rules speak of."""

    profiles: Profiles
    sets: list[IntArray]


class _Context:
    """What both directions share."""

    def __init__(self, cluster: Cluster) -> None:
        rules = list(_rules(cluster.policies))
        mentions = Mentions(_selectors(cluster, rules))
        self.cluster = cluster
        self.classes = pod_classes(cluster.workloads, mentions, _port_names(cluster, rules))
        self.pod_sets = PodSets(self.classes, cluster.namespaces)
        self.peers = PeerSets(cluster, self.classes, self.pod_sets)
        self.ends = destinations(cluster, self.classes, self.pod_sets, self.peers.universe)
        self.bounds = Registry[Bounds]()

    def side(self, direction: Direction) -> _Side:
        """Return one direction's profiles and sets."""
        cluster, ends = self.cluster, self.ends
        boxes = Boxes(direction, self.peers, cluster.ports, ends, self.bounds)
        acting = acts(cluster, self.pod_sets, self.peers, boxes)
        on_host = np.flatnonzero(self.classes.host != Match.NO)
        exempt = exemptions(direction, cluster.engine, on_host, ends)
        own = ends.naming if direction is Direction.INGRESS else np.zeros_like(ends.naming)
        profiles = ProfileBuilder(acting, boxes, self.bounds, own, exempt).profiles()
        return _Side(profiles, boxes.sets)


def _rules(policies: Sequence[Policy]) -> Iterator[Rule]:
    """Yield all known rules of both directions."""
    for policy in policies:
        for direction in Direction:
            rules = rules_of(policy, direction) or ()
            yield from (rule for rule in rules if isinstance(rule, Rule))


def _selectors(cluster: Cluster, rules: Sequence[Rule]) -> Iterator[Selector]:
    """Yield every selector that is applied to pods."""
    yield from (policy.pod_selector for policy in cluster.policies)
    yield from (each.selector for each in cluster.services if each.selector is not None)
    peers = (rule.peers for rule in rules if isinstance(rule.peers, tuple))
    yield from (peer.pods for each in peers for peer in each if isinstance(peer, PodPeer))


def _port_names(cluster: Cluster, rules: Sequence[Rule]) -> set[str]:
    """Return the port names that rules and services mention."""
    lists = (rule.ports for rule in rules if isinstance(rule.ports, tuple))
    entries = (entry for each in lists for entry in each if isinstance(entry, PortRule))
    targets = (port.target for service in cluster.services for port in service.ports)
    ports = chain((entry.port for entry in entries), targets)
    return {port for port in ports if isinstance(port, str)}
