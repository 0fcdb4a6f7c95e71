"""The metadata of a policy, as the API server validates it.

https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podwall.policies.annotations import LONGEST_ANNOTATIONS, annotation_key_problem, len_in_bytes
from podwall.policies.syntax import dns_label_problem, dns_subdomain_problem
from podwall.policies.validation.selectors import check_labels
from podwall.policies.validation.shapes import Findings, as_mapping, as_text, entry, error

__all__ = ["METADATA", "check_metadata"]

#: The fields of the metadata of any object.
METADATA: Final = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_KEPT_BY_SERVER: Final = ("resourceVersion", "selfLink", "uid")


def check_metadata(metadata: Mapping[str, Any], path: str) -> Findings:
    """Yield what is wrong with `metadata`; the namespace may come from the client."""
    yield from _check_name(metadata.get("name"), metadata.get("generateName"), path)
    if (namespace := metadata.get("namespace")) not in (None, ""):
        yield from as_text(namespace, f"{path}.namespace", dns_label_problem)
    for name in _KEPT_BY_SERVER:
        if (value := metadata.get(name)) is not None:
            yield from as_text(value, f"{path}.{name}", lambda _: None)
    yield from as_mapping(metadata.get("labels"), f"{path}.labels", None, check_labels)
    yield from as_mapping(
        metadata.get("annotations"), f"{path}.annotations", None, _check_annotations
    )


def _check_name(name: object, prefix: object, path: str) -> Findings:
    named, prefixed = name not in (None, ""), prefix not in (None, "")
    if named:
        yield from as_text(name, f"{path}.name", dns_subdomain_problem)
    if prefixed:
        yield from as_text(prefix, f"{path}.generateName", _prefix_problem)
    if not named and not prefixed:
        yield error("name-required", f"{path}.name", "the policy has no name", "give it a name")


def _prefix_problem(prefix: str) -> str | None:
    # What the server appends makes a final `-` legal.
    return dns_subdomain_problem(f"{prefix}x")


def _check_annotations(annotations: Mapping[Any, Any], path: str) -> Findings:
    size = 0
    for key, value in annotations.items():
        yield from as_text(key, path, annotation_key_problem)
        if value is not None:
            yield from as_text(value, entry(path, key), lambda _: None)
        size += sum(len_in_bytes(text) for text in (key, value) if isinstance(text, str))
    if size > LONGEST_ANNOTATIONS:
        yield error(
            "annotations-too-long",
            path,
            f"the annotations take {size} bytes, more than {LONGEST_ANNOTATIONS}",
            "keep long texts elsewhere and annotate with a link",
        )
