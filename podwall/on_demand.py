"""Import on first use, and say which extra is missing where that fails.

`pip install podwall` brings the analysis of files. What needs Pulumi, the Azure SDK or pytest is in
the wheel as well, but is imported only when it is used, so that `import podwall` is quick and a
package that nobody asked for need not be there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

__all__ = ["needing", "on_first_use"]

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
