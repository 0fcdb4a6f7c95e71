"""Which unseen pods a selection means: those of a class that it does, and those that it does not.

`anything` and `outside shop` mean unseen pods, and so does a namespace or a label: such a pod may
be made at any time. The id of a workload and addresses mean none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from podwall.expectations.expectation import Anything, Outside, PodSelection, Selection
from podwall.explain import Explanation
from podwall.model import EMPTY_SELECTOR, Operator, Selector, SelectorRequirement
from podwall.policies.peers import METADATA_NAME
from podwall.policies.wording import listed
from podwall.reachability import Verdict
from podwall.reachability.unseen_pods import UnseenPods
from podwall.reachability.unseen_sets import among, not_among_any

__all__ = ["UnseenSelection", "closing", "means_unseen"]


def means_unseen(selection: Selection) -> bool:
    """Return whether a selection can mean pods that are not shown."""
    return isinstance(selection, Anything | Outside | PodSelection)


class UnseenSelection:
    """The unseen pods that one of some selections means, in a source that shows some namespaces."""

    def __init__(self, selections: Iterable[Selection], shown: Iterable[str]) -> None:
        """Read the selections that can mean unseen pods."""
        names = frozenset(shown)
        wanted = (each for each in selections if means_unseen(each))
        self._meant = [pods for each in wanted for pods in _meant(each, names)]

    def all(self) -> Iterator[UnseenPods]:
        """Yield all that the selections mean, each namespace that is shown by itself."""
        for pods in self._meant:
            if isinstance(pods.namespaces, tuple):
                yield from (UnseenPods(pods.pods, (name,)) for name in pods.namespaces)
            else:
                yield pods

    def among(self, pods: UnseenPods) -> Iterator[UnseenPods]:
        """Yield what the selections mean of some unseen pods."""
        for each in self._meant:
            found = among(pods, each)
            if found is not None:
                yield found

    def not_among(self, pods: UnseenPods) -> Iterator[UnseenPods]:
        """Yield what the selections do not mean of some unseen pods."""
        yield from not_among_any(pods, self._meant)


def _meant(selection: Selection, shown: frozenset[str]) -> Iterator[UnseenPods]:
    """Yield the unseen pods that a selection means: of namespaces shown, and of others."""
    others: Selector | None = EMPTY_SELECTOR
    match selection:
        case Outside(namespace):
            names = shown - {namespace}
            if namespace not in shown:
                others = _named(namespace, Operator.NOT_IN)
        case PodSelection(str() as namespace, _) if namespace in shown:
            names, others = frozenset([namespace]), None
        case PodSelection(str() as namespace, _):
            names, others = frozenset(), _named(namespace, Operator.IN)
        case _:
            names = shown
    pods = _equal(selection.labels) if isinstance(selection, PodSelection) else EMPTY_SELECTOR
    if names:
        yield UnseenPods(pods, tuple(sorted(names)))
    if others is not None:
        yield UnseenPods(pods, others)


def _equal(labels: Iterable[tuple[str, str]]) -> Selector:
    return Selector(tuple(SelectorRequirement(k, Operator.IN, (v,)) for k, v in sorted(labels)))


def _named(namespace: str, operator: Operator) -> Selector:
    return Selector((SelectorRequirement(METADATA_NAME, operator, (namespace,)),))


_CLOSED = "if nothing else is in the cluster, say so with `--closed`"


def closing(explanation: Explanation) -> str:
    """Return what would close a flow between a workload and unseen pods."""
    unseen = isinstance(explanation.source, UnseenPods)
    side = explanation.ingress if unseen else explanation.egress
    if not side.policies:
        return f"let a policy isolate {side.subject.id} for {side.direction.field}; {_CLOSED}"
    rules = [
        f"{rule.place.path} of {policy.name}"
        for policy in side.policies
        for rule in policy.rules
        if rule.verdict is not Verdict.DENIED
    ]
    if not rules:
        return _CLOSED
    return f"name only the pods that are meant in {listed(rules)}; {_CLOSED}"
