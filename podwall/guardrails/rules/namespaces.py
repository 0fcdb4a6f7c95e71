"""Every namespace denies by default, and nothing is reachable from everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import and_
from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.deployment import Deployment
from podwall.guardrails.judgements import Doubt, Judgements
from podwall.guardrails.rule import StackRule
from podwall.guardrails.settings import Direction, IsolationSettings, NamespaceSettings
from podwall.model import Policy, Unknown
from podwall.policies.errors import Place
from podwall.policies.findings import Finding
from podwall.policies.findings import Severity as FindingSeverity
from podwall.policies.system_namespaces import SYSTEM_NAMESPACES
from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability import WorkloadEndpoint

__all__ = ["RULES"]

DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
DENY_DOC: Final = f"{DOC}#default-deny-all-ingress-traffic"


def _default_deny(deployment: Deployment, settings: IsolationSettings) -> Judgements:
    yield from _homeless(deployment)
    for name, place in sorted(_namespaces(deployment).items()):
        for direction in settings.directions:
            yield from _denied(deployment, name, place, direction)


def _namespaces(deployment: Deployment) -> dict[str, Place]:
    """Return the namespaces that the stack makes, or puts workloads into."""
    snapshot = deployment.reading.snapshot
    found: dict[str | Unknown, Place] = {
        each.namespace: each.place for each in snapshot.workloads if each.host_network is not True
    }
    found |= {each.name: each.place for each in snapshot.namespaces if each.place.source}
    return {
        name: place
        for name, place in found.items()
        if isinstance(name, str) and name not in SYSTEM_NAMESPACES
    }


def _homeless(deployment: Deployment) -> Iterator[Doubt]:
    for each in deployment.reading.snapshot.workloads:
        if isinstance(each.namespace, Unknown):
            yield Doubt(each.namespace.cause, each.place)


def _denied(deployment: Deployment, name: str, place: Place, direction: Direction) -> Judgements:
    causes: list[str] = []
    for policy in deployment.reading.snapshot.policies:
        if policy.namespace != name and not isinstance(policy.namespace, Unknown):
            continue
        if policy.pod_selector.requirements or _side(policy, direction) is None:
            continue
        doubts = [policy.namespace, policy.pod_selector.unknown, _side(policy, direction)]
        unknown = [each.cause for each in doubts if isinstance(each, Unknown)]
        if not unknown:
            return
        causes += unknown
    if causes:
        yield Doubt(f"whether namespace `{name}` denies {direction} by default: {causes[0]}", place)
        return
    yield Finding(
        "namespace-without-default-deny",
        FindingSeverity.ERROR,
        f"namespace `{name}` has no policy that denies {direction} by default",
        place,
        "add a policy with `podSelector: {}` and no rule",
        DENY_DOC,
    )


def _side(policy: Policy, direction: Direction) -> object:
    return policy.ingress if direction is Direction.INGRESS else policy.egress


def _open_workloads(deployment: Deployment, _settings: NamespaceSettings) -> Judgements:
    for each in deployment.reach.workloads:
        if each.workload.namespace not in SYSTEM_NAMESPACES:
            yield from _open(deployment, each)


def _open(deployment: Deployment, endpoint: WorkloadEndpoint) -> Judgements:
    reach = deployment.reach
    found = [reach.connection(each.id, endpoint.id) for each in reach.externals]
    allowed = reduce(and_, (each.allowed for each in found), ALL_PORTS)
    place, title = endpoint.workload.place, endpoint.id
    if allowed:
        yield Finding(
            "workload-open",
            FindingSeverity.ERROR,
            f"everyone may connect to `{title}` on {_ports(allowed)}, from anywhere",
            place,
            "name the peers that need it, in a policy that selects it",
            DOC,
        )
        return
    doubts = [doubt for each in found for doubt in each.undetermined]
    if doubts:
        yield Doubt(f"whether everyone may connect to `{title}`: {doubts[0].because}", place)


def _ports(ports: PortSet) -> str:
    return "every port" if ports == ALL_PORTS else str(ports)


RULES: Final = (
    StackRule(
        id="namespace-without-default-deny",
        description="Every namespace must deny by default.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Add a NetworkPolicy with an empty podSelector and no rule to the namespace.",
        link=DENY_DOC,
        settings=IsolationSettings,
        judge=_default_deny,
    ),
    StackRule(
        id="workload-open",
        description="No workload may be reachable from everywhere.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Name the peers in a policy that selects the workload, or exempt it.",
        link=DOC,
        settings=NamespaceSettings,
        judge=_open_workloads,
    ),
)
