"""Import on first use, and say which extra is missing where that fails.

`pip install podwall` brings the analysis of files. What needs Pulumi, the Azure SDK or pytest is in
the wheel as well, but is imported only when it is used, so that `import podwall` is quick and a
package that nobody asked for need not be there.

A package of `pulumi_azure_native` imports some hundred resources when one is asked for, which takes
as long as planning a small program. `alone` imports one module of it. The package stays what it is
to others: whoever asks it for anything else has it whole, as if nothing had been imported before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Final

__all__ = ["alone", "needing", "on_first_use"]

#: What only an extra of podwall brings, by the names it is imported under.
_OF_EXTRAS: Final = {
    "httpx2",
    "lightkube",
    "pulumi",
    "pulumi_azure_native",
    "pulumi_kubernetes",
    "pulumi_policy",
}


def on_first_use(
    package: str, modules: Mapping[str, str], extras: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """Return a `__getattr__` for a package that imports a name when it is first used (PEP 562).

    Args:
        package: the package's `__name__`.
        modules: by name, the module that defines it; a name that is itself a module of the package
            stands for that module.
        extras: by name, the extra of podwall that its module needs; most need none.

    >>> get = on_first_use("podwall", {"tcp": "podwall.policies", "aks": "podwall.aks"})
    >>> str(get("tcp")(80)), get("aks").__name__
    ('TCP 80', 'podwall.aks')
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with needing((extras or {}).get(name, ""), f"`{package}.{name}`"):
            module = import_module(modules[name])
        found = module if modules[name] == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    return get


@contextmanager
def needing(extra: str, who: str) -> Iterator[None]:
    """Say in one line which extra to install, where the body imports what only an extra brings.

    `who` needs it, as in "planning a program".

    Raises:
        MissingExtra: the package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _OF_EXTRAS:
            raise
        # Imported only here: `import podwall` must not wait for what is hardly ever raised.
        from podwall.policies.errors import MissingExtra  # noqa: PLC0415 - as above

        how = f'pip install "podwall[{extra}]"'
        raise MissingExtra(f"{who} needs `{package}`, which is not installed: {how}") from None


#: The modules of a package of Pulumi's SDKs that its other modules ask it for.
_SHARED: Final = frozenset({"_enums", "_inputs", "outputs"})


class _InParts(ModuleType):
    """A package that has not been run, of which single modules are loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep what is not a module, or one that is shared.

        The import system notes a loaded module in its package. But a whole package often has
        something else under that name: `get_agent_pool` is a module, and the function in it.
        """
        if name in _SHARED or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Import what the package's own modules share; for anything else run the package."""
        if name in _SHARED:
            return import_module(f"{self.__name__}.{name}")
        return getattr(_whole(self), name)

    def __dir__(self) -> list[str]:
        """Return the names of the whole package."""
        return dir(_whole(self))


def _whole(package: _InParts) -> ModuleType:
    """Return the same package after it has run."""
    package.__class__ = ModuleType  # type: ignore[assignment] # a class of modules is a class
    module: ModuleType = package
    spec = module.__spec__
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module)
    start = f"{module.__name__}."
    for name, loaded in [*sys.modules.items()]:
        head, _, part = name.rpartition(".")
        if f"{head}." == start and part not in vars(module):
            setattr(module, part, loaded)
    return module


def alone(module: str, name: str) -> Any:
    """Return what a module of an SDK's package defines, without the other modules of the package.

    Where the package is loaded already, or has no such module, it is asked as usual.

    Args:
        module: the module, as in `pulumi_azure_native.resources.resource_group`.
        name: what it and the package define, as in `ResourceGroup`.
    """
    package = module.rpartition(".")[0]
    import_module(package.partition(".")[0])
    waiting = sys.modules.get(package)
    # Its class is asked for without the package: that would load it.
    if type(waiting).__name__ == "_LazyModule":
        object.__setattr__(waiting, "__class__", _InParts)
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as missing:
        if missing.name != module:
            raise
        return getattr(import_module(package), name)
