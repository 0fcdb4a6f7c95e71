"""Lend a program the process for as long as it runs, and put everything back afterwards."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from podwall.plan.place import is_program

__all__ = ["surroundings"]

_KEPT = {*sys.stdlib_module_names, "__main__", "podwall", "pulumi"}


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
    """Put `folder` first on the module path with its modules fresh, and forget them afterwards.

    A module of the program that is imported already, by a test of it for example, has read the
    configuration of another stack. It is put aside, and is the same as before afterwards.
    """
    hidden = _hide(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name, module in sys.modules.items() if _is_own(module, folder)]:
            del sys.modules[name]
        sys.modules.update(hidden)


def _hide(folder: Path) -> dict[str, ModuleType]:
    """Take away the modules of the program, and those that its own stand in front of.

    In a process of its own, whatever the folder holds is found before anything installed. Only what
    Python itself brings and Pulumi's SDKs stay: they are imported before the program is.
    """
    loaded = {name.partition(".")[0] for name in sys.modules}
    shadowed = {name for name in loaded - _KEPT if _holds(folder, name)}
    names = [
        name
        for name, module in sys.modules.items()
        if name.partition(".")[0] in shadowed or _is_own(module, folder)
    ]
    return {name: sys.modules.pop(name) for name in names}


def _holds(folder: Path, name: str) -> bool:
    """Return whether `import name` finds something in the folder."""
    package = folder / name
    return package.with_suffix(".py").is_file() or (
        package.is_dir() and next(package.glob("*.py"), None) is not None
    )


def _is_own(module: ModuleType, folder: Path) -> bool:
    """Return whether a module is the program's, and not of a library installed below its folder."""
    path = getattr(module, "__file__", None)
    return path is not None and is_program(Path(path), folder)
