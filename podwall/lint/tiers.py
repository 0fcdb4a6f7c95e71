"""What is probably not meant in policies with tiers: idle kinds, equal priorities, idle rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple

from podwall.calico import REQUESTS, SOURCE_PORTS, CalicoPolicy, CalicoRule
from podwall.engines import Fact, Treatment
from podwall.lint.context import Diagnostic, Lint, LintContext
from podwall.lint.mistakes import rule_covers
from podwall.model import (
    EMPTY_SELECTOR,
    ISOLATION,
    AddressPeer,
    CiliumPolicy,
    PodPeer,
    Rule,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.errors import Place, Severity
from podwall.policies.rules import Direction
from podwall.reachability.arrays import IntArray
from podwall.reachability.few_arrays import np
from podwall.reachability.peers import BlockEnds
from podwall.reachability.policy_reader import TierStage
from podwall.reachability.policy_rules import NumberedPolicy
from podwall.reachability.port_rules import entry_bounds
from podwall.reachability.tiers import TierEnds

__all__ = ["IDLE_KINDS", "TIER_LINTS", "kinds_not_enforced"]

_DOC: Final = "https://network-policy-api.sigs.k8s.io/api-overview/"
_CALICO_DOC: Final = "https://docs.tigera.io/calico/latest/reference/resources/networkpolicy"


_OtherPolicy = TierPolicy | CiliumPolicy | CalicoPolicy


def kinds_not_enforced(
    context: LintContext,
) -> Iterator[tuple[_OtherPolicy, Fact[Treatment], Treatment]]:
    """Yield policies of kinds that the engine does not enforce, or may not enforce."""
    engine, snapshot = context.engine, context.snapshot
    policies: tuple[_OtherPolicy, ...] = (
        *snapshot.tier_policies,
        *snapshot.cilium_policies,
        *snapshot.calico_policies,
    )
    for policy in policies:
        is_calico = isinstance(policy, CalicoPolicy)
        kind = f"Calico {policy.kind}" if is_calico else policy.kind
        fact, treatment = engine.enforces_kind(kind), engine.treatment(kind, context.versions)
        treatment = treatment if engine.enforces else Treatment.IGNORED
        if treatment is not Treatment.ENFORCED:
            yield policy, fact, treatment


def _idle(context: LintContext) -> Iterator[Diagnostic]:
    name, version = context.engine.name, context.snapshot.kubernetes_version
    for policy, fact, treatment in kinds_not_enforced(context):
        if treatment is Treatment.IGNORED:
            yield Diagnostic(
                policy.place, f"{policy.full_name} is written, and idle under {name}: {fact.says}"
            )
        else:
            known = "" if version else "; the version of Kubernetes is not known"
            yield Diagnostic(
                policy.place,
                f"whether {name} enforces {policy.full_name} is not known: {fact.says}{known}",
                "what it may decide is undetermined",
            )


def _cilium(context: LintContext) -> tuple[CiliumPolicy, ...]:
    """Return the policies of Cilium's kinds, where they are enforced."""
    enforces = context.engine.cilium_policies.value is Treatment.ENFORCED
    return context.snapshot.cilium_policies if enforces else ()


def _names_not_learnt(context: LintContext) -> Iterator[Diagnostic]:
    """Yield policies that open names, where no policy at all lets Cilium read DNS answers."""
    policies = _cilium(context)
    if not any(each.reads_answers for each in policies):
        for policy in policies:
            if policy.opens_names:
                yield Diagnostic(
                    policy.place,
                    f"{policy.full_name} opens names, and no rule lets Cilium read DNS answers, so "
                    "that a name stands for no address",
                )


def _advanced_networking(context: LintContext) -> Iterator[Diagnostic]:
    """Yield policies that AKS enforces only with Advanced Container Networking Services."""
    for policy in _cilium(context):
        if policy.filters and policy.namespace is None:
            yield Diagnostic(
                policy.place,
                f"{policy.full_name} lists requests, which AKS supports in no policy of this kind",
                "list them in a CiliumNetworkPolicy",
                Severity.WARNING,
            )
        elif policy.filters or policy.opens_names or policy.reads_answers:
            what = "requests" if policy.filters else "names"
            yield Diagnostic(
                policy.place,
                f"{policy.full_name} lists {what}: AKS enforces this only with Advanced Container "
                "Networking Services",
            )


class _RuleOfTier(NamedTuple):
    """A rule that is known, with its policy and its place, and its stage by number."""

    stage: int
    tier: tuple[TierName, int]
    policy: TierPolicy
    rule: TierRule
    place: Place


def _rules(context: LintContext, direction: Direction) -> list[_RuleOfTier]:
    """Return the rules of the policies that certainly act, in order."""
    return [
        _RuleOfTier(
            number,
            (stage.tier, stage.rank),
            acting.policy,
            rule,
            acting.policy.place.at(rule.written or f"spec.{direction.field}[{index}]"),
        )
        for number, stage in enumerate(context.reachability.cluster.tiers)
        for acting in stage.policies
        for index, rule in enumerate(acting.policy.rules(direction))
        if isinstance(rule, TierRule) and not acting.doubts
    ]


def _unreached(context: LintContext) -> Iterator[Diagnostic]:
    """Yield rules that no traffic reaches, because one rule before them takes all of it."""
    for direction in Direction:
        passing: set[tuple[TierName, int]] = set()
        before: defaultdict[TierName, list[_RuleOfTier]] = defaultdict(list)
        for late in _rules(context, direction):
            first = next(
                (
                    each
                    for each in before[late.tier[0]]
                    if late.rule.name != ISOLATION
                    and (each.tier == late.tier or each.tier not in passing)
                    and _takes_all(each, late)
                ),
                None,
            )
            before[late.tier[0]].append(late)
            if late.rule.action is TierAction.PASS:
                passing.add(late.tier)
            if first is not None:
                yield Diagnostic(
                    late.place,
                    f"nothing reaches this rule: `{first.place.path}` of {first.policy.full_name} "
                    "decides all that it is about",
                )


def _takes_all(early: _RuleOfTier, late: _RuleOfTier) -> bool:
    """Return whether a rule decides everything before another one is read."""
    if early.stage == late.stage and early.policy is not late.policy:
        return False
    subjects = (early.policy.subject, late.policy.subject)
    if early.policy is not late.policy and not _subject_covers(*subjects):
        return False
    known = not isinstance(early.rule.action, Unknown)
    return known and rule_covers(_plain(early.rule), _plain(late.rule))


@lru_cache(maxsize=65536)
def _subject_covers(broad: PodPeer | Unknown, narrow: PodPeer | Unknown) -> bool:
    if isinstance(broad, Unknown) or isinstance(narrow, Unknown):
        return False
    return rule_covers(Rule((broad,)), Rule((narrow,)))


def _plain(rule: TierRule) -> Rule | Unknown:
    """Return a rule as one of NetworkPolicies, as far as its peers can be compared."""
    if rule.peers is None:
        return Rule(None, rule.ports)
    if isinstance(rule.peers, Unknown):
        return rule.peers
    peers = tuple(each for each in rule.peers if not isinstance(each, AddressPeer))
    if len(peers) < len(rule.peers):
        return Unknown("addresses that are not known")
    return Rule(peers, rule.ports)


def _equal_priorities(context: LintContext) -> Iterator[Diagnostic]:
    """Yield pairs of policies of one priority that may decide the same connection differently."""
    if not any(len(each.policies) > 1 for each in context.reachability.cluster.tiers):
        return
    found = context.reachability.analysis
    blocks = BlockEnds.of(found.cluster, found.classes, found.addresses)
    ends = TierEnds(found.cluster, found.rules.elements, blocks, found.destinations)
    known: set[tuple[str, str]] = set()
    for direction in Direction:
        for (one, left), (other, right) in _of_one_stage(context, direction):
            names = (one.full_name, other.full_name)
            if (
                one.full_name != other.full_name
                and names not in known
                and _disagree(ends, left, right)
            ):
                known.add(names)
                yield Diagnostic(
                    other.place,
                    f"{other.full_name} has the priority of {one.full_name}, and they may decide "
                    "the same connection differently: either may win",
                )


_Numbered = tuple[TierPolicy, NumberedPolicy]


def _of_one_stage(
    context: LintContext, direction: Direction
) -> Iterator[tuple[_Numbered, _Numbered]]:
    """Yield the pairs of policies of one tier and priority with rules of a direction.

    Where all rules of all of them do the same, as the ends of Calico's tiers do, there is none.
    """
    stages = iter(context.reachability.analysis.rules.tiers[direction].stages)
    for stage in context.reachability.cluster.tiers:
        written = [each.policy for each in stage.policies if each.policy.rules(direction)]
        if not written:
            continue
        numbered = next(stages).policies
        if len({rule.action for each in numbered for rule in each.rules}) > 1:
            yield from combinations(zip(written, numbered, strict=True), 2)


def _disagree(ends: TierEnds, one: NumberedPolicy, other: NumberedPolicy) -> bool:
    """Return whether two policies have different actions for some pod, peer and port."""
    if len({each.action for policy in (one, other) for each in policy.rules}) == 1:
        return False
    subjects = [np.concatenate(ends.elements.of(each.subject)) for each in (one, other)]
    if not _meet(*subjects):
        return False
    return any(
        mine.action != theirs.action
        and _ports_meet(mine.ports, theirs.ports)
        and _meet(np.concatenate(ends.of(mine)), np.concatenate(ends.of(theirs)))
        for mine in one.rules
        for theirs in other.rules
    )


def _meet(one: IntArray, other: IntArray) -> bool:
    return bool(len(np.intersect1d(one, other)))


def _ports_meet(one: object, other: object) -> bool:
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return True
    return any(
        entry_bounds(mine).may & entry_bounds(theirs).may for mine in one for theirs in other
    )


def _passes_last(context: LintContext) -> Iterator[Diagnostic]:
    for direction in Direction:
        for each in _rules(context, direction):
            if each.tier[0] is TierName.BASELINE and each.rule.action is TierAction.PASS:
                yield Diagnostic(each.place, "no tier comes after this one, so that `Pass` allows")
    for policy, place, rule in _calico_rules(context):
        if rule.action == "Pass" and policy.tier == "default":
            yield Diagnostic(
                place,
                "`Pass` in the tier `default` goes past NetworkPolicies, which are in it as well",
            )


def _calico_rules(context: LintContext) -> Iterator[tuple[CalicoPolicy, Place, CalicoRule]]:
    """Yield the rules of Calico's policies with their places, where it enforces these."""
    if context.engine.calico_policies.value is not Treatment.ENFORCED:
        return
    for policy in context.snapshot.calico_policies:
        for direction in Direction:
            for rule in policy.rules(direction) or ():
                yield policy, policy.place.at(f"spec.{direction.field}[{rule.index}]"), rule


def _source_ports(context: LintContext) -> Iterator[Diagnostic]:
    """Yield rules that ask for ports of the source, which a client takes as they come."""
    for _, place, rule in _calico_rules(context):
        if any(SOURCE_PORTS in each for each in rule.doubts):
            yield Diagnostic(place, "the rule asks for ports of the source, which clients choose")


def _requests_of_calico(context: LintContext) -> Iterator[Diagnostic]:
    """Yield rules that tell requests apart, which AKS's Calico does not."""
    for _, place, rule in _calico_rules(context):
        if REQUESTS in rule.doubts:
            yield Diagnostic(
                place, "the rule lists requests, which Calico tells apart only with Envoy beside it"
            )


def _baseline_unreached(context: LintContext) -> Iterator[Diagnostic]:
    """Yield Baseline policies all of whose pods NetworkPolicies isolate."""
    for stage in context.reachability.cluster.tiers:
        if stage.tier is TierName.BASELINE:
            yield from _all_isolated(context, stage)


def _all_isolated(context: LintContext, stage: TierStage) -> Iterator[Diagnostic]:
    rules, lookup = context.reachability.analysis.rules, context.reachability.analysis
    for acting in stage.policies:
        policy = acting.policy
        directions = [each for each in Direction if policy.rules(each)]
        if isinstance(policy.subject, Unknown) or not directions:
            continue
        spaces = policy.subject.namespaces or EMPTY_SELECTOR
        number = rules.peer_sets.of_pods_across(spaces, policy.subject.pods)
        pods = np.concatenate(rules.elements.of(number))
        pods = pods[pods < len(lookup.classes)]
        isolated = [_isolated(rules.isolating[each].starts, rules.isolating[each].items, pods)
                    for each in directions]  # fmt: skip
        if len(pods) and all(isolated):
            yield Diagnostic(
                policy.place,
                f"nothing falls to {policy.full_name}: NetworkPolicies isolate all of its pods",
            )


def _isolated(starts: IntArray, items: IntArray, pods: IntArray) -> bool:
    """Return whether some policy certainly isolates each of some pods."""
    return all(bool((items[starts[pod] : starts[pod + 1]] % 2 == 0).any()) for pod in pods.tolist())


IDLE_KINDS: Final = Lint(
    "policy-kind-idle",
    Severity.WARNING,
    _idle,
    "write it as NetworkPolicies, or use an engine that enforces it",
    _DOC,
)

TIER_LINTS: Final = (
    IDLE_KINDS,
    Lint(
        "names-not-learnt",
        Severity.WARNING,
        _names_not_learnt,
        'allow port 53 to the DNS of the cluster with `rules: {dns: [{matchPattern: "*"}]}`',
        "https://docs.cilium.io/en/stable/security/policy/language/#dns-based",
    ),
    Lint(
        "needs-advanced-networking",
        Severity.INFO,
        _advanced_networking,
        "switch on its security features: `FQDN` for names, `L7` for requests as well",
        "https://learn.microsoft.com/azure/aks/container-network-security-concepts",
    ),
    Lint(
        "equal-priorities",
        Severity.WARNING,
        _equal_priorities,
        "give each policy of a tier a priority of its own: the least comes first",
        _DOC,
    ),
    Lint(
        "tier-rule-unreached",
        Severity.WARNING,
        _unreached,
        "put the narrow rule first, or remove it",
        _DOC,
    ),
    Lint(
        "pass-in-last-tier",
        Severity.INFO,
        _passes_last,
        "write `Accept`, which says so",
        _DOC,
    ),
    Lint(
        "source-ports",
        Severity.WARNING,
        _source_ports,
        "ports of a server belong to `destination`",
        _CALICO_DOC,
    ),
    Lint(
        "requests-not-told-apart",
        Severity.WARNING,
        _requests_of_calico,
        "without application layer policy, which AKS has not, write a rule that needs no `http`",
        _CALICO_DOC,
    ),
    Lint(
        "baseline-unreached",
        Severity.INFO,
        _baseline_unreached,
        "the Baseline tier decides only what no NetworkPolicy isolates",
        _DOC,
    ),
)
