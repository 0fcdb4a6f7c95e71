"""The edits that keep who can reach whom under another engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from podwall.migrate.backends import Backends
from podwall.migrate.rule_edits import RuleEditor
from podwall.model import Rule, Unknown
from podwall.reachability.cluster import rules_of
from podwall.reachability.port_rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.model import Policy
    from podwall.reachability.cluster import Cluster

__all__ = ["Edit", "edits"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A policy as it is (None: it is new) and as it should be, and why, in sentences."""

    old: Policy | None
    new: Policy
    reasons: tuple[str, ...]

    @property
    def name(self) -> str:
        """The policy as `namespace/name`."""
        namespace = self.new.namespace
        return f"{'?' if isinstance(namespace, Unknown) else namespace}/{self.new.name}"


def edits(source: Cluster, target: Cluster) -> Iterator[Edit]:
    """Yield the edits for a cluster as two engines read it: policies in order, then new ones."""
    editor = RuleEditor(source, target)
    backends = Backends(source, target)
    for policy in source.policies:
        edit = _edited(editor, backends, policy)
        if edit is not None:
            yield edit
    for new, why in backends.policies():
        yield Edit(None, new, (why,))


def _edited(editor: RuleEditor, backends: Backends, policy: Policy) -> Edit | None:
    reasons: dict[str, None] = {}
    sides = {}
    for direction in Direction:
        rules = rules_of(policy, direction)
        if rules is None or Unknown in map(type, (policy.ingress, policy.egress)):
            continue
        edited: list[Rule | Unknown] = []
        for rule in (*rules, *backends.egress(direction)):
            if isinstance(rule, Rule):
                parts, why = editor.edited(policy, direction, rule)
                edited.extend(parts)
                reasons.update(dict.fromkeys(why))
            else:
                edited.append(rule)
        if backends.egress(direction):
            reasons[backends.why] = None
        sides[direction] = tuple(edited)
    new = replace(
        policy,
        ingress=sides.get(Direction.INGRESS, policy.ingress),
        egress=sides.get(Direction.EGRESS, policy.egress),
    )
    return None if new == policy else Edit(policy, new, tuple(reasons))
