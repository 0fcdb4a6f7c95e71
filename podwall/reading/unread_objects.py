"""What objects that are not read may be or bring: policies, and about which pods.

They are written in a chart, or a repository, and nobody can tell from such an object what it
brings. A release is installed into one namespace, and what its chart makes is there unless the
chart says otherwise; what applies a repository may bring objects of any namespace.

Of a kind that no table has it is not known what its controller does. It may make pods and policies
where the object is: in its namespace, and in any where it says none, since it may be in none. A
definition of the kind that is here itself says whether it is.

Nothing of what such an object says is interpreted: for the pods that it may select, everything that
it could change is undetermined. What is read is only where it acts, and only where that is sure: a
selector that means what one of Kubernetes means narrows it, any other is taken for everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from podwall.model import EMPTY_SELECTOR, Selector, Unknown, UnreadPolicy, namespace_text
from podwall.policies.rules import Direction
from podwall.quick_dataclass import dataclass
from podwall.reading.fields import Malformed
from podwall.reading.metadata import ManifestObject, read_plain_selector, read_selector
from podwall.reading.pod_kinds import PodKind

__all__ = [
    "brought_policies",
    "counts_beside_policies",
    "is_other_policy",
    "kinds_in_namespaces",
    "of_operator",
    "of_unknown_kind",
    "speaks_of_neither",
    "unread_policy",
]

_FLUX: Final = "https://fluxcd.io/flux/components/"
_ARGO: Final = "https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/"
_HELM_CONTROLLER: Final = "https://docs.k3s.io/helm"
_CROSSPLANE: Final = "https://github.com/crossplane-contrib/"
_CARVEL: Final = "https://carvel.dev/kapp-controller/docs/latest/"
_OPENSHIFT: Final = "https://docs.openshift.com/container-platform/latest/"
_FLEET: Final = "https://fleet.rancher.io/"
_KYVERNO: Final = "https://kyverno.io/docs/policy-types/"


@dataclass(frozen=True, slots=True)
class _Bringing:
    """Where the objects are that objects of a kind bring.

    `target` is the field of their namespace. Where it is left out, that is the own one if `own`,
    and any else. `if_any` are fields of rules, without any of which nothing is brought.
    """

    link: str
    target: str = ""
    own: bool = False
    if_any: tuple[str, ...] = ()


_KINDS_THAT_BRING: Final = {
    ("helm.toolkit.fluxcd.io", "HelmRelease"): _Bringing(_FLUX, "spec.targetNamespace", own=True),
    ("helm.fluxcd.io", "HelmRelease"): _Bringing(_FLUX, "spec.targetNamespace", own=True),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): _Bringing(_FLUX, "spec.targetNamespace"),
    ("argoproj.io", "Application"): _Bringing(_ARGO, "spec.destination.namespace"),
    ("argoproj.io", "ApplicationSet"): _Bringing(_ARGO),
    ("helm.cattle.io", "HelmChart"): _Bringing(_HELM_CONTROLLER, "spec.targetNamespace", own=True),
    ("helm.cattle.io", "HelmChartConfig"): _Bringing(_HELM_CONTROLLER, own=True),
    ("helm.crossplane.io", "Release"): _Bringing(_CROSSPLANE, "spec.forProvider.namespace"),
    ("kubernetes.crossplane.io", "Object"): _Bringing(
        _CROSSPLANE, "spec.forProvider.manifest.metadata.namespace"
    ),
    ("packaging.carvel.dev", "PackageInstall"): _Bringing(_CARVEL),
    ("kappctrl.k14s.io", "App"): _Bringing(_CARVEL),
    ("template.openshift.io", "Template"): _Bringing(_OPENSHIFT),
    ("template.openshift.io", "TemplateInstance"): _Bringing(_OPENSHIFT),
    ("operators.coreos.com", "Subscription"): _Bringing(_OPENSHIFT, own=True),
    ("fleet.cattle.io", "GitRepo"): _Bringing(_FLEET, "spec.targetNamespace"),
    ("fleet.cattle.io", "Bundle"): _Bringing(_FLEET),
    ("core.oam.dev", "Application"): _Bringing("https://kubevela.io/docs/", own=True),
    ("kyverno.io", "ClusterPolicy"): _Bringing(_KYVERNO, if_any=("generate", "mutate")),
    ("kyverno.io", "Policy"): _Bringing(_KYVERNO, own=True, if_any=("generate", "mutate")),
}


def brought_policies(item: ManifestObject) -> UnreadPolicy | None:
    """Return what an object may decide by what it brings; nothing if it brings nothing."""
    kind = _KINDS_THAT_BRING.get((item.group, item.kind))
    if kind is None or (kind.if_any and not _has_any(item.manifest, kind.if_any)):
        return None
    namespace = _at(item.manifest, kind.target) if kind.target else None
    if not _is_one(namespace):
        namespace = item.namespace if kind.own and namespace is None else None
    return UnreadPolicy(
        item.kind, _full_name(item), namespace, place=item.place, link=kind.link, brings=True
    )


def of_operator(item: ManifestObject, kind: PodKind) -> Iterator[UnreadPolicy]:
    """Yield what policies may decide that an operator makes for the pods of an object."""
    for made in kind.pods if kind.makes_policies else ():
        labels = {k: v.replace("{name}", item.name) for k, v in made.labels.items() if v}
        yield UnreadPolicy(
            item.kind,
            _full_name(item),
            item.namespace,
            read_plain_selector(labels),
            place=item.place,
            link=kind.source,
            brings=True,
        )


def of_unknown_kind(item: ManifestObject) -> tuple[UnreadPolicy, ...]:
    """Return what policies may decide that a controller makes of an object of an unknown kind.

    It may make them where the object is, and in the namespaces that the object names.
    """
    metadata = item.manifest.get("metadata")
    is_written = isinstance(metadata, Unknown) or bool(_at(metadata, "namespace"))
    name = _full_name(item) if is_written else item.name
    named = frozenset(_namespaces_in(item.manifest.get("spec")))
    everywhere = not is_written or None in named
    others = () if everywhere else sorted(named - {item.namespace})
    namespaces = (None,) if everywhere else (item.namespace, *others)
    return tuple(
        UnreadPolicy(item.kind, name, each, place=item.place, brings=True) for each in namespaces
    )


def _namespaces_in(value: Any, field: str = "") -> Iterator[Any]:
    """Yield the namespaces that fields name, by what they are called; None for more than a name."""
    is_about = "namespace" in field
    if isinstance(value, Mapping):
        if is_about:
            yield None
        for key, each in value.items():
            yield from _namespaces_in(each, str(key).lower())
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _namespaces_in(each, field)
    elif is_about and isinstance(value, Unknown):
        yield None
    elif is_about and isinstance(value, str) and value:
        is_name = field.endswith(("namespace", "namespaces")) and _NAMESPACE.fullmatch(value)
        yield value if is_name else None


_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
#: Ends of the names of kinds whose objects are shown to people, or tell them something.
_SHOWN_TO_PEOPLE: Final = ("AlertRule", "Dashboard", "Dashboards", "Datasource", "Panel", "Silence")
#: The fields by which such an object says what is shown.
_WHAT_IS_SHOWN: Final = frozenset({
    "annotations", "condition", "conditions", "datasource", "datasources", "description",
    "displayName", "duration", "endsAt", "expr", "expression", "folder", "interval", "json",
    "labels", "matchers", "panels", "queries", "query", "refresh", "rows", "severity",
    "startsAt", "summary", "tags", "time", "title", "variables", "widgets",
})  # fmt: skip


def speaks_of_neither(item: ManifestObject) -> bool:
    """Return whether an object of an unknown kind is only shown to people.

    Nobody can tell from its words what a controller makes of an object: a tenant that says
    `isolation: strict` gets policies, and a dashboard that says `host: x` is installed. So its kind
    has to be called after something that is looked at, and every field to be about that.
    """
    spec = item.manifest.get("spec")
    is_shown = item.kind.endswith(_SHOWN_TO_PEOPLE)
    return is_shown and isinstance(spec, Mapping) and bool(spec) and spec.keys() <= _WHAT_IS_SHOWN


def kinds_in_namespaces(objects: Iterable[ManifestObject]) -> frozenset[tuple[str, str]]:
    """Return the groups and kinds that are defined among the objects, and are in namespaces.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
    """
    definitions = (each.manifest for each in objects if each.kind == "CustomResourceDefinition")
    return frozenset(
        (str(_at(each, "spec.group")), str(_at(each, "spec.names.kind")))
        for each in definitions
        if _at(each, "spec.scope") == "Namespaced"
    )


def _full_name(item: ManifestObject) -> str:
    return f"{namespace_text(item.namespace)}/{item.name}"


def _is_one(namespace: Any) -> bool:
    """Return whether a value names one namespace, as a template of a name does not."""
    return isinstance(namespace, str) and bool(namespace) and "{{" not in namespace


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _has_any(manifest: Mapping[str, Any], fields: tuple[str, ...]) -> bool:
    return any(field in rule for rule in _rules(manifest) for field in fields)


def _rules(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    rules = _at(manifest, "spec.rules")
    for each in rules if isinstance(rules, list | tuple) else ():
        if isinstance(each, Mapping):
            yield each


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
class _PolicyLike:
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
_ISTIO_KIND: Final = _PolicyLike(_ISTIO, directions=_INGRESS, narrows=True, root="istio-system")
_LINKERD_KIND: Final = _PolicyLike(_LINKERD, directions=_INGRESS, narrows=True)
_CILIUM_KIND: Final = _PolicyLike(_CILIUM, engines=_BY_CILIUM, selector="endpointSelector")
_CILIUM_WIDE: Final = _PolicyLike(
    _CILIUM, is_namespaced=False, engines=_BY_CILIUM, selector="endpointSelector"
)
_CALICO_KIND: Final = _PolicyLike(_CALICO, engines=_BY_CALICO)
_CALICO_WIDE: Final = _PolicyLike(_CALICO, is_namespaced=False, engines=_BY_CALICO)
_ADMIN_KIND: Final = _PolicyLike(_ADMIN, is_namespaced=False)
#: What a proxy does with what reaches it. https://istio.io/latest/docs/reference/config/networking/
_ISTIO_PROXY: Final = _PolicyLike(_ISTIO, narrows=True, root="istio-system")
#: Those of the zone's own namespace are for the whole mesh.
_KUMA_KIND: Final = _PolicyLike(_KUMA, narrows=True, root="kuma-system")
_KUMA_WIDE: Final = _PolicyLike(_KUMA, is_namespaced=False, narrows=True)
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
_CONSUL_KIND: Final = _PolicyLike(_CONSUL, is_namespaced=False, directions=_INGRESS, narrows=True)
_KINDS_LIKE_POLICIES: Final = {
    ("cilium.io", "CiliumNetworkPolicy"): _CILIUM_KIND,
    ("cilium.io", "CiliumClusterwideNetworkPolicy"): _CILIUM_WIDE,
    ("crd.projectcalico.org", "NetworkPolicy"): _CALICO_KIND,
    ("crd.projectcalico.org", "GlobalNetworkPolicy"): _CALICO_WIDE,
    ("projectcalico.org", "NetworkPolicy"): _CALICO_KIND,
    ("projectcalico.org", "GlobalNetworkPolicy"): _CALICO_WIDE,
    ("policy.networking.k8s.io", "AdminNetworkPolicy"): _ADMIN_KIND,
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"): _ADMIN_KIND,
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"): _ADMIN_KIND,
    ("crd.antrea.io", "NetworkPolicy"): _PolicyLike(_ANTREA),
    ("crd.antrea.io", "ClusterNetworkPolicy"): _PolicyLike(_ANTREA, is_namespaced=False),
    ("security.istio.io", "AuthorizationPolicy"): _ISTIO_KIND,
    ("security.istio.io", "PeerAuthentication"): _ISTIO_KIND,
    ("access.smi-spec.io", "TrafficTarget"): _PolicyLike(_SMI, directions=_INGRESS, narrows=True),
    ("policy.linkerd.io", "AuthorizationPolicy"): _LINKERD_KIND,
    ("policy.linkerd.io", "Server"): _LINKERD_KIND,
    ("policy.linkerd.io", "ServerAuthorization"): _LINKERD_KIND,
    ("networking.istio.io", "Sidecar"): _ISTIO_PROXY,
    ("networking.istio.io", "EnvoyFilter"): _ISTIO_PROXY,
    ("kuma.io", "Mesh"): _KUMA_WIDE,
    ("kuma.io", "TrafficPermission"): _KUMA_WIDE,
    **{("kuma.io", kind): _KUMA_KIND for kind in _KUMA_KINDS},
    **{
        ("appmesh.k8s.aws", kind): _PolicyLike(_APP_MESH, is_namespaced=False, narrows=True)
        for kind in ("Mesh", "VirtualGateway", "VirtualNode")
    },
    ("consul.hashicorp.com", "ServiceIntentions"): _CONSUL_KIND,
    ("consul.hashicorp.com", "Mesh"): _CONSUL_KIND,
    ("consul.hashicorp.com", "ProxyDefaults"): _CONSUL_KIND,
    ("vpcresources.k8s.aws", "SecurityGroupPolicy"): _PolicyLike(_AWS_GROUPS, narrows=True),
    ("networking.k8s.aws", "ApplicationNetworkPolicy"): _PolicyLike(_AWS),
    ("networking.k8s.aws", "ClusterNetworkPolicy"): _PolicyLike(_AWS, is_namespaced=False),
    ("networking.gke.io", "FQDNNetworkPolicy"): _PolicyLike(_GKE, directions=_EGRESS),
    ("k8s.ovn.org", "AdminPolicyBasedExternalRoute"): _PolicyLike(
        _OVN, is_namespaced=False, directions=_EGRESS
    ),
    ("k8s.ovn.org", "EgressFirewall"): _PolicyLike(_OVN, directions=_EGRESS, narrows=True),
    ("network.openshift.io", "EgressNetworkPolicy"): _PolicyLike(
        _OVN, directions=_EGRESS, narrows=True
    ),
}


_REFERRED_TO: Final = frozenset({
    ("cilium.io", "CiliumCIDRGroup"),
    *((group, kind) for group in ("crd.projectcalico.org", "projectcalico.org")
      for kind in ("Tier", "NetworkSet", "GlobalNetworkSet")),
})  # fmt: skip


def counts_beside_policies(group: str, kind: str) -> bool:
    """Return whether policies other than NetworkPolicies mean something else without a kind.

    >>> counts_beside_policies("projectcalico.org", "Tier"), counts_beside_policies("", "Secret")
    (True, False)
    """
    return (group, kind) in _REFERRED_TO or is_other_policy(group, kind)


def is_other_policy(group: str, kind: str) -> bool:
    """Return whether objects of a kind decide who reaches whom beside NetworkPolicies.

    >>> is_other_policy("cilium.io", "CiliumNetworkPolicy"), is_other_policy("", "ConfigMap")
    (True, False)
    """
    return (group, kind) in _KINDS_LIKE_POLICIES


def unread_policy(item: ManifestObject) -> UnreadPolicy | None:
    """Return what an object may decide; nothing if it is of a kind that decides nothing."""
    kind = _KINDS_LIKE_POLICIES.get((item.group, item.kind))
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


def _pods(item: ManifestObject, kind: _PolicyLike) -> Selector:
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
