"""What the API server makes of a document, written a second time, straight from its defaults.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/v1/defaults.go
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from ipaddress import ip_network
from typing import Any


def stored(document: dict[str, Any]) -> Hashable:
    """Return a form in which two documents are equal where Kubernetes makes the same of them."""
    metadata = _present(document["metadata"])
    spec = _present(document.get("spec") or {})
    types = spec.get("policyTypes") or ["Ingress"] + ["Egress"] * bool(spec.get("egress"))
    return _frozen(
        {
            "name": metadata["name"],
            "namespace": metadata.get("namespace", "default"),
            "labels": _labels(metadata.get("labels")),
            "annotations": metadata.get("annotations"),
            "podSelector": _selector(spec.get("podSelector")),
            "ingress": "Ingress" in types
            and [_rule(each, "from") for each in _list(spec, "ingress")],
            "egress": "Egress" in types and [_rule(each, "to") for each in _list(spec, "egress")],
        }
    )


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def _list(fields: dict[str, Any], name: str) -> list[Any]:
    return fields.get(name) or []


def _labels(labels: dict[str, Any] | None) -> dict[str, str]:
    return {key: value or "" for key, value in (labels or {}).items()}


def _selector(selector: dict[str, Any] | None) -> dict[str, Any]:
    fields = selector or {}
    requirements = [_requirement(each) for each in _list(fields, "matchExpressions")]
    return {"labels": _labels(fields.get("matchLabels")), "requirements": requirements}


def _requirement(requirement: dict[str, Any]) -> dict[str, Any]:
    return requirement | {"values": [value or "" for value in _list(requirement, "values")]}


def _rule(rule: dict[str, Any] | None, end: str) -> dict[str, Any]:
    fields = rule or {}
    return {
        "peers": [_peer(_present(each)) for each in _list(fields, end)],
        "ports": [{"protocol": "TCP"} | _present(each or {}) for each in _list(fields, "ports")],
    }


def _peer(peer: dict[str, Any]) -> dict[str, Any]:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        return {
            "block": _cidr(block["cidr"]),
            "not": [_cidr(each) for each in _list(block, "except")],
        }
    if "namespaceSelector" not in peer:
        return {"own": _selector(peer["podSelector"])}
    return {
        "namespaces": _selector(peer["namespaceSelector"]),
        "pods": _selector(peer.get("podSelector")),
    }


def _cidr(text: str) -> str:
    if text.startswith("::ffff:"):
        address, length = text.removeprefix("::ffff:").split("/")
        return f"{address}/{int(length) - 96}"
    if ":" in text:
        # Zeros before the octets of an embedded IPv4 address say nothing.
        plain = re.sub(r"(?<=[:.])0+(?=[0-9]+[./])", "", text)
        return str(ip_network(plain, strict=False))
    address, length = text.split("/")
    octets = ".".join(str(int(octet)) for octet in address.split("."))
    return str(ip_network(f"{octets}/{int(length)}", strict=False))


def _frozen(value: Any) -> Hashable:
    # Order and repetition say nothing in any list of a policy.
    if isinstance(value, dict):
        return frozenset(
            (key, _frozen(each)) for key, each in value.items() if each not in ({}, None)
        )
    if isinstance(value, list):
        return ("list", frozenset(_frozen(each) for each in value))
    if isinstance(value, float):
        return int(value)
    return value if isinstance(value, Hashable) else repr(value)
