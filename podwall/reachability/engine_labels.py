"""Labels as engines know them: those of service accounts, and those that Calico's selectors mean.

Cilium and Calico know a pod's service account by a label that is in no manifest, and Calico the
labels of the account as well. What is not asked for is not added: pods stay as alike as they are.
https://docs.cilium.io/en/stable/security/policy/kubernetes/#serviceaccounts
https://docs.tigera.io/calico/latest/network-policy/policy-rules/service-accounts

What Calico's selectors ask of a label becomes a requirement of Kubernetes: a label of a namespace
is one of a pod's for Calico, under a longer key, and the reverse here. Of what compares a part of a
label (`starts with`) there are the values that labels have, and for all others some that stand for
every way in which such tests can come out (see `text_stand_ins`), so that it is a list of values as
well.
https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selectors
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from podwall.calico import (
    ACCOUNT,
    OF_ACCOUNT,
    AllOf,
    AnyOf,
    Expression,
    LabelTest,
    Not,
    holds,
    text_stand_ins,
)
from podwall.model import (
    EMPTY_SELECTOR,
    LabelMap,
    Operator,
    PodPeer,
    Policy,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.rules import METADATA_NAME, Direction

__all__ = [
    "CALICO_NAME",
    "CALICO_NAMESPACE",
    "OF_NAMESPACE",
    "TextLabels",
    "label_of",
    "with_account_labels",
]


_CILIUM: Final = "io.cilium.k8s.policy.serviceaccount"
_NAME: Final = f"{OF_ACCOUNT}projectcalico.org/name"
_DEFAULT: Final = "default"


def _asked(policies: Iterable[Policy], tiers: Iterable[TierPolicy]) -> frozenset[str]:
    """Return the labels of service accounts that policies ask for."""
    return frozenset(
        each.key
        for selector in (*_selectors(policies), *_tier_selectors(tiers))
        for each in selector.requirements
        if each.key in {_CILIUM, ACCOUNT} or each.key.startswith(OF_ACCOUNT)
    )


def _selectors(policies: Iterable[Policy]) -> Iterator[Selector]:
    for policy in policies:
        yield policy.pod_selector
        for rules in (policy.ingress, policy.egress):
            yield from _of_rules(rules if isinstance(rules, tuple) else ())


def _tier_selectors(tiers: Iterable[TierPolicy]) -> Iterator[Selector]:
    for policy in tiers:
        if isinstance(policy.subject, PodPeer):
            yield policy.subject.pods
        for direction in Direction:
            yield from _of_rules(policy.rules(direction))


def _of_rules(rules: Iterable[Rule | TierRule | Unknown]) -> Iterator[Selector]:
    for rule in rules:
        peers = None if isinstance(rule, Unknown) else rule.peers
        for peer in peers if isinstance(peers, tuple) else ():
            if isinstance(peer, PodPeer):
                yield peer.pods


def with_account_labels(
    snapshot: Snapshot,
    workloads: tuple[SnapshotWorkload, ...],
    policies: Iterable[Policy],
    tiers: Iterable[TierPolicy],
) -> tuple[SnapshotWorkload, ...]:
    """Return workloads with the labels of their service accounts that acting policies ask for."""
    keys = _asked(policies, tiers)
    if not keys:
        return workloads
    accounts = {(each.namespace, each.name): each.labels for each in snapshot.calico_accounts}
    return tuple(
        replace(each, labels=_with(each.labels, dict(_labels(each, accounts, keys))))
        for each in workloads
    )


def _with(labels: LabelMap, added: dict[str, str | Unknown]) -> LabelMap:
    return LabelMap.of({**dict(labels.items), **added}, labels.more)


def _labels(
    workload: SnapshotWorkload,
    accounts: dict[tuple[str, str], LabelMap],
    keys: frozenset[str],
) -> Iterator[tuple[str, str | Unknown]]:
    account = workload.service_account
    for key in sorted(keys):
        if key in {_CILIUM, ACCOUNT, _NAME}:
            yield key, account
            continue
        known = _of_account(workload, accounts)
        found = dict(known.items).get(key.removeprefix(OF_ACCOUNT), known.more)
        if found is not None:
            yield key, found


def _of_account(workload: SnapshotWorkload, accounts: dict[tuple[str, str], LabelMap]) -> LabelMap:
    """Return the labels of a workload's account; of one that is not written they are not known.

    `default`, which every namespace has and few label, has none then.
    """
    namespace, account = workload.namespace, workload.service_account
    for each in (namespace, account):
        if isinstance(each, Unknown):
            return LabelMap(more=each)
    written = accounts.get((str(namespace), str(account)))
    if written is not None:
        return written
    if account == _DEFAULT:
        return LabelMap()
    return LabelMap(more=Unknown(f"the labels of service account `{namespace}/{account}`"))


CALICO_NAME: Final = "projectcalico.org/name"
CALICO_NAMESPACE: Final = "projectcalico.org/namespace"
OF_NAMESPACE: Final = "pcns."
"""What labels of a pod begin with that it has of its namespace."""


def label_of(key: str, *, is_pods: bool) -> tuple[str, bool]:
    """Return the label that a key means, and whether it is one of the namespace."""
    if not is_pods:
        return (METADATA_NAME if key == CALICO_NAME else key), True
    if key == CALICO_NAMESPACE:
        return METADATA_NAME, True
    if key.startswith(OF_NAMESPACE):
        return label_of(key.removeprefix(OF_NAMESPACE), is_pods=False)
    return key, False


_Values = dict[tuple[str, bool], tuple[str, ...] | None]


class TextLabels:
    """The values of labels by which what compares a part of a text is a list of values."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Take the cluster; nothing of it is gone through before such a test is met."""
        self._snapshot = snapshot
        self._values: _Values | None = None

    def requirement(
        self, test: LabelTest, *, of_space: bool, wanted: bool
    ) -> SelectorRequirement | Unknown:
        """Return a test of a label of a pod, or of its namespace, as Kubernetes writes one."""
        if test.word == "has":
            operator = Operator.EXISTS if wanted else Operator.DOES_NOT_EXIST
            return SelectorRequirement(test.key, operator)
        listed: tuple[str, ...] | None = test.values
        if test.word != "in":
            values = self._known.get((test.key, of_space), ())
            listed = None if values is None else tuple(
                sorted(each for each in values if holds(test, {test.key: each}))
            )  # fmt: skip
        if listed is None:
            return Unknown(f"texts in `{test.key}` are compared in too many ways")
        return SelectorRequirement(test.key, Operator.IN if wanted else Operator.NOT_IN, listed)

    @property
    def _known(self) -> _Values:
        if self._values is None:
            self._values = _values(self._snapshot)
        return self._values


def _values(snapshot: Snapshot) -> _Values:
    """Return the values that count for each label of which a part is compared."""
    tests: defaultdict[tuple[str, bool], list[LabelTest]] = defaultdict(list)
    for test, is_pods in _tests(snapshot):
        key, of_space = label_of(test.key, is_pods=is_pods)
        tests[key, of_space].append(test)
    asked = {key: those for key, those in tests.items()
             if any(each.word not in {"in", "has"} for each in those)}  # fmt: skip
    used: defaultdict[tuple[str, bool], set[str]] = defaultdict(set)
    for labels, of_space in _label_maps(snapshot):
        for key, value in labels.items:
            if (key, of_space) in asked and isinstance(value, str):
                used[key, of_space].add(value)
    for requirement, of_space in _requirements(snapshot):
        used[requirement.key, of_space].update(requirement.values)
    return {key: _all_values(those, used[key]) for key, those in asked.items()}


def _all_values(tests: Sequence[LabelTest], used: set[str]) -> tuple[str, ...] | None:
    stand_ins = text_stand_ins(tests)
    named = {value for each in tests if each.word == "in" for value in each.values}
    return None if stand_ins is None else tuple(sorted({*stand_ins, *named, *used}))


def _label_maps(snapshot: Snapshot) -> Iterator[tuple[LabelMap, bool]]:
    yield from ((each.labels, False) for each in snapshot.workloads)
    yield from ((each.labels, True) for each in snapshot.namespaces)
    names = {str(each.service_account) for each in snapshot.workloads}
    yield from ((LabelMap(((ACCOUNT, name),)), False) for name in sorted(names))
    for account in snapshot.calico_accounts:
        labels = ((f"{OF_ACCOUNT}{key}", each) for key, each in account.labels.items)
        yield LabelMap(tuple(labels)), False


def _tests(snapshot: Snapshot) -> Iterator[tuple[LabelTest, bool]]:
    """Yield what rules of Calico's ask of labels, and whether of those of pods."""
    for policy in snapshot.calico_policies:
        ends = [
            end for rules in (policy.ingress, policy.egress) for rule in rules or ()
            for end in (rule.source, rule.destination)
        ]  # fmt: skip
        written = [(policy.selector, True), (policy.namespaces, False)]
        for end in ends:
            written += [(each, True) for each in (end.selector, end.not_selector, end.accounts)
                        if each is not None]  # fmt: skip
            written += [] if end.namespaces is None else [(end.namespaces, False)]
        for expression, is_pods in written:
            yield from ((test, is_pods) for test in _parts(expression))


def _parts(expression: Expression) -> Iterator[LabelTest]:
    match expression:
        case LabelTest():
            yield expression
        case Not(part):
            yield from _parts(part)
        case AllOf(parts) | AnyOf(parts):
            for each in parts:
                yield from _parts(each)
        case _:
            pass


def _requirements(snapshot: Snapshot) -> Iterator[tuple[SelectorRequirement, bool]]:
    """Yield what NetworkPolicies ask of labels, and whether of those of namespaces."""
    for policy in snapshot.policies:
        yield from ((each, False) for each in policy.pod_selector.requirements)
        for peer in _pod_peers(policy):
            yield from ((each, False) for each in peer.pods.requirements)
            there = peer.namespaces or EMPTY_SELECTOR
            yield from ((each, True) for each in there.requirements)


def _pod_peers(policy: Policy) -> Iterator[PodPeer]:
    for rules in (policy.ingress, policy.egress):
        for rule in rules if isinstance(rules, tuple) else ():
            peers = rule.peers if isinstance(rule, Rule) else None
            for peer in peers if isinstance(peers, tuple) else ():
                if isinstance(peer, PodPeer):
                    yield peer
