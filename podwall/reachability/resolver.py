"""Whom selectors and peers mean in an analysed cluster, for readers that show rules one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from podwall.model import PodPeer, Rule
from podwall.reachability.members import members
from podwall.reachability.terms import Terms

if TYPE_CHECKING:
    from podwall.model import Peer, Policy, Selector, Unknown
    from podwall.reachability.analysis import Analysis
    from podwall.reachability.grouping import IntArray

__all__ = ["Resolved", "Resolver"]


class Resolved(NamedTuple):
    """Classes of pods and parts of addresses: those that are meant for certain, and at most."""

    must: IntArray
    may: IntArray


class Resolver:
    """Resolves what the policies of an analysis mention; other labels are not told apart."""

    def __init__(self, analysis: Analysis) -> None:
        """Keep what the analysis has indexed."""
        self._analysis = analysis
        self.everyone = np.arange(len(analysis.classes) + len(analysis.addresses))

    def within(self, namespace: str | Unknown, pods: Selector) -> Resolved:
        """Return the pods of one namespace that a selector selects."""
        terms = Terms()
        return self._resolved(terms, terms.of_pods(namespace, pods))

    def across(self, namespaces: Selector, pods: Selector) -> Resolved:
        """Return the pods that a selector selects in all namespaces that another selects."""
        return self._peers("", (PodPeer(pods, namespaces),))

    def peer(self, policy: Policy, *peer: Peer) -> Resolved:
        """Return whom a peer of a policy's rule means; ip blocks of one rule go together."""
        return self._peers(policy.namespace, peer)

    def _peers(self, namespace: str | Unknown, peers: tuple[Peer, ...]) -> Resolved:
        terms = Terms()
        (term,) = terms.of_rule(namespace, Rule(peers))
        return self._resolved(terms, term)

    def _resolved(self, terms: Terms, term: int) -> Resolved:
        analysis = self._analysis
        found = members(analysis.cluster, terms, analysis.lookup, analysis.addresses)
        must, perhaps = found.of(term)
        return Resolved(must, np.union1d(must, perhaps))
