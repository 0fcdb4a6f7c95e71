"""A finding: something a person should know, as a value and not as an exception."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from podwall.policies.errors import Place

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """How much a finding matters, most severe first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth knowing: a stable `id`, its severity, its place, and what to do.

    `message` and `help` follow the rules of `podwall.policies.errors`; `link` is the source of
    the rule.

    >>> print(Finding("cidr-host-bits", Severity.WARNING, "host bits are set in `10.0.0.1/24`"))
    warning[cidr-host-bits]: host bits are set in `10.0.0.1/24`
    """

    id: str
    severity: Severity
    message: str
    place: Place = field(default_factory=Place)
    help: str = ""
    link: str = ""

    def __str__(self) -> str:
        """Write the finding as `severity[id]: place: message`."""
        where = f"{self.place}: " if str(self.place) else ""
        return f"{self.severity.value}[{self.id}]: {where}{self.message}"
