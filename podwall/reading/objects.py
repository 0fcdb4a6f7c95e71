"""Read one object into the part of the snapshot that it is, with the findings on it.

Most objects of other kinds do not matter; those that could change a verdict have a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from podwall.calico import CalicoPolicy, CalicoSet, CalicoTier
from podwall.model import (
    CiliumPolicy,
    Policy,
    Service,
    SnapshotNamespace,
    SnapshotWorkload,
    TierPolicy,
    UnreadPolicy,
    namespace_text,
)
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.validation import violations
from podwall.policies.wording import shown
from podwall.quick_dataclass import dataclass
from podwall.reading.fields import Malformed, NotEnforced
from podwall.reading.known_kinds import (
    changes_on_admission,
    harmless,
    makes_pods_alone,
    meant_instead,
)
from podwall.reading.ledger import (
    CHANGES_OTHERS,
    MAY_MAKE_PODS,
    NOT_KNOWN,
    LedgerEntry,
    ObjectStatus,
    named_in,
)
from podwall.reading.made_pods import PodKinds, made_pods
from podwall.reading.metadata import (
    ManifestObject,
    forged_name,
    read_namespace,
)
from podwall.reading.pod_kinds import POD_KINDS, PodKind
from podwall.reading.policies import read_policy, read_service
from podwall.reading.refusals import metadata_refusals, refusals
from podwall.reading.workloads import WORKLOAD_KINDS, is_finished, read_workload

__all__ = [
    "ObjectReading",
    "SnapshotPart",
    "ledger_entry",
    "malformed",
    "no_such_kind",
    "read_part",
    "removed_version",
    "unread",
]


FORMER_GROUP: Final = "extensions"
FORMER_KINDS: Final = {
    "NetworkPolicy": "networking.k8s.io/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
}
API_GROUPS: Final = "https://kubernetes.io/docs/reference/using-api/#api-groups"
DEPRECATION_GUIDE: Final = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"


def unread(item: ManifestObject, policy: UnreadPolicy | None) -> Iterator[Finding]:
    """Yield a finding if an object of a kind that is not read could still change the verdicts.

    `policy` is what it may decide if it is a policy of another API.
    """
    if policy is not None and policy.brings:
        yield brings(policy)
    elif policy is not None:
        does = "deny" if policy.narrows else "allow or deny"
        yield Finding(
            "policy-kind-not-analysed",
            Severity.WARNING,
            f"{item.kind} `{item.name}` is not read, and may {does} traffic",
            item.place,
            "what it may decide is undetermined",
            policy.link,
        )
    elif item.group == FORMER_GROUP and item.kind in FORMER_KINDS:
        yield removed_version(item, FORMER_KINDS[item.kind])
    elif meant := meant_instead(item.group, item.kind):
        yield no_such_kind(item, *meant)


def brings(policy: UnreadPolicy) -> Finding:
    """Return the finding on what brings objects that nothing here shows."""
    pods = (
        f" about pods of `{namespace_text(policy.namespace)}`"
        if policy.namespace is not None
        else ""
    )
    return Finding(
        "brings-objects",
        Severity.WARNING,
        f"{policy.kind} `{policy.name}` is not read: it may bring pods and policies, so "
        f"no verdict{pods} is certain",
        policy.place,
        f"read what it makes, too, or accept that it is not read: `--accept-unread {policy.kind}`",
        policy.link,
    )


def no_such_kind(item: ManifestObject, version: str, kind: str) -> Finding:
    """Return the finding on an object of a kind that no API server knows, with what is meant."""
    written = str(item.manifest["apiVersion"])
    right = [f"`kind: {kind}`"] if kind != item.kind else []
    right += [f"`apiVersion: {version}`"] if version != written else []
    return Finding(
        "no-such-kind",
        Severity.ERROR,
        f"no API server knows {shown(item.kind)} of {shown(written)}, "
        f"so {shown(item.name)} is refused",
        item.place.at("kind" if version == written else "apiVersion"),
        f"did you mean {' and '.join(right)}? the object is left out",
        API_GROUPS,
    )


def removed_version(item: ManifestObject, current: str) -> Finding:
    """Return the finding on an object of a version that the API server no longer serves."""
    return Finding(
        "removed-api-version",
        Severity.ERROR,
        f"no current API server knows {item.kind} of `{item.manifest['apiVersion']}`",
        item.place.at("apiVersion"),
        f"write `apiVersion: {current}`; the object is left out",
        DEPRECATION_GUIDE,
    )


SnapshotPart = (
    SnapshotNamespace
    | SnapshotWorkload
    | Policy
    | Service
    | TierPolicy
    | CiliumPolicy
    | CalicoPolicy
    | CalicoTier
    | CalicoSet
)

READERS: Final[dict[tuple[str, str], Callable[[ManifestObject], SnapshotPart]]] = {
    ("", "Namespace"): read_namespace,
    ("", "Service"): read_service,
    ("networking.k8s.io", "NetworkPolicy"): read_policy,
    **dict.fromkeys(WORKLOAD_KINDS, read_workload),
}


@dataclass(frozen=True, slots=True)
class ObjectReading:
    """An object, the part of the snapshot that it is (None: not one), and the findings on it.

    `unread` is what it may decide as a policy of another API, or by policies that it brings. Of
    what a controller of another API makes several kinds of pods, `more` are all but the first. It
    `is_unknown` if no table has its kind.
    """

    item: ManifestObject
    part: SnapshotPart | None = None
    findings: tuple[Finding, ...] = ()
    unread: tuple[UnreadPolicy, ...] = ()
    more: tuple[SnapshotWorkload, ...] = ()
    is_unknown: bool = False

    @property
    def is_guess(self) -> bool:
        """Whether the pods are those that an operator will make, as far as that is known."""
        if not isinstance(self.part, SnapshotWorkload):
            return False
        is_made = (self.item.group, self.item.kind) not in WORKLOAD_KINDS
        return is_made and self.part.open_ports is not None


def read_part(item: ManifestObject, kinds: PodKinds = POD_KINDS) -> ObjectReading:
    """Return what one object is; an object that the API server would refuse is no part at all.

    `kinds` are those of other APIs whose controllers make pods.
    """
    of_few = _OF_FEW.get(item.group)
    found = of_few(item) if of_few is not None else None
    if found is not None:
        return found
    reader = READERS.get((item.group, item.kind))
    if reader is None or is_finished(item):
        return _of_another_api(item, kinds)
    if item.version != "v1":
        current = f"{item.group}/v1".removeprefix("/")
        return ObjectReading(item, findings=(removed_version(item, current),))
    return _read(item, reader, _judged)


def _of_tiers(item: ManifestObject) -> ObjectReading | None:
    from podwall.reading.tier_policies import (  # noqa: PLC0415 - few clusters have one
        is_tier_policy,
        read_tier_policy,
    )
    from podwall.reading.tier_refusals import tier_refusals  # noqa: PLC0415 - as above

    return _read(item, read_tier_policy, tier_refusals) if is_tier_policy(item) else None


def _of_cilium(item: ManifestObject) -> ObjectReading | None:
    from podwall.reading.cilium_policies import (  # noqa: PLC0415 - as above
        is_cilium_policy,
        read_cilium_policy,
    )

    return _read(item, read_cilium_policy, metadata_refusals) if is_cilium_policy(item) else None


def _of_calico(item: ManifestObject) -> ObjectReading | None:
    from podwall.reading.calico_policies import (  # noqa: PLC0415 - as above
        is_calico_object,
        read_calico_object,
    )

    return _read(item, read_calico_object, metadata_refusals) if is_calico_object(item) else None


_OF_FEW: Final[dict[str, Callable[[ManifestObject], ObjectReading | None]]] = {
    "policy.networking.k8s.io": _of_tiers,
    "cilium.io": _of_cilium,
    "projectcalico.org": _of_calico,
    "crd.projectcalico.org": _of_calico,
}
"""By group, what reads objects of kinds that stand in few clusters: None of any that it is not."""


def _read(
    item: ManifestObject,
    reader: Callable[[ManifestObject], SnapshotPart],
    judged: Callable[[ManifestObject], Iterable[Finding]],
) -> ObjectReading:
    findings = tuple(judged(item))
    if any(finding.severity is Severity.ERROR for finding in findings):
        return ObjectReading(item, findings=findings)
    try:
        return ObjectReading(item, reader(item), findings)
    except Malformed as problem:
        return ObjectReading(item, findings=(malformed(problem, item.place),))


def _of_another_api(item: ManifestObject, kinds: PodKinds) -> ObjectReading:
    from podwall.reading.unread_objects import (  # noqa: PLC0415 - all may be of Kubernetes
        brought_policies,
        of_operator,
        of_unknown_kind,
        speaks_of_neither,
        unread_policy,
    )

    policy = unread_policy(item) or brought_policies(item)
    findings = tuple(unread(item, policy))
    if policy is not None or findings or is_finished(item):
        return ObjectReading(item, None, findings, (policy,) if policy else ())
    pods = made_pods(item, kinds)
    kind = kinds.get((item.group, item.kind))
    made = tuple(of_operator(item, kind)) if kind is not None else ()
    if kind is None and not pods and not _is_known(item) and not speaks_of_neither(item):
        return ObjectReading(item, unread=of_unknown_kind(item), is_unknown=True)
    found = ObjectReading(item, pods[0] if pods else None, unread=made, more=pods[1:])
    return replace(found, findings=(_guessed(found, kind),)) if found.is_guess else found


def _is_known(item: ManifestObject) -> bool:
    """Return whether a table has a kind, as one that decides nothing by policies."""
    return bool(harmless(item.group, item.kind)) or bool(_named_alone(item))


def _named_alone(item: ManifestObject) -> str:
    """Return why an object is named that makes no policy; nothing of any other."""
    if makes_pods_alone(item.group, item.kind):
        return MAY_MAKE_PODS
    return CHANGES_OTHERS if changes_on_admission(item.group, item.kind) else ""


def _guessed(found: ObjectReading, kind: PodKind | None) -> Finding:
    item, part = found.item, found.part
    more = isinstance(part, SnapshotWorkload) and part.labels.more is not None
    labels = "those of its template" if kind is None else "what its operator sets"
    others = ", and may have more" if more else ""
    return Finding(
        "pods-of-an-operator",
        Severity.INFO,
        f"a controller makes the pods of {item.kind} {shown(item.name)}: "
        f"their labels are taken to be {labels}{others}",
        item.place,
        link=kind.source if kind else "",
    )


def ledger_entry(read: ObjectReading) -> LedgerEntry:
    """Return what became of an object that was read, or could not be."""
    _, name = named_in(read.item.manifest)
    status, reason = _status(read)
    item = read.item
    brings = any(policy.brings for policy in read.unread)
    alone = reason in {NOT_KNOWN, MAY_MAKE_PODS}
    makes = status is ObjectStatus.UNREAD and (brings or alone)
    return LedgerEntry(item.kind, name or item.name, item.place, status, reason, item.group, makes)


def _status(read: ObjectReading) -> tuple[ObjectStatus, str]:
    if read.part is not None:
        return ObjectStatus.READ, ""
    if any(each.brings for each in read.unread) and not read.is_unknown:
        return ObjectStatus.UNREAD, "it brings objects that are written elsewhere"
    if read.findings:
        return ObjectStatus.UNREAD, read.findings[0].message
    if is_finished(read.item):
        return ObjectStatus.HARMLESS, "it ran to its end, and has no address any more"
    reason = harmless(read.item.group, read.item.kind)
    if reason:
        return ObjectStatus.HARMLESS, reason
    return ObjectStatus.UNREAD, _named_alone(read.item) or NOT_KNOWN


def _judged(item: ManifestObject) -> Iterator[Finding]:
    """Yield what the API server would refuse, and what is legal but hardly meant."""
    if item.kind == "NetworkPolicy":
        yield from violations(item.manifest, item.place)
        return
    yield from refusals(item)
    if item.kind == "Namespace":
        yield from forged_name(item)


def malformed(problem: Malformed, place: Place) -> Finding:
    """Return the finding on an object that the API server would refuse, or that Cilium does."""
    if isinstance(problem, NotEnforced):
        return Finding(
            "cilium-refuses",
            Severity.ERROR,
            problem.message,
            place.at(problem.path),
            "Cilium finds the whole policy invalid and enforces nothing of it, so it is left out",
            "https://docs.cilium.io/en/stable/security/policy/",
        )
    return Finding(
        "malformed-object",
        Severity.ERROR,
        problem.message,
        place.at(problem.path) if problem.path else place,
        "the API server refuses the whole object, so it is left out",
    )
