"""Find what is open while a policy and what it is about change in one deployment.

A deployment changes objects one by one, and independent ones in any order. So there is a moment at
which a policy is new and the pods still have their old labels, and a rollout keeps old pods for a
while; or the pods are new already and the policy is not. Two states are analysed for each policy
that is updated: it is changed first, after what it depends on, or last, before what depends on it.
A connection that is open in one of them, and closed before and afterwards, is open for a moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from podwall.plan.documents import is_object
from podwall.plan.model import Operation, Plan, PlannedResource, depends_on_any
from podwall.policies.errors import Finding, Severity
from podwall.reachability import Reachability
from podwall.sources.existence import Existence
from podwall.sources.policy_absences import NETWORK_POLICY, object_name
from podwall.temporary_openings import Analyse, States, end_named, opened_meanwhile

__all__ = ["selection_gaps"]

_LINK: Final = (
    "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-updates"
)


def selection_gaps(existence: Existence, analyse: Analyse) -> Iterator[Finding]:
    """Yield an error for each policy whose update opens something for a moment.

    Args:
        existence: what there is before the deployment, on its way and after it.
        analyse: returns who reaches whom in a plan.
    """
    ends = _Ends(existence.before, existence.after.afterwards())
    moments = {each.urn: list(ends.moments(each)) for each in ends.updated()}
    if not any(moments.values()):
        return
    before = analyse(ends.before)
    states = States(before, analyse(ends.after), before)
    for urn, plans in moments.items():
        found = (_gap(ends.new[urn], states, analyse(each)) for each in plans)
        yield from islice(filter(None, found), 1)


@dataclass(frozen=True)
class _Ends:
    """What there is before a deployment and after it."""

    before: Plan
    after: Plan

    @property
    def old(self) -> Mapping[str, PlannedResource]:
        return {each.urn: each for each in self.before.resources}

    @property
    def new(self) -> Mapping[str, PlannedResource]:
        return {each.urn: each for each in self.after.resources}

    def updated(self) -> Iterator[PlannedResource]:
        """Yield the policies that stay and say something else afterwards."""
        old = self.old
        for each in self.after.resources:
            is_kept = each.type == NETWORK_POLICY and each.urn in old
            is_updated = is_kept and each.change is Operation.UPDATE
            if is_updated and each.inputs.get("spec") != old[each.urn].inputs.get("spec"):
                yield each

    def moments(self, policy: PlannedResource) -> Iterator[Plan]:
        """Yield what there is once the policy is changed first, or once it alone is left."""
        ends = [_meaning(self.before), _meaning(self.after)]
        for plan in (self._changed_first(policy), self._changed_last(policy)):
            if _meaning(plan) not in ends:
                yield plan

    def _changed_first(self, policy: PlannedResource) -> Plan:
        new = self.new
        done = {urn for urn in new if depends_on_any(policy.urn, {urn}, new)}
        kept = (each for each in self.before.resources if each.urn not in done)
        return replace(self.before, resources=(*kept, *(new[urn] for urn in new if urn in done)))

    def _changed_last(self, policy: PlannedResource) -> Plan:
        """Return the state in which nothing is deleted yet, for that is done after all else."""
        old, new = self.old, self.new
        waiting = {urn for urn in new if depends_on_any(urn, {policy.urn}, new)}
        done = (each for each in self.after.resources if each.urn not in waiting)
        left = (old[urn] for urn in old if urn in waiting or _is_dropped(old[urn], new))
        return replace(self.after, resources=(*done, *left))


def _is_dropped(resource: PlannedResource, new: Mapping[str, PlannedResource]) -> bool:
    return resource.type == NETWORK_POLICY and resource.urn not in new


def _meaning(plan: Plan) -> list[tuple[str, Mapping[str, object]]]:
    """Return what tells plans apart: their objects, whatever their order."""
    objects = (each for each in plan.resources if is_object(each))
    return sorted(((each.urn, each.inputs) for each in objects), key=lambda each: each[0])


def _gap(policy: PlannedResource, states: States, moment: Reachability) -> Finding | None:
    opened = opened_meanwhile(states, moment)
    first = next(opened, None)
    if first is None:
        return None
    further = sum(1 for _ in islice(opened, 1_000))
    more = f" and {further:,} more connections" if further else ""
    return Finding(
        "selection-gap",
        Severity.ERROR,
        f"the deployment changes policy `{object_name(policy) or policy.name}` together with "
        f"pods or policies that it depends on: meanwhile {end_named(first.source)} reaches "
        f"{end_named(first.destination)}{more}",
        policy.line_or_urn,
        "let the policy hold for the old and the new labels first (`In`), then change the pods",
        _LINK,
    )
