"""Files in YAML and JSON that are made for other tools, and that no API server knows.

Folders of manifests hold them, too. They look like objects, and are none: what is said of an object
(no name, an unknown kind) would be wrong of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["CHART", "is_kustomization", "made_for"]

#: The groups that only a tool reads, by the tool or the program whose file it is.
_GROUPS: Final[Mapping[str, str]] = {
    group: tool
    for tool, groups in {
        "kustomize": "builtin kustomize.config.k8s.io",
        "kind": "kind.x-k8s.io",
        "k3d": "k3d.io",
        "ctlptl": "ctlptl.dev",
        "eksctl": "eksctl.io",
        "skaffold": "skaffold",
        "kpt": "kpt.dev fn.kpt.dev",
        "krew": "krew.googlecontainertools.github.com",
        "kuttl": "kuttl.dev",
        "kyverno's command line": "cli.kyverno.io",
        "chainsaw": "chainsaw.kyverno.io",
        "backstage": "backstage.io",
        "kubectl": "client.authentication.k8s.io kubectl.config.k8s.io",
        "kubeadm": "kubeadm.k8s.io",
        "the API server": "apiserver.config.k8s.io apiserver.k8s.io audit.k8s.io "
        "pod-security.admission.config.k8s.io",
        "the kubelet": "kubelet.config.k8s.io credentialprovider.kubelet.k8s.io",
        "kube-proxy": "kubeproxy.config.k8s.io",
        "the scheduler": "kubescheduler.config.k8s.io",
    }.items()
    for group in groups.split()
}
#: Files that look like objects of the core group, and have no name.
_CORE: Final = {"Config": "kubectl", "Policy": "the scheduler"}
CHART: Final = "Chart.yaml"
KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def is_kustomization(name: str) -> bool:
    """Return whether kustomize takes a file for the one that says what it builds.

    https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization

    >>> is_kustomization("kustomization.yml"), is_kustomization("all.yaml")
    (True, False)
    """
    return name in KUSTOMIZATIONS


def made_for(manifest: Any, name: str) -> str:
    """Return the tool for which a document is made; nothing where it may be an object.

    `name` is that of its file, without the folder.

    >>> made_for({"apiVersion": "kind.x-k8s.io/v1alpha4", "kind": "Cluster"}, "cluster.yaml")
    'kind'
    >>> made_for({"apiVersion": "v2", "name": "shop"}, "Chart.yaml")
    'helm'
    >>> made_for({"apiVersion": "v1", "kind": "Config", "clusters": []}, "config.yaml")
    'kubectl'
    >>> made_for({"apiVersion": "v1", "kind": "Pod"}, "pod.yaml")
    ''
    """
    if not isinstance(manifest, Mapping):
        return ""
    if is_kustomization(name):
        return "kustomize"
    if name == CHART and "kind" not in manifest:
        return "helm"
    version = manifest.get("apiVersion")
    if version == "v1" and "metadata" not in manifest and manifest.get("kind") in _CORE:
        return _CORE[manifest["kind"]]
    return _GROUPS.get(version.partition("/")[0], "") if isinstance(version, str) else ""
