"""Several sources as one: what one cluster consists of that is deployed from several places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from podwall.policies.errors import InvalidValue
from podwall.sources.model import Source, SourceKind, Stage

__all__ = ["merged"]


def merged(sources: Sequence[Source]) -> Source:
    """Return one source with the documents of all, each at its own place.

    What a preview, a state or a plan says beyond its objects stays: what is there before, and what
    happens on the way. Manifests beside it are there before and afterwards.

    Raises:
        InvalidValue: two of them are of Pulumi, each with a plan of its own.
    """
    of_pulumi = [each for each in sources if each.kind is not SourceKind.MANIFESTS]
    if len(sources) == 1:
        return sources[0]
    if len(of_pulumi) > 1:
        raise InvalidValue(
            f"`{of_pulumi[0].name}` and `{of_pulumi[1].name}` are both of Pulumi, "
            "and only one of several sources can be",
            help="give one of them, beside manifests",
        )
    first = of_pulumi[0] if of_pulumi else sources[0]
    others = [each for each in sources if each is not first]
    return replace(
        first,
        name=", ".join(each.name for each in sources),
        planned=_joined([each.planned for each in (first, *others)]),
        deployed=first.deployed and _joined([first.deployed, *(each.planned for each in others)]),
        findings=tuple(finding for each in sources for finding in each.findings),
        complete=all(each.complete for each in sources),
        texts={name: text for each in sources for name, text in each.texts.items()},
        others=tuple(entry for each in sources for entry in each.others),
        notes=tuple(note for each in sources for note in each.notes),
    )


def _joined(stages: Sequence[Stage]) -> Stage:
    """Return the documents of all, with the cluster that the first declares."""
    documents = tuple(document for stage in stages for document in stage.documents)
    return replace(stages[0], documents=documents)
