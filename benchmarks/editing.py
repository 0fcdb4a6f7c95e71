"""Changes of a cluster, as a pull request makes them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from random import Random

from podwall.model import Policy, PortRule, Protocol, Rule, Snapshot

__all__ = ["edited", "read_again"]

_PORTS = (PortRule(Protocol.TCP, 8080),)


def edited(snapshot: Snapshot, fraction: float) -> Snapshot:
    """Return the cluster with so much of its policies edited: their rules get another port."""
    policies = list(snapshot.policies)
    count = max(1, round(len(policies) * fraction))
    for number in Random(count).sample(range(len(policies)), count):
        policies[number] = _edited(policies[number])
    return replace(snapshot, policies=tuple(policies))


def _edited(policy: Policy) -> Policy:
    rules = policy.ingress if isinstance(policy.ingress, tuple) else ()
    return replace(policy, ingress=tuple(replace(r, ports=_PORTS) if isinstance(r, Rule) else r
                                         for r in rules))  # fmt: skip


def read_again(snapshot: Snapshot) -> Snapshot:
    """Return an equal cluster that shares no value with it, as if read from another folder."""
    again: Snapshot = pickle.loads(pickle.dumps(snapshot))  # noqa: S301 - made in the line itself
    return again
