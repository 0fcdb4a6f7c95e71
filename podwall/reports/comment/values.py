"""What a comment on a pull request tells: a change of the network as small values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from policies.findings import Finding

__all__ = ["ChangeKind", "ChangeReport", "ChangedConnection", "ChangedObject", "Existence"]


class ChangeKind(StrEnum):
    """What happens to a connection, the most open first."""

    OPENS = "opens"
    WIDENS = "widens"
    CHANGES = "changes"
    NARROWS = "narrows"
    CLOSES = "closes"


class Existence(StrEnum):
    """What happens to an object."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ChangedConnection:
    """A connection before and after, in words such as `TCP 80` or `denied`, and which policies."""

    source: str
    destination: str
    kind: ChangeKind
    before: str
    after: str
    because: tuple[str, ...] = ()


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
    after the change, so that all of them can be said in a word. `state` says in a sentence how
    things are afterwards, `engine` which engine was asked, by its title. `artifact` is the address
    of the full report.
    """

    subject: str
    connections: tuple[ChangedConnection, ...] = ()
    policies: tuple[ChangedObject, ...] = ()
    workloads: tuple[ChangedObject, ...] = ()
    findings: tuple[Finding, ...] = ()
    namespaces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    state: str = ""
    engine: str = ""
    artifact: str = ""
