"""Changes of a cluster that mean nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from podwall.model import (
    LabelMap,
    Peer,
    PodPeer,
    Policy,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    Unknown,
)

if TYPE_CHECKING:
    from random import Random

__all__ = [
    "distinct",
    "duplicated",
    "more_replicas",
    "policies_split",
    "relabelled",
    "rules_split",
    "shuffled",
    "with_a_dead_policy",
]

Value = TypeVar("Value")


def distinct(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with a name of its own for every policy."""
    named = (replace(each, name=f"n{n}") for n, each in enumerate(snapshot.policies))
    return replace(snapshot, policies=tuple(named))


def shuffled(rng: Random, snapshot: Snapshot) -> Snapshot:
    """Return everything in another order."""
    return replace(
        snapshot,
        policies=tuple(rng.sample(snapshot.policies, len(snapshot.policies))),
        workloads=tuple(rng.sample(snapshot.workloads, len(snapshot.workloads))),
        namespaces=tuple(rng.sample(snapshot.namespaces, len(snapshot.namespaces))),
    )


def duplicated(_: Random, snapshot: Snapshot) -> Snapshot:
    """Return every policy twice, under two names."""
    again = (replace(each, name=f"again-{each.name}") for each in snapshot.policies)
    return replace(snapshot, policies=(*snapshot.policies, *again))


def with_a_dead_policy(_: Random, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with a policy where there are no pods."""
    dead = Policy("nowhere", "dead", Selector(), ingress=(), egress=())
    return replace(snapshot, policies=(*snapshot.policies, dead))


def rules_split(_: Random, snapshot: Snapshot) -> Snapshot:
    """Return every rule as one for each pair of a peer and a port."""
    policies = (
        replace(each, ingress=_split(each.ingress), egress=_split(each.egress))
        for each in snapshot.policies
    )
    return replace(snapshot, policies=tuple(policies))


def _known(rules: tuple[Rule | Unknown, ...] | Unknown | None) -> tuple[Rule, ...] | None:
    """Return rules of a cluster in which everything is known."""
    if not isinstance(rules, tuple):
        return None
    return tuple(rule for rule in rules if isinstance(rule, Rule))


def _split(rules: tuple[Rule | Unknown, ...] | Unknown | None) -> tuple[Rule, ...] | None:
    known = _known(rules)
    return known and tuple(
        Rule(peers, ports)
        for rule in known
        for peers in _one_by_one(rule.peers)
        for ports in _one_by_one(rule.ports)
    )


def _one_by_one(
    entries: tuple[Value, ...] | Unknown | None,
) -> list[tuple[Value, ...] | None]:
    """Return each entry as a list of its own; no list stays no list."""
    return [(entry,) for entry in entries] if isinstance(entries, tuple) else [None]


def policies_split(_: Random, snapshot: Snapshot) -> Snapshot:
    """Return each rule in a policy of its own, beside one that only isolates."""
    policies: list[Policy] = []
    for each in snapshot.policies:
        ingress, egress = (_known(rules) for rules in (each.ingress, each.egress))
        bare = (None if rules is None else () for rules in (ingress, egress))
        policies.append(replace(each, ingress=next(bare), egress=next(bare)))
        for number, rule in enumerate(ingress or ()):
            name = f"{each.name}-in-{number}"
            policies.append(replace(each, name=name, ingress=(rule,), egress=None))
        for number, rule in enumerate(egress or ()):
            name = f"{each.name}-out-{number}"
            policies.append(replace(each, name=name, ingress=None, egress=(rule,)))
    return replace(snapshot, policies=tuple(policies))


def relabelled(_: Random, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with other words for all labels but the name label."""
    policies = (
        replace(
            each,
            pod_selector=_reworded_selector(each.pod_selector),
            ingress=_reworded_rules(each.ingress),
            egress=_reworded_rules(each.egress),
        )
        for each in snapshot.policies
    )
    return replace(
        snapshot,
        namespaces=tuple(
            replace(e, labels=_reworded_labels(e.labels)) for e in snapshot.namespaces
        ),
        workloads=tuple(replace(e, labels=_reworded_labels(e.labels)) for e in snapshot.workloads),
        policies=tuple(policies),
    )


def _word(text: str) -> str:
    return text if "/" in text else f"other-{text}"


def _reworded_labels(labels: LabelMap) -> LabelMap:
    return LabelMap.of({_word(key): _word(str(value)) for key, value in labels.items})


def _reworded_selector(selector: Selector) -> Selector:
    return Selector(tuple(_reworded(each) for each in selector.requirements))


def _reworded_rules(rules: tuple[Rule | Unknown, ...] | Unknown | None) -> tuple[Rule, ...] | None:
    known = _known(rules)
    return known and tuple(
        replace(rule, peers=tuple(map(_reworded_peer, rule.peers)))
        if isinstance(rule.peers, tuple)
        else rule
        for rule in known
    )


def _reworded_peer(peer: Peer) -> Peer:
    if not isinstance(peer, PodPeer):
        return peer
    namespaces = peer.namespaces
    return PodPeer(_reworded_selector(peer.pods), namespaces and _reworded_selector(namespaces))


def _reworded(requirement: SelectorRequirement) -> SelectorRequirement:
    if "/" in requirement.key:
        return requirement
    values = tuple(sorted(_word(value) for value in requirement.values))
    return replace(requirement, key=_word(requirement.key), values=values)


def more_replicas(_: Random, snapshot: Snapshot) -> Snapshot:
    """Return workloads of ten times the replicas, where they had several."""
    workloads = (
        each if each.replicas == 1 else replace(each, replicas=20) for each in snapshot.workloads
    )
    return replace(snapshot, workloads=tuple(workloads))
