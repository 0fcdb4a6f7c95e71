"""Lend a program the process for as long as it runs, and put everything back afterwards."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

__all__ = ["surroundings"]

# A program may have packages of these names as well; while it runs, its own are found.
_OURS = ("components", "guardrails", "podwall", "policies")


@contextlib.contextmanager
def surroundings(folder: Path) -> Iterator[list[warnings.WarningMessage]]:
    """Run the body as if `folder` had a process of its own; yield the warnings given in it.

    As under Pulumi, `folder` is the working directory and comes first on the module path. What the
    program prints goes to the standard error stream: standard output is for results.
    """
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(sys.stderr),
        warnings.catch_warnings(record=True) as given,
        _modules_of(folder),
    ):
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        yield given


@contextlib.contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """Put `folder` first on the module path, and forget its modules afterwards.

    Where `folder` is on the path anyway, its modules are everybody's and stay.
    """
    if str(folder) in map(os.path.abspath, sys.path):
        yield
        return
    hidden = _hide(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name, module in sys.modules.items() if _is_from(module, folder)]:
            del sys.modules[name]
        sys.modules.update(hidden)


def _hide(folder: Path) -> dict[str, ModuleType]:
    """Take our own modules away that a package of the same name in `folder` stands in front of."""
    own = {name for name in _OURS if (folder / name).is_dir() or (folder / f"{name}.py").is_file()}
    names = [name for name in sys.modules if name.partition(".")[0] in own]
    return {name: sys.modules.pop(name) for name in names}


def _is_from(module: ModuleType, folder: Path) -> bool:
    path = getattr(module, "__file__", None)
    return path is not None and Path(path).is_relative_to(folder)
