"""The network policy: which pods it selects, and what it lets them receive and send.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.labels import Annotations, Labels
from podwall.policies.peers import Pods, check_name
from podwall.policies.rules import DenyAll, Direction, EgressRule, IngressRule, Rule
from podwall.policies.syntax import dns_label_problem, dns_subdomain_problem
from podwall.policies.wording import shown

__all__ = ["NetworkPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPolicy:
    """A NetworkPolicy of `networking.k8s.io/v1`, as it is written.

    Leaving `ingress` or `egress` out: the policy says nothing about that direction. `DENY_ALL`: the
    selected pods are isolated, and this policy allows nothing. Rules: the pods are isolated, and
    what any rule of any policy allows is allowed. A connection needs both sides: the egress of the
    one and the ingress of the other.

    `labels` and `annotations` are those of the policy itself.

    >>> from podwall.policies import ALL_PODS, DENY_ALL
    >>> quiet = NetworkPolicy(
    ...     name="quiet", namespace="shop", pod_selector=ALL_PODS, ingress=DENY_ALL
    ... )
    >>> quiet.to_manifest()["spec"]
    {'podSelector': {}, 'policyTypes': ['Ingress']}
    """

    name: str
    namespace: str
    pod_selector: Pods
    ingress: Sequence[IngressRule] | DenyAll | None = None
    egress: Sequence[EgressRule] | DenyAll | None = None
    labels: Mapping[str, str] = field(default_factory=Labels)
    annotations: Mapping[str, str] = field(default_factory=Annotations)

    def __post_init__(self) -> None:
        """Refuse what the API server refuses, and what it would silently take for everything."""
        check_name(self.name, "metadata.name", dns_subdomain_problem)
        check_name(self.namespace, "metadata.namespace", dns_label_problem)
        _check_pod_selector(self.pod_selector)
        _check_says_something(self)
        _keep(self, "labels", Labels(self.labels, path="metadata.labels"))
        _keep(self, "annotations", Annotations(self.annotations, path="metadata.annotations"))
        _keep(self, "ingress", _rules(self.ingress, IngressRule, "spec.ingress"))
        _keep(self, "egress", _rules(self.egress, EgressRule, "spec.egress"))

    @property
    def policy_types(self) -> tuple[Direction, ...]:
        """The directions in which the selected pods are isolated."""
        return tuple(way for way in Direction if self.rules(way) is not None)

    def rules(self, direction: Direction) -> tuple[Rule, ...] | None:
        """Return the rules of a direction: none for `DENY_ALL`, None where nothing is said."""
        given = self.ingress if direction is Direction.INGRESS else self.egress
        return () if isinstance(given, DenyAll) else None if given is None else tuple(given)

    def to_manifest(self) -> dict[str, Any]:
        """Return the Kubernetes document: plain dicts, lists, texts and numbers.

        `policyTypes` is always written, so that no implicit default applies.
        """
        from podwall.policies.manifest import to_manifest  # noqa: PLC0415 - `manifest` is built on this type

        return to_manifest(self)

    @staticmethod
    def from_manifest(manifest: Mapping[str, Any], place: Place | None = None) -> NetworkPolicy:
        """Return the policy of a Kubernetes document.

        Raises:
            InvalidManifest: the API server would refuse the document; several of them are raised
                together in an `ExceptionGroup`.
        """
        from podwall.policies.manifest import from_manifest  # noqa: PLC0415 - see `to_manifest`

        return from_manifest(manifest, place or Place())


def _keep(policy: NetworkPolicy, name: str, value: object) -> None:
    object.__setattr__(policy, name, value)


def _check_pod_selector(pod_selector: object) -> None:
    if not isinstance(pod_selector, Pods):
        raise InvalidValue(
            f"{shown(pod_selector)} does not select pods of the policy's own namespace",
            help="write `pods(...)` or `ALL_PODS`; the namespace is the policy's `namespace`",
            place=Place(path="spec.podSelector"),
            value=pod_selector,
        )


def _check_says_something(policy: NetworkPolicy) -> None:
    # The API server takes a policy without policyTypes for one that isolates ingress.
    if policy.ingress is None and policy.egress is None:
        raise InvalidValue(
            "the policy says nothing about ingress and nothing about egress",
            help="give `ingress` or `egress`: rules, or `DENY_ALL`",
            place=Place(path="spec.policyTypes"),
        )


def _rules(given: object, kind: type[Rule], path: str) -> tuple[Rule, ...] | DenyAll | None:
    if given is None or isinstance(given, DenyAll):
        return given
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise _refused_rule(given, kind, path)
    rules = tuple(given)
    if not rules:
        raise InvalidValue(
            "the list of rules is empty",
            help="to allow nothing, say `DENY_ALL`; to say nothing about a direction, leave it out",
            place=Place(path=path),
            value=given,
        )
    for index, rule in enumerate(rules):
        if not isinstance(rule, kind):
            raise _refused_rule(rule, kind, f"{path}[{index}]")
        if rule in rules[:index]:
            raise InvalidValue(
                "the same rule is given twice",
                help="give each rule once",
                place=Place(path=f"{path}[{index}]"),
                value=rule,
            )
    return rules


def _refused_rule(given: object, kind: type[Rule], path: str) -> InvalidValue:
    verb = "allow_from" if kind is IngressRule else "allow_to"
    return InvalidValue(
        f"{shown(given)} is not a rule of this direction",
        help=f"write `[{verb}(peer, ports=...)]`, or `DENY_ALL`",
        place=Place(path=path),
        value=given,
    )
