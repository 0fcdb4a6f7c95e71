"""The policies that a deployment takes away for a while, or for good, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from podwall.plan.model import PlannedResource

__all__ = [
    "NETWORK_POLICY",
    "Absence",
    "AbsenceKind",
    "object_name",
]


NETWORK_POLICY: Final = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


class AbsenceKind(StrEnum):
    """What a deployment does to a policy that is there before it.

    `AWAY`: it is deleted before its successor is made. `LOST`: it is made under a name that is
    taken, and then deleted under that name.
    """

    AWAY = "away"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Absence:
    """A policy as it was, and its fate; `name` is its `namespace/name` in the cluster."""

    policy: PlannedResource
    name: str
    fate: AbsenceKind


def object_name(resource: PlannedResource) -> str | None:
    """Return `namespace/name` of an object in the cluster, None where only deployment tells."""
    metadata = resource.inputs.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    namespace, name = metadata.get("namespace", "default"), metadata.get("name")
    known = isinstance(namespace, str) and isinstance(name, str)
    return f"{namespace}/{name}" if known else None
