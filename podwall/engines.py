"""The network policy engines as data: how each departs from the specification, with its source.

An engine is a value with one `Fact` for every point on which engines are known to differ. Reports
quote their words and links. What `SPEC`, the Kubernetes specification, leaves open is undetermined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from enum import StrEnum
from typing import Final, Generic, TypeVar

from podwall.policies.errors import Finding, InvalidValue, Severity
from podwall.policies.wording import did_you_mean
from podwall.quick_dataclass import dataclass

__all__ = [
    "AZURE",
    "CALICO",
    "CILIUM",
    "ENGINES",
    "NONE",
    "SPEC",
    "BlockMatch",
    "Engine",
    "Fact",
    "KindTreatment",
    "OverlookedLabels",
    "Treatment",
    "engine",
    "engine_change",
    "minor_version",
]

T = TypeVar("T")


class BlockMatch(StrEnum):
    """Whether an `ipBlock` also matches pods, or nodes, by their addresses."""

    BY_ADDRESS = "by address"
    NEVER = "never"
    UNDEFINED = "undefined"


class Treatment(StrEnum):
    """What an engine does with traffic, or with a part of a policy, at one point.

    `ENFORCED`: the rules decide. `OPEN`: the traffic passes whatever the rules say. `IGNORED`: the
    part of the policy has no effect. `SOURCE_HIDDEN`: the rules may see another source address.
    `NODE_SEEN`: the rules may see a node where there is a client, and let in no more than for both.
    `UNDEFINED`: it depends on what is in no policy.
    """

    ENFORCED = "enforced"
    OPEN = "open"
    IGNORED = "ignored"
    SOURCE_HIDDEN = "source hidden"
    NODE_SEEN = "node seen"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class KindTreatment:
    """Whether an engine enforces policies of a kind: of every version, or of those `until` one.

    `until` is the last Kubernetes version (`1.36`) of which it is known; of later ones, and where
    the version is not known, it is `UNDEFINED`.
    """

    value: Treatment
    until: str | None = None

    def at(self, kubernetes_version: str | None) -> Treatment:
        """Return what it is in a version of Kubernetes.

        >>> never_yet = KindTreatment(Treatment.IGNORED, "1.36")
        >>> never_yet.at("1.33").value, never_yet.at("1.37").value, never_yet.at(None).value
        ('ignored', 'undefined', 'undefined')
        """
        last, version = minor_version(self.until), minor_version(kubernetes_version)
        if last is None or (version is not None and version <= last):
            return self.value
        return Treatment.UNDEFINED


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """What an engine does at one point, in words, and where that is written."""

    value: T
    says: str
    link: str


@dataclass(frozen=True, slots=True)
class OverlookedLabels:
    """Labels that an engine does not see, by their keys: selectors find them missing.

    Those that begin with one of `prefixes` or contain one of `infixes`; from the Kubernetes version
    `later_from` on perhaps those of `later`, too. `wide`: what has none of these labels at all, as
    nodes and addresses outside, may be meant by peers that only exclude.
    """

    prefixes: tuple[str, ...] = ()
    infixes: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    later_from: str = ""
    wide: bool = False

    def hide(self, key: str) -> bool:
        """Return whether the engine certainly does not see the label.

        >>> CILIUM.pod_labels.value.hide("kubernetes.io/arch"), CILIUM.pod_labels.value.hide("app")
        (True, False)
        """
        return key.startswith(self.prefixes) or any(each in key for each in self.infixes)

    def may_hide(self, key: str, kubernetes_version: str | None) -> bool:
        """Return whether the engine may not see the label in a version of Kubernetes."""
        version, first = minor_version(kubernetes_version), minor_version(self.later_from)
        earlier = version is not None and first is not None and version < first
        return self.hide(key) or (key.startswith(self.later) and not earlier)


@dataclass(frozen=True, slots=True)
class Engine:
    """A network policy engine, point by point.

    `pods_by_block`, `nodes_by_block`: whether ip blocks match pods, and hostNetwork pods and nodes.
    `own_node_egress`: traffic of a pod to its own node. `cluster_services`: traffic to the backends
    of a NodePort or LoadBalancer service with externalTrafficPolicy Cluster. `end_port`: the first
    Kubernetes version (`1.32`) with port ranges, None where always. `egress_port_names`: an egress
    rule with a port name; `IGNORED` puts its one number in the cluster there, or nothing where it
    has several. `sctp_rules`: rules that list SCTP.
    `ipv6_blocks`: policies with an IPv6 ip block. `local_dns`: egress to AKS LocalDNS on the node.
    `unlisted_rules`: rules of a direction that `policyTypes` does not list. `sidecar_port_names`: a
    rule with a port name that only a native sidecar declares. `repeated_port_names`: a rule with a
    name that a pod declares more than once. `pod_labels`, `namespace_labels`: labels of pods and of
    namespaces that selectors do not find. `cluster_policies`: the kind ClusterNetworkPolicy.
    `admin_policies`: AdminNetworkPolicy and BaselineAdminNetworkPolicy. `networks`: whether the
    networks of these kinds match pods and nodes. `cilium_policies`: Cilium's own kinds.
    `calico_policies`: Calico's.
    """

    name: str
    title: str
    pods_by_block: Fact[BlockMatch]
    nodes_by_block: Fact[BlockMatch]
    own_node_egress: Fact[Treatment]
    cluster_services: Fact[Treatment]
    end_port: Fact[str | None]
    egress_port_names: Fact[Treatment]
    sctp_rules: Fact[Treatment]
    ipv6_blocks: Fact[Treatment]
    local_dns: Fact[Treatment]
    unlisted_rules: Fact[Treatment]
    sidecar_port_names: Fact[Treatment]
    repeated_port_names: Fact[Treatment]
    pod_labels: Fact[OverlookedLabels]
    namespace_labels: Fact[OverlookedLabels]
    cluster_policies: Fact[KindTreatment]
    admin_policies: Fact[KindTreatment]
    networks: Fact[BlockMatch]
    cilium_policies: Fact[KindTreatment]
    calico_policies: Fact[KindTreatment]
    enforces: bool = True

    def facts(self) -> Iterator[tuple[str, Fact[object]]]:
        """Yield each point's field name with its fact."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Fact):
                yield field.name, value

    def enforces_kind(self, kind: str) -> Fact[KindTreatment]:
        """Return whether policies of a kind beside NetworkPolicy are enforced."""
        if kind.startswith("Cilium"):
            return self.cilium_policies
        if kind.startswith("Calico"):
            return self.calico_policies
        return self.cluster_policies if kind == "ClusterNetworkPolicy" else self.admin_policies

    def departures(self) -> dict[str, Fact[object]]:
        """Return the facts that differ from those of the specification, by field name.

        >>> sorted(each for each in CALICO.departures() if "policies" not in each)
        ['cluster_services', 'nodes_by_block', 'own_node_egress', 'pods_by_block']
        """
        spec = dict(SPEC.facts())
        return {point: fact for point, fact in self.facts() if fact.value != spec[point].value}


_DOCS: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
_API: Final = (
    "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/"
)
_AKS: Final = "https://learn.microsoft.com/en-us/azure/aks/"
_MIGRATE: Final = _AKS + "migrate-from-npm-to-cilium-network-policy"
_NPM: Final = "https://github.com/Azure/azure-container-networking/"
_CALICO: Final = (
    "https://github.com/projectcalico/calico/blob/master/"
    "libcalico-go/lib/backend/k8s/conversion/conversion.go"
)
_CALICO_HOSTS: Final = "https://docs.tigera.io/calico/latest/network-policy/hosts/"

_LABELS: Final = (
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"
)
_IDENTITY: Final = (
    "https://docs.cilium.io/en/stable/operations/performance/scalability/identity-relevant-labels/"
)
#: Cilium's defaults; an installation may change them by the agent's option `labels`.
_OUTSIDE_OF_IDENTITY: Final = (
    "annotation", "apps.kubernetes.io/pod-index", "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index", "controller-revision-hash", "controller-uid",
    "etcd_node", "io.kubernetes", "k8s.io", "kubernetes.io", "pod-template-generation",
    "pod-template-hash", "statefulset.kubernetes.io/pod-name",
)  # fmt: skip
_BETA: Final = ("beta.kubernetes.io",)

_DNS: Final = _AKS + "localdns-custom"
_TIERS: Final = "https://network-policy-api.sigs.k8s.io/"
_KINDS: Final = _TIERS + "implementations/"
_LAST_AKS: Final = "1.36"
_CALICO_KINDS: Final = "https://docs.tigera.io/calico/latest/reference/resources/"
_UNKNOWN_KIND: Final = KindTreatment(Treatment.UNDEFINED)
_CNP: Final = "https://docs.cilium.io/en/stable/security/policy/"

SPEC: Final = Engine(
    name="spec",
    title="the NetworkPolicy specification",
    pods_by_block=Fact(
        BlockMatch.UNDEFINED,
        "ip blocks are meant for addresses outside the cluster; engines differ on pod addresses",
        _DOCS + "#behavior-of-ipblock-selectors",
    ),
    nodes_by_block=Fact(
        BlockMatch.UNDEFINED,
        "engines differ on whether ip blocks match the addresses of nodes",
        _DOCS,
    ),
    own_node_egress=Fact(
        Treatment.UNDEFINED,
        "traffic between a pod and its own node is always allowed, but engines differ on egress",
        _DOCS,
    ),
    cluster_services=Fact(
        Treatment.UNDEFINED,
        "load balancers and node ports may rewrite addresses before or after policies are applied",
        _DOCS + "#behavior-of-ipblock-selectors",
    ),
    end_port=Fact(None, "a range of ports is applied as a range", _DOCS),
    egress_port_names=Fact(
        Treatment.ENFORCED, "a port name is resolved on each destination pod by itself", _API
    ),
    sctp_rules=Fact(Treatment.ENFORCED, "rules may list SCTP, if the plugin supports it", _DOCS),
    ipv6_blocks=Fact(Treatment.ENFORCED, "an ip block may be IPv4 or IPv6", _API),
    local_dns=Fact(Treatment.ENFORCED, "an ip block can name AKS LocalDNS", _DNS),
    sidecar_port_names=Fact(
        Treatment.ENFORCED, "the port names of native sidecars count like those of containers", _API
    ),
    repeated_port_names=Fact(
        Treatment.ENFORCED, "a port name that a pod declares several times means all of them", _API
    ),
    unlisted_rules=Fact(
        Treatment.IGNORED,
        "rules of a direction that `policyTypes` does not list are ignored",
        _API,
    ),
    pod_labels=Fact(OverlookedLabels(), "selectors see every label of a pod", _LABELS),
    namespace_labels=Fact(OverlookedLabels(), "selectors see every label of a namespace", _LABELS),
    cluster_policies=Fact(
        KindTreatment(Treatment.ENFORCED),
        "the Admin tier comes before NetworkPolicies, the Baseline tier after them",
        _TIERS + "api-overview/",
    ),
    admin_policies=Fact(
        KindTreatment(Treatment.ENFORCED),
        "AdminNetworkPolicies come before NetworkPolicies, the BaselineAdminNetworkPolicy after",
        _TIERS + "api-overview/",
    ),
    networks=Fact(
        BlockMatch.BY_ADDRESS,
        "networks match pods and nodes whose address is in them",
        _TIERS + "api-overview/",
    ),
    cilium_policies=Fact(_UNKNOWN_KIND, "only Cilium enforces its kinds", _CNP),
    calico_policies=Fact(_UNKNOWN_KIND, "only Calico enforces its kinds", _CALICO_KINDS),
)

_IDLE_KIND: Final = KindTreatment(Treatment.IGNORED)
_NOT_CILIUM: Final = Fact(_IDLE_KIND, "only Cilium enforces its kinds", _CNP)
_NOT_CALICO: Final = Fact(_IDLE_KIND, "only Calico enforces its kinds", _CALICO_KINDS)
_NO_OTHER_KIND: Final = Fact(
    _IDLE_KIND, "it enforces NetworkPolicies and no other kind", _AKS + "use-network-policies"
)


def _by_address(ends: str, link: str) -> Fact[BlockMatch]:
    return Fact(BlockMatch.BY_ADDRESS, f"ip blocks match {ends} whose address is in it", link)


AZURE: Final = replace(
    SPEC,
    name="azure",
    title="Azure Network Policy Manager",
    pods_by_block=_by_address("pods", _MIGRATE),
    nodes_by_block=_by_address("nodes", _MIGRATE),
    own_node_egress=Fact(
        Treatment.OPEN, "traffic of a pod to its own node is not filtered", _NPM + "issues/2786"
    ),
    cluster_services=Fact(
        Treatment.OPEN,
        "node ports and load balancers with externalTrafficPolicy Cluster bypass every policy",
        _MIGRATE,
    ),
    ipv6_blocks=Fact(
        Treatment.IGNORED,
        "a policy with an IPv6 ip block is not translated, so none of it is enforced",
        _NPM + "blob/master/npm/pkg/controlplane/translation/translatePolicy.go",
    ),
    local_dns=Fact(Treatment.OPEN, "AKS LocalDNS is on the own node, so it is not filtered", _DNS),
    sidecar_port_names=Fact(
        Treatment.IGNORED,
        "the port names of native sidecars are not seen: only those of `spec.containers` are",
        _NPM + "blob/master/npm/pkg/controlplane/controllers/v2/podController.go",
    ),
    cluster_policies=_NO_OTHER_KIND,
    admin_policies=_NO_OTHER_KIND,
    calico_policies=_NOT_CALICO,
    cilium_policies=_NOT_CILIUM,
)

CALICO: Final = replace(
    SPEC,
    name="calico",
    title="Calico",
    pods_by_block=_by_address("pods", _CALICO),
    nodes_by_block=_by_address("nodes", _CALICO),
    own_node_egress=Fact(
        Treatment.ENFORCED, "traffic of a pod to its own node is filtered", _CALICO_HOSTS
    ),
    cluster_services=Fact(
        Treatment.SOURCE_HIDDEN,
        "externalTrafficPolicy Cluster can replace the source address by that of a node",
        _DOCS + "#behavior-of-ipblock-selectors",
    ),
    cluster_policies=Fact(
        KindTreatment(Treatment.IGNORED, _LAST_AKS),
        "ClusterNetworkPolicies came with Calico 3.32, and AKS up to 1.36 has an earlier one",
        _KINDS,
    ),
    admin_policies=Fact(
        KindTreatment(Treatment.UNDEFINED),
        "Calico 3.29 to 3.31 knows AdminNetworkPolicies, which AKS neither documents nor tests",
        _KINDS,
    ),
    calico_policies=Fact(
        KindTreatment(Treatment.ENFORCED),
        "it goes through tiers in order, in one of which NetworkPolicies are",
        _CALICO_KINDS,
    ),
    cilium_policies=_NOT_CILIUM,
)

CILIUM: Final = replace(
    SPEC,
    name="cilium",
    title="Cilium",
    pods_by_block=Fact(BlockMatch.NEVER, "ip blocks never match pods", _MIGRATE),
    nodes_by_block=Fact(
        BlockMatch.NEVER,
        "ip blocks never match nodes, unless policy-cidr-match-mode says so",
        _MIGRATE,
    ),
    own_node_egress=Fact(
        Treatment.ENFORCED, "traffic of an isolated pod to its own node is blocked", _MIGRATE
    ),
    cluster_services=Fact(
        Treatment.NODE_SEEN,
        "policies hold for node ports and load balancers too, and with externalTrafficPolicy "
        "Cluster they may see a node in place of the client",
        _DOCS + "#behavior-of-ipblock-selectors",
    ),
    end_port=Fact("1.32", "below Cilium 1.17 only the first port of a range is applied", _MIGRATE),
    egress_port_names=Fact(
        Treatment.IGNORED,
        "up to Cilium 1.19 a port name in an egress rule becomes its number for every peer, and "
        "allows nothing where it stands for several numbers in the cluster",
        "https://github.com/cilium/cilium/issues/30003",
    ),
    sctp_rules=Fact(
        Treatment.UNDEFINED,
        "SCTP is off unless it was switched on",
        "https://docs.cilium.io/en/stable/configuration/sctp/",
    ),
    local_dns=Fact(
        Treatment.IGNORED, "from Kubernetes 1.32 on no ip block matches AKS LocalDNS, a host", _DNS
    ),
    unlisted_rules=Fact(
        Treatment.ENFORCED,
        "rules isolate and are enforced also where `policyTypes` does not list their direction",
        "https://github.com/cilium/cilium/blob/v1.18.6/pkg/k8s/network_policy.go",
    ),
    sidecar_port_names=Fact(
        Treatment.IGNORED,
        "the port names of native sidecars are not seen",
        "https://github.com/cilium/cilium/tree/v1.18.6/pkg/k8s",
    ),
    repeated_port_names=Fact(
        Treatment.UNDEFINED,
        "of a port name that a pod declares several times only one number is kept",
        "https://github.com/cilium/cilium/tree/v1.18.6/pkg/k8s",
    ),
    pod_labels=Fact(
        OverlookedLabels(_OUTSIDE_OF_IDENTITY, _BETA, ("topology.kubernetes.io",), "1.36"),
        "labels that are not of a pod's identity count as missing, such as `kubernetes.io/...` and "
        "`pod-template-hash`, unless the agent's option `labels` says otherwise",
        _IDENTITY,
    ),
    namespace_labels=Fact(
        OverlookedLabels(infixes=_BETA, wide=True),
        "labels `...beta.kubernetes.io/...` of namespaces count as missing",
        _IDENTITY,
    ),
    cluster_policies=Fact(
        KindTreatment(Treatment.IGNORED, _LAST_AKS),
        "ClusterNetworkPolicies came with Cilium 1.20, and AKS up to 1.36 has an earlier one",
        "https://docs.cilium.io/en/stable/network/kubernetes/policy/",
    ),
    admin_policies=Fact(_IDLE_KIND, "no version of Cilium enforces AdminNetworkPolicies", _KINDS),
    networks=Fact(
        BlockMatch.NEVER,
        "networks never match pods or nodes, unless policy-cidr-match-mode says so",
        "https://docs.cilium.io/en/stable/network/kubernetes/policy/",
    ),
    calico_policies=_NOT_CALICO,
    cilium_policies=Fact(
        KindTreatment(Treatment.ENFORCED), "it takes its kinds and NetworkPolicies together", _CNP
    ),
)

_UNENFORCED: Final = "nothing enforces network policies in this cluster"
_NONE_LINK: Final = _DOCS + "#prerequisites"

_IDLE: Final = Fact(Treatment.IGNORED, _UNENFORCED, _NONE_LINK)
_OPEN: Final = Fact(Treatment.OPEN, _UNENFORCED, _NONE_LINK)
_NO_BLOCK: Final = Fact(BlockMatch.NEVER, _UNENFORCED, _NONE_LINK)
_NO_KIND: Final = Fact(_IDLE_KIND, _UNENFORCED, _NONE_LINK)
_NO_LABEL: Final = Fact(OverlookedLabels(), _UNENFORCED, _NONE_LINK)

NONE: Final = Engine(
    name="none", title="no network policy engine", enforces=False,
    pods_by_block=_NO_BLOCK, nodes_by_block=_NO_BLOCK, networks=_NO_BLOCK,
    own_node_egress=_OPEN, cluster_services=_OPEN, local_dns=_OPEN,
    end_port=Fact(None, _UNENFORCED, _NONE_LINK), egress_port_names=_IDLE, sctp_rules=_IDLE,
    ipv6_blocks=_IDLE, unlisted_rules=_IDLE, sidecar_port_names=_IDLE, repeated_port_names=_IDLE,
    pod_labels=_NO_LABEL, namespace_labels=_NO_LABEL, cluster_policies=_NO_KIND,
    admin_policies=_NO_KIND, cilium_policies=_NO_KIND, calico_policies=_NO_KIND,
)  # fmt: skip

_VERSION: Final = re.compile(r"v?([0-9]+)\.([0-9]+)(?![0-9])")

ENGINES: Final = {each.name: each for each in (SPEC, AZURE, CALICO, CILIUM, NONE)}


def engine(name: str) -> Engine:
    """Return the engine of that name.

    Raises:
        InvalidValue: there is no such engine.
    """
    if name in ENGINES:
        return ENGINES[name]
    raise InvalidValue(f"unknown network policy engine `{name}`", help=did_you_mean(name, ENGINES))


def minor_version(version: str | None) -> tuple[int, int] | None:
    """Return a Kubernetes version's two numbers in order; None where it is not known, or is none.

    >>> minor_version("v1.32.4"), minor_version("1.9") < minor_version("1.32"), minor_version("new")
    ((1, 32), True, None)
    """
    found = _VERSION.match(version or "")
    return None if found is None else (int(found[1]), int(found[2]))


def engine_change(before: str, after: str) -> Iterator[Finding]:
    """Yield an error if the engine is another one, because that decides everything anew."""
    if before != after:
        yield Finding(
            "engine-changes",
            Severity.ERROR,
            f"the network policy engine changes from `{before}` to `{after}`",
            help=f"see `podwall migrate --from {before} --to {after}`",
            link="https://learn.microsoft.com/en-us/azure/aks/use-network-policies",
        )
