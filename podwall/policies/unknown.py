"""A value that is known only after deployment."""

from __future__ import annotations

from podwall.quick_dataclass import dataclass

__all__ = ["Unknown"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands where a document has a value that is known only after deployment (a Pulumi output).

    The language never writes one; readers meet them in previews. `cause` says, for people, which
    value is missing and why. An unknown is never allowed and never denied: whatever depends on it
    is undetermined, and names this cause.

    >>> print(Unknown("the cidr of policy `shop/api`"))
    unknown: the cidr of policy `shop/api`
    """

    cause: str

    def __str__(self) -> str:
        """Write the unknown with its cause."""
        return f"unknown: {self.cause}"
