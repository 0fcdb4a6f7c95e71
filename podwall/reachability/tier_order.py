"""The policies with tiers that an engine enforces, in the order in which they decide.

A tier is gone through stage by stage, the least priority first. Within a stage are the policies of
one priority, between which there is no order: where two of them decide differently, either may.
https://network-policy-api.sigs.k8s.io/api-overview/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from podwall.engines import Engine, Treatment
from podwall.model import Snapshot, TierName, TierPolicy, Unknown
from podwall.reachability.policy_reader import PolicyReader, acting_cilium

__all__ = ["ActingTierPolicy", "TierStage", "tier_stages"]


@dataclass(frozen=True, slots=True)
class ActingTierPolicy:
    """A policy that an engine enforces, or perhaps enforces in this place: `doubts` say why."""

    policy: TierPolicy
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TierStage:
    """The policies of one tier and one priority, between which there is no order."""

    tier: TierName
    policies: tuple[ActingTierPolicy, ...]


def tier_stages(snapshot: Snapshot, engine: Engine) -> tuple[TierStage, ...]:
    """Return the stages in order, those of the Admin tier first."""
    if not (engine.enforces and (snapshot.tier_policies or snapshot.cilium_policies)):
        return ()
    last = {(each.kind, each.name): each for each in snapshot.tier_policies}
    acting = [found for each in last.values() if (found := _acting(each, snapshot, engine))]
    acting += map(ActingTierPolicy, _around(snapshot, engine))
    return tuple(stage for tier in TierName for stage in _stages(tier, acting))


def _around(snapshot: Snapshot, engine: Engine) -> Iterator[TierPolicy]:
    """Yield what policies of Cilium's kinds decide before and after NetworkPolicies."""
    read = PolicyReader(engine, snapshot.kubernetes_version)
    for policy in acting_cilium(snapshot, engine):
        yield from map(read.tier_policy, policy.around)


def _acting(policy: TierPolicy, snapshot: Snapshot, engine: Engine) -> ActingTierPolicy | None:
    """Return a policy as far as the engine enforces its kind."""
    fact = engine.enforces_kind(policy.kind)
    treatment = fact.value.at(snapshot.kubernetes_version)
    if treatment is Treatment.IGNORED:
        return None
    if treatment is Treatment.ENFORCED:
        return ActingTierPolicy(policy)
    doubt = f"whether {engine.title} enforces {policy.full_name} is not known: {fact.says}"
    return ActingTierPolicy(policy, (doubt,))


def _stages(tier: TierName, acting: list[ActingTierPolicy]) -> Iterator[TierStage]:
    """Yield the stages of a tier, first of what may stand anywhere: its priority is not known."""
    here = [each for each in acting if each.policy.tier is tier]
    anywhere = [_perhaps(each, each.policy.priority) for each in here
                if isinstance(each.policy.priority, Unknown)]  # fmt: skip
    by_priority: defaultdict[int, list[ActingTierPolicy]] = defaultdict(list)
    for each in here:
        if isinstance(each.policy.priority, int):
            by_priority[each.policy.priority].append(each)
    if anywhere:
        yield TierStage(tier, tuple(anywhere))
    for priority in sorted(by_priority):
        yield TierStage(tier, tuple(by_priority[priority]))


def _perhaps(acting: ActingTierPolicy, priority: Unknown) -> ActingTierPolicy:
    return ActingTierPolicy(acting.policy, (*acting.doubts, priority.cause))
