"""Read the policies among documents that the typed language has, as values of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from podwall.policies import (
    ClusterNetworkPolicy,
    Finding,
    InvalidValue,
    NetworkPolicy,
    Place,
    Severity,
)
from podwall.policies.manifest import (
    CLUSTER_KIND,
    KIND,
    cluster_policy_arguments,
    prevents_reading,
    remarks,
)
from podwall.policies.policy import read
from podwall.policies.validation.parts import fields_of, items_of
from podwall.quick_dataclass import dataclass
from podwall.reading.fields import Malformed
from podwall.reading.known_kinds import meant_instead
from podwall.reading.ledger import Document, single_objects
from podwall.reading.metadata import ManifestObject, read_object
from podwall.reading.objects import malformed, no_such_kind
from podwall.reading.tier_policies import GROUP, KINDS
from podwall.reading.tier_refusals import tier_refusals
from podwall.reading.unread_objects import is_other_policy

__all__ = ["TypedPolicies", "typed_policies"]

#: What `kubectl apply` keeps for itself on an object: the document of its last run, as JSON.
#: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/
_KUBECTL: Final = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class TypedPolicies:
    """Policies in the order of their documents, each with its place, and the findings."""

    policies: tuple[tuple[NetworkPolicy, Place], ...] = ()
    findings: tuple[Finding, ...] = ()
    cluster_policies: tuple[tuple[ClusterNetworkPolicy, Place], ...] = ()


_Typed = NetworkPolicy | ClusterNetworkPolicy


def typed_policies(documents: Iterable[Document], namespace: str = "default") -> TypedPolicies:
    """Return the policies of documents; one that can't be kept has a finding of severity error.

    What a policy can't keep of its document, and what its document means other than it seems, is a
    finding of less severity. Objects that are no policies do not matter.

    Args:
        documents: policies and other objects.
        namespace: where a policy belongs that names none.
    """
    last: dict[tuple[str, str], tuple[_Typed, Place]] = {}
    findings: list[Finding] = []
    for document in single_objects(documents):
        policy, found = _read(document, namespace)
        findings += found
        if policy is None:
            continue
        space = policy.namespace if isinstance(policy, NetworkPolicy) else ""
        identity = (space, policy.name)
        if identity in last:
            findings.append(_repeated(last[identity], policy, document.place))
        last[identity] = (policy, document.place)
    found_last = tuple(last.values())
    return TypedPolicies(
        tuple((each, place) for each, place in found_last if isinstance(each, NetworkPolicy)),
        tuple(findings),
        tuple((each, place) for each, place in found_last if not isinstance(each, NetworkPolicy)),
    )


def _read(document: Document, namespace: str) -> tuple[_Typed | None, Iterable[Finding]]:
    if not _is_meant_as_policy(document.manifest):
        return _read_other(document)
    reading = read(document.manifest, document.place, namespace=namespace)
    if reading.policy is None:
        return None, map(_as_error, reading.findings)
    policy, dropped = _without_kubectl(reading.policy, document.place)
    return policy, (*reading.findings, *dropped)


def _read_other(document: Document) -> tuple[ClusterNetworkPolicy | None, Iterable[Finding]]:
    try:
        item = read_object(document.manifest, document.place)
    except Malformed as problem:
        kind = document.manifest.get("kind") if isinstance(document.manifest, dict) else None
        return None, () if isinstance(kind, str) else (malformed(problem, document.place),)
    if (item.group, item.kind) != (GROUP, CLUSTER_KIND) or item.version not in KINDS[CLUSTER_KIND]:
        return None, _on_other(item)
    return _read_cluster_policy(item)


def _read_cluster_policy(
    item: ManifestObject,
) -> tuple[ClusterNetworkPolicy | None, Iterable[Finding]]:
    findings = (
        *tier_refusals(item),
        *remarks(item.manifest, item.place),
        *_experimental(item),
    )
    if any(map(prevents_reading, findings)):
        return None, map(_as_error, findings)
    try:
        policy = ClusterNetworkPolicy(**cluster_policy_arguments(item.manifest))
    except InvalidValue as problem:
        place = item.place.at(problem.place.path)
        return None, (*findings, _not_kept(item, place, problem.message))
    policy, dropped = _without_kubectl(policy, item.place)
    return policy, (*findings, *dropped)


_EXPERIMENTS: Final = frozenset({"nodes", "domainNames", "destinationNamedPort"})


def _experimental(item: ManifestObject) -> Iterator[Finding]:
    """Yield the findings on fields that only the experimental channel of the API has."""
    spec = fields_of(item.manifest.get("spec"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(map(fields_of, items_of(spec.get(direction)))):
            for field in (peers, "protocols"):
                for index, each in enumerate(map(fields_of, items_of(rule.get(field)))):
                    path = f"spec.{direction}[{number}].{field}[{index}]"
                    for name in sorted(_EXPERIMENTS & each.keys()):
                        message = f"`{name}` is of the experimental channel"
                        yield _not_kept(item, item.place.at(f"{path}.{name}"), message)


def _not_kept(item: ManifestObject, place: Place, why: str) -> Finding:
    return Finding(
        "policy-not-kept",
        Severity.ERROR,
        f"{item.kind} `{item.name}` has no typed form: {why}",
        place,
        "keep its manifest",
    )


def _is_meant_as_policy(manifest: object) -> bool:
    if not isinstance(manifest, Mapping) or manifest.get("kind") != KIND:
        return False
    return not is_other_policy(str(manifest.get("apiVersion")).rpartition("/")[0], KIND)


def _on_other(item: ManifestObject) -> Iterator[Finding]:
    """Yield the findings on an object that has no typed form, or of which that is not clear."""
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


_AnyTyped = TypeVar("_AnyTyped", NetworkPolicy, ClusterNetworkPolicy)


def _without_kubectl(policy: _AnyTyped, place: Place) -> tuple[_AnyTyped, tuple[Finding, ...]]:
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


def _repeated(first: tuple[_Typed, Place], second: _Typed, place: Place) -> Finding:
    policy, there = first
    same = policy == second
    title = f"{CLUSTER_KIND} {second.name}"
    if isinstance(second, NetworkPolicy):
        title = f"{KIND} {second.namespace}/{second.name}"
    return Finding(
        "duplicate-object",
        Severity.INFO if same else Severity.ERROR,
        f"{title} is written twice{'' if same else ', differently'}: first at {there}",
        place,
        "one object has one name; the last one written is taken",
    )
