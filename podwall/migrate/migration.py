"""A migration as a value: what changes, the edits, what still changes, and what can't be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from podwall.diff import Diff, diff
from podwall.engines import Engine
from podwall.migrate.edits import Edit, edits
from podwall.migrate.limits import limits
from podwall.model import Snapshot
from podwall.policies.errors import Finding
from podwall.reachability import reachability

__all__ = ["Migration", "migrate"]


@dataclass(frozen=True, slots=True)
class Migration:
    """What another engine does to a cluster.

    `difference` is what changes as things are, `remaining` what still changes once all `edits` are
    applied, and `limits` what no NetworkPolicy can express or can't be known before.
    """

    difference: Diff
    edits: tuple[Edit, ...]
    edited: Snapshot
    remaining: Diff
    limits: tuple[Finding, ...]


def migrate(snapshot: Snapshot, source: Engine | str, target: Engine | str) -> Migration:
    """Return what changes when `target` enforces the policies instead of `source`.

    Raises:
        InvalidValue: there is no engine of that name.
    """
    before, after = reachability(snapshot, source), reachability(snapshot, target)
    found = tuple(edits(before.cluster, after.cluster))
    edited = _applied(snapshot, found)
    return Migration(
        difference=diff(before, after),
        edits=found,
        edited=edited,
        remaining=diff(before, reachability(edited, target)),
        limits=tuple(limits(before.cluster, after.cluster)),
    )


def _applied(snapshot: Snapshot, found: tuple[Edit, ...]) -> Snapshot:
    """Return the snapshot with its edited policies in their places, and new ones at the end."""
    instead = {id(edit.old): edit.new for edit in found if edit.old is not None}
    kept = (instead.get(id(policy), policy) for policy in snapshot.policies)
    added = (edit.new for edit in found if edit.old is None)
    return replace(snapshot, policies=(*kept, *added))
