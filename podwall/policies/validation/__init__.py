"""A transcription of what the API server checks when it is given a NetworkPolicy.

Findings of severity error: the server would refuse the document. Warnings and infos: it is legal,
and easily misread. A value that is known only after deployment is never judged.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/validation/validation.go
and, for metadata,
https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from podwall.policies.errors import Finding, Place, Severity, Unknown
from podwall.policies.labels import LONGEST_ANNOTATIONS, annotation_key_problem, len_in_bytes
from podwall.policies.rules import Direction
from podwall.policies.syntax import dns_label_problem, dns_subdomain_problem
from podwall.policies.validation.parts import (
    SELECTOR,
    Findings,
    as_list,
    as_mapping,
    as_text,
    check_labels,
    check_peer,
    check_port,
    check_selector,
    entry,
    error,
    fields_of,
    items_of,
    note,
    wrong_type,
)
from podwall.policies.wording import did_you_mean, shown

__all__ = [
    "METADATA",
    "check_metadata",
    "notes",
    "violations",
]


def notes(manifest: Mapping[str, Any]) -> Findings:
    """Yield what is to be noted about a document."""
    yield from _namespace(manifest.get("metadata"))
    spec = manifest.get("spec")
    if not isinstance(spec, Unknown):
        yield from _pod_selector(fields_of(spec))
        yield from _policy_types(fields_of(spec))
        for direction in Direction:
            for index, rule in enumerate(items_of(fields_of(spec).get(direction.field))):
                path = f"spec.{direction.field}[{index}]"
                yield from _empty_lists(fields_of(rule), direction.peers_field, path)


def _namespace(metadata: object) -> Findings:
    if not isinstance(metadata, Unknown) and fields_of(metadata).get("namespace") in (None, ""):
        yield note(
            "namespace-missing",
            "metadata.namespace",
            "no namespace is given, so it depends on who applies the policy",
            "name the namespace",
            Severity.INFO,
        )


def _pod_selector(spec: Mapping[str, Any]) -> Findings:
    if spec.get("podSelector") is None:
        yield note(
            "pod-selector-missing",
            "spec.podSelector",
            "no pod selector is given, so every pod of the namespace is selected",
            "to select every pod, write `podSelector: {}`",
        )


def _policy_types(spec: Mapping[str, Any]) -> Findings:
    types = spec.get("policyTypes")
    if isinstance(types, Unknown) or any(isinstance(each, Unknown) for each in items_of(types)):
        return
    listed = items_of(types)
    if not listed:
        yield from _implied_types(spec)
        return
    for direction in Direction:
        rules = spec.get(direction.field)
        if direction not in listed and items_of(rules):
            yield note(
                "rules-ignored",
                f"spec.{direction.field}",
                f"`policyTypes` has no `{direction}`: azure and calico ignore these rules, cilium "
                "enforces them and isolates by them",
                f"add `{direction}` to `policyTypes`, or remove the rules",
            )


def _implied_types(spec: Mapping[str, Any]) -> Findings:
    egress = spec.get("egress")
    if isinstance(egress, list | tuple) and not egress:
        yield note(
            "egress-not-isolated",
            "spec.egress",
            "an empty `egress` without `policyTypes` does not isolate egress",
            "add `policyTypes: [Egress]` to deny all egress, or remove `egress`",
        )
    if items_of(egress):
        yield note(
            "policy-types-not-written",
            "spec.policyTypes",
            "egress rules without `policyTypes`: the server stores the directions when the policy "
            "is made, and does not compute them again when egress rules come or go",
            "write `policyTypes: [Ingress, Egress]`",
            Severity.INFO,
        )
    if not items_of(spec.get("ingress")):
        yield note(
            "ingress-isolated",
            "spec.policyTypes",
            "without `policyTypes` the policy isolates ingress, and here allows none",
            "say what is meant: `policyTypes` with `Ingress`, `Egress` or both",
            Severity.INFO,
        )


def _empty_lists(rule: Mapping[str, Any], end: str, path: str) -> Findings:
    for name, everything in ((end, "every peer"), ("ports", "every port")):
        if rule.get(name) in ([], ()):
            yield note(
                "empty-list-means-all",
                f"{path}.{name}",
                f"an empty `{name}` allows {everything}",
                f"leave `{name}` out if that is meant; to allow nothing, remove the rule",
            )


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


def check_metadata(
    metadata: Mapping[str, Any],
    path: str,
    name_problem: Callable[[str], str | None] = dns_subdomain_problem,
) -> Findings:
    """Yield what is wrong with `metadata`; the namespace may come from the client.

    `name_problem` returns what is wrong with a name of the object's kind.
    """
    yield from _check_name(metadata, path, name_problem)
    if (namespace := metadata.get("namespace")) not in (None, ""):
        yield from as_text(namespace, f"{path}.namespace", dns_label_problem)
    for name in _KEPT_BY_SERVER:
        if (value := metadata.get(name)) is not None:
            yield from as_text(value, f"{path}.{name}", lambda _: None)
    yield from as_mapping(metadata.get("labels"), f"{path}.labels", None, check_labels)
    yield from as_mapping(
        metadata.get("annotations"), f"{path}.annotations", None, _check_annotations
    )


def _check_name(
    metadata: Mapping[str, Any], path: str, name_problem: Callable[[str], str | None]
) -> Findings:
    name, prefix = metadata.get("name"), metadata.get("generateName")
    named, prefixed = name not in (None, ""), prefix not in (None, "")
    if named:
        yield from as_text(name, f"{path}.name", name_problem)
    if prefixed:
        # What the server appends makes a final `-` legal.
        yield from as_text(prefix, f"{path}.generateName", lambda each: name_problem(f"{each}x"))
    if not named and not prefixed:
        yield error("name-required", f"{path}.name", "the object has no name", "give it a name")


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
            problem = "is missing" if given is None else f"is {shown(given)}"
            yield error("wrong-kind", field, f"`{field}` {problem}", f"did you mean `{wanted}`?")
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
