"""The network policy: which pods it selects, and what it lets them receive and send.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from podwall.policies.errors import Finding, InvalidManifest, InvalidValue, Place
from podwall.policies.labels import Annotations, Labels
from podwall.policies.manifest import (
    API_VERSION,
    KIND,
    Manifest,
    policy_arguments,
    prevents_reading,
    remarks,
    rule_manifest,
    selector_manifest,
)
from podwall.policies.rules import (
    DenyAll,
    Direction,
    EgressRule,
    IngressRule,
    Pods,
    PolicyRule,
    check_name,
)
from podwall.policies.syntax import dns_label_problem, dns_subdomain_problem
from podwall.policies.validation import violations
from podwall.policies.wording import refused
from podwall.quick_dataclass import dataclass

__all__ = ["NetworkPolicy", "PolicyReading", "read"]


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

    def rules(self, direction: Direction) -> tuple[PolicyRule, ...] | None:
        """Return the rules of a direction: none for `DENY_ALL`, None where nothing is said."""
        given = self.ingress if direction is Direction.INGRESS else self.egress
        return () if isinstance(given, DenyAll) else None if given is None else tuple(given)

    def to_manifest(self) -> dict[str, Any]:
        """Return the Kubernetes document: plain dicts, lists, texts and numbers.

        `policyTypes` is always written, so that no implicit default applies; a direction in which
        nothing is allowed has no list of rules, as in the examples of Kubernetes' documentation.
        """
        metadata: Manifest = {"name": self.name, "namespace": self.namespace}
        texts = {"labels": dict(self.labels), "annotations": dict(self.annotations)}
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {**metadata, **{name: each for name, each in texts.items() if each}},
            "spec": _spec(self),
        }

    @staticmethod
    def from_manifest(manifest: Mapping[str, Any], place: Place | None = None) -> NetworkPolicy:
        """Return the policy of a Kubernetes document.

        Raises:
            InvalidManifest: the API server would refuse the document; several of them are raised
                together in an `ExceptionGroup`.
        """
        reading = read(manifest, place)
        if reading.policy is not None:
            return reading.policy
        problems = [
            InvalidManifest(each.message, help=each.help, place=each.place)
            for each in reading.findings
            if prevents_reading(each)
        ]
        if len(problems) == 1:
            raise problems[0]
        raise ExceptionGroup("the API server would refuse the document", problems)


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """A policy that was read, and what is to be known about its document.

    `policy` is None where the API server would refuse the document, where a value is known only
    after deployment, and where the server makes up the name.
    """

    policy: NetworkPolicy | None
    findings: tuple[Finding, ...] = ()


def read(
    manifest: object, place: Place | None = None, *, namespace: str = "default"
) -> PolicyReading:
    """Return the policy of a document, with findings.

    A document without a namespace belongs to `namespace`, as it does for kubectl. The findings are
    on what is read differently from how it is written: the policy's own document is the one that
    the server stores.
    """
    document = place or Place()
    findings = (*violations(manifest, document), *remarks(manifest, document))
    if any(map(prevents_reading, findings)):
        return PolicyReading(None, findings)
    return PolicyReading(NetworkPolicy(**policy_arguments(manifest, namespace)), findings)


def _spec(policy: NetworkPolicy) -> Manifest:
    spec: Manifest = {
        "podSelector": selector_manifest(policy.pod_selector.selector),
        "policyTypes": [str(direction) for direction in policy.policy_types],
    }
    for direction in policy.policy_types:
        if rules := policy.rules(direction):
            spec[direction.field] = [rule_manifest(rule, direction) for rule in rules]
    return spec


def _keep(policy: NetworkPolicy, name: str, value: object) -> None:
    object.__setattr__(policy, name, value)


def _check_pod_selector(pod_selector: object) -> None:
    if not isinstance(pod_selector, Pods):
        raise refused(
            "spec.podSelector",
            pod_selector,
            "does not select pods of the policy's own namespace",
            "write `pods(...)` or `ALL_PODS`; the namespace is the policy's `namespace`",
        )


def _check_says_something(policy: NetworkPolicy) -> None:
    # The API server takes a policy without policyTypes for one that isolates ingress.
    if policy.ingress is None and policy.egress is None:
        raise InvalidValue(
            "the policy says nothing about ingress and nothing about egress",
            help="give `ingress` or `egress`: rules, or `DENY_ALL`",
            place=Place(path="spec.policyTypes"),
        )


def _rules(
    given: object, kind: type[PolicyRule], path: str
) -> tuple[PolicyRule, ...] | DenyAll | None:
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


def _refused_rule(given: object, kind: type[PolicyRule], path: str) -> InvalidValue:
    verb = "allow_from" if kind is IngressRule else "allow_to"
    remedy = f"write `[{verb}(peer, ports=...)]`, or `DENY_ALL`"
    return refused(path, given, "is not a rule of this direction", remedy)
