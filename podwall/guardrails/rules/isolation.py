"""Every namespace denies by default, nothing is open to everyone, and policies come before pods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import reduce
from operator import and_
from typing import Final, NamedTuple

from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.guardrail import (
    Deployment,
    IsolationSettings,
    Judgements,
    NamespaceRuleSettings,
    StackGuardrail,
    UndeterminedJudgement,
)
from podwall.lint.openness import denied_by_tiers, denies_every_pod
from podwall.model import PodPeer, Policy, Selector, Unknown
from podwall.plan import depends_on_any
from podwall.policies.errors import Finding, Place
from podwall.policies.errors import Severity as FindingSeverity
from podwall.policies.rules import Direction
from podwall.policies.syntax import SYSTEM_NAMESPACES
from podwall.policies.wording import listed
from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability import WorkloadEndpoint
from podwall.reachability.cluster import rules_of, unknown_direction
from podwall.reachability.policy_reader import ActingTierPolicy, acting_cilium

__all__ = ["ISOLATION_RULES", "ORDER_RULES"]


DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
DENY_DOC: Final = f"{DOC}#default-deny-all-ingress-traffic"


def _default_deny(deployment: Deployment, settings: IsolationSettings) -> Judgements:
    yield from _without_known_namespace(deployment)
    for name, place in sorted(_namespaces(deployment).items()):
        for direction in settings.directions:
            yield from _denied(deployment, name, place, Direction(direction.capitalize()))


def _namespaces(deployment: Deployment) -> dict[str, Place]:
    """Return the namespaces that the stack makes, or puts workloads into."""
    snapshot = deployment.reading.snapshot
    found: dict[str | Unknown, Place] = {
        each.namespace: each.place for each in snapshot.workloads if each.host_network is not True
    }
    declared = (each for each in snapshot.namespaces if each.place.source)
    found |= {each.name: each.place for each in declared if _is_named(deployment, each.place)}
    return {
        name: place
        for name, place in found.items()
        if isinstance(name, str) and name not in SYSTEM_NAMESPACES
    }


def _without_known_namespace(deployment: Deployment) -> Iterator[UndeterminedJudgement]:
    snapshot = deployment.reading.snapshot
    for each in snapshot.workloads:
        if isinstance(each.namespace, Unknown):
            yield UndeterminedJudgement(each.namespace.cause, each.place)
    for declared in snapshot.namespaces:
        if declared.place.source and not _is_named(deployment, declared.place):
            yield UndeterminedJudgement("the name of the namespace is not known", declared.place)


def _is_named(deployment: Deployment, place: Place) -> bool:
    return isinstance(deployment.namespaces.get(place.source), str)


def _denied(deployment: Deployment, name: str, place: Place, direction: Direction) -> Judgements:
    causes: list[str] = []
    for acting in denied_by_tiers(deployment.context, name, direction):
        if not acting.doubts:
            return
        causes += acting.doubts
    for policy in _of_the_pool(deployment):
        if policy.namespace != name and not isinstance(policy.namespace, Unknown):
            continue
        if policy.pod_selector.requirements or rules_of(policy, direction) is None:
            continue
        isolates = unknown_direction(policy, direction)
        deciding = (policy.namespace, policy.pod_selector.unknown, isolates)
        unknown = [each.cause for each in deciding if isinstance(each, Unknown)]
        if not unknown:
            return
        causes += unknown
    causes += _other_denials(deployment, name, direction)
    if causes:
        yield UndeterminedJudgement(
            f"whether namespace `{name}` denies {direction.field} by default: {causes[0]}", place
        )
        return
    yield Finding(
        "namespace-without-default-deny",
        FindingSeverity.ERROR,
        f"namespace `{name}` has no policy that denies {direction.field} by default",
        place,
        "add a policy with `podSelector: {}` and no rule",
        DENY_DOC,
    )


def _of_the_pool(deployment: Deployment) -> Iterator[Policy]:
    """Yield the policies that isolate: NetworkPolicies, and Cilium's where it enforces them."""
    snapshot = deployment.reading.snapshot
    yield from snapshot.policies
    for each in acting_cilium(snapshot, deployment.reach.engine):
        yield from each.beside


def _other_denials(deployment: Deployment, name: str, direction: Direction) -> Iterator[str]:
    """Yield why a policy that is not read may deny a whole namespace."""
    for each in deployment.unread_policies:
        is_there = each.namespace in {None, name} or isinstance(each.namespace, Unknown)
        if is_there and direction in each.directions and not each.pods.requirements:
            yield each.cause


def _open_workloads(deployment: Deployment, _settings: NamespaceRuleSettings) -> Judgements:
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
    undetermined = [grant for each in found for grant in each.undetermined]
    if undetermined:
        yield UndeterminedJudgement(
            f"whether everyone may connect to `{title}`: {undetermined[0].because}", place
        )


def _exposed_workloads(deployment: Deployment, _settings: NamespaceRuleSettings) -> Judgements:
    for each in deployment.reach.workloads:
        if each.workload.namespace not in SYSTEM_NAMESPACES:
            yield from _exposed(deployment, each)


def _exposed(deployment: Deployment, endpoint: WorkloadEndpoint) -> Judgements:
    """Yield who else may connect; of what everyone may reach, another rule tells."""
    if any(isinstance(each, Finding) for each in _open(deployment, endpoint)):
        return
    found = deployment.reach.exposure(endpoint.id, Direction.INGRESS)
    certain = [f"{each.source} on {_ports(each.allowed)}" for each in found if each.allowed]
    place, title = endpoint.workload.place, endpoint.id
    if certain:
        yield Finding(
            "workload-exposed",
            FindingSeverity.WARNING,
            f"`{title}` is open to pods that the stack does not show: {listed(certain)}",
            place,
            "name the peers by labels that pods of the stack carry, or say that it shows all there "
            "are: `closed` of `remember-inputs`",
            DOC,
        )
        return
    for each in found:
        yield UndeterminedJudgement(
            f"whether `{title}` is open to {each.source}: {each.undetermined[0].because}", place
        )


def _ports(ports: PortSet) -> str:
    return "every port" if ports == ALL_PORTS else str(ports)


ISOLATION_RULES: Final = (
    StackGuardrail(
        id="namespace-without-default-deny",
        description="Every namespace must deny by default.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Add a NetworkPolicy with an empty podSelector and no rule to the namespace.",
        link=DENY_DOC,
        settings=IsolationSettings,
        judge=_default_deny,
    ),
    StackGuardrail(
        id="workload-open",
        description="No workload may be reachable from everywhere.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Name the peers in a policy that selects the workload, or exempt it.",
        link=DOC,
        settings=NamespaceRuleSettings,
        judge=_open_workloads,
    ),
    StackGuardrail(
        id="workload-exposed",
        description="No workload may be open to pods that the stack does not show.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Name the peers by labels that pods of the stack carry.",
        link=DOC,
        settings=NamespaceRuleSettings,
        judge=_exposed_workloads,
    ),
)


LIFECYCLE: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#pod-lifecycle-and-network-policies"
)


def _late(deployment: Deployment, _settings: NamespaceRuleSettings) -> Judgements:
    for direction in Direction:
        for number, policies in sorted(_isolating(deployment, direction).items()):
            workload = deployment.reading.snapshot.workloads[number]
            if workload.host_network is not True:
                yield from _judgement(number, deployment, direction, policies)


class _Isolating(NamedTuple):
    """The URNs of policies that isolate a workload for certain, and of those that may do so."""

    certain: dict[str, str]
    possible: set[str]


def _isolating(deployment: Deployment, direction: Direction) -> Mapping[int, _Isolating]:
    """Return what isolates, or may isolate, each workload in a direction, with the names."""
    found: dict[int, _Isolating] = defaultdict(lambda: _Isolating({}, set()))
    pods = deployment.context.pods
    for policy in _of_the_pool(deployment):
        if rules_of(policy, direction) is not None:
            must, may = pods.of_policy(policy)
            certain = must if unknown_direction(policy, direction) is None else ()
            for number in may:
                if number in certain:
                    found[number].certain[policy.place.source] = policy.name
                else:
                    found[number].possible.add(policy.place.source)
    for acting in _closing(deployment, direction):
        tiered, subject = acting.policy, acting.policy.subject
        assert isinstance(subject, PodPeer)
        must, may = pods.among_namespaces(subject.namespaces or Selector(), subject.pods)
        for number in may:
            if number in must and not acting.doubts:
                found[number].certain[tiered.place.source] = tiered.full_name
            else:
                found[number].possible.add(tiered.place.source)
    for other in deployment.unread_policies:
        namespace = other.namespace or Unknown("every namespace")
        there = pods.selected(namespace, other.pods).may if direction in other.directions else ()
        for number in there:
            found[number].possible.add(other.place.source)
    return found


def _closing(deployment: Deployment, direction: Direction) -> Iterator[ActingTierPolicy]:
    """Yield the policies with tiers that deny every pod what no rule before allows."""
    for stage in deployment.reach.cluster.tiers:
        for acting in stage.policies:
            closes = any(map(denies_every_pod, acting.policy.rules(direction)))
            if closes and isinstance(acting.policy.subject, PodPeer):
                yield acting


def _judgement(
    number: int, deployment: Deployment, direction: Direction, isolating: _Isolating
) -> Judgements:
    """Judge by every way in which the policies that may isolate a workload can turn out."""
    name = deployment.context.pods.name(number)
    place = deployment.reading.snapshot.workloads[number].place
    certain, possible = isolating

    def waits(urns: Collection[str]) -> bool:
        return depends_on_any(place.source, urns, deployment.resources)

    if waits(certain) or (not certain and all(waits({each}) for each in possible)):
        return
    if certain and not waits(possible):
        yield Finding(
            "workload-before-policies",
            FindingSeverity.WARNING,
            f"`{name}` may start before any policy isolates its {direction.field}",
            place,
            f"let it depend on policy `{next(iter(certain.values()))}` (`depends_on`)",
            LIFECYCLE,
        )
    else:
        yield UndeterminedJudgement(
            f"it is not known which policies isolate the {direction.field} of `{name}`", place
        )


ORDER_RULES: Final = (
    StackGuardrail(
        id="workload-before-policies",
        description="A workload must not start before the policies that isolate it.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Give the workload depends_on with the policies of its namespace.",
        link=LIFECYCLE,
        settings=NamespaceRuleSettings,
        judge=_late,
    ),
)
