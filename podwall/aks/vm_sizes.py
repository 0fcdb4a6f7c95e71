"""What the name of an Azure VM size says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["VmSize"]


_NAME = re.compile(
    r"(?:Standard_|Basic_)?(?P<family>[A-Z]+)(?P<cores>\d+)(?:-(?P<constrained>\d+))?"
    r"(?P<features>[a-z]*)(?:_[A-Z]+\d*)*?(?:_v(?P<generation>\d+))?(?:_Promo)?"
)
_OLD_D_CORES = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 11: 2, 12: 4, 13: 8, 14: 16, 15: 20}
_OLD_D_GENERATIONS = (1, 2)
_FIRST_WITHOUT_CACHE = 4


@dataclass(frozen=True, slots=True)
class VmSize:
    """A VM size, read from its name.

    Azure's scheme is family, cores, features, version: `Standard_D4ds_v5` is family D, 4 cores, a
    temporary disk (d) and premium storage (s), fifth generation. See
    https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions.

    >>> VmSize("Standard_E8-4ds_v5").cores
    4
    >>> VmSize("Standard_DS3_v2").cores
    4
    >>> VmSize("Standard_Future").cores is None
    True
    """

    name: str

    @property
    def family(self) -> str:
        """The family's letters, such as `D`; empty where the name does not follow the scheme."""
        return self._part("family") or ""

    @property
    def cores(self) -> int | None:
        """How many cores it has, or None where the name does not tell."""
        written = self._part("constrained") or self._part("cores")
        if written is None:
            return None
        if self.family in {"D", "DS"} and self.generation in _OLD_D_GENERATIONS:
            return _OLD_D_CORES.get(int(written))
        return int(written)

    @property
    def generation(self) -> int:
        """The version at the end of the name; 1 where there is none."""
        return int(self._part("generation") or 1)

    @property
    def is_burstable(self) -> bool:
        """Whether it belongs to the B-series."""
        return self.family == "B"

    @property
    def is_confidential_v2(self) -> bool:
        """Whether it belongs to the DCsv2-series."""
        return self.family == "DC" and self.generation == 2  # noqa: PLR2004 - the v2 of the name

    @property
    def lacks_local_disk(self) -> bool:
        """Whether it certainly has neither a temporary disk nor a cache that could hold an OS disk.

        Dsv4, Esv4 and their successors have none unless the name has a `d`.
        """
        return (
            self.family in {"D", "E"}
            and self.generation >= _FIRST_WITHOUT_CACHE
            and "d" not in (self._part("features") or "")
        )

    def _part(self, name: str) -> str | None:
        found = _NAME.fullmatch(self.name)
        return None if found is None else found[name]
