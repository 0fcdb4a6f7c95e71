"""One changed connection as a value: what passed before, what passes after, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from podwall.portset import ALL_PORTS, NO_PORTS, PortSet

if TYPE_CHECKING:
    from podwall.diff.policies import PolicyChange
    from podwall.reachability.values import Endpoint

__all__ = ["EVERYTHING", "NOTHING", "Change", "ChangeKind", "Effect", "Passage"]


class ChangeKind(StrEnum):
    """What became of a connection; `CHANGED`: some ports were opened and others closed."""

    ADDED = "added"
    REMOVED = "removed"
    WIDENED = "widened"
    NARROWED = "narrowed"
    CHANGED = "changed"


class Effect(StrEnum):
    """Why a connection changed.

    `POLICY`: a policy differs that selects one of the ends. `NEW`, `GONE`: one of the ends is a
    workload that is new, or gone. `OTHER`: labels, ports, services or the engine differ.
    """

    POLICY = "policy"
    NEW = "new workload"
    GONE = "workload gone"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Passage:
    """What passes from one end to the other at one time; what is in neither set is denied."""

    allowed: PortSet
    undetermined: PortSet = NO_PORTS

    @property
    def at_most(self) -> PortSet:
        """What passes if everything undetermined does."""
        return self.allowed | self.undetermined


NOTHING: Final = Passage(NO_PORTS)
EVERYTHING: Final = Passage(ALL_PORTS)


@dataclass(frozen=True, slots=True)
class Change:
    """A connection that is not what it was.

    `because` says what undetermined ports depend on. `policies` are those that differ and select
    one of the ends in the direction that counts.
    """

    source: Endpoint
    destination: Endpoint
    before: Passage
    after: Passage
    effect: Effect
    policies: tuple[PolicyChange, ...] = ()
    because: str = ""

    @property
    def opened(self) -> PortSet:
        """The ports that pass now and did not, or did not for certain."""
        return (self.after.at_most - self.before.at_most) | (
            self.after.allowed - self.before.allowed
        )

    @property
    def closed(self) -> PortSet:
        """The ports that passed and do not now, or not for certain."""
        return (self.before.at_most - self.after.at_most) | (
            self.before.allowed - self.after.allowed
        )

    @property
    def kind(self) -> ChangeKind:
        """What became of the connection."""
        if not self.before.at_most:
            return ChangeKind.ADDED
        if not self.after.at_most:
            return ChangeKind.REMOVED
        if self.opened and self.closed:
            return ChangeKind.CHANGED
        return ChangeKind.WIDENED if self.opened else ChangeKind.NARROWED
