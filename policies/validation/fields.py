"""Fields that Kubernetes does not know: it drops them with a warning, whatever they meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from policies.validation.shapes import Findings, elements, fields, note
from policies.wording import did_you_mean, shown

__all__ = ["unknown_fields"]

_DOCUMENT: Final = frozenset({"apiVersion", "kind", "metadata", "spec"})
_METADATA: Final = frozenset(
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
_SPEC: Final = frozenset({"podSelector", "policyTypes", "ingress", "egress"})
_INGRESS: Final = frozenset({"from", "ports"})
_EGRESS: Final = frozenset({"to", "ports"})
_PORT: Final = frozenset({"protocol", "port", "endPort"})
_PEER: Final = frozenset({"podSelector", "namespaceSelector", "ipBlock"})
_BLOCK: Final = frozenset({"cidr", "except"})
_SELECTOR: Final = frozenset({"matchLabels", "matchExpressions"})
_REQUIREMENT: Final = frozenset({"key", "operator", "values"})


def unknown_fields(manifest: Mapping[str, Any]) -> Findings:
    """Yield a note for every field that Kubernetes would ignore."""
    yield from _strangers(manifest, _DOCUMENT, "")
    yield from _strangers(fields(manifest.get("metadata")), _METADATA, "metadata")
    spec = fields(manifest.get("spec"))
    yield from _strangers(spec, _SPEC, "spec")
    yield from _selector(spec.get("podSelector"), "spec.podSelector")
    for direction, end, known in (("ingress", "from", _INGRESS), ("egress", "to", _EGRESS)):
        for index, rule in enumerate(elements(spec.get(direction))):
            path = f"spec.{direction}[{index}]"
            yield from _strangers(fields(rule), known, path)
            yield from _rule(fields(rule), end, path)


def _rule(rule: Mapping[str, Any], end: str, path: str) -> Findings:
    for index, port in enumerate(elements(rule.get("ports"))):
        yield from _strangers(fields(port), _PORT, f"{path}.ports[{index}]")
    for index, peer in enumerate(elements(rule.get(end))):
        yield from _peer(fields(peer), f"{path}.{end}[{index}]")


def _peer(peer: Mapping[str, Any], path: str) -> Findings:
    yield from _strangers(peer, _PEER, path)
    for name in ("podSelector", "namespaceSelector"):
        yield from _selector(peer.get(name), f"{path}.{name}")
    yield from _strangers(fields(peer.get("ipBlock")), _BLOCK, f"{path}.ipBlock")


def _selector(selector: object, path: str) -> Findings:
    yield from _strangers(fields(selector), _SELECTOR, path)
    for index, requirement in enumerate(elements(fields(selector).get("matchExpressions"))):
        yield from _strangers(
            fields(requirement), _REQUIREMENT, f"{path}.matchExpressions[{index}]"
        )


def _strangers(given: Mapping[str, Any], known: frozenset[str], path: str) -> Findings:
    if given.keys() <= known:
        return
    for name in given:
        # Pulumi keeps its own fields, such as `__fieldManager`, beside those of Kubernetes.
        if name not in known and not str(name).startswith("__"):
            yield note(
                "unknown-field",
                f"{path}.{shown(name)[1:-1]}".strip("."),
                f"Kubernetes does not know the field {shown(name)} and ignores it",
                did_you_mean(name, tuple(sorted(known))),
            )
