"""Policies from the package's inputs: into Kubernetes' spelling, then through its reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwall.components.checks import refused
from podwall.components.reading import camel_case
from podwall.policies.errors import InvalidManifest, Place
from podwall.policies.findings import Finding, Severity
from podwall.policies.manifest import read
from podwall.policies.policy import NetworkPolicy

__all__ = ["policies_of"]

_KEPT_AS_WRITTEN = ("labels", "match_labels")


def policies_of(
    documents: Sequence[Mapping[str, Any]], namespace: str
) -> tuple[list[NetworkPolicy], list[Finding]]:
    """Return the policies of a namespace, and what is surprising about how they are written.

    Raises:
        InvalidManifest: the API server would refuse a policy.
        InvalidValue: a port has both a number and a name.
    """
    policies: list[NetworkPolicy] = []
    findings: list[Finding] = []
    for index, document in enumerate(documents):
        place = Place(path=f"policies[{index}]")
        reading = read(_manifest(document, namespace, place), place)
        if reading.policy is None:
            raise _refusal(reading.findings)
        policies.append(reading.policy)
        findings.extend(reading.findings)
    return policies, findings


def _refusal(findings: Sequence[Finding]) -> InvalidManifest:
    first = next((each for each in findings if each.severity is Severity.ERROR), findings[0])
    return InvalidManifest(first.message, help=first.help, place=first.place)


def _manifest(document: Mapping[str, Any], namespace: str, place: Place) -> dict[str, Any]:
    spec = {key: value for key, value in document.items() if key not in ("name", "labels")}
    metadata = {"name": document["name"], "namespace": namespace}
    if "labels" in document:
        metadata["labels"] = document["labels"]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": _spelled(spec, place),
    }


def _spelled(value: Any, place: Place) -> Any:
    """Return a document with Kubernetes' keys; whole numbers, which arrive as floats, are whole."""
    if isinstance(value, Mapping):
        entries = _with_one_port(value, place)
        return {camel_case(key): _entry(key, each, place) for key, each in entries.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_spelled(each, place.at(f"[{index}]")) for index, each in enumerate(value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _entry(key: str, value: Any, place: Place) -> Any:
    return value if key in _KEPT_AS_WRITTEN else _spelled(value, place.at(camel_case(key)))


def _with_one_port(entry: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
    """Return a port entry with `port` alone: Kubernetes has one field for number and name."""
    if "port_name" not in entry:
        return entry
    if "port" in entry:
        raise refused(place.at("portName").path, "a port has a number or a name", "leave one out")
    rest = {key: value for key, value in entry.items() if key != "port_name"}
    return {**rest, "port": entry["port_name"]}
