"""What a test is about: a program, a stack, its configuration and an engine, each planned once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from podwall.plan.project import find_project
from podwall.policies.errors import InvalidValue, SourceError
from podwall.policies.wording import did_you_mean
from podwall.testing.programs import plan_of_program, reach_of_plan, reach_of_source

if TYPE_CHECKING:
    from podwall.plan import Plan
    from podwall.testing.reach import Reach

__all__ = ["Chosen", "Planned"]

_NAMES: Final = ("folder", "stack", "config", "engine", "source")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is analysed: the program in `folder`, or the manifests or the preview at `source`.

    Without either it is the program of the nearest `Pulumi.yaml` above the test in `start`, else
    above `root`, pytest's root folder.
    """

    start: Path
    root: Path
    folder: Path | None = None
    source: Path | None = None
    stack: str | None = None
    engine: str | None = None
    config: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def but(self, choices: Mapping[str, Any], *, seen_from: Path | None = None) -> Chosen:
        """Return the same with some choices made; configuration is added, key by key.

        Relative paths begin at `seen_from`, by default at the test's folder.

        Raises:
            InvalidValue: there is no such choice.
        """
        for name in choices:
            if name not in _NAMES:
                raise _no_such_choice(name)
        made = dict(choices)
        for path in {"folder", "source"} & made.keys():
            made[path] = (seen_from or self.start) / made[path]
        if "folder" in made:
            made = {"source": None, **made}
        return replace(self, **{**made, "config": {**self.config, **(made.get("config") or {})}})

    def project(self) -> Path:
        """Return the folder of the Pulumi project that is meant.

        Raises:
            SourceError: there is none.
        """
        if self.folder is not None:
            return find_project(self.folder)
        try:
            return find_project(self.start)
        except SourceError:
            pass
        try:
            return find_project(self.root)
        except SourceError as problem:
            problem.help = 'say where it is: `@pytest.mark.podwall(folder="...")`'
            raise


def _no_such_choice(name: str) -> InvalidValue:
    return InvalidValue(
        f"`{name}` is nothing that podwall's fixtures take", help=did_you_mean(name, _NAMES)
    )


class Planned:
    """What was planned so far: each program once for each stack and configuration."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._reaches: dict[tuple[object, ...], Reach] = {}

    def reach(self, chosen: Chosen) -> Reach:
        """Return who reaches whom by what is chosen.

        Raises:
            PodwallError: it can't be read or planned.
        """
        if chosen.source is not None:
            of_source = (chosen.source.resolve(), chosen.engine)
            if of_source not in self._reaches:
                self._reaches[of_source] = reach_of_source(chosen.source, engine=chosen.engine)
            return self._reaches[of_source]
        folder = chosen.project()
        of_plan = (folder, chosen.stack, json.dumps(chosen.config, sort_keys=True, default=repr))
        if of_plan not in self._plans:
            self._plans[of_plan] = plan_of_program(folder, chosen.stack, chosen.config)
        of_reach = (*of_plan, chosen.engine)
        if of_reach not in self._reaches:
            self._reaches[of_reach] = reach_of_plan(self._plans[of_plan], folder, chosen.engine)
        return self._reaches[of_reach]
