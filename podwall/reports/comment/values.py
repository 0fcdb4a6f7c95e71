"""What a comment on a pull request tells: a change of the network as small values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from podwall.diff import ChangeKind
from podwall.policies.findings import Finding

__all__ = ["ChangeReport", "ChangedConnection", "ChangedObject", "Existence"]


class Existence(StrEnum):
    """What happens to an object."""

    ADDED = "new"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ChangedConnection:
    """A connection before and after, in words such as `TCP 80` or `nothing`.

    `because` names the policies that are behind it; `reason` says what is, where no policy is.
    """

    source: str
    destination: str
    kind: ChangeKind
    before: str
    after: str
    because: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """A policy or a workload that is new, gone or different, and where it is written."""

    name: str
    existence: Existence
    place: str = ""


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """Everything that the comment tells.

    `subject` is what changes, such as `stack dev`. `namespaces` has the workloads of each namespace
    after the change, so that all of them can be said in a word; `ranges` tells which ends are
    addresses outside the cluster. `state` says in a sentence how things are afterwards, `judged`
    on which engine's behaviour that rests. `artifact` is the address of the full report. `partial`:
    there are more changed connections than are told.
    """

    subject: str
    connections: tuple[ChangedConnection, ...] = ()
    policies: tuple[ChangedObject, ...] = ()
    workloads: tuple[ChangedObject, ...] = ()
    findings: tuple[Finding, ...] = ()
    namespaces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ranges: frozenset[str] = frozenset()
    state: str = ""
    judged: str = ""
    artifact: str = ""
    partial: bool = False
