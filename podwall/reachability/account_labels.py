"""The labels that an engine gives pods for their service accounts, where a policy asks for them.

Cilium and Calico know a pod's service account by a label that is in no manifest, and Calico the
labels of the account as well. What is not asked for is not added: pods stay as alike as they are.
https://docs.cilium.io/en/stable/security/policy/kubernetes/#serviceaccounts
https://docs.tigera.io/calico/latest/network-policy/policy-rules/service-accounts
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from podwall.calico import ACCOUNT, OF_ACCOUNT
from podwall.model import (
    LabelMap,
    PodPeer,
    Policy,
    Rule,
    Selector,
    Snapshot,
    SnapshotWorkload,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.rules import Direction

__all__ = ["with_account_labels"]

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
    if not (snapshot.calico_policies or snapshot.cilium_policies):
        return workloads
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
