"""Unit tests of what a Pulumi program lets through: fixtures for pytest, and plain functions.

With pytest installed, the fixtures `reach` and `reach_of` are there without any `conftest.py`.
Everywhere else the same is had from `reach_of_program` and `reach_of_source`.

The names below are imported when they are first used: pytest loads this package in every session.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from podwall.testing.checked import Checked
    from podwall.testing.programs import UnseenObjects, reach_of_program, reach_of_source
    from podwall.testing.reach import Reach

__all__ = ["Checked", "Reach", "UnseenObjects", "reach_of_program", "reach_of_source"]

_MODULES: Final = {
    "Checked": "checked",
    "Reach": "reach",
    "UnseenObjects": "programs",
    "reach_of_program": "programs",
    "reach_of_source": "programs",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds `name`, and return what it means there."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
