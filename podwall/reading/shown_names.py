"""Show objects whose names are made up by what their program calls them.

The name of such an object says nothing to people, and is another one after every replacement. The
namespace `app-628c3b92`, which a program calls `app`, is `app` in the whole snapshot: what is in
it, and whatever mentions it by its name. That is a renaming, which changes no verdict; it is not
done where it could: where something else has the shorter name, or mentions it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from podwall.calico import CalicoPolicy, CalicoSet, CalicoTier
from podwall.model import (
    CiliumPolicy,
    Policy,
    Service,
    SnapshotNamespace,
    SnapshotWorkload,
    TierPolicy,
    Unknown,
)
from podwall.policies.rules import METADATA_NAME
from podwall.policies.syntax import dns_label_problem, is_system_namespace
from podwall.reading.ledger import Document
from podwall.reading.objects import ObjectReading, SnapshotPart

__all__ = ["shown_namespaces", "shown_parts", "with_shown_namespaces"]

NamespaceNames = Mapping[str, str]
"""What namespaces are shown as, by the names that they have or will have in the cluster."""

_UNDERSTOOD: Final = frozenset(
    {"", "apps", "batch", "networking.k8s.io", "policy.networking.k8s.io"}
)


def shown_namespaces(documents: Sequence[Document]) -> NamespaceNames:
    """Return what the namespaces with made-up names are shown as, as far as nothing speaks against.

    >>> manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "app-628c3b92"}}
    >>> shown_namespaces([Document(manifest, called="app")])
    {'app-628c3b92': 'app'}
    """
    called = dict(_called(documents))
    if not called:
        return {}
    count = Counter(called.values())
    taken = {name for each in documents for name in _mentioned(each.manifest)} - called.keys()
    elsewhere = {real for each in documents for real in _not_understood(each.manifest, called)}
    return {
        real: name
        for real, name in called.items()
        if count[name] == 1 and name not in taken and real not in elsewhere and _may_be_shown(name)
    }


def _called(documents: Iterable[Document]) -> Iterator[tuple[str, str]]:
    for each in documents:
        if each.called and _is_namespace(each.manifest):
            name = _metadata(each.manifest).get("name")
            if isinstance(name, str) and name != each.called:
                yield name, each.called


def _may_be_shown(name: str) -> bool:
    return not (dns_label_problem(name) or name == "default" or is_system_namespace(name))


def _is_namespace(manifest: object) -> bool:
    if not isinstance(manifest, Mapping):
        return False
    return (manifest.get("apiVersion"), manifest.get("kind")) == ("v1", "Namespace")


def _metadata(manifest: object) -> Mapping[str, Any]:
    found = manifest.get("metadata") if isinstance(manifest, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _mentioned(manifest: object) -> Iterator[str]:
    """Yield the names of namespaces that an object mentions, its own among them."""
    metadata = _metadata(manifest)
    own = metadata.get("name") if _is_namespace(manifest) else metadata.get("namespace")
    if isinstance(own, str):
        yield own
    yield from _named_by_label(manifest)


def _named_by_label(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        named = [value.get(METADATA_NAME)]
        if value.get("key") == METADATA_NAME and isinstance(value.get("values"), list | tuple):
            named += value["values"]
        yield from (each for each in named if isinstance(each, str))
        for each in value.values():
            yield from _named_by_label(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _named_by_label(each)


def _not_understood(manifest: object, called: NamespaceNames) -> Iterator[str]:
    """Yield the namespaces that an object mentions in words of its own kind, such as a formula."""
    if not isinstance(manifest, Mapping):
        return
    group, _, _ = str(manifest.get("apiVersion")).rpartition("/")
    if group not in _UNDERSTOOD:
        text = repr({key: each for key, each in manifest.items() if key != "metadata"})
        yield from (real for real in called if real in text)


def with_shown_namespaces(
    documents: Iterable[Document], names: NamespaceNames
) -> Iterator[Document]:
    """Yield objects with every namespace that they mention called as it is shown."""
    for each in documents:
        yield replace(each, manifest=_renamed(each.manifest, names)) if names else each


def _renamed(manifest: Any, names: NamespaceNames) -> Any:
    if not isinstance(manifest, Mapping):
        return manifest
    metadata = _metadata(manifest)
    field = "name" if _is_namespace(manifest) else "namespace"
    fields = {key: _by_label(value, names) for key, value in manifest.items()}
    if isinstance(metadata.get(field), str):
        own = names.get(metadata[field], metadata[field])
        fields["metadata"] = {**fields["metadata"], field: own}
    return fields


def _by_label(value: Any, names: NamespaceNames) -> Any:
    """Return a value with the namespaces renamed that it names by their label."""
    if isinstance(value, Mapping):
        found = {key: _by_label(each, names) for key, each in value.items()}
        if METADATA_NAME in found:
            found[METADATA_NAME] = _shown(found[METADATA_NAME], names)
        if found.get("key") == METADATA_NAME and isinstance(found.get("values"), list):
            found["values"] = [_shown(each, names) for each in found["values"]]
        return found
    if isinstance(value, list | tuple):
        return [_by_label(each, names) for each in value]
    return value


def _shown(name: Any, names: NamespaceNames) -> Any:
    return names.get(name, name) if isinstance(name, str) else name


def shown_parts(reads: Iterable[ObjectReading], names: NamespaceNames) -> list[SnapshotPart]:
    """Return the parts of a snapshot under the names that they are shown by.

    What is shown by another name than it has keeps the latter in `also`. The first of each object
    come first, in the order of these.
    """
    parts = list(_parts(reads))
    if not names and not any(called for _, called in parts):
        return [part for part, _ in parts]
    there = Counter(_slot(*each) for each in parts)
    reals = {shown: real for real, shown in names.items()}
    return [_part(part, called, there, reals) for part, called in parts]


def _parts(reads: Iterable[ObjectReading]) -> Iterator[tuple[SnapshotPart, str]]:
    """Yield the parts that objects are, each with what a program calls it."""
    more: list[SnapshotWorkload] = []
    for read in reads:
        if read.part is not None:
            yield read.part, read.item.called
            more += read.more
    yield from ((each, "") for each in more)


def _slot(part: SnapshotPart, called: str) -> tuple[object, ...]:
    """Return what only one object has in common with a part: kind, namespace and shown name."""
    if isinstance(part, SnapshotNamespace):
        return SnapshotNamespace, part.name
    if isinstance(part, TierPolicy):
        return TierPolicy, part.kind, called or part.name
    if isinstance(part, CalicoTier):
        return CalicoTier, called or part.name
    kinds = SnapshotWorkload | CiliumPolicy | CalicoPolicy
    kind = part.kind if isinstance(part, kinds) else ""
    return type(part), kind, part.namespace, called or part.name


def _part(
    part: SnapshotPart, called: str, there: Counter[tuple[object, ...]], reals: Mapping[str, str]
) -> SnapshotPart:
    if isinstance(part, SnapshotNamespace):
        real = reals.get(part.name, "")
        return replace(part, also=real) if real else part
    name = called if called and there[_slot(part, called)] == 1 else part.name
    if isinstance(part, CiliumPolicy):
        return part.called(name)
    if isinstance(part, Policy | Service | TierPolicy | CalicoPolicy | CalicoTier | CalicoSet):
        return replace(part, name=name)
    return replace(part, name=name, also=tuple(_also(part, name, reals)))


def _also(part: SnapshotWorkload, shown: str, reals: Mapping[str, str]) -> Iterator[str]:
    """Yield the other full names of a workload, that in the cluster last."""
    if isinstance(part.namespace, Unknown):
        return
    spaces = dict.fromkeys((part.namespace, reals.get(part.namespace, part.namespace)))
    names = dict.fromkeys((shown, part.name))
    yield from [f"{space}/{name}" for space in spaces for name in names][1:]
