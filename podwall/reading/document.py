"""One Kubernetes object as it was written, and the cluster it was written for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podwall.model import IpNetwork
from podwall.policies.errors import Place

__all__ = ["Cluster", "Document"]


@dataclass(frozen=True, slots=True)
class Document:
    """One object in the API's own words (camelCase keys), or a `List` of them, with its place.

    `manifest` is what a JSON or YAML parser returns; an `Unknown` stands wherever only deployment
    will tell the value. Anything else is accepted too, and reported by the reader.
    """

    manifest: Mapping[str, Any]
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a source declares about the cluster itself; see the fields of `Snapshot`."""

    engine: str | None = None
    kubernetes_version: str | None = None
    pod_cidrs: tuple[IpNetwork, ...] = ()
