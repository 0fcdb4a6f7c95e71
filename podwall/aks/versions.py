"""Versions on AKS: how they are written, and when support for them ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from podwall.aks.refusal import refusal

__all__ = [
    "FIRST_WITHOUT_WINDOWS_2022",
    "SUPPORT_ENDS",
    "WINDOWS_2022_ENDS",
    "MinorVersion",
    "written_day",
]


SUPPORT_ENDS = {
    "1.34": date(2026, 11, 30),
    "1.35": date(2027, 3, 31),
    "1.36": date(2027, 6, 30),
}
"""The last day of community support for each version that AKS documents.

AKS names the month; the last day of that month is taken. Older versions run under long-term support
only, see https://learn.microsoft.com/azure/aks/supported-kubernetes-versions.
"""

_MINOR = re.compile(r"1\.(\d{1,3})")


@dataclass(frozen=True, slots=True, order=True)
class MinorVersion:
    """A Kubernetes minor version such as `1.36`; AKS picks the newest patch of it.

    Giving only the minor version means that a newer patch is never a change of the program.

    >>> MinorVersion.of("1.9") < MinorVersion.of("1.36")
    True
    >>> str(MinorVersion.of("1.36"))
    '1.36'
    """

    minor: int

    @classmethod
    def of(cls, text: str, argument: str = "kubernetes_version") -> MinorVersion:
        """Read `1.36`.

        Raises:
            InvalidValue: `text` is not a minor version, or names a patch as well.
        """
        found = _MINOR.fullmatch(text)
        if found is None:
            raise refusal(
                argument,
                f"`{text}` is not a Kubernetes minor version",
                "give the minor version only, such as `1.36`; AKS picks its newest patch",
                "supported-kubernetes-versions",
            )
        return cls(int(found[1]))

    @property
    def support_ends(self) -> date | None:
        """The last day of support, or None where AKS has not announced it to us."""
        return SUPPORT_ENDS.get(str(self))

    @property
    def is_past_documented_support(self) -> bool:
        """Whether this version is older than every version in `SUPPORT_ENDS`."""
        return self < min(MinorVersion.of(known) for known in SUPPORT_ENDS)

    def __str__(self) -> str:
        """Write the version as `1.36`."""
        return f"1.{self.minor}"


FIRST_WITHOUT_WINDOWS_2022 = MinorVersion(36)
WINDOWS_2022_ENDS = date(2027, 3, 15)
"""The first version that Windows Server 2022 does not run, and the last day of its support.

See https://learn.microsoft.com/azure/aks/upgrade-windows-os.
"""


def written_day(day: date) -> str:
    """Return a day as people read it.

    >>> written_day(WINDOWS_2022_ENDS)
    '15 March 2027'
    """
    return f"{day.day} {day:%B %Y}"
