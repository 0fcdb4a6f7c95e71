"""The network policy engines as data: how each departs from the specification, with its source.

An engine is a value with one `Fact` for every point on which engines are known to differ. Reports
quote their words and links. What `SPEC`, the Kubernetes specification, leaves open is undetermined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from enum import StrEnum
from typing import Final, Generic, TypeVar

from podwall.aks.network_engine import EngineVersions, engine_versions
from podwall.policies.errors import InvalidValue
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
    "OverlookedLabels",
    "Treatment",
    "engine",
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
class Fact(Generic[T]):
    """What an engine does at one point, in words, and where that is written.

    `since` and `until` are the first and the last of the engine's own versions (of Cilium `1.17`)
    of which it holds, None where it holds of all that are known. `otherwise` is what others do.
    """

    value: T
    says: str
    link: str
    since: str | None = None
    until: str | None = None
    otherwise: T | None = None

    def at(self, versions: EngineVersions) -> tuple[T, ...]:
        """Return what it is in versions of the engine: several, where these differ.

        >>> [each.value for each in CILIUM.egress_port_names.at(CILIUM.versions("1.37"))]
        ['ignored', 'enforced']
        """
        holds = versions.between(self.since, self.until)
        if self.otherwise is None or holds:
            return (self.value,)
        return (self.otherwise,) if holds is False else (self.value, self.otherwise)


@dataclass(frozen=True, slots=True)
class OverlookedLabels:
    """Labels that an engine does not see, by their keys: selectors find them missing.

    Those that begin with one of `prefixes` or contain one of `infixes`; from the engine's version
    `later_from` on perhaps those of `later`, too. `wide_until`: the last version, None where no one
    does, of which what has no such labels (nodes, outside) may be meant by peers that only exclude.
    """

    prefixes: tuple[str, ...] = ()
    infixes: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    later_from: str = ""
    wide_until: str | None = None

    def hide(self, key: str) -> bool:
        """Return whether the engine certainly does not see the label.

        >>> CILIUM.pod_labels.value.hide("kubernetes.io/arch"), CILIUM.pod_labels.value.hide("app")
        (True, False)
        """
        return key.startswith(self.prefixes) or any(each in key for each in self.infixes)

    def may_widen(self, versions: EngineVersions) -> bool:
        """Return whether peers that only exclude may mean what has no label in some versions."""
        return bool(self.wide_until) and versions.between(None, self.wide_until) is not False

    def may_hide(self, key: str, versions: EngineVersions) -> bool:
        """Return whether the engine may not see the label in some of its versions."""
        earlier = versions.between(self.later_from, None) is False
        return self.hide(key) or (key.startswith(self.later) and not earlier)


@dataclass(frozen=True, slots=True)
class Engine:
    """A network policy engine, point by point.

    `pods_by_block`, `nodes_by_block`: whether ip blocks match pods, and hostNetwork pods and nodes.
    `own_node_egress`: traffic of a pod to its own node. `cluster_services`: traffic to the backends
    of a NodePort or LoadBalancer service with externalTrafficPolicy Cluster. `end_port`: ranges of
    ports; `IGNORED` leaves their first. `egress_port_names`: an egress rule with a port name;
    `IGNORED` puts its one number in the cluster there, or nothing where it has several.
    `sctp_rules`: rules that list SCTP. `ipv6_blocks`: policies with an IPv6 ip block. `local_dns`:
    egress to AKS LocalDNS on the node. `unlisted_rules`: rules of a direction that `policyTypes`
    does not list. `sidecar_port_names`: a rule with a port name that only a native sidecar
    declares. `repeated_port_names`: a rule with a name that a pod declares more than once.
    `pod_labels`, `namespace_labels`: labels of pods and of namespaces that selectors do not find.
    `cluster_policies`: the kind ClusterNetworkPolicy. `admin_policies`: AdminNetworkPolicy and
    BaselineAdminNetworkPolicy. `networks`: whether the networks of these kinds match pods and
    nodes. `cilium_policies`: Cilium's own kinds. `calico_policies`: Calico's.
    """

    name: str
    title: str
    pods_by_block: Fact[BlockMatch]
    nodes_by_block: Fact[BlockMatch]
    own_node_egress: Fact[Treatment]
    cluster_services: Fact[Treatment]
    end_port: Fact[Treatment]
    egress_port_names: Fact[Treatment]
    sctp_rules: Fact[Treatment]
    ipv6_blocks: Fact[Treatment]
    local_dns: Fact[Treatment]
    unlisted_rules: Fact[Treatment]
    sidecar_port_names: Fact[Treatment]
    repeated_port_names: Fact[Treatment]
    pod_labels: Fact[OverlookedLabels]
    namespace_labels: Fact[OverlookedLabels]
    cluster_policies: Fact[Treatment]
    admin_policies: Fact[Treatment]
    networks: Fact[BlockMatch]
    cilium_policies: Fact[Treatment]
    calico_policies: Fact[Treatment]
    enforces: bool = True

    def facts(self) -> Iterator[tuple[str, Fact[object]]]:
        """Yield each point's field name with its fact."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Fact):
                yield field.name, value

    def versions(self, kubernetes_version: str | None, own: str | None = None) -> EngineVersions:
        """Return the versions that may run: its `own` one, or those of a version of Kubernetes."""
        return engine_versions(self.name, kubernetes_version, own)

    def enforces_kind(self, kind: str) -> Fact[Treatment]:
        """Return whether policies of a kind beside NetworkPolicy are enforced."""
        if kind.startswith("Cilium"):
            return self.cilium_policies
        if kind.startswith("Calico"):
            return self.calico_policies
        return self.cluster_policies if kind == "ClusterNetworkPolicy" else self.admin_policies

    def treatment(self, kind: str, versions: EngineVersions) -> Treatment:
        """Return what its versions do with policies of a kind, `UNDEFINED` where that is not known.

        So it is where nothing says which one runs: who writes them may have another.

        >>> found = [CILIUM.versions(each) for each in ("1.33", "1.37", None)]
        >>> [CILIUM.treatment("ClusterNetworkPolicy", each).value for each in found]
        ['ignored', 'undefined', 'undefined']
        """
        found = self.enforces_kind(kind).at(EngineVersions() if versions.assumed else versions)
        return found[0] if len(found) == 1 else Treatment.UNDEFINED

    def departures(self) -> dict[str, Fact[object]]:
        """Return the facts that differ from those of the specification, by field name.

        >>> sorted(each for each in CALICO.departures() if "policies" not in each)
        ['cluster_services', 'nodes_by_block', 'own_node_egress', 'pods_by_block']
        """
        spec = dict(SPEC.facts())
        facts = ((point, fact) for point, fact in self.facts() if fact != spec[point])
        return {at: each for at, each in facts if each.otherwise or each.value != spec[at].value}


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
_CALICO_KINDS: Final = "https://docs.tigera.io/calico/latest/reference/resources/"
_CILIUM_CODE: Final = "https://github.com/cilium/cilium/tree/v1.18.6/pkg/k8s"
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
    end_port=Fact(Treatment.ENFORCED, "a range of ports is applied as a range", _DOCS),
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
        Treatment.IGNORED, "rules of a direction that `policyTypes` does not list are ignored", _API
    ),
    pod_labels=Fact(OverlookedLabels(), "selectors see every label of a pod", _LABELS),
    namespace_labels=Fact(OverlookedLabels(), "selectors see every label of a namespace", _LABELS),
    cluster_policies=Fact(
        Treatment.ENFORCED,
        "the Admin tier comes before NetworkPolicies, the Baseline tier after them",
        _TIERS + "api-overview/",
    ),
    admin_policies=Fact(
        Treatment.ENFORCED,
        "AdminNetworkPolicies come before NetworkPolicies, the BaselineAdminNetworkPolicy after",
        _TIERS + "api-overview/",
    ),
    networks=Fact(
        BlockMatch.BY_ADDRESS,
        "networks match pods and nodes whose address is in them",
        _TIERS + "api-overview/",
    ),
    cilium_policies=Fact(Treatment.UNDEFINED, "only Cilium enforces its kinds", _CNP),
    calico_policies=Fact(Treatment.UNDEFINED, "only Calico enforces its kinds", _CALICO_KINDS),
)

_NOT_CILIUM: Final = Fact(Treatment.IGNORED, "only Cilium enforces its kinds", _CNP)
_NOT_CALICO: Final = Fact(Treatment.IGNORED, "only Calico enforces its kinds", _CALICO_KINDS)
_NO_OTHER_KIND: Final = Fact(
    Treatment.IGNORED,
    "it enforces NetworkPolicies and no other kind",
    _AKS + "use-network-policies",
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
        Treatment.IGNORED,
        "ClusterNetworkPolicies came with Calico 3.32, and AKS up to 1.36 has an earlier one",
        _KINDS,
        until="3.31",
        otherwise=Treatment.UNDEFINED,
    ),
    admin_policies=Fact(
        Treatment.UNDEFINED,
        "Calico 3.29 to 3.31 knows AdminNetworkPolicies, which AKS neither documents nor tests",
        _KINDS,
    ),
    calico_policies=Fact(
        Treatment.ENFORCED,
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
    end_port=Fact(
        Treatment.ENFORCED,
        "below Cilium 1.17 only the first port of a range is applied",
        _MIGRATE,
        since="1.17",
        otherwise=Treatment.IGNORED,
    ),
    egress_port_names=Fact(
        Treatment.IGNORED,
        "up to Cilium 1.19 a port name in an egress rule becomes its number for every peer, and "
        "allows nothing where it stands for several numbers in the cluster",
        "https://github.com/cilium/cilium/issues/30003",
        until="1.19",
        otherwise=Treatment.ENFORCED,
    ),
    sctp_rules=Fact(
        Treatment.UNDEFINED,
        "SCTP is off unless it was switched on",
        "https://docs.cilium.io/en/stable/configuration/sctp/",
    ),
    local_dns=Fact(
        Treatment.IGNORED,
        "from Kubernetes 1.32 on no ip block matches AKS LocalDNS, a host",
        _DNS,
        since="1.17",
        otherwise=Treatment.ENFORCED,
    ),
    unlisted_rules=Fact(
        Treatment.ENFORCED,
        "rules isolate and are enforced also where `policyTypes` does not list their direction",
        "https://github.com/cilium/cilium/blob/v1.18.6/pkg/k8s/network_policy.go",
    ),
    sidecar_port_names=Fact(
        Treatment.IGNORED, "the port names of native sidecars are not seen", _CILIUM_CODE
    ),
    repeated_port_names=Fact(
        Treatment.UNDEFINED,
        "of a port name that a pod declares several times only one number is kept",
        _CILIUM_CODE,
    ),
    pod_labels=Fact(
        OverlookedLabels(_OUTSIDE_OF_IDENTITY, _BETA, ("topology.kubernetes.io",), "1.19"),
        "labels that are not of a pod's identity count as missing, such as `kubernetes.io/...` and "
        "`pod-template-hash`, unless the agent's option `labels` says otherwise",
        _IDENTITY,
    ),
    namespace_labels=Fact(
        OverlookedLabels(infixes=_BETA, wide_until="1.18"),
        "labels `...beta.kubernetes.io/...` of namespaces count as missing",
        _IDENTITY,
    ),
    cluster_policies=Fact(
        Treatment.IGNORED,
        "ClusterNetworkPolicies came with Cilium 1.20, and AKS up to 1.36 has an earlier one",
        "https://docs.cilium.io/en/stable/network/kubernetes/policy/",
        until="1.19",
        otherwise=Treatment.UNDEFINED,
    ),
    admin_policies=Fact(
        Treatment.IGNORED, "no version of Cilium enforces AdminNetworkPolicies", _KINDS
    ),
    networks=Fact(
        BlockMatch.NEVER,
        "networks never match pods or nodes, unless policy-cidr-match-mode says so",
        "https://docs.cilium.io/en/stable/network/kubernetes/policy/",
    ),
    calico_policies=_NOT_CALICO,
    cilium_policies=Fact(
        Treatment.ENFORCED, "it takes its kinds and NetworkPolicies together", _CNP
    ),
)

_UNENFORCED: Final = "nothing enforces network policies in this cluster"
_NONE_LINK: Final = _DOCS + "#prerequisites"

_IDLE: Final = Fact(Treatment.IGNORED, _UNENFORCED, _NONE_LINK)
_OPEN: Final = Fact(Treatment.OPEN, _UNENFORCED, _NONE_LINK)
_RANGES: Final = Fact(Treatment.ENFORCED, _UNENFORCED, _NONE_LINK)
_NO_BLOCK: Final = Fact(BlockMatch.NEVER, _UNENFORCED, _NONE_LINK)
_NO_LABEL: Final = Fact(OverlookedLabels(), _UNENFORCED, _NONE_LINK)

NONE: Final = Engine(
    name="none", title="no network policy engine", enforces=False,
    pods_by_block=_NO_BLOCK, nodes_by_block=_NO_BLOCK, networks=_NO_BLOCK,
    own_node_egress=_OPEN, cluster_services=_OPEN, local_dns=_OPEN,
    end_port=_RANGES, egress_port_names=_IDLE, sctp_rules=_IDLE,
    ipv6_blocks=_IDLE, unlisted_rules=_IDLE, sidecar_port_names=_IDLE, repeated_port_names=_IDLE,
    pod_labels=_NO_LABEL, namespace_labels=_NO_LABEL, cluster_policies=_IDLE,
    admin_policies=_IDLE, cilium_policies=_IDLE, calico_policies=_IDLE,
)  # fmt: skip

ENGINES: Final = {each.name: each for each in (SPEC, AZURE, CALICO, CILIUM, NONE)}


def engine(name: str) -> Engine:
    """Return the engine of that name.

    Raises:
        InvalidValue: there is no such engine.
    """
    if name in ENGINES:
        return ENGINES[name]
    raise InvalidValue(f"unknown network policy engine `{name}`", help=did_you_mean(name, ENGINES))
