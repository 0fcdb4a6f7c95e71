"""What the page embeds: one analysis (or two, and their difference) in factored form.

Endpoints that behave alike share a row of verdicts as a source and a column as a destination, and
rules are written once with the sets of endpoints that they match: the page puts together the answer
and the explanation of any pair by itself, and 500 workloads stay small.

Endpoints are sorted, those of a namespace stand together, external ranges come last. Everything
else speaks of them by number. A set of them is written as runs: `[first, count, first, count, …]`.
"""

from __future__ import annotations

from dataclasses import field
from typing import Final

from podwall.quick_dataclass import dataclass

__all__ = [
    "FORMAT",
    "PageChange",
    "PageCondition",
    "PageDocument",
    "PageEndpoint",
    "PageEngine",
    "PageEngineNote",
    "PageExemption",
    "PageHiding",
    "PageIsolation",
    "PageNote",
    "PagePeer",
    "PagePolicy",
    "PagePorts",
    "PageRule",
    "PageSide",
    "PageTierPolicy",
    "PageTierRule",
    "PageVerdict",
    "RulePortsOn",
    "Runs",
]

FORMAT: Final = "podwall/page/v1"

Runs = tuple[int, ...]
"""A set of numbers, or a sequence of values, as pairs: first and count, or value and count."""


@dataclass(frozen=True, slots=True)
class PageEndpoint:
    """A workload, or what is no workload of the source; `replicas` None: not known.

    What is `external` has no policies here: addresses outside the cluster or, if it is `unseen`,
    pods that the source does not show.
    """

    id: str
    namespace: str
    name: str
    kind: str = ""
    replicas: int | None = 1
    labels: tuple[tuple[str, str], ...] = ()
    host: bool = False
    place: str = ""
    external: bool = False
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class PagePorts:
    """A port set: inclusive ranges by protocol, and the set in words."""

    text: str
    all: bool
    other: bool
    tcp: tuple[tuple[int, int], ...]
    udp: tuple[tuple[int, int], ...]
    sctp: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """What may pass, by number of a port set, and what is undetermined with its cause.

    Where it is not `exact`, the cause is that of another pair with the same verdict.
    """

    allowed: int
    undetermined: tuple[tuple[int, str], ...] = ()
    exact: bool = True


@dataclass(frozen=True, slots=True)
class PageCondition:
    """One condition of a peer, and the endpoints that fulfil it or may do so.

    `words` follow "it would match if". `of` says whether it asks for the label `key` of the `pod`
    or of its `namespace`, for its `place`, or for its `address`.
    """

    words: str
    of: str
    key: str
    set: int


@dataclass(frozen=True, slots=True)
class PagePeer:
    """One peer of a rule: the endpoints that it matches for certain, and at most."""

    must: int
    may: int
    tests: tuple[PageCondition, ...]


@dataclass(frozen=True, slots=True)
class RulePortsOn:
    """The port sets that a rule allows, for certain and at most, on some destinations.

    `on` None: on all that no earlier entry is about.
    """

    on: int | None
    must: int
    may: int


@dataclass(frozen=True, slots=True)
class PageRule:
    """One rule; `position` counts from 1, `peers` None is everyone."""

    position: int
    words: str
    peers: tuple[PagePeer, ...] | None
    ports: tuple[RulePortsOn, ...]


@dataclass(frozen=True, slots=True)
class PageExemption:
    """What passes whatever the policies say, where the `end` of a flow is one of a set.

    `end` is `destination`, or `other` for the end whose policies are not asked. `must` and `may`
    are the ports that pass for certain, and at most.
    """

    says: str
    link: str
    end: str
    on: int
    must: int
    may: int


@dataclass(frozen=True, slots=True)
class PageHiding:
    """A service behind which what rules allow clients is not certain on some ports.

    `on` are the backends, `clients` the addresses, `ports` those on which no node is let in.
    """

    says: str
    link: str
    on: int
    clients: int
    ports: int


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """A policy; a direction is None where it does not isolate.

    Policies whose `groups`, for ingress and for egress, are equal isolate the same pods.
    """

    name: str
    place: str
    ingress: tuple[PageRule, ...] | None
    egress: tuple[PageRule, ...] | None
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PageTierRule:
    """One rule of a policy with a tier, and the endpoints that it matches for certain, and at most.

    `action` is empty where it is not known.
    """

    position: int
    words: str
    action: str
    must: int
    may: int
    ports: tuple[RulePortsOn, ...]


@dataclass(frozen=True, slots=True)
class PageTierPolicy:
    """A policy with a tier in one direction, and the endpoints that it is about.

    Its tier is `first` if it comes before NetworkPolicies; several that stand in one place are told
    apart by `rank`.

    Between policies of one `stage` there is no order.
    """

    name: str
    place: str
    tier: str
    rank: int
    first: bool
    order: str
    stage: int
    must: int
    may: int
    rules: tuple[PageTierRule, ...]


@dataclass(frozen=True, slots=True)
class PageIsolation:
    """The policies that isolate an endpoint in a direction for certain, and those that may."""

    certain: tuple[int, ...]
    perhaps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PageSide:
    """One analysis.

    `rows` and `columns` have each endpoint's class as a source and as a destination, -1 where it
    does not exist; `cells` has for each source class the verdicts over the destination classes;
    `selves` each workload's verdict with itself. `ingress` and `egress` have each endpoint's
    number into `isolations`. `tiers` are the policies with tiers by direction, in the order in
    which they decide. `sets` are sets of endpoints.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    cells: tuple[Runs, ...]
    selves: tuple[int, ...]
    isolations: tuple[PageIsolation, ...]
    ingress: tuple[int, ...]
    egress: tuple[int, ...]
    policies: tuple[PagePolicy, ...]
    exempt: dict[str, tuple[PageExemption, ...]]
    hiding: tuple[PageHiding, ...]
    tiers: dict[str, tuple[PageTierPolicy, ...]]
    sets: tuple[Runs, ...]


@dataclass(frozen=True, slots=True)
class PageChange:
    """What it means when one verdict follows another: `opens`, `closes`, `narrows` and so on."""

    before: int
    after: int
    kind: str


@dataclass(frozen=True, slots=True)
class PageNote:
    """Something to look at first: how many, of what, and which endpoints."""

    count: str
    text: str
    endpoints: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PageEngineNote:
    """One point on which the engine departs from the specification, with its source."""

    says: str
    link: str


@dataclass(frozen=True, slots=True)
class PageEngine:
    """The engine that was asked, and what it makes of ip blocks where a pod or a node is meant."""

    name: str
    title: str
    pods_by_block: str
    nodes_by_block: str
    notes: tuple[PageEngineNote, ...] = ()


@dataclass(frozen=True, slots=True)
class PageDocument:
    """All of it. Verdict 0 is denied; `labels` has the labels of namespaces by name."""

    engine: PageEngine
    endpoints: tuple[PageEndpoint, ...]
    labels: dict[str, tuple[tuple[str, str], ...]]
    ports: tuple[PagePorts, ...]
    verdicts: tuple[PageVerdict, ...]
    after: PageSide
    before: PageSide | None = None
    changes: tuple[PageChange, ...] = ()
    notes: tuple[PageNote, ...] = ()
    format: str = field(default=FORMAT)
