"""What a namespace must be, as a value: pure, checked where it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, fields
from enum import StrEnum

from podwall.aks.limits import RESERVED_LABEL_PREFIX
from podwall.components.checks import check_application_namespace, refused
from podwall.components.workload_args import Resources, amount
from podwall.policies.labels import Labels
from podwall.policies.policy import NetworkPolicy
from podwall.policies.presets import allow_dns, default_deny
from podwall.policies.rules import Direction
from podwall.policies.syntax import shown
from podwall.quick_dataclass import dataclass

__all__ = ["NamespaceArgs", "PodSecurity", "Quota"]


_VERSION = re.compile(r"v1\.\d{1,3}")
_POD_SECURITY_LABELS = "pod-security.kubernetes.io/"


class PodSecurity(StrEnum):
    """A Pod Security Standard, least restrictive first.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """

    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The most that all pods of a namespace together may ask for; what is left out is not limited.

    A quota on requests or limits makes them mandatory for every pod of the namespace.
    Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
    """

    pods: int | None = None
    requests_cpu: str | None = None
    requests_memory: str | None = None
    limits_cpu: str | None = None
    limits_memory: str | None = None

    def __post_init__(self) -> None:
        """Check every quantity; a quota without any is refused."""
        if not self.hard:
            raise refused("quota", "no limit is given", "name one, such as `pods`, or no quota")
        for key, quantity in self.hard.items():
            amount(quantity, f"quota.{key}")

    @property
    def hard(self) -> dict[str, str]:
        """Return the limits as a ResourceQuota's `spec.hard` has them.

        >>> Quota(pods=20, requests_cpu="4").hard
        {'pods': '20', 'requests.cpu': '4'}
        """
        limits = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name.replace("_", "."): str(limit) for name, limit in limits if limit is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceArgs:
    """One namespace of ours, closed by default.

    Attributes:
        name: its name, a plain string, so that a preview knows it before the cluster exists.
        labels: further labels; those of Pod Security come from `pod_security`.
        pod_security: what pods may ask for; the API server refuses, audits and warns at this level.
        pod_security_version: the Kubernetes version, such as `v1.36`, whose rules hold; `latest`
            follows the cluster.
        deny_ingress: pods accept no connection unless a further policy allows it.
        deny_egress: pods open no connection unless a further policy allows it.
        allow_dns: pods may ask CoreDNS and AKS LocalDNS for names, where egress is denied.
        quota: the most that all pods together may ask for; unlimited if left out.
        default_resources: what containers get that ask for nothing; nothing if left out.

    Raises:
        InvalidValue: a name that is no DNS label or belongs to the system, where a default deny
            would break the cluster, or a label that AKS keeps to itself.
            Source: https://learn.microsoft.com/azure/aks/managed-namespaces
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=Labels)
    pod_security: PodSecurity = PodSecurity.RESTRICTED
    pod_security_version: str = "latest"
    deny_ingress: bool = True
    deny_egress: bool = True
    allow_dns: bool = True
    quota: Quota | None = None
    default_resources: Resources | None = None

    def __post_init__(self) -> None:
        """Check the name and the labels."""
        check_application_namespace(self.name, "metadata.name")
        object.__setattr__(self, "labels", Labels(self.labels, path="metadata.labels"))
        for key in self.labels:
            _refuse_reserved_label(key)
        _check_version(self.pod_security_version)

    @property
    def all_labels(self) -> dict[str, str]:
        """Return the labels that the namespace gets, those of Pod Security among them.

        >>> sorted(NamespaceArgs(name="shop").all_labels)[:2]
        ['pod-security.kubernetes.io/audit', 'pod-security.kubernetes.io/audit-version']
        """
        security: dict[str, str] = {}
        for mode in ("enforce", "audit", "warn"):
            security[f"{_POD_SECURITY_LABELS}{mode}"] = self.pod_security.value
            security[f"{_POD_SECURITY_LABELS}{mode}-version"] = self.pod_security_version
        return {**self.labels, **security}

    @property
    def closing_policies(self) -> tuple[NetworkPolicy, ...]:
        """Return the default deny, and the way to DNS where egress is denied.

        >>> [policy.name for policy in NamespaceArgs(name="shop").closing_policies]
        ['default-deny', 'allow-dns']
        """
        denied = {Direction.INGRESS: self.deny_ingress, Direction.EGRESS: self.deny_egress}
        directions = [direction for direction, closed in denied.items() if closed]
        if not directions:
            return ()
        # To allow DNS where egress is open would isolate egress.
        dns = (allow_dns(self.name),) if self.deny_egress and self.allow_dns else ()
        return (default_deny(self.name, directions=directions), *dns)


def _refuse_reserved_label(key: str) -> None:
    path = f"metadata.labels[{key}]"
    if key.startswith(RESERVED_LABEL_PREFIX):
        raise refused(
            path, f"labels under `{RESERVED_LABEL_PREFIX}` belong to AKS", "choose another prefix"
        )
    if key.startswith(_POD_SECURITY_LABELS):
        raise refused(path, "Pod Security labels are derived", "set `pod_security` instead")
    if key == "kubernetes.io/metadata.name":
        raise refused(path, "the API server sets this label itself", "leave it out")


def _check_version(version: str) -> None:
    if version != "latest" and not _VERSION.fullmatch(version):
        message = f"{shown(version)} is not a version"
        raise refused("pod_security_version", message, "`latest`, or such as `v1.36`")
