"""Read bytes, keep what parsers make of them, and know the files that are made for other tools.

Folders of manifests hold them, too. They look like objects, and are none: what is said of an object
(no name, an unknown kind) would be wrong of them.
"""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from podwall.model import UnreadPolicy
from podwall.policies.errors import Finding, Place, SourceError
from podwall.policies.wording import guess
from podwall.quick_dataclass import dataclass
from podwall.reading import Document, LedgerEntry

__all__ = [
    "CHART",
    "STDIN",
    "ParsedDocuments",
    "is_kustomization",
    "made_for",
    "read_bytes",
    "read_file",
    "unreadable",
]

STDIN: Final = "-"
STDIN_NAME: Final = "<stdin>"


def read_bytes(path: str) -> tuple[str, bytes]:
    """Return the name to show for a path (or `-`, the standard input), and what is in it."""
    if path == STDIN:
        return STDIN_NAME, sys.stdin.buffer.read()
    try:
        return path, Path(path).read_bytes()
    except OSError as problem:
        raise unreadable(path, problem) from problem


def read_file(path: str) -> tuple[str, bytes]:
    """Return the name of a file and what is in it.

    Raises:
        SourceError: it is a pipe, a device or the like, which may never end, or can't be read.
    """
    try:
        mode = Path(path).stat().st_mode
    except OSError as problem:
        raise unreadable(path, problem) from problem
    if not stat.S_ISREG(mode):
        raise SourceError(f"`{path}` is not read: it is no file", place=Place(path))
    return read_bytes(path)


def unreadable(path: str, problem: OSError) -> SourceError:
    """Return the error for a path that the operating system does not let us read."""
    reason = (problem.strerror or "it can't be read").lower()
    near = _near(Path(path)) if isinstance(problem, FileNotFoundError) else ""
    return SourceError(
        f"`{path}` could not be read: {reason}",
        help=near or "give a file, a folder, or `-` for the standard input",
        place=Place(path),
    )


MOST_CRUMBS: Final = 25_000
"""How many objects a text may have that are smaller than any that are written for a cluster.

Each takes some kilobytes once it is read: a stranger's file of a few megabytes would take all
memory there is.
"""

_CRUMB: Final = 250
"""Bytes. A pod with a name, a label, a container and an image takes as many."""


_MOST_BRACES: Final = 250_000
_CLOSEST_BRACES: Final = 16
"""Bytes from one to the next; in the managed fields of a pod, the densest, there are about 25."""


def refuse_dense(data: bytes, name: str) -> None:
    """Raise `SourceError` where a text has more and smaller mappings than a cluster writes.

    >>> refuse_dense(b"{}" * 10, "a.json")
    """
    braces = data.count(b"{")
    if braces > _MOST_BRACES and len(data) < _CLOSEST_BRACES * braces:
        raise SourceError(
            f"has {braces:,} mappings in {len(data):,} bytes, which is no description of a cluster",
            help="give manifests in YAML or JSON",
            place=Place(name),
        )


def refuse_crumbs(count: int, size: int, name: str) -> None:
    """Raise `SourceError` where `count` objects are more and smaller than a text may have.

    >>> refuse_crumbs(MOST_CRUMBS, 1, "a.json")
    >>> refuse_crumbs(100_000, 25_000_000, "a.json")
    """
    if count > MOST_CRUMBS and size < _CRUMB * count:
        raise SourceError(
            f"has {count:,} objects of {size // count} bytes each, where {MOST_CRUMBS:,} of less "
            f"than {_CRUMB} bytes are read",
            help="give what a cluster would take: objects with a name and a specification",
            place=Place(name),
        )


def _near(path: Path) -> str:
    """Return the question after what lies beside a path, where something has nearly its name.

    Where its folder is not there, either, it is asked after what has its name in one beside it.
    """
    try:
        if path.parent.is_dir():
            names = [each for each in path.parent.iterdir() if each.name[:1] != "."]
        else:
            beside = (each for each in path.parent.parent.iterdir() if each.name[:1] != ".")
            names = [each / path.name for each in beside if (each / path.name).exists()]
    except OSError:
        return ""
    return guess(str(path), map(str, names))


@dataclass(frozen=True, slots=True)
class ParsedDocuments:
    """The documents of one or several files, in order, and what was wrong with the others.

    `texts` are the files by name, kept for finding the line of a field; `others` is what is here
    beside the documents: no Kubernetes objects (a chart's values, say), or left out. `notes` say
    what was done to read it, such as with which tool. `brought` is what policies may decide that
    are in what could not be built.
    """

    documents: tuple[Document, ...] = ()
    findings: tuple[Finding, ...] = ()
    texts: Mapping[str, bytes] = field(default_factory=dict)
    others: tuple[LedgerEntry, ...] = ()
    notes: tuple[str, ...] = ()
    brought: tuple[UnreadPolicy, ...] = ()

    @classmethod
    def joined(cls, parts: Iterable[ParsedDocuments]) -> ParsedDocuments:
        """Return several parts as one."""
        kept = list(parts)
        return cls(
            tuple(document for part in kept for document in part.documents),
            tuple(finding for part in kept for finding in part.findings),
            {name: text for part in kept for name, text in part.texts.items()},
            tuple(entry for part in kept for entry in part.others),
            tuple(note for part in kept for note in part.notes),
            tuple(policy for part in kept for policy in part.brought),
        )


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
    >>> made_for({"apiVersion": "v1", "kind": ["Config"]}, "config.yaml")
    ''
    """
    if not isinstance(manifest, Mapping):
        return ""
    if is_kustomization(name):
        return "kustomize"
    if name == CHART and "kind" not in manifest:
        return "helm"
    version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if version == "v1" and "metadata" not in manifest and isinstance(kind, str):
        return _CORE.get(kind, "")
    return _GROUPS.get(version.partition("/")[0], "") if isinstance(version, str) else ""
