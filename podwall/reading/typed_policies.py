"""Read the NetworkPolicies among documents as values of the typed language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from podwall.policies import Finding, NetworkPolicy, Place, Severity
from podwall.policies.manifest import KIND, prevents_reading
from podwall.policies.policy import read
from podwall.reading.documents import Document, single_objects
from podwall.reading.fields import Malformed
from podwall.reading.known_kinds import meant_instead
from podwall.reading.metadata import read_object
from podwall.reading.objects import malformed, no_such_kind
from podwall.reading.unread_policies import is_other_policy

__all__ = ["TypedPolicies", "typed_policies"]

#: What `kubectl apply` keeps for itself on an object: the document of its last run, as JSON.
#: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/
_KUBECTL: Final = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class TypedPolicies:
    """Policies in the order of their documents, each with its place, and the findings."""

    policies: tuple[tuple[NetworkPolicy, Place], ...] = ()
    findings: tuple[Finding, ...] = ()


def typed_policies(documents: Iterable[Document], namespace: str = "default") -> TypedPolicies:
    """Return the policies of documents; one that can't be kept has a finding of severity error.

    What a policy can't keep of its document, and what its document means other than it seems, is a
    finding of less severity. Objects that are no policies do not matter.

    Args:
        documents: policies and other objects.
        namespace: where a policy belongs that names none.
    """
    last: dict[tuple[str, str], tuple[NetworkPolicy, Place]] = {}
    findings: list[Finding] = []
    for document in single_objects(documents):
        policy, found = _read(document, namespace)
        findings += found
        if policy is None:
            continue
        identity = (policy.namespace, policy.name)
        if identity in last:
            findings.append(_repeated(last[identity], policy, document.place))
        last[identity] = (policy, document.place)
    return TypedPolicies(tuple(last.values()), tuple(findings))


def _read(document: Document, namespace: str) -> tuple[NetworkPolicy | None, Iterable[Finding]]:
    if not _is_meant_as_policy(document.manifest):
        return None, _on_other(document)
    reading = read(document.manifest, document.place, namespace=namespace)
    if reading.policy is None:
        return None, map(_as_error, reading.findings)
    policy, dropped = _without_kubectl(reading.policy, document.place)
    return policy, (*reading.findings, *dropped)


def _is_meant_as_policy(manifest: object) -> bool:
    if not isinstance(manifest, Mapping) or manifest.get("kind") != KIND:
        return False
    return not is_other_policy(str(manifest.get("apiVersion")).rpartition("/")[0], KIND)


def _on_other(document: Document) -> Iterator[Finding]:
    """Yield the findings on an object that is no NetworkPolicy, or of which that is not clear."""
    try:
        item = read_object(document.manifest, document.place)
    except Malformed as problem:
        kind = document.manifest.get("kind") if isinstance(document.manifest, dict) else None
        if not isinstance(kind, str):
            yield malformed(problem, document.place)
        return
    meant = meant_instead(item.group, item.kind)
    if meant and meant[1] == KIND:
        yield no_such_kind(item, *meant)
    if is_other_policy(item.group, item.kind):
        yield Finding(
            "policy-kind-not-kept",
            Severity.WARNING,
            f"{item.kind} `{item.name}` has no typed form, and is left out",
            item.place,
            "keep its manifest: it may allow or deny traffic as well",
        )


def _as_error(finding: Finding) -> Finding:
    """Return a finding as an error where it is why there is no policy."""
    return replace(finding, severity=Severity.ERROR) if prevents_reading(finding) else finding


def _without_kubectl(
    policy: NetworkPolicy, place: Place
) -> tuple[NetworkPolicy, tuple[Finding, ...]]:
    if _KUBECTL not in policy.annotations:
        return policy, ()
    kept = {key: text for key, text in policy.annotations.items() if key != _KUBECTL}
    dropped = Finding(
        "field-not-kept",
        Severity.INFO,
        f"`{_KUBECTL}` is what kubectl keeps for itself, and is left out",
        place.at(f"metadata.annotations[{_KUBECTL}]"),
    )
    return replace(policy, annotations=kept), (dropped,)


def _repeated(first: tuple[NetworkPolicy, Place], second: NetworkPolicy, place: Place) -> Finding:
    policy, there = first
    same = policy == second
    return Finding(
        "duplicate-object",
        Severity.INFO if same else Severity.ERROR,
        f"{KIND} {second.namespace}/{second.name} is written twice"
        f"{'' if same else ', differently'}: first at {there}",
        place,
        "one object has one name; the last one written is taken",
    )
