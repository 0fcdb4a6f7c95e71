"""What policies that are not read may change: they may deny what the rules allow, or allow more.

They are of other APIs, whose order and default nobody knows here, so that nothing of what the rules
say about a pod that one of them may select is certain in a direction that it may be about.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from podwall.model import UnreadPolicy
from podwall.portset import ALL_PORTS, NO_PORTS
from podwall.reachability.values import Bounds

__all__ = ["Overruling", "overruled", "overruling"]


class Overruling(IntEnum):
    """What becomes of the rules about a pod; the greater contains the less.

    `NOT`: they decide. `NARROWED`: what they allow may be denied. `OPEN`: and the reverse.
    """

    NOT = 0
    NARROWED = 1
    OPEN = 2


def overruling(policies: Iterable[UnreadPolicy]) -> Overruling:
    """Return what becomes of the rules where some policies are not read."""
    found = (Overruling.NARROWED if each.narrows else Overruling.OPEN for each in policies)
    return max(found, default=Overruling.NOT)


def overruled(bounds: Bounds, by: Overruling, *causes: str) -> Bounds:
    """Return what is left of what rules allow."""
    if by is Overruling.NOT:
        return bounds
    may = ALL_PORTS if by is Overruling.OPEN else bounds.may
    return Bounds(NO_PORTS, may, (*bounds.causes, *causes))
