"""The policy with a tier: what holds for many namespaces, before their own policies or after them.

Source: https://network-policy-api.sigs.k8s.io/api-overview/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from podwall.policies.cluster_rules import (
    ClusterEgressRule,
    ClusterIngressRule,
    ClusterPods,
    ClusterRule,
    PolicyTier,
    check_pods_of_namespaces,
)
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.labels import Annotations, Labels
from podwall.policies.manifest import (
    CLUSTER_API_VERSION,
    CLUSTER_KIND,
    cluster_pods_manifest,
    cluster_rule_manifest,
)
from podwall.policies.rules import Direction, check_name
from podwall.policies.syntax import dns_subdomain_problem
from podwall.policies.wording import did_you_mean, refused, shown
from podwall.quick_dataclass import dataclass

__all__ = ["LAST_PRIORITY", "ClusterNetworkPolicy", "check_priorities"]

LAST_PRIORITY: Final = 1000
_MOST: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNetworkPolicy:
    """A ClusterNetworkPolicy of `policy.networking.k8s.io/v1alpha2`, as it is written.

    In each direction the first rule that matches decides: those of the Admin tier, the least
    `priority` (0 to 1000) first; then the NetworkPolicies, which are final for the pods that they
    isolate; then those of the Baseline tier. What no rule matches is not decided, and at the end
    allowed: no policy of this kind isolates. Pods on the host network are never its `subject`.

    Leaving `ingress` or `egress` out: the policy says nothing about that direction. No engine of
    AKS enforces this kind up to Kubernetes 1.36, see `podwall.engines`.

    >>> from podwall.policies import ALL_PORTS, PolicyTier, deny_from, namespace
    >>> guard = ClusterNetworkPolicy(
    ...     name="guard",
    ...     tier=PolicyTier.ADMIN,
    ...     priority=10,
    ...     subject=namespace("shop"),
    ...     ingress=[deny_from(namespace("bank"), ports=ALL_PORTS)],
    ... )
    >>> guard.to_manifest()["spec"]["ingress"][0]["action"]
    'Deny'
    """

    name: str
    tier: PolicyTier
    priority: int
    subject: ClusterPods
    ingress: Sequence[ClusterIngressRule] | None = None
    egress: Sequence[ClusterEgressRule] | None = None
    labels: Mapping[str, str] = field(default_factory=Labels)
    annotations: Mapping[str, str] = field(default_factory=Annotations)

    def __post_init__(self) -> None:
        """Refuse what the API server refuses, and a policy that could decide nothing."""
        check_name(self.name, "metadata.name", dns_subdomain_problem)
        _check_tier(self.tier)
        _check_priority(self.priority)
        check_pods_of_namespaces(self.subject, "spec.subject")
        _check_says_something(self)
        _keep(self, "labels", Labels(self.labels, path="metadata.labels"))
        _keep(self, "annotations", Annotations(self.annotations, path="metadata.annotations"))
        _keep(self, "ingress", _rules(self.ingress, ClusterIngressRule, "spec.ingress"))
        _keep(self, "egress", _rules(self.egress, ClusterEgressRule, "spec.egress"))

    def rules(self, direction: Direction) -> tuple[ClusterRule, ...]:
        """Return the rules of a direction, in order."""
        given = self.ingress if direction is Direction.INGRESS else self.egress
        return tuple(given or ())

    def to_manifest(self) -> dict[str, Any]:
        """Return the Kubernetes document: plain dicts, lists, texts and numbers."""
        texts = {"labels": dict(self.labels), "annotations": dict(self.annotations)}
        spec: dict[str, Any] = {
            "tier": str(self.tier),
            "priority": self.priority,
            "subject": cluster_pods_manifest(self.subject),
        }
        for direction in Direction:
            if rules := self.rules(direction):
                spec[direction.field] = [cluster_rule_manifest(rule, direction) for rule in rules]
        return {
            "apiVersion": CLUSTER_API_VERSION,
            "kind": CLUSTER_KIND,
            "metadata": {"name": self.name, **{key: each for key, each in texts.items() if each}},
            "spec": spec,
        }


def check_priorities(policies: Iterable[ClusterNetworkPolicy]) -> None:
    """Refuse policies of which two have one name, or one tier and priority: either could win.

    >>> from podwall.policies import ALL_NAMESPACES, ALL_PORTS, PolicyTier, deny_from, namespace
    >>> rules = [deny_from(ALL_NAMESPACES, ports=ALL_PORTS)]
    >>> one, other = (
    ...     ClusterNetworkPolicy(
    ...         name=name, tier=PolicyTier.ADMIN, priority=5, subject=namespace(name), ingress=rules
    ...     )
    ...     for name in ("shop", "bank")
    ... )
    >>> check_priorities([one, other])
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: spec.priority: `bank` has priority 5 of the Admin tier, \
as has `shop`
    """
    names: set[str] = set()
    known: dict[tuple[PolicyTier, int], str] = {}
    for policy in policies:
        if policy.name in names:
            raise InvalidValue(
                f"{shown(policy.name)} is given twice",
                help="two rules of one policy are one policy",
                place=Place(path="metadata.name"),
            )
        names.add(policy.name)
        first = known.setdefault((policy.tier, policy.priority), policy.name)
        if first != policy.name:
            raise InvalidValue(
                f"{shown(policy.name)} has priority {policy.priority} of the {policy.tier} tier, "
                f"as has {shown(first)}",
                help="give each policy of a tier a priority of its own: the least comes first",
                place=Place(path="spec.priority"),
            )


def _keep(policy: ClusterNetworkPolicy, name: str, value: object) -> None:
    object.__setattr__(policy, name, value)


def _check_tier(tier: object) -> None:
    if not isinstance(tier, PolicyTier):
        remedy = did_you_mean(tier, [f"PolicyTier.{each.name}" for each in PolicyTier])
        raise refused("spec.tier", tier, "is not a tier", remedy)


def _check_priority(priority: object) -> None:
    if not isinstance(priority, int) or isinstance(priority, bool):
        remedy = f"give a number from 0 to {LAST_PRIORITY}; the least comes first"
        raise refused("spec.priority", priority, "is not a priority", remedy)
    if not 0 <= priority <= LAST_PRIORITY:
        remedy = f"priorities are from 0 to {LAST_PRIORITY}; the least comes first"
        raise refused("spec.priority", priority, "is not a priority", remedy)


def _check_says_something(policy: ClusterNetworkPolicy) -> None:
    if policy.ingress is None and policy.egress is None:
        raise InvalidValue(
            "the policy says nothing about ingress and nothing about egress",
            help="give `ingress` or `egress`: a list of rules",
            place=Place(path="spec"),
        )


def _rules(
    given: object, kind: type[ClusterRule], path: str
) -> tuple[ClusterIngressRule | ClusterEgressRule, ...] | None:
    if given is None:
        return None
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise _refused_rule(given, kind, path)
    rules = tuple(given)
    if not rules:
        raise InvalidValue(
            "the list of rules is empty",
            help="to say nothing about a direction, leave it out",
            place=Place(path=path),
            value=given,
        )
    if len(rules) > _MOST:
        raise InvalidValue(
            f"there are {len(rules)} rules, and a direction has at most {_MOST}",
            help="make several policies of them, each with a priority of its own",
            place=Place(path=path),
        )
    for index, rule in enumerate(rules):
        if not isinstance(rule, kind):
            raise _refused_rule(rule, kind, f"{path}[{index}]")
        if rule in rules[:index]:
            message = "the same rule is given twice, and the second decides nothing"
            raise InvalidValue(
                message,
                help="give each rule once",
                place=Place(path=f"{path}[{index}]"),
                value=rule,
            )
    return rules


def _refused_rule(given: object, kind: type[ClusterRule], path: str) -> InvalidValue:
    end = "from" if kind is ClusterIngressRule else "to"
    remedy = f"write `[deny_{end}(peer, ports=...)]`, `accept_{end}` or `pass_{end}`"
    return refused(path, given, "is not a rule of this direction", remedy)
