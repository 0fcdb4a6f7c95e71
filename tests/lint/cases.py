"""Short manifests, and what the lints say about them."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from podwall.lint import LINTS, lint
from podwall.policies.errors import Finding, Place
from podwall.reachability import reachability
from podwall.reading import DeclaredCluster, Document, snapshot

IDS = frozenset(each.id for each in LINTS)


def namespace(name: str, **labels: str) -> str:
    return f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {labels}}}}}"


def pod(name: str, spec: str = "", where: str = "shop", **labels: str) -> str:
    carried = labels or {"app": name}
    return (
        f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: {where}, "
        f"labels: {carried}}}, spec: {{{spec}}}}}"
    )


def policy(spec: str, name: str = "p", where: str = "shop") -> str:
    return (
        f"{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "
        f"metadata: {{name: {name}, namespace: {where}}}, spec: {{{spec}}}}}"
    )


def service(spec: str, name: str = "s") -> str:
    return (
        f"{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, "
        f"spec: {{{spec}}}}}"
    )


SHOP = namespace("shop")
DENY = policy("podSelector: {}, policyTypes: [Ingress, Egress]", "default-deny")


def findings(
    documents: Sequence[str],
    engine: str | None = None,
    version: str | None = None,
    *,
    complete: bool = False,
) -> tuple[Finding, ...]:
    manifests = [
        Document(yaml.safe_load(text), Place("shop.yaml", line))
        for line, text in enumerate(documents, start=1)
    ]
    cluster = DeclaredCluster(engine=engine, kubernetes_version=version)
    reading = snapshot(manifests, cluster=cluster, complete=complete)
    errors = [finding for finding in reading.findings if finding.severity == "error"]
    assert errors == []
    return lint(reachability(reading.snapshot))


def said(
    id_: str, *documents: str, engine: str | None = None, version: str | None = None
) -> list[str]:
    """Return where a lint finds something, as line and field path."""
    assert id_ in IDS
    found = findings(documents, engine, version)
    return [
        f"{finding.place.line or ''} {finding.place.path}".strip()
        for finding in found
        if finding.id == id_
    ]
