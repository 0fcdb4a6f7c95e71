"""What is legal in a document and easily misread, one rule of Kubernetes each.

Every note names its rule in its help. Nothing here is refused by the API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from policies.cidrs import parsed
from policies.findings import Severity
from policies.unknown import Unknown
from policies.validation.fields import unknown_fields
from policies.validation.repetitions import repetitions
from policies.validation.shapes import Findings, elements, fields, note
from policies.wording import shown

__all__ = ["notes"]

_ENDS: Final = {"ingress": "from", "egress": "to"}


def notes(manifest: Mapping[str, Any]) -> Findings:
    """Yield what is to be noted about a document."""
    spec = fields(manifest.get("spec"))
    yield from unknown_fields(manifest)
    yield from _namespace(manifest.get("metadata"))
    if not isinstance(manifest.get("spec"), Unknown):
        yield from _pod_selector(spec)
        yield from _policy_types(spec)
    for direction, end in _ENDS.items():
        rules = elements(spec.get(direction))
        yield from repetitions(rules, f"spec.{direction}")
        for index, rule in enumerate(rules):
            yield from _rule(fields(rule), end, f"spec.{direction}[{index}]")


def _namespace(metadata: object) -> Findings:
    if not isinstance(metadata, Unknown) and fields(metadata).get("namespace") in (None, ""):
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
    if isinstance(types, Unknown) or any(isinstance(each, Unknown) for each in elements(types)):
        return
    listed = elements(types)
    if not listed:
        yield from _implied_types(spec)
        return
    for direction in ("Ingress", "Egress"):
        rules = spec.get(direction.lower())
        if direction not in listed and elements(rules):
            yield note(
                "rules-ignored",
                f"spec.{direction.lower()}",
                f"these rules have no effect, for `policyTypes` has no `{direction}`",
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
    if not elements(spec.get("ingress")):
        yield note(
            "ingress-isolated",
            "spec.policyTypes",
            "without `policyTypes` the policy isolates ingress, and here allows none",
            "say what is meant: `policyTypes` with `Ingress`, `Egress` or both",
            Severity.INFO,
        )


def _rule(rule: Mapping[str, Any], end: str, path: str) -> Findings:
    for name in (end, "ports"):
        if name in rule and isinstance(rule[name], list | tuple) and not rule[name]:
            yield note(
                "empty-list-means-all",
                f"{path}.{name}",
                f"an empty `{name}` allows {'every port' if name == 'ports' else 'every peer'}",
                f"leave `{name}` out if that is meant; to allow nothing, remove the rule",
            )
        yield from repetitions(elements(rule.get(name)), f"{path}.{name}")
    for index, peer in enumerate(elements(rule.get(end))):
        block = fields(fields(peer).get("ipBlock"))
        if block:
            yield from _block(block, f"{path}.{end}[{index}].ipBlock")


def _block(block: Mapping[str, Any], path: str) -> Findings:
    exceptions = elements(block.get("except"))
    yield from repetitions(exceptions, f"{path}.except")
    yield from _cidr(block.get("cidr"), f"{path}.cidr")
    for index, exception in enumerate(exceptions):
        yield from _cidr(exception, f"{path}.except[{index}]")


def _cidr(text: object, path: str) -> Findings:
    cidr = parsed(text) if isinstance(text, str) else None
    if cidr is None:
        return
    if cidr.has_host_bits:
        yield note(
            "cidr-host-bits",
            path,
            f"{shown(text)} has host bits set, and is read as `{cidr.network}`",
            f"write `{cidr.network}`: engines have disagreed on what host bits mean",
        )
    if not cidr.is_standard:
        yield note(
            "cidr-not-standard",
            path,
            f"{shown(text)} is not written as addresses are, and is read as `{cidr.network}`",
            f"write `{cidr.network}`: a future Kubernetes will refuse the other spelling",
        )
