"""Kinds whose controllers apply objects that nothing here shows.

They are written in a chart, or a repository, and nobody can tell from such an object what it
brings. A release is installed into one namespace, and what its chart makes is there unless the
chart says otherwise; what applies a repository may bring objects of any namespace.

Of a kind that no table has it is not known what its controller does. It may make pods and policies
where the object is: in its namespace, and in any where it says none, since it may be in none. A
definition of the kind that is here itself says whether it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podwall.model import Unknown, UnreadPolicy, namespace_text
from podwall.reading.metadata import ManifestObject
from podwall.reading.pod_kinds import PodKind
from podwall.reading.selectors import read_plain_selector

__all__ = ["brought_policies", "kinds_in_namespaces", "of_operator", "of_unknown_kind"]

_FLUX: Final = "https://fluxcd.io/flux/components/"
_ARGO: Final = "https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/"
_HELM_CONTROLLER: Final = "https://docs.k3s.io/helm"
_CROSSPLANE: Final = "https://github.com/crossplane-contrib/"
_CARVEL: Final = "https://carvel.dev/kapp-controller/docs/latest/"
_OPENSHIFT: Final = "https://docs.openshift.com/container-platform/latest/"
_FLEET: Final = "https://fleet.rancher.io/"
_KYVERNO: Final = "https://kyverno.io/docs/policy-types/"


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where the objects are that objects of a kind bring.

    `target` is the field of their namespace. Where it is left out, that is the own one if `own`,
    and any else. `if_any` are fields of rules, without any of which nothing is brought.
    """

    link: str
    target: str = ""
    own: bool = False
    if_any: tuple[str, ...] = ()


_KINDS: Final = {
    ("helm.toolkit.fluxcd.io", "HelmRelease"): _Kind(_FLUX, "spec.targetNamespace", own=True),
    ("helm.fluxcd.io", "HelmRelease"): _Kind(_FLUX, "spec.targetNamespace", own=True),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): _Kind(_FLUX, "spec.targetNamespace"),
    ("argoproj.io", "Application"): _Kind(_ARGO, "spec.destination.namespace"),
    ("argoproj.io", "ApplicationSet"): _Kind(_ARGO),
    ("helm.cattle.io", "HelmChart"): _Kind(_HELM_CONTROLLER, "spec.targetNamespace", own=True),
    ("helm.cattle.io", "HelmChartConfig"): _Kind(_HELM_CONTROLLER, own=True),
    ("helm.crossplane.io", "Release"): _Kind(_CROSSPLANE, "spec.forProvider.namespace"),
    ("kubernetes.crossplane.io", "Object"): _Kind(
        _CROSSPLANE, "spec.forProvider.manifest.metadata.namespace"
    ),
    ("packaging.carvel.dev", "PackageInstall"): _Kind(_CARVEL),
    ("kappctrl.k14s.io", "App"): _Kind(_CARVEL),
    ("template.openshift.io", "Template"): _Kind(_OPENSHIFT),
    ("template.openshift.io", "TemplateInstance"): _Kind(_OPENSHIFT),
    ("operators.coreos.com", "Subscription"): _Kind(_OPENSHIFT, own=True),
    ("fleet.cattle.io", "GitRepo"): _Kind(_FLEET, "spec.targetNamespace"),
    ("fleet.cattle.io", "Bundle"): _Kind(_FLEET),
    ("core.oam.dev", "Application"): _Kind("https://kubevela.io/docs/", own=True),
    ("kyverno.io", "ClusterPolicy"): _Kind(_KYVERNO, if_any=("generate", "mutate")),
    ("kyverno.io", "Policy"): _Kind(_KYVERNO, own=True, if_any=("generate", "mutate")),
}


def brought_policies(item: ManifestObject) -> UnreadPolicy | None:
    """Return what an object may decide by what it brings; nothing if it brings nothing."""
    kind = _KINDS.get((item.group, item.kind))
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


def of_unknown_kind(item: ManifestObject) -> UnreadPolicy:
    """Return what policies may decide that a controller makes of an object of an unknown kind."""
    metadata = item.manifest.get("metadata")
    is_written = isinstance(metadata, Unknown) or bool(_at(metadata, "namespace"))
    name = _full_name(item) if is_written else item.name
    return UnreadPolicy(
        item.kind, name, item.namespace if is_written else None, place=item.place, brings=True
    )


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
