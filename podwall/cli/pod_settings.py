"""The table of kinds that make pods, as a settings file extends it: `[[pods]]`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from podwall.documents import TypedDocument, about
from podwall.reading import MadePods, PodKind

__all__ = ["PodSettingsDocument", "pod_kinds"]


class PodSettingsDocument(TypedDocument, rename="kebab"):
    """Pods that a controller makes of the objects of a kind, alike among each other."""

    kind: Annotated[str, about("The kind and its group, as in `Cache.example.org`.")]
    labels: Annotated[
        dict[str, str], about("Labels that the controller sets; `{name}` is the object's name.")
    ] = msgspec.field(default_factory=dict)
    labels_from: Annotated[
        list[str], about("Fields of labels that users choose, as in `spec.podLabels`.")
    ] = msgspec.field(default_factory=list)
    template: Annotated[str, about("The field of a template of pods.")] = ""
    replicas_from: Annotated[str, about("The field of how many there are.")] = "spec.replicas"
    all_labels: Annotated[
        bool, about("Whether they carry no other labels; else they may, and nobody knows which.")
    ] = False
    name: Annotated[str, about("What they are called, where one object makes several.")] = "{name}"


def pod_kinds(settings: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], PodKind]:
    """Return the kinds that settings add, by group and kind; several entries of one are one kind.

    >>> found = pod_kinds([{"kind": "Cache.example.org", "labels": {"app": "{name}"}}])
    >>> [kind for _, kind in found]
    ['Cache']
    """
    made: dict[tuple[str, str], tuple[MadePods, ...]] = {}
    for each in settings:
        document = msgspec.convert(each, PodSettingsDocument)
        kind, _, group = document.kind.partition(".")
        made[group, kind] = (*made.get((group, kind), ()), _made(document))
    return {key: PodKind(*key, pods) for key, pods in made.items()}


def _made(document: PodSettingsDocument) -> MadePods:
    return MadePods(
        document.name,
        document.labels,
        tuple(document.labels_from),
        document.template,
        document.replicas_from,
        all_labels=document.all_labels,
    )
