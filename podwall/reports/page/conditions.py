"""The single conditions of a peer, each with the endpoints that fulfil it.

From these the page finds the nearest miss of a rule: the fewest conditions that fail.
"""

from __future__ import annotations

from collections.abc import Iterator

from podwall.explain.wording import carrying
from podwall.model import Operator, PodPeer, Policy, Requirement, Selector, Unknown
from podwall.reachability.namespaces import NAME_LABEL
from podwall.reachability.resolver import Resolver
from podwall.reports.page.document import PageTest
from podwall.reports.page.registries import EndpointSets
from podwall.reports.words import printable

__all__ = ["Conditions"]


class Conditions:
    """Resolves conditions, each once."""

    def __init__(self, pods: Resolver, sets: EndpointSets) -> None:
        """Take the pods, and the sets in which the page keeps them."""
        self._pods = pods
        self._sets = sets
        self._known: dict[tuple[str, Requirement], int] = {}

    def of(self, policy: Policy, peer: PodPeer) -> Iterator[PageTest]:
        """Yield the conditions of a peer, those on the namespace first."""
        if peer.namespaces is None:
            yield self._own_namespace(policy)
        else:
            for each in peer.namespaces.requirements:
                yield self._namespace(each)
        for each in peer.pods.requirements:
            words = printable(f"the pod {carrying(each)}")
            yield PageTest(words, "pod", printable(each.key), self._holders("pod", each))

    @staticmethod
    def address(blocks: str, fulfilling: int) -> PageTest:
        """Return the condition of ip blocks."""
        return PageTest(blocks, "address", "", fulfilling)

    def _own_namespace(self, policy: Policy) -> PageTest:
        name = "?" if isinstance(policy.namespace, Unknown) else policy.namespace
        members = self._pods.within(policy.namespace, Selector())
        words = printable(f"the pod were in namespace {name}")
        return PageTest(words, "place", "", self._sets.number(members.may))

    def _namespace(self, requirement: Requirement) -> PageTest:
        fulfilling = self._holders("namespace", requirement)
        if requirement.key == NAME_LABEL and requirement.operator is Operator.IN:
            names = " or ".join(requirement.values)
            words = printable(f"the pod were in namespace {names}")
            return PageTest(words, "place", "", fulfilling)
        words = printable(f"the pod's namespace {carrying(requirement)}")
        return PageTest(words, "namespace", printable(requirement.key), fulfilling)

    def _holders(self, of: str, requirement: Requirement) -> int:
        number = self._known.get((of, requirement))
        if number is None:
            only, everything = Selector((requirement,)), Selector()
            chosen = (everything, only) if of == "pod" else (only, everything)
            members = self._pods.across(*chosen)
            number = self._known[of, requirement] = self._sets.number(members.may)
        return number
