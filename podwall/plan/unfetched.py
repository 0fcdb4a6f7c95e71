"""Files on the network that a program's `ConfigFile` or `ConfigGroup` would fetch: named, not read.

The first version of these components reads its files in the program. Nothing is asked on the
network for a plan, and a server that is away would take the whole plan with it.
https://www.pulumi.com/registry/packages/kubernetes/api-docs/yaml/configfile/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final

from podwall.plan.stand_ins import Decisions
from podwall.policies.errors import Place

__all__ = ["Unfetched"]

_COMPONENTS: Final = ("kubernetes:yaml:ConfigFile", "kubernetes:yaml:ConfigGroup")
_READER: Final = "_read_url"


@dataclass(slots=True)
class Unfetched:
    """What is not fetched, with the program's line, for as long as `withheld` is entered."""

    lines: Decisions
    found: list[tuple[Place, str]] = field(default_factory=list)
    _plain: list[tuple[dict[str, Any], Any]] = field(default_factory=list)

    @contextmanager
    def withheld(self) -> Iterator[None]:
        """Give the SDK its own reader back at the end of the body."""
        try:
            yield
        finally:
            for names, reader in self._plain:
                names[_READER] = reader

    def before(self, kind: str, resource: object) -> None:
        """Keep a component of this type from fetching, before it reads its files.

        What its own code calls is replaced, wherever that is: an SDK that imports its modules when
        they are first used may have a second one of the same name.
        """
        for names in _globals(resource) if kind in _COMPONENTS else ():
            reader = names.get(_READER)
            if reader is not None and reader != self._read:
                self._plain.append((names, reader))
                names[_READER] = self._read

    def _read(self, url: str) -> str:
        self.found.append((self.lines.line(), url))
        return ""


def _globals(resource: object) -> Iterator[dict[str, Any]]:
    """Yield the names that the constructors of a resource see; a program may derive a class."""
    for each in type(resource).__mro__:
        constructor = vars(each).get("__init__")
        if isinstance(constructor, FunctionType):
            yield constructor.__globals__
