"""Which endpoints of an analysis, and which unseen pods, a selection means: surely, or perhaps.

`anything` and `outside shop` mean unseen pods, and so does a namespace or a label: such a pod may
be made at any time. The id of a workload and addresses mean none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from ipaddress import ip_network
from typing import Final, TypeVar

from podwall.engines import Engine, Treatment
from podwall.expectations.expectation import (
    Acceptance,
    Addresses,
    Anything,
    Expectation,
    Internet,
    Outside,
    PodSelection,
    Selection,
    WorkloadId,
)
from podwall.explain import Explanation
from podwall.model import EMPTY_SELECTOR, Operator, Selector, SelectorRequirement, Unknown
from podwall.policies.rules import METADATA_NAME
from podwall.policies.wording import listed
from podwall.portset import Ranges, difference, intersection, merged
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, Verdict
from podwall.reachability.cluster import MOST_ASKED, EnforcedCluster
from podwall.reachability.label_conditions import among, not_among_any
from podwall.reachability.matching import Match, is_ipv6, labels_match, network_ranges
from podwall.reachability.values import (
    Endpoint,
    ExternalRange,
    NodeEndpoint,
    UnseenPods,
    WorkloadEndpoint,
)

__all__ = [
    "KnownEnds",
    "SelectedEndpoints",
    "UnseenSelection",
    "closing",
    "has_ipv6",
    "in_shown_names",
    "is_real",
    "matches",
    "means_unseen",
    "not_public",
    "selected",
]

S = TypeVar("S", Expectation, Acceptance, Expectation | Acceptance)


def in_shown_names(found: Reachability) -> Callable[[S], S]:
    """Return what writes statements in the names that an analysis shows.

    A program's name for something is shown where the name in the cluster is made up; people may
    write either.
    """
    workloads = {also: each.id for each in found.workloads for also in each.workload.also}
    namespaces = {each.also: each.name for each in found.snapshot.namespaces if each.also}
    if not workloads and not namespaces:
        return lambda statement: statement

    def written(statement: S) -> S:
        return replace(
            statement,
            sources=tuple(_shown(each, workloads, namespaces) for each in statement.sources),
            destinations=tuple(
                _shown(each, workloads, namespaces) for each in statement.destinations
            ),
        )

    return written


def _shown(
    selection: Selection, workloads: Mapping[str, str], namespaces: Mapping[str, str]
) -> Selection:
    match selection:
        case WorkloadId(id_) if id_ in workloads:
            return WorkloadId(workloads[id_])
        case PodSelection(str() as namespace, labels) if namespace in namespaces:
            return PodSelection(namespaces[namespace], labels)
        case Outside(namespace) if namespace in namespaces:
            return Outside(namespaces[namespace])
        case _:
            return selection


_SPECIAL: Final = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/3",
    "4000::/2",
    "8000::/1",
)
"""Everything that is not globally reachable unicast; of IPv6 that is `2000::/3` only."""


@dataclass(frozen=True, slots=True)
class SelectedEndpoints:
    """Endpoints by id, each with whether it is meant for certain."""

    certain: frozenset[str]
    perhaps: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Those that are meant, or may be."""
        return self.certain | self.perhaps


class KnownEnds:
    """Endpoints in order, found by their ids and by their namespaces."""

    def __init__(self, ends: Iterable[Endpoint]) -> None:
        """Index the endpoints."""
        self.all: Final = tuple(ends)
        self._with_id: defaultdict[str, list[int]] = defaultdict(list)
        self._within: defaultdict[str, list[int]] = defaultdict(list)
        for number, end in enumerate(self.all):
            self._with_id[end.id].append(number)
            if isinstance(end, WorkloadEndpoint):
                namespace = end.workload.namespace
                self._within["" if isinstance(namespace, Unknown) else namespace].append(number)

    def with_ids(self, ids: Iterable[str]) -> Iterator[Endpoint]:
        """Return the endpoints with some ids, in their order."""
        found = sorted(number for each in ids for number in self._with_id.get(each, ()))
        return (self.all[number] for number in found)

    def meant_at_most(self, selections: Iterable[Selection]) -> Sequence[Endpoint]:
        """Return all endpoints that one of the selections can mean, and perhaps others."""
        found: set[int] = set()
        for each in selections:
            match each:
                case WorkloadId(id_):
                    found.update(self._with_id.get(id_, ()))
                case PodSelection(str() as namespace, _):
                    found.update(self._within.get(namespace, ()), self._within.get("", ()))
                case _:
                    return self.all
        return [self.all[number] for number in sorted(found)]


def selected(
    selections: Sequence[Selection],
    endpoints: Sequence[Endpoint],
    *,
    ipv6: bool = True,
    nodes: Ranges = (),
) -> SelectedEndpoints:
    """Return the endpoints that one of the selections means.

    Without `ipv6` only a selection that names addresses means ranges of IPv6: the cluster has none.
    `nodes` are addresses that are asked about as nodes, and not as parts of ranges.
    """
    counted = [each for each in selections if not _only_nodes(each, nodes)]
    answers = {
        end.id: _best(selections if isinstance(end, NodeEndpoint) else counted, end, ipv6=ipv6)
        for end in endpoints
    }
    return SelectedEndpoints(
        frozenset(name for name, match in answers.items() if match is Match.YES),
        frozenset(name for name, match in answers.items() if match is Match.MAYBE),
    )


def _only_nodes(selection: Selection, nodes: Ranges) -> bool:
    if not isinstance(selection, Addresses):
        return False
    return not difference(network_ranges(selection.network), nodes)


def _best(selections: Sequence[Selection], end: Endpoint, *, ipv6: bool) -> Match:
    named = ipv6 or not (isinstance(end, ExternalRange) and is_ipv6(end.network))
    counted = (each for each in selections if named or isinstance(each, Addresses))
    return max((matches(each, end) for each in counted), default=Match.NO)


def matches(selection: Selection, end: Endpoint) -> Match:
    """Return whether a selection means an endpoint; a range counts if it means a part of it."""
    if isinstance(end, NodeEndpoint):
        return Match.YES if _names_node(selection, end) else Match.NO
    if isinstance(selection, Anything):
        return Match.YES
    if isinstance(end, ExternalRange):
        return Match.YES if _means_range(selection, end) else Match.NO
    return _means_workload(selection, end)


def is_real(end: Endpoint, cluster: EnforcedCluster) -> bool:
    """Return whether traffic can come from an endpoint, or go there.

    The ranges that pods get their addresses from are not outside the cluster, nor are nodes.
    """
    if not isinstance(end, ExternalRange):
        return True
    pods = network_ranges(*cluster.snapshot.pod_cidrs)
    inside = merged((*pods, *cluster.node_ranges))
    return bool(difference(network_ranges(end.network), inside))


def has_ipv6(engine: Engine) -> bool:
    """Return whether clusters of an engine can have IPv6.

    One that ignores policies with IPv6 blocks runs in clusters without only.
    """
    return not engine.enforces or engine.ipv6_blocks.value is not Treatment.IGNORED


def _names_node(selection: Selection, end: NodeEndpoint) -> bool:
    """Return whether a selection names addresses, few enough to be asked about node by node."""
    if not isinstance(selection, Addresses) or selection.network.num_addresses > MOST_ASKED:
        return False
    return end.workload.addresses[0] in selection.network


def _means_range(selection: Selection, end: ExternalRange) -> bool:
    match selection:
        case Outside():
            return True
        case Internet():
            return bool(difference(network_ranges(end.network), not_public()))
        case Addresses(network):
            return bool(intersection(network_ranges(end.network), network_ranges(network)))
        case _:
            return False


@cache
def not_public() -> Ranges:
    """Return the addresses that are not of the internet."""
    return network_ranges(*map(ip_network, _SPECIAL))


def _means_workload(selection: Selection, end: WorkloadEndpoint) -> Match:
    match selection:
        case WorkloadId(id_):
            return Match.YES if end.id == id_ else Match.NO
        case PodSelection(namespace, labels):
            there = Match.YES if namespace is None else _within(namespace, end)
            return min(there, _carries(labels, end))
        case Outside(namespace):
            return Match(Match.YES - _within(namespace, end))
        case _:
            return Match.NO


def _within(namespace: str, end: WorkloadEndpoint) -> Match:
    own = end.workload.namespace
    if isinstance(own, Unknown):
        return Match.MAYBE
    return Match.YES if own == namespace else Match.NO


def _carries(labels: tuple[tuple[str, str], ...], end: WorkloadEndpoint) -> Match:
    equal = (SelectorRequirement(key, Operator.IN, (value,)) for key, value in labels)
    return labels_match(Selector(tuple(equal)), end.workload.labels)


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
