"""Which objects that are not read may be, or act as, policies, and about which pods they may be.

Nothing of what such an object says is interpreted: for the pods that it may select, everything that
it could change is undetermined. What is read is only where it acts, and only where that is sure: a
selector that means what one of Kubernetes means narrows it, any other is taken for everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from podwall.model import EMPTY_SELECTOR, Selector, UnreadPolicy
from podwall.policies.rules import Direction
from podwall.reading.fields import Malformed
from podwall.reading.metadata import ManifestObject
from podwall.reading.selectors import read_selector

__all__ = ["is_other_policy", "unread_policy"]

_CILIUM: Final = "https://docs.cilium.io/en/stable/security/policy/"
_CALICO: Final = "https://docs.tigera.io/calico/latest/reference/resources/"
_ADMIN: Final = "https://network-policy-api.sigs.k8s.io/"
_ISTIO: Final = "https://istio.io/latest/docs/reference/config/security/"
_ANTREA: Final = "https://antrea.io/docs/main/docs/antrea-network-policy/"
_LINKERD: Final = "https://linkerd.io/2/reference/authorization-policy/"
_OVN: Final = "https://ovn-kubernetes.io/features/network-security-controls/egress-firewall/"
_SMI: Final = "https://github.com/servicemeshinterface/smi-spec/blob/main/apis/traffic-access/"
_KUMA: Final = "https://kuma.io/docs/latest/policies/introduction/"
_CONSUL: Final = "https://developer.hashicorp.com/consul/docs/reference/config-entry"
_APP_MESH: Final = "https://docs.aws.amazon.com/app-mesh/latest/userguide/meshes.html"
_AWS: Final = "https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html"
_AWS_GROUPS: Final = (
    "https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html"
)
_GKE: Final = "https://cloud.google.com/kubernetes-engine/docs/how-to/fqdn-network-policies"
_BOTH: Final = tuple(Direction)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What objects of a kind may do, as in `UnreadPolicy`; `selector` is the field of their pods.

    Those of `root` act on every namespace.
    """

    link: str
    is_namespaced: bool = True
    directions: tuple[Direction, ...] = _BOTH
    narrows: bool = False
    engines: frozenset[str] | None = None
    selector: str = ""
    root: str = ""


_BY_CILIUM: Final = frozenset({"cilium"})
_BY_CALICO: Final = frozenset({"calico"})
_INGRESS: Final = (Direction.INGRESS,)
_EGRESS: Final = (Direction.EGRESS,)
_ISTIO_KIND: Final = _Kind(_ISTIO, directions=_INGRESS, narrows=True, root="istio-system")
_LINKERD_KIND: Final = _Kind(_LINKERD, directions=_INGRESS, narrows=True)
_CILIUM_KIND: Final = _Kind(_CILIUM, engines=_BY_CILIUM, selector="endpointSelector")
_CILIUM_WIDE: Final = _Kind(
    _CILIUM, is_namespaced=False, engines=_BY_CILIUM, selector="endpointSelector"
)
_CALICO_KIND: Final = _Kind(_CALICO, engines=_BY_CALICO)
_CALICO_WIDE: Final = _Kind(_CALICO, is_namespaced=False, engines=_BY_CALICO)
_ADMIN_KIND: Final = _Kind(_ADMIN, is_namespaced=False)
#: What a proxy does with what reaches it. https://istio.io/latest/docs/reference/config/networking/
_ISTIO_PROXY: Final = _Kind(_ISTIO, narrows=True, root="istio-system")
#: Those of the zone's own namespace are for the whole mesh.
_KUMA_KIND: Final = _Kind(_KUMA, narrows=True, root="kuma-system")
_KUMA_WIDE: Final = _Kind(_KUMA, is_namespaced=False, narrows=True)
_KUMA_KINDS: Final = (
    "MeshTrafficPermission",
    "MeshHTTPRoute",
    "MeshTCPRoute",
    "MeshFaultInjection",
    "MeshPassthrough",
    "MeshProxyPatch",
    "MeshTLS",
    "MeshExternalService",
)
#: Services are named whatever their namespace.
_CONSUL_KIND: Final = _Kind(_CONSUL, is_namespaced=False, directions=_INGRESS, narrows=True)
_KINDS: Final = {
    ("cilium.io", "CiliumNetworkPolicy"): _CILIUM_KIND,
    ("cilium.io", "CiliumClusterwideNetworkPolicy"): _CILIUM_WIDE,
    ("crd.projectcalico.org", "NetworkPolicy"): _CALICO_KIND,
    ("crd.projectcalico.org", "GlobalNetworkPolicy"): _CALICO_WIDE,
    ("projectcalico.org", "NetworkPolicy"): _CALICO_KIND,
    ("projectcalico.org", "GlobalNetworkPolicy"): _CALICO_WIDE,
    ("policy.networking.k8s.io", "AdminNetworkPolicy"): _ADMIN_KIND,
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"): _ADMIN_KIND,
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"): _ADMIN_KIND,
    ("crd.antrea.io", "NetworkPolicy"): _Kind(_ANTREA),
    ("crd.antrea.io", "ClusterNetworkPolicy"): _Kind(_ANTREA, is_namespaced=False),
    ("security.istio.io", "AuthorizationPolicy"): _ISTIO_KIND,
    ("security.istio.io", "PeerAuthentication"): _ISTIO_KIND,
    ("access.smi-spec.io", "TrafficTarget"): _Kind(_SMI, directions=_INGRESS, narrows=True),
    ("policy.linkerd.io", "AuthorizationPolicy"): _LINKERD_KIND,
    ("policy.linkerd.io", "Server"): _LINKERD_KIND,
    ("policy.linkerd.io", "ServerAuthorization"): _LINKERD_KIND,
    ("networking.istio.io", "Sidecar"): _ISTIO_PROXY,
    ("networking.istio.io", "EnvoyFilter"): _ISTIO_PROXY,
    ("kuma.io", "Mesh"): _KUMA_WIDE,
    ("kuma.io", "TrafficPermission"): _KUMA_WIDE,
    **{("kuma.io", kind): _KUMA_KIND for kind in _KUMA_KINDS},
    **{
        ("appmesh.k8s.aws", kind): _Kind(_APP_MESH, is_namespaced=False, narrows=True)
        for kind in ("Mesh", "VirtualGateway", "VirtualNode")
    },
    ("consul.hashicorp.com", "ServiceIntentions"): _CONSUL_KIND,
    ("consul.hashicorp.com", "Mesh"): _CONSUL_KIND,
    ("consul.hashicorp.com", "ProxyDefaults"): _CONSUL_KIND,
    ("vpcresources.k8s.aws", "SecurityGroupPolicy"): _Kind(_AWS_GROUPS, narrows=True),
    ("networking.k8s.aws", "ApplicationNetworkPolicy"): _Kind(_AWS),
    ("networking.k8s.aws", "ClusterNetworkPolicy"): _Kind(_AWS, is_namespaced=False),
    ("networking.gke.io", "FQDNNetworkPolicy"): _Kind(_GKE, directions=_EGRESS),
    ("k8s.ovn.org", "AdminPolicyBasedExternalRoute"): _Kind(
        _OVN, is_namespaced=False, directions=_EGRESS
    ),
    ("k8s.ovn.org", "EgressFirewall"): _Kind(_OVN, directions=_EGRESS, narrows=True),
    ("network.openshift.io", "EgressNetworkPolicy"): _Kind(_OVN, directions=_EGRESS, narrows=True),
}


def is_other_policy(group: str, kind: str) -> bool:
    """Return whether objects of a kind decide who reaches whom beside NetworkPolicies.

    >>> is_other_policy("cilium.io", "CiliumNetworkPolicy"), is_other_policy("", "ConfigMap")
    (True, False)
    """
    return (group, kind) in _KINDS


def unread_policy(item: ManifestObject) -> UnreadPolicy | None:
    """Return what an object may decide; nothing if it is of a kind that decides nothing."""
    kind = _KINDS.get((item.group, item.kind))
    if kind is None:
        return None
    everywhere = not kind.is_namespaced or item.namespace == kind.root
    return UnreadPolicy(
        item.kind,
        item.name,
        None if everywhere else item.namespace,
        _pods(item, kind),
        kind.directions,
        kind.narrows,
        kind.engines,
        item.place,
        kind.link,
    )


def _pods(item: ManifestObject, kind: _Kind) -> Selector:
    """Return the pods that an object selects, or all where its words are not surely Kubernetes'."""
    spec = item.manifest.get("spec")
    if not kind.selector or not isinstance(spec, dict) or item.manifest.get("specs"):
        return EMPTY_SELECTOR
    try:
        found = read_selector(spec.get(kind.selector))
    except Malformed:
        return EMPTY_SELECTOR
    return found if all(_is_plain(each) for each in _keys(found)) else EMPTY_SELECTOR


def _keys(selector: Selector) -> Iterator[str]:
    return (each.key for each in selector.requirements)


def _is_plain(key: str) -> bool:
    """Return whether a key is that of a pod's own label: Cilium's may name a source, as `k8s:app`.

    https://docs.cilium.io/en/stable/gettingstarted/terminology/#label-source
    """
    return ":" not in key and not key.startswith(("any.", "k8s.", "io.kubernetes", "io.cilium"))
