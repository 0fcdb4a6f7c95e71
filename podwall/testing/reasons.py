"""Why something is not as stated, in half a line: the one policy or rule that matters most."""

from __future__ import annotations

from podwall.expectations import Result
from podwall.explain import Explanation, SideExplanation
from podwall.reachability import Verdict

__all__ = ["reason"]


def reason(result: Result) -> str:
    """Return what is not as stated, and the policy or rule that makes it so."""
    if result.flow is None:
        return result.reason
    return f"{result.reason}, {_cause(result.flow)}"


def _cause(flow: Explanation) -> str:
    if flow.verdict is Verdict.UNDETERMINED:
        return "; ".join(part.because for part in flow.undetermined)
    if flow.verdict is Verdict.DENIED:
        closed = [side for side in flow.sides if side.verdict is not Verdict.ALLOWED]
        return _of(closed[0], Verdict.DENIED) if closed else "no port is open at both ends"
    isolating = [side for side in flow.sides if side.policies]
    return _of((isolating or list(flow.sides))[-1], Verdict.ALLOWED)


def _of(side: SideExplanation, verdict: Verdict) -> str:
    """Return the rule of a side that decides, else its policy, else the side itself."""
    for policy in reversed(side.policies):
        for rule in policy.rules:
            if rule.verdict is verdict:
                named = f"policy {policy.name} ({policy.policy.place})"
                return f"{side.direction} {verdict} by {named}: {rule.why}"
    for policy in side.policies:
        if policy.verdict is verdict:
            return f"{side.direction} {verdict} by policy {policy.name} ({policy.policy.place})"
    return f"{side.direction} of {side.subject.id} {side.verdict}: {side.why}"
