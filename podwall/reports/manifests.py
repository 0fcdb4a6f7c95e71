"""The Kubernetes objects of a plan as files that `kubectl apply` accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from podwall.plan.unknowns import Steps, unknowns_in
from podwall.policies.unknown import Unknown
from podwall.reading import Document, generated_name
from podwall.reports.kubernetes_yaml import kubernetes_yaml

__all__ = ["LeftOut", "Manifests", "manifests"]

# The order in which `kubectl apply` has to make them: a pod needs its namespace and its policies.
_ORDER: Final = {
    "CustomResourceDefinition": 0,
    "Namespace": 1,
    "NetworkPolicy": 2,
    "Deployment": 4,
    "DaemonSet": 4,
    "StatefulSet": 4,
    "ReplicaSet": 4,
    "Job": 4,
    "CronJob": 4,
    "Pod": 4,
    "Service": 5,
}
_ANY_TIME: Final = 3


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An object that can't be written before deployment, and why."""

    object: str
    because: str


@dataclass(frozen=True, slots=True)
class Manifests:
    """File names with their text, in the order of the names; and what is not among them."""

    files: Mapping[str, str]
    left_out: tuple[LeftOut, ...] = ()


def manifests(documents: Iterable[Document]) -> Manifests:
    """Return every object as a file of its own.

    What only deployment tells, or is secret, is left out of annotations, environments and data, and
    named in a comment. Anywhere else its absence would mean something else, so that the whole
    object is left out.
    """
    files: dict[str, str] = {}
    left_out = []
    for manifest in (document.manifest for document in documents):
        reason = _reason(manifest)
        if reason:
            left_out.append(LeftOut(_title(manifest), reason))
        else:
            files[_file_name(manifest)] = _text(manifest)
    return Manifests(MappingProxyType(dict(sorted(files.items()))), tuple(left_out))


def _reason(manifest: Mapping[str, Any]) -> str:
    """Return why an object can't be written, or nothing if it can."""
    metadata = manifest.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    if "name" not in fields:
        return "its name is made up when it is deployed"
    if str(fields.get("namespace", "")).endswith(generated_name("")):
        return "the name of its namespace is made up when it is deployed"
    needed = (each.cause for steps, each in unknowns_in(manifest) if not _is_optional(steps))
    return next(needed, "")


def _is_optional(steps: Steps) -> bool:
    """Return whether an object stays what it is without the value that `steps` lead to."""
    match steps:
        case ("metadata", "annotations", *_) | ("data" | "stringData" | "binaryData", *_):
            return True
        case (*_, "env", int(), "value"):
            return True
        case _:
            return False


def _file_name(manifest: Mapping[str, Any]) -> str:
    """Return a name that no other object of the plan has, and that sorts where it belongs."""
    kind, metadata = manifest["kind"], manifest["metadata"]
    group = manifest["apiVersion"].rpartition("/")[0]
    names = [kind.lower(), metadata.get("namespace", ""), metadata["name"]]
    if kind not in _ORDER and group:
        names[0] = f"{names[0]}.{group}"
    return f"{_ORDER.get(kind, _ANY_TIME)}-{'-'.join(filter(None, names))}.yaml"


def _title(manifest: Mapping[str, Any]) -> str:
    metadata = manifest.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    name = fields.get("name") or f"{fields.get('generateName', '')}..."
    namespace = fields.get("namespace")
    place = f"{namespace}/" if isinstance(namespace, str) else ""
    return f"{manifest.get('kind')} {place}{name}"


def _text(manifest: Mapping[str, Any]) -> str:
    comments = "".join(f"# left out: {each.cause}\n" for _, each in unknowns_in(manifest))
    return f"{comments}{kubernetes_yaml(_known(manifest))}"


def _known(value: Any) -> Any:
    match value:
        case Mapping():
            kept = {k: v for k, v in value.items() if not isinstance(v, Unknown)}
            return {key: _known(item) for key, item in kept.items()}
        case list() | tuple():
            return [_known(item) for item in value]
        case _:
            return value
