"""An opening that somebody has looked at and means, as a value."""

from __future__ import annotations

from dataclasses import dataclass, field

from podwall.expectations.expectation import Selection, check_ports
from podwall.policies.errors import InvalidValue, Place

__all__ = ["Acceptance"]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Openings that somebody has looked at and means: from whom, to whom, and why.

    Without `ports` all ports are meant. `until` is the last day on which it counts, as in
    `2027-01-31`; empty: for good.
    """

    because: str
    sources: tuple[Selection, ...]
    destinations: tuple[Selection, ...]
    ports: tuple[str, ...] = ()
    until: str = ""
    place: Place = field(default_factory=Place, compare=False)

    def __post_init__(self) -> None:
        """Refuse what can mean nothing."""
        if not self.sources or not self.destinations:
            raise InvalidValue("what is accepted needs both ends", help="`anything` says all")
        check_ports(self.ports)

    def is_over(self, today: str) -> bool:
        """Return whether its last day is past, on a day such as `2027-02-01`.

        >>> from podwall.expectations import ANYTHING
        >>> agreed = Acceptance("a trial", (ANYTHING,), (ANYTHING,), until="2027-01-31")
        >>> agreed.is_over("2027-01-31"), agreed.is_over("2027-02-01")
        (False, True)
        """
        return bool(self.until) and self.until < today
