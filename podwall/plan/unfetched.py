"""Files on the network that a program's `ConfigFile` or `ConfigGroup` would fetch: named, not read.

The first version of these components reads its files in the program. Nothing is asked on the
network for a plan, and a server that is away would take the whole plan with it.
https://www.pulumi.com/registry/packages/kubernetes/api-docs/yaml/configfile/
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    _plain: Any = None

    @contextmanager
    def withheld(self) -> Iterator[None]:
        """Give the SDK its own reader back at the end of the body."""
        try:
            yield
        finally:
            if self._plain is not None:
                setattr(self._module(), _READER, self._plain)

    def before(self, kind: str) -> None:
        """Keep a component of this type from fetching, before it reads its files."""
        if kind in _COMPONENTS and self._plain is None and hasattr(self._module(), _READER):
            self._plain = getattr(self._module(), _READER)
            setattr(self._module(), _READER, self._read)

    def _module(self) -> Any:
        return sys.modules.get("pulumi_kubernetes.yaml.yaml")

    def _read(self, url: str) -> str:
        self.found.append((self.lines.line(), url))
        return ""
