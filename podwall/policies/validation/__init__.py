"""A transcription of what the API server checks when it is given a NetworkPolicy.

Findings of severity error: the server would refuse the document. Warnings and infos: it is legal,
and easily misread. A value that only deployment will tell is never judged.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/validation/validation.go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from podwall.policies.errors import Place
from podwall.policies.findings import Finding
from podwall.policies.rules import Direction
from podwall.policies.unknown import Unknown
from podwall.policies.validation.metadata import METADATA, check_metadata
from podwall.policies.validation.notes import notes
from podwall.policies.validation.peers import check_peer
from podwall.policies.validation.ports import check_port
from podwall.policies.validation.selectors import SELECTOR, check_selector
from podwall.policies.validation.shapes import (
    Findings,
    as_list,
    as_mapping,
    error,
    wrong_type,
)
from podwall.policies.wording import did_you_mean, shown

__all__ = ["violations"]

_IDENTITY: Final = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
_DOCUMENT: Final = frozenset({"apiVersion", "kind", "metadata", "spec"})
_SPEC: Final = frozenset({"podSelector", "policyTypes", "ingress", "egress"})
_INGRESS: Final = frozenset({"from", "ports"})
_EGRESS: Final = frozenset({"to", "ports"})
_TYPES: Final = tuple(str(direction) for direction in Direction)


def violations(manifest: object, place: Place | None = None) -> Iterator[Finding]:
    """Yield what the API server would refuse in a document, and what is legal but to be noted.

    `place` is where the document is; the findings' places are inside it. Nothing is ever raised,
    whatever the document is.

    >>> quoted = {"ports": [{"port": "80"}]}
    >>> for finding in violations(
    ...     {
    ...         "apiVersion": "networking.k8s.io/v1",
    ...         "kind": "NetworkPolicy",
    ...         "metadata": {"name": "api", "namespace": "shop"},
    ...         "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [quoted]},
    ...     }
    ... ):
    ...     print(finding.place.path, finding.message)
    spec.ingress[0].ports[0].port `80` is not a port name: it must have at least one letter
    """
    document = place or Place()
    for finding in _check_document(manifest):
        yield replace(finding, place=document.at(finding.place.path))


def _check_document(manifest: object) -> Findings:
    if manifest is None:
        yield wrong_type(manifest, "", "a mapping")
    else:
        yield from as_mapping(manifest, "", _DOCUMENT, _check_parts)


def _check_parts(manifest: Mapping[str, Any], _: str) -> Findings:
    for field, wanted in _IDENTITY.items():
        given = manifest.get(field)
        if given != wanted and not isinstance(given, Unknown):
            said = "is missing" if given is None else f"is {shown(given)}"
            yield error("wrong-kind", field, f"`{field}` {said}", f"did you mean `{wanted}`?")
    yield from as_mapping(manifest.get("metadata"), "metadata", METADATA, check_metadata)
    yield from as_mapping(manifest.get("spec"), "spec", _SPEC, _check_spec)
    yield from notes(manifest)


def _check_spec(spec: Mapping[str, Any], path: str) -> Findings:
    yield from as_mapping(spec.get("podSelector"), f"{path}.podSelector", SELECTOR, check_selector)
    yield from as_list(spec.get("ingress"), f"{path}.ingress", _check_ingress)
    yield from as_list(spec.get("egress"), f"{path}.egress", _check_egress)
    yield from _check_types(spec.get("policyTypes"), f"{path}.policyTypes")


def _check_ingress(rule: object, path: str) -> Findings:
    yield from as_mapping(rule, path, _INGRESS, _check_ingress_fields)


def _check_egress(rule: object, path: str) -> Findings:
    yield from as_mapping(rule, path, _EGRESS, _check_egress_fields)


def _check_ingress_fields(rule: Mapping[str, Any], path: str) -> Findings:
    yield from as_list(rule.get("ports"), f"{path}.ports", check_port)
    yield from as_list(rule.get("from"), f"{path}.from", check_peer)


def _check_egress_fields(rule: Mapping[str, Any], path: str) -> Findings:
    yield from as_list(rule.get("ports"), f"{path}.ports", check_port)
    yield from as_list(rule.get("to"), f"{path}.to", check_peer)


def _check_types(types: object, path: str) -> Findings:
    if isinstance(types, list | tuple) and len(types) > len(_TYPES):
        yield error(
            "too-many-policy-types",
            path,
            f"{len(types)} policy types are given",
            "name each of `Ingress` and `Egress` at most once",
        )
        return
    yield from as_list(types, path, _check_type)


def _check_type(type_: object, path: str) -> Findings:
    if type_ not in _TYPES and not isinstance(type_, Unknown):
        yield error(
            "invalid-policy-type",
            path,
            f"{shown(type_)} is not a policy type",
            did_you_mean(type_, _TYPES),
        )
