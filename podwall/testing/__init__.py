"""Unit tests of what a Pulumi program lets through: fixtures for pytest, and plain functions.

With pytest installed, the fixtures `reach` and `reach_of` are there without any `conftest.py`.
Everywhere else the same is had from `reach_of_program` and `reach_of_source`.

The names below are imported when they are first used: pytest loads this package in every session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podwall.on_demand import on_first_use

if TYPE_CHECKING:
    from podwall.testing.programs import UnseenObjects, reach_of_program, reach_of_source
    from podwall.testing.reach import Checked, Reach

__all__ = ["Checked", "Reach", "UnseenObjects", "reach_of_program", "reach_of_source"]

_MODULES: Final = {
    "Checked": f"{__name__}.reach",
    "Reach": f"{__name__}.reach",
    "UnseenObjects": f"{__name__}.programs",
    "reach_of_program": f"{__name__}.programs",
    "reach_of_source": f"{__name__}.programs",
}

if not TYPE_CHECKING:  # a type checker takes every name from a `__getattr__` that it sees
    __getattr__ = on_first_use(__name__, _MODULES)
