"""Names that Pulumi or the API server makes up, and what stands for them until they are made up.

A Kubernetes object without a name gets one from Pulumi: its resource's name, `-`, and random
characters. Until it exists nobody knows these; a stand-in that is spelt like such a name takes its
place, so that whatever a program makes of the name (`Output.concat`, a label, a selector) is read
as it will be, and means the same object wherever it is mentioned.

https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/metadata/naming.go
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["is_made_up", "stand_in", "stand_in_of"]

AUTONAMED: Final = "pulumi.com/autonamed"
_LENGTH: Final = 8


def stand_in(urn: str, prefix: str) -> str:
    """Return what stands for the name of a resource: the same every time, and no other's.

    >>> stand_in("urn:pulumi:dev::shop::kubernetes:core/v1:Namespace::app", "app-")
    'app-628c3b92'
    """
    return f"{prefix}{hashlib.sha256(urn.encode()).hexdigest()[:_LENGTH]}"


def stand_in_of(metadata: Mapping[str, Any], urn: str, resource: str) -> str | None:
    """Return what stands for the name of an object with this metadata, which has none.

    `generateName` is a beginning that the program gives; without it that is the resource's name.
    None where the object has a name, or where only deployment tells how it begins.
    """
    prefix = metadata.get("generateName") or f"{resource}-"
    if metadata.get("name") or not isinstance(prefix, str):
        return None
    return stand_in(urn, prefix)


def is_made_up(metadata: Mapping[str, Any]) -> bool:
    """Return whether Pulumi or the API server makes up the name of an object, or did so.

    >>> is_made_up({"name": "app-628c3b92", "annotations": {"pulumi.com/autonamed": "true"}})
    True
    >>> is_made_up({"name": "app"})
    False
    """
    annotations = metadata.get("annotations")
    is_marked = isinstance(annotations, Mapping) and annotations.get(AUTONAMED) == "true"
    return is_marked or not metadata.get("name")
