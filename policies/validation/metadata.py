"""The metadata of a policy, as the API server validates it.

https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.annotations import LONGEST_ANNOTATIONS, annotation_key_problem, len_in_bytes
from policies.syntax import dns_label_problem, dns_subdomain_problem
from policies.validation.selectors import check_labels
from policies.validation.shapes import Findings, as_mapping, as_text, entry, error

__all__ = ["check_metadata"]


def check_metadata(metadata: Mapping[str, Any], path: str) -> Findings:
    """Yield what is wrong with `metadata`; the namespace may come from the client."""
    yield from _check_name(metadata.get("name"), metadata.get("generateName"), path)
    if (namespace := metadata.get("namespace")) not in (None, ""):
        yield from as_text(namespace, f"{path}.namespace", dns_label_problem)
    yield from as_mapping(metadata.get("labels"), f"{path}.labels", check_labels)
    yield from as_mapping(metadata.get("annotations"), f"{path}.annotations", _check_annotations)


def _check_name(name: object, prefix: object, path: str) -> Findings:
    if name is not None and name != "":
        yield from as_text(name, f"{path}.name", dns_subdomain_problem)
    elif prefix is None or prefix == "":
        yield error("name-required", f"{path}.name", "the policy has no name", "give it a name")
    else:
        yield from as_text(prefix, f"{path}.generateName", _prefix_problem)


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
