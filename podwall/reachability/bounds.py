"""What is certain and what is possible: of anything, and of the ports that a rule allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from podwall.portset import ALL_PORTS, NO_PORTS, PortSet

__all__ = ["ALL", "NOTHING", "Bound", "Bounds"]


class Bound(Enum):
    """The two questions about what is not fully known: what is certain, and what is possible."""

    MUST = "must"
    MAY = "may"

    @property
    def other(self) -> Bound:
        """The question whose answer bounds the negation."""
        return Bound.MAY if self is Bound.MUST else Bound.MUST


@dataclass(frozen=True, slots=True)
class Bounds:
    """Two port sets, `must` within `may`, and the causes why they differ, in words.

    What must be allowed is allowed whatever the unknown values turn out to be; what is not even in
    `may` is denied whatever they turn out to be; between them the verdict is undetermined.
    """

    must: PortSet
    may: PortSet
    causes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def exactly(cls, ports: PortSet) -> Bounds:
        """Return the bounds of ports about which nothing is unknown."""
        return cls(ports, ports)

    @classmethod
    def perhaps(cls, ports: PortSet, *causes: str) -> Bounds:
        """Return the bounds of ports that are allowed, or not, for the given causes."""
        return cls(NO_PORTS, ports, causes)

    @property
    def certain(self) -> bool:
        """Whether nothing is undetermined."""
        return self.must == self.may

    def __or__(self, other: Bounds) -> Bounds:
        """Return the bounds of the union."""
        causes = (*self.causes, *(cause for cause in other.causes if cause not in self.causes))
        return Bounds(self.must | other.must, self.may | other.may, causes)

    def __and__(self, other: Bounds) -> Bounds:
        """Return the bounds of the intersection."""
        causes = (*self.causes, *(cause for cause in other.causes if cause not in self.causes))
        return Bounds(self.must & other.must, self.may & other.may, causes)


NOTHING: Final = Bounds.exactly(NO_PORTS)
ALL: Final = Bounds.exactly(ALL_PORTS)
