"""What a lint is: one thing that is worth knowing about a snapshot, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from podwall.lint.scene import Scene
from podwall.policies.errors import Place
from podwall.policies.findings import Finding, Severity

__all__ = ["Lint", "Said"]


class Said(NamedTuple):
    """What a lint says about one place; its own help and severity count where none is given."""

    place: Place
    message: str
    help: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Lint:
    """One lint: a stable `id`, how much it matters, what to do, and the source of the rule."""

    id: str
    severity: Severity
    check: Callable[[Scene], Iterator[Said]]
    help: str
    link: str = ""

    def findings(self, scene: Scene) -> Iterator[Finding]:
        """Yield the findings of this lint in a scene."""
        for place, message, help_, severity in self.check(scene):
            yield Finding(
                self.id,
                severity or self.severity,
                message,
                place,
                help_ or self.help,
                self.link,
            )
