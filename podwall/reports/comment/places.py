"""Where something is written, as a reader of a program knows it."""

from __future__ import annotations

from podwall.policies.errors import Place

__all__ = ["place_words"]


def place_words(place: Place) -> str:
    """Return file, line and field; of a resource of which only the URN is known, its name.

    >>> place_words(Place("urn:pulumi:dev::shop::kubernetes:core/v1:Namespace::tools"))
    'resource tools'
    """
    if not place.source.startswith("urn:pulumi:"):
        return str(place)
    _, _, name = place.source.rpartition("::")
    return f"resource {name}{f' {place.path}' if place.path else ''}"
