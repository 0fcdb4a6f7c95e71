"""Whether policies isolate a workload, so that nothing passes but what a rule allows.

https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from podwall.expectations.checking import no_such_workload
from podwall.explain import PolicyExplanation, SideExplanation, explain
from podwall.model import Rule
from podwall.policies.errors import InvalidValue
from podwall.reachability.matching import Match

if TYPE_CHECKING:
    from podwall.reachability import Reachability

__all__ = ["openings"]

_DIRECTIONS: Final = ("ingress", "egress")


def openings(found: Reachability, workload: str, direction: str | None) -> Iterator[str]:
    """Yield why a workload is not isolated, or not for certain; nothing where it is.

    Args:
        found: the analysis.
        workload: the id of a workload.
        direction: `ingress` or `egress`; None means both.

    Raises:
        InvalidValue: there is no such workload or direction.
    """
    if direction not in {None, *_DIRECTIONS}:
        raise InvalidValue(f"`{direction}` is no direction", help="say `ingress` or `egress`")
    if workload not in {each.id for each in found.workloads}:
        raise InvalidValue(no_such_workload(workload, found), value=workload)
    anyone = found.externals[0].id
    sides = {
        "ingress": explain(found, anyone, workload).ingress,
        "egress": explain(found, workload, anyone).egress,
    }
    for each in _DIRECTIONS if direction is None else (direction,):
        yield from _openings(sides[each], workload)


def _openings(side: SideExplanation, workload: str) -> Iterator[str]:
    certain = [each for each in side.policies if each.selects is Match.YES]
    if not certain:
        yield from _doubts(side, workload)
    for policy in side.policies:
        for number, rule in enumerate(_rules(policy, side.direction)):
            if isinstance(rule, Rule) and rule.peers is None and rule.ports is None:
                yield (
                    f"{workload} is open for {side.direction}: {_named(policy)} allows everyone"
                    f" on all ports in spec.{side.direction}[{number}]"
                )


def _doubts(side: SideExplanation, workload: str) -> Iterator[str]:
    """Yield what is said where no policy selects the workload for certain."""
    if not side.policies:
        yield f"no policy isolates {workload} for {side.direction}"
    else:
        yield f"it is not certain that a policy isolates {workload} for {side.direction}"
        yield from (f"  {_named(each)}: {each.why}" for each in side.policies)


def _rules(policy: PolicyExplanation, direction: str) -> tuple[object, ...]:
    rules = policy.policy.ingress if direction == "ingress" else policy.policy.egress
    return rules if isinstance(rules, tuple) else ()


def _named(policy: PolicyExplanation) -> str:
    return f"policy {policy.name} ({policy.policy.place})"
