"""What a cluster will contain, as plain values: the input of every analysis.

A `Snapshot` is made by a source (files, a preview, a program, a live cluster), and all that others
see. Every value that a document can leave open until deployment may be an `Unknown` here.
"""

from __future__ import annotations

from dataclasses import field, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from podwall.calico import CalicoAccount, CalicoPolicy, CalicoSet, CalicoTier
from podwall.policies.addresses import IpNetwork
from podwall.policies.cluster_rules import TierAction
from podwall.policies.errors import Place, Unknown
from podwall.policies.labels import Operator
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.quick_dataclass import dataclass
from podwall.rule_parts import (
    EMPTY_SELECTOR,
    EntityPeer,
    IpPeer,
    IpProtocol,
    LabelMap,
    Peer,
    PodPeer,
    PortRule,
    Selector,
    SelectorRequirement,
)

__all__ = [
    "EMPTY_SELECTOR",
    "ISOLATION",
    "NETWORK_POLICY",
    "AddressPeer",
    "CiliumPolicy",
    "EntityPeer",
    "IpAddress",
    "IpNetwork",
    "IpPeer",
    "IpProtocol",
    "LabelMap",
    "Operator",
    "Peer",
    "PodPeer",
    "Policy",
    "PortRule",
    "Rule",
    "Selector",
    "SelectorRequirement",
    "ServerCall",
    "Service",
    "ServicePort",
    "Snapshot",
    "SnapshotNamespace",
    "SnapshotNode",
    "SnapshotWorkload",
    "TierAction",
    "TierName",
    "TierPolicy",
    "TierRule",
    "Unknown",
    "UnreadPolicy",
    "WorkloadPort",
    "namespace_text",
    "undeclared_labels",
]


class TierName(StrEnum):
    """Where a policy stands in the order: `Admin` before NetworkPolicies, `Baseline` after them.

    What Cilium's own kinds decide beside NetworkPolicies stands next to these: `CILIUM` denies
    before all of them allow, and `CILIUM_ISOLATION` denies what none of them isolates or allows.
    """

    CALICO_FIRST = "Calico tiers before Admin"
    ADMIN = "Admin"
    CALICO = "Calico tiers"
    CILIUM = "Cilium"
    CILIUM_ISOLATION = "Cilium isolation"
    CALICO_LAST = "end of Calico tiers"
    BASELINE = "Baseline"

    @property
    def is_first(self) -> bool:
        """Whether it comes before NetworkPolicies."""
        return self in {TierName.CALICO_FIRST, TierName.ADMIN, TierName.CALICO, TierName.CILIUM}


ISOLATION: Final = "isolation"
"""The name of a rule that is written nowhere: a policy isolates what it is about."""


@dataclass(frozen=True, slots=True)
class AddressPeer:
    """Addresses that no source shows, none of them of a pod network: of nodes, or behind names."""

    cause: str


@dataclass(frozen=True, slots=True)
class TierRule:
    """A rule of a policy with a tier: it decides what it matches, if no rule before it does.

    `peers` and `ports` are as in `Rule`, but that every pod peer says of which namespaces.
    `written` is its field path, where that is not its place in the policy's list.
    """

    action: TierAction | Unknown
    peers: tuple[Peer | AddressPeer, ...] | Unknown | None
    ports: tuple[PortRule | Unknown, ...] | Unknown | None = None
    name: str = ""
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """A ClusterNetworkPolicy, or one of its predecessors, which stands in a tier.

    Of one tier the least `priority` comes first, of tiers in one place the least `rank`. A
    BaselineAdminNetworkPolicy has the priority 0. `subject` are the pods that it is about.
    """

    kind: str
    name: str
    tier: TierName
    priority: int | Unknown
    subject: PodPeer | Unknown
    ingress: tuple[TierRule | Unknown, ...] | Unknown = ()
    egress: tuple[TierRule | Unknown, ...] | Unknown = ()
    place: Place = field(default_factory=Place, compare=False)
    rank: int = 0

    @property
    def full_name(self) -> str:
        """The policy with its kind, as its name alone may be that of another kind's."""
        return f"{self.kind} {self.name}"

    def rules(self, direction: Direction) -> tuple[TierRule | Unknown, ...]:
        """Return the rules of a direction; what is not known yet may be any rule."""
        rules = self.ingress if direction is Direction.INGRESS else self.egress
        return (rules,) if isinstance(rules, Unknown) else rules


IpAddress = IPv4Address | IPv6Address

NETWORK_POLICY: Final = "NetworkPolicy"


@dataclass(frozen=True, slots=True)
class SnapshotNamespace:
    """A namespace with its labels, `kubernetes.io/metadata.name` always among them.

    `also` is its name in the cluster, where that is made up and `name` is what a program calls it.
    """

    name: str
    labels: LabelMap
    place: Place = field(default_factory=Place, compare=False)
    also: str = field(default="", compare=False)


def undeclared_labels(namespace: str, *, complete: bool) -> LabelMap:
    """Return the labels of a namespace that the source does not declare.

    The label with its name is certain. Further ones are known only after deployment, unless the
    source is `complete`, and except of `default`, which every cluster makes and few label.

    >>> undeclared_labels("default", complete=False).items
    (('kubernetes.io/metadata.name', 'default'),)
    """
    cause = f"the labels of namespace `{namespace}`, which the source does not declare"
    more = None if complete or namespace == "default" else Unknown(cause)
    return LabelMap(((METADATA_NAME, namespace),), more)


def namespace_text(namespace: str | Unknown) -> str:
    """Return a namespace for people; one that is known only after deployment is written `?`."""
    return "?" if isinstance(namespace, Unknown) else namespace


def _full_name(namespace: str | Unknown, name: str) -> str:
    return f"{namespace_text(namespace)}/{name}"


@dataclass(frozen=True, slots=True)
class WorkloadPort:
    """A declared container port. Only its name matters to policies; undeclared ports still work.

    `sidecar`: it is declared by an init container that keeps running, which some engines overlook.
    """

    number: int
    protocol: IpProtocol = IpProtocol.TCP
    name: str | None = None
    sidecar: bool = False


@dataclass(frozen=True, slots=True)
class SnapshotWorkload:
    """Pods that are alike: a bare Pod, or the pod template of a controller with its replicas.

    `replicas` counts pods (a DaemonSet counts as 2: more than one). `ports` are those of containers
    and of init containers that keep running (native sidecars). `open_ports` is set where further
    container ports may exist that the source cannot show. `addresses` are those of a running pod,
    `node` is its node's name, if known. `also` are its other full names, that in the cluster last.
    """

    namespace: str | Unknown
    name: str
    kind: str
    labels: LabelMap
    ports: tuple[WorkloadPort, ...] = ()
    replicas: int | Unknown = 1
    host_network: bool | Unknown = False
    open_ports: Unknown | None = None
    addresses: tuple[IpAddress, ...] = ()
    place: Place = field(default_factory=Place, compare=False)
    also: tuple[str, ...] = field(default=(), compare=False)
    node: str | None = None
    service_account: str | Unknown = "default"

    @property
    def real_name(self) -> str:
        """Its name in the cluster, which is a stand-in until that is made up."""
        return self.also[-1].rpartition("/")[2] if self.also else self.name

    @property
    def full_name(self) -> str:
        """`namespace/name`; a namespace that is known only after deployment is written `?`."""
        return _full_name(self.namespace, self.name)

    @property
    def is_one_pod(self) -> bool:
        """Whether it is a single pod, which always reaches itself."""
        return self.replicas == 1


@dataclass(frozen=True, slots=True)
class SnapshotNode:
    """A node with its addresses, which are those of its pods on the host network."""

    name: str
    addresses: tuple[IpAddress, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One ingress or egress rule: `peers` None is everyone, `ports` None every port and protocol.

    Never an empty tuple: the reader turns a missing or empty list into None, as the API does.
    An `Unknown` among the peers, or instead of a list, is a part known only after deployment.
    `written` is its field path, where that is not its place in the policy's list.
    """

    peers: tuple[Peer, ...] | Unknown | None = None
    ports: tuple[PortRule | Unknown, ...] | Unknown | None = None
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """A NetworkPolicy as it acts: a direction is None when the policy does not isolate it.

    `ingress=()` isolates and allows nothing. An `Unknown` direction may or may not isolate. Rules
    of a direction that `policyTypes` leaves out, or perhaps leaves out, are the unlisted ones: the
    specification ignores them, and some engines enforce them. `kind` is another one where a policy
    of another API isolates and allows beside NetworkPolicies, as they do.
    """

    namespace: str | Unknown
    name: str
    pod_selector: Selector
    ingress: tuple[Rule | Unknown, ...] | Unknown | None = None
    egress: tuple[Rule | Unknown, ...] | Unknown | None = None
    place: Place = field(default_factory=Place, compare=False)
    unlisted_ingress: tuple[Rule | Unknown, ...] | Unknown | None = None
    unlisted_egress: tuple[Rule | Unknown, ...] | Unknown | None = None
    kind: str = NETWORK_POLICY

    @property
    def full_name(self) -> str:
        """The policy as `namespace/name`; a namespace that is not known yet is written `?`.

        One of another kind is written with it.

        >>> Policy(Unknown("later"), "web", Selector()).full_name
        '?/web'
        """
        name = _full_name(self.namespace, self.name)
        return name if self.kind == NETWORK_POLICY else f"{self.kind} {name}"


@dataclass(frozen=True, slots=True)
class CiliumPolicy:
    """A CiliumNetworkPolicy, or one for the whole cluster (`namespace` None), by what it does.

    Cilium takes its kinds and NetworkPolicies together: what one denies is denied, else what one
    allows is allowed, else what one isolates is denied. So a policy comes in parts: `beside` are
    those that isolate and allow as a NetworkPolicy of the namespace does, and `around` are those
    that stand in tiers: what it denies, and what it isolates or allows otherwise. `opens_names`:
    some rule opens names, whose addresses Cilium learns of DNS answers, as far as a policy
    `reads_answers`. `filters`: some rule lists requests.
    https://docs.cilium.io/en/stable/security/policy/
    """

    kind: str
    name: str
    namespace: str | Unknown | None
    beside: tuple[Policy, ...] = ()
    around: tuple[TierPolicy, ...] = ()
    place: Place = field(default_factory=Place, compare=False)
    opens_names: bool = False
    reads_answers: bool = False
    filters: bool = False

    @property
    def full_name(self) -> str:
        """The policy with its kind, and with its namespace if it has one."""
        name = self.name if self.namespace is None else _full_name(self.namespace, self.name)
        return f"{self.kind} {name}"

    def called(self, name: str) -> CiliumPolicy:
        """Return the same policy under another name."""
        full = name if self.namespace is None else _full_name(self.namespace, name)
        beside = tuple(replace(each, name=name) for each in self.beside)
        around = tuple(replace(each, name=full) for each in self.around)
        return replace(self, name=name, beside=beside, around=around)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions that it says something about."""
        return tuple(each for each in Direction if self._is_about(each))

    def _is_about(self, direction: Direction) -> bool:
        ingress = direction is Direction.INGRESS
        rules = (each.ingress if ingress else each.egress for each in self.beside)
        return any(each is not None for each in rules) or any(
            each.rules(direction) for each in self.around
        )


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a service: `target` is the number or the name of the port on the pods."""

    port: int | Unknown
    target: int | str | Unknown
    protocol: IpProtocol | Unknown = IpProtocol.TCP
    node_port: int | Unknown | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service; only NodePort and LoadBalancer ones can change who reaches whom.

    `selector` None: the service selects no pods. `external_traffic_policy` is `Cluster` by default.
    `source_ranges`: the only clients that its load balancer lets in, everyone if there are none.
    `node_ports`: whether a LoadBalancer has node ports too, which no source range guards.
    `external_ips`: whether nodes take traffic to further addresses (`externalIPs`) for it.
    """

    namespace: str | Unknown
    name: str
    type: str | Unknown
    selector: Selector | None
    ports: tuple[ServicePort, ...] = ()
    external_traffic_policy: str | Unknown = "Cluster"
    place: Place = field(default_factory=Place, compare=False)
    source_ranges: tuple[str | Unknown, ...] | Unknown = ()
    node_ports: bool | Unknown = True
    external_ips: bool | Unknown = False

    @property
    def is_behind_nodes(self) -> bool:
        """Whether it is of a type whose traffic comes in through nodes, or may be."""
        return isinstance(self.type, Unknown) or self.type in {"NodePort", "LoadBalancer"}

    @property
    def narrows_clients(self) -> bool:
        """Whether its source ranges keep somebody out, or may do so, on every way to it."""
        numbered = any(port.node_port is not None for port in self.ports)
        guarded = self.type == "LoadBalancer" and self.node_ports is not True and not numbered
        return guarded and self.source_ranges != ()


@dataclass(frozen=True, slots=True)
class UnreadPolicy:
    """What may decide who reaches whom, and is not read: a policy of another API.

    In each of the `directions` it may deny what other policies allow, of the pods that it may
    select: those in its namespace (None: of all) that `pods` matches. It may also allow what they
    deny, unless it only `narrows`. `engines` are those of AKS that enforce it; None: any may.
    `link` leads to what is known of it. What `brings` policies, such as a chart that is not
    rendered, may decide what they would. What is not known to be `enforced` is read, and idle under
    other engines.
    """

    kind: str
    name: str
    namespace: str | Unknown | None
    pods: Selector = EMPTY_SELECTOR
    directions: tuple[Direction, ...] = tuple(Direction)
    narrows: bool = False
    engines: frozenset[str] | None = None
    place: Place = field(default_factory=Place, compare=False)
    link: str = field(default="", compare=False)
    brings: bool = False
    enforced: bool = True

    def enforced_by(self, engine: str) -> bool:
        """Return whether an engine enforces it, or may do so where none is named."""
        return self.engines is None or engine == "spec" or engine in self.engines

    @property
    def cause(self) -> str:
        """Why a verdict is not certain because of it, in words.

        >>> UnreadPolicy("CiliumNetworkPolicy", "open", "shop").cause
        'CiliumNetworkPolicy `shop/open` is not read, and may allow or deny it'
        """
        does = "deny it" if self.narrows else "allow or deny it"
        if not self.enforced:
            return f"{self.kind} `{self.full_name}` may {does}, if Cilium is the engine"
        may = f"bring a policy that may {does}" if self.brings else does
        return f"{self.kind} `{self.full_name}` is not read, and may {may}"

    @property
    def full_name(self) -> str:
        """`namespace/name`, or the name alone where it acts on every namespace.

        What `brings` policies may be elsewhere than these, and is called by its own full name.
        """
        if self.brings or self.namespace is None:
            return self.name
        return _full_name(self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class ServerCall:
    """A call of the API server to a `port` of a service: of a webhook, or of an API of its own.

    `what` is called, in words. `needed`: requests fail where the call does.
    """

    what: str
    namespace: str
    service: str
    port: int
    needed: bool = True
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything an analysis looks at, at one moment.

    `engine` is the network policy engine that the source declares (`azure`, `calico`, `cilium`,
    `none`), or None where it declares none, and `engine_version` its version where it was seen (a
    live cluster). `kubernetes_version` is `major.minor`, if known.
    `pod_cidrs` are the ranges pods get their addresses from, if known: they decide whether an ip
    block can match a pod. `tier_policies` stand before and after the `policies`, and
    `unread_policies` are what may decide as well, and is not read. `nodes` are those of which an
    address is known. `ip_families` are the versions of IP that pods have addresses of, empty where
    that is not known. `server_calls` are those of the API server to services.
    `cilium_policies` are of Cilium's own kinds, `calico_...` of Calico's; `cluster` is what the
    source calls the cluster itself. `complete` is True where a namespace or policy that is not here
    does not exist (a live cluster), and False where the source is only a part (a program).
    """

    namespaces: tuple[SnapshotNamespace, ...] = ()
    workloads: tuple[SnapshotWorkload, ...] = ()
    policies: tuple[Policy, ...] = ()
    services: tuple[Service, ...] = ()
    engine: str | None = None
    kubernetes_version: str | None = None
    engine_version: str | None = None
    pod_cidrs: tuple[IpNetwork, ...] = ()
    complete: bool = False
    unread_policies: tuple[UnreadPolicy, ...] = ()
    nodes: tuple[SnapshotNode, ...] = ()
    ip_families: tuple[int, ...] = ()
    server_calls: tuple[ServerCall, ...] = ()
    tier_policies: tuple[TierPolicy, ...] = ()
    cilium_policies: tuple[CiliumPolicy, ...] = ()
    calico_policies: tuple[CalicoPolicy, ...] = ()
    calico_tiers: tuple[CalicoTier, ...] = ()
    calico_sets: tuple[CalicoSet, ...] = ()
    calico_accounts: tuple[CalicoAccount, ...] = ()
    cluster: str = ""

    def whole(self) -> Snapshot:
        """Return the same as a whole cluster; labels that are not declared stay unknown."""
        return replace(self, complete=True)
