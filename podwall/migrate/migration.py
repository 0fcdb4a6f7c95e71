"""A migration as a value: what changes, the edits, what still changes, and what can't be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from podwall.diff import ConnectionChange, Diff, diff
from podwall.engines import Engine
from podwall.migrate.edits import Edit, edits
from podwall.migrate.limits import limits
from podwall.model import Snapshot
from podwall.policies.errors import Finding, Severity
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

    @property
    def weighed(self) -> tuple[Finding | Severity, ...]:
        """What counts for an exit code: the limits, and an error where a connection changes.

        The edits are a proposal, not a fact, so what they would keep still counts.
        """
        changed = any(not _is_doubtful(each) for each in self.difference.port_changes())
        return (*([Severity.ERROR] if changed else []), *self.limits)

    @property
    def is_certain(self) -> bool:
        """Whether it is known of every connection if it changes."""
        return not any(_is_doubtful(each) for each in self.difference.port_changes())


def _is_doubtful(change: ConnectionChange) -> bool:
    return bool(change.after.undetermined) and not change.closed


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
