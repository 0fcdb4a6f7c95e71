"""A migration as a value: what changes, the edits, what still changes, and what can't be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from podwall.diff import ConnectionChange, Diff, diff
from podwall.engines import AZURE, CALICO, CILIUM, SPEC, Engine
from podwall.migrate.edits import Edit, edits
from podwall.migrate.limits import limits
from podwall.model import Snapshot
from podwall.policies.errors import Finding, Severity
from podwall.reachability import Reachability, reachability

__all__ = ["EngineDifference", "Migration", "migrate", "under_other_engines"]


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


@dataclass(frozen=True, slots=True)
class EngineDifference:
    """What would be different of connections if another engine enforced the policies.

    `first` is one of the `count` connections, the same each time.
    """

    engine: Engine
    count: int
    first: ConnectionChange | None = None


_COMPARED: Final = (AZURE, CALICO, CILIUM)
_MOST_COMPARED: Final = 300
"""Of more workloads, three further analyses for a sentence would take too long."""


def under_other_engines(found: Reachability) -> tuple[EngineDifference, ...]:
    """Return what would differ under each engine of AKS, where none was named.

    Nothing is returned for a cluster whose engine is known, or that is large.

    >>> from podwall.model import LabelMap, SnapshotWorkload
    >>> pods = (SnapshotWorkload("shop", "web", "Pod", LabelMap()),)
    >>> [each.count for each in under_other_engines(reachability(Snapshot(workloads=pods)))]
    [0, 0, 0]
    """
    if found.engine.name != SPEC.name or len(found.workloads) > _MOST_COMPARED:
        return ()
    return tuple(_difference(found, engine) for engine in _COMPARED)


def _difference(found: Reachability, engine: Engine) -> EngineDifference:
    changes = list(diff(found, reachability(found.snapshot, engine)).port_changes())
    return EngineDifference(engine, len(changes), changes[0] if changes else None)
