"""What is legal in a document and easily misread, one rule of Kubernetes each.

Every note names its rule in its help. Nothing here is refused by the API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwall.policies.errors import Severity
from podwall.policies.rules import Direction
from podwall.policies.unknown import Unknown
from podwall.policies.validation.shapes import Findings, fields_of, items_of, note

__all__ = ["notes"]


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
