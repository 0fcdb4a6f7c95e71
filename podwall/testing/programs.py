"""From a program or a source to the reach that a test asks; each is planned and read only once."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from podwall.on_demand import needing
from podwall.plan.project import find_project
from podwall.policies.errors import Finding, InvalidManifest, InvalidValue, SourceError
from podwall.policies.wording import did_you_mean
from podwall.quick_dataclass import dataclass
from podwall.reading.ledger import UNREAD_KIND
from podwall.review import Review, review
from podwall.sources import (
    ManifestOptions,
    Source,
    in_cluster,
    source_of_program,
    sources,
)
from podwall.sources.rendering import objects_of
from podwall.testing.reach import Reach

if TYPE_CHECKING:
    from podwall.plan import Plan

__all__ = [
    "AnalysisSubject",
    "PlanCache",
    "UnseenObjects",
    "plan_of_program",
    "reach_of_plan",
    "reach_of_program",
    "reach_of_source",
]


class UnseenObjects(UserWarning):
    """The program brings objects that a plan can't show, so that verdicts may miss something."""


def reach_of_program(  # noqa: PLR0913 - named choices, each with a default
    folder: str | Path = ".",
    *,
    stack: str | None = None,
    config: Mapping[str, Any] | None = None,
    engine: str | None = None,
    cluster: str | None = None,
    closed: bool = False,
    accept_unread: Iterable[str] = (),
) -> Reach:
    """Return who reaches whom once the Pulumi program in a folder is deployed.

    The program is planned in this process, on Pulumi's mocks, without an account or a cloud.

    Args:
        folder: the project's folder, or one below it.
        stack: the stack; by default `dev`, or the only one.
        config: what overrides the stack's configuration, by key; a key without a namespace is the
            project's own.
        engine: the network policy engine; by default the one that the program's cluster declares.
        cluster: the cluster that is meant, by its provider or its AKS cluster, where the program
            deploys to several.
        closed: whether the program deploys all that there is in the cluster; by default there may
            be other pods, and what admits these is open.
        accept_unread: kinds of objects that need not be read, such as `Chart`.

    Raises:
        SourceError: project, stack or configuration can't be read, or the program fails.
        InvalidManifest: the API server would refuse an object of the program.
        InvalidValue: there is no such engine or cluster, or there are several clusters.
    """
    from podwall.plan.project import find_project  # noqa: PLC0415 - manifests need no Pulumi

    project = find_project(Path(folder))
    plan = plan_of_program(project, stack, config)
    choices = SourceChoices(cluster, closed, tuple(accept_unread))
    return reach_of_plan(plan, project, engine, choices)


@dataclass(frozen=True, slots=True)
class SourceChoices:
    """What a test chooses of a source: its cluster, if it is whole, and what may be unread."""

    cluster: str | None = None
    closed: bool = False
    accept_unread: tuple[str, ...] = ()

    def of(self, found: Source) -> Source:
        """Return a source with what is chosen."""
        chosen = in_cluster(found, self.cluster) if self.cluster else found
        return replace(chosen, closed=self.closed, acknowledged=frozenset(self.accept_unread))


_NO_CHOICE: Final = SourceChoices()


def plan_of_program(project: Path, stack: str | None, config: Mapping[str, Any] | None) -> Plan:
    """Return the plan of the project in a folder."""
    with needing("pulumi", "planning a program"):
        from podwall.plan.embedded import embedded_plan  # noqa: PLC0415 - manifests need no Pulumi
    from podwall.plan.project import default_stack  # noqa: PLC0415 - as above

    plan = partial(embedded_plan, project, stack or default_stack(project), config, objects_of)
    return _apart(plan) if _is_in_loop() else plan()


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _apart(plan: partial[Plan]) -> Plan:
    """Plan in a thread of its own: an asynchronous test has the loop of this one."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(plan).result()


def reach_of_plan(
    plan: Plan, project: Path, engine: str | None, choices: SourceChoices = _NO_CHOICE
) -> Reach:
    """Return who reaches whom once the plan of a project, which is a folder, is deployed."""
    found = review(choices.of(source_of_program(plan, project)), engine)
    engine_name = found.reachability.engine.name
    of_cluster = f", cluster {choices.cluster}" if choices.cluster else ""
    about = f"stack {plan.stack} of {plan.project}{of_cluster}, engine {engine_name}"
    return _reach(found, about, found.plan if choices.cluster else plan, project)


def reach_of_source(
    *paths: str | Path,
    engine: str | None = None,
    cluster: str | None = None,
    closed: bool = False,
    namespace: str | None = None,
    accept_unread: Iterable[str] = (),
) -> Reach:
    """Return who reaches whom by manifests (a file or a folder), a preview's JSON, or a state.

    Args:
        paths: where to read; several are one cluster.
        engine: the network policy engine; by default the one that the source declares.
        cluster: the cluster that is meant, where a stack deploys to several.
        closed: whether the source shows all that there is in the cluster; by default there may be
            other pods, and what admits these is open.
        namespace: where objects of manifests belong that name none; by default `default`.
        accept_unread: kinds of objects that need not be read, such as `HelmRelease`.

    Raises:
        SourceError: nothing could be read there.
        InvalidManifest: the API server would refuse an object.
        InvalidValue: there is no such engine, cluster or namespace, there are several clusters, or
            no path is given.
    """
    if not paths:
        raise InvalidValue("no source is given", help='as in `reach_of_source("manifests/")`')
    choices = SourceChoices(cluster, closed, tuple(accept_unread))
    read = sources([str(each) for each in paths], ManifestOptions(namespace))
    found = review(choices.of(read), engine)
    about = f"{found.source.name}, engine {found.reachability.engine.name}"
    return _reach(found, about)


def _reach(found: Review, about: str, plan: Plan | None = None, project: Path = Path()) -> Reach:
    _refuse(found.refused)
    _warn_of_unseen(found.reading_findings)
    return Reach(found.reachability, plan, lambda: found.findings, found.locate, project, about)


def _refuse(refused: Iterable[Finding]) -> None:
    """Raise the first of what the API server refuses: a verdict could depend on what is missing."""
    for first in refused:
        raise InvalidManifest(first.message, help=first.help, place=first.place)


def _warn_of_unseen(findings: Iterable[Finding]) -> None:
    for each in findings:
        if each.id in _UNSEEN:
            where = f"{each.place}: " if str(each.place) else ""
            warnings.warn(f"{where}{each.message}", UnseenObjects, stacklevel=5)


_UNSEEN: Final = frozenset({"brings-objects", "unseen-objects", UNREAD_KIND})
_NAMES: Final = (
    "folder",
    "stack",
    "config",
    "engine",
    "cluster",
    "source",
    "closed",
    "namespace",
    "accept_unread",
)


@dataclass(frozen=True, slots=True)
class AnalysisSubject:
    """What is analysed: the program in `folder`, or the manifests or the preview at `source`.

    `source` are one or several paths. Without either it is the program of the nearest `Pulumi.yaml`
    above the test in `start`, else above `root`, pytest's root folder.
    """

    start: Path
    root: Path
    folder: Path | None = None
    source: tuple[Path, ...] = ()
    stack: str | None = None
    engine: str | None = None
    cluster: str | None = None
    closed: bool = False
    namespace: str | None = None
    accept_unread: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def but(self, choices: Mapping[str, Any], *, seen_from: Path | None = None) -> AnalysisSubject:
        """Return the same with some choices made; configuration is added, key by key.

        Relative paths begin at `seen_from`, by default at the test's folder.

        Raises:
            InvalidValue: there is no such choice.
        """
        for name in choices:
            if name not in _NAMES:
                raise _no_such_choice(name)
        made = dict(choices)
        begin = seen_from or self.start
        if "folder" in made:
            made = {"source": (), **made, "folder": begin / made["folder"]}
        if made.get("source"):
            made["source"] = tuple(begin / each for each in _several(made["source"]))
        if "accept_unread" in made:
            made["accept_unread"] = tuple(_several(made["accept_unread"]))
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


def _several(given: Any) -> Iterable[Any]:
    """Return what is given as a list, or as the only element of one."""
    return (given,) if isinstance(given, str | Path) else given


def _no_such_choice(name: str) -> InvalidValue:
    return InvalidValue(
        f"`{name}` is nothing that podwall's fixtures take", help=did_you_mean(name, _NAMES)
    )


class PlanCache:
    """What was planned so far: each program once for each stack and configuration."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._reaches: dict[tuple[object, ...], Reach] = {}

    def reach(self, chosen: AnalysisSubject) -> Reach:
        """Return who reaches whom by what is chosen.

        Raises:
            PodwallError: it can't be read or planned.
        """
        choices = SourceChoices(chosen.cluster, chosen.closed, chosen.accept_unread)
        if chosen.source:
            paths = tuple(each.resolve() for each in chosen.source)
            of_source = (paths, chosen.engine, chosen.namespace, choices)
            if of_source not in self._reaches:
                self._reaches[of_source] = reach_of_source(
                    *chosen.source,
                    engine=chosen.engine,
                    cluster=chosen.cluster,
                    closed=chosen.closed,
                    namespace=chosen.namespace,
                    accept_unread=chosen.accept_unread,
                )
            return self._reaches[of_source]
        folder = chosen.project()
        of_plan = (folder, chosen.stack, json.dumps(chosen.config, sort_keys=True, default=repr))
        if of_plan not in self._plans:
            self._plans[of_plan] = plan_of_program(folder, chosen.stack, chosen.config)
        of_reach = (*of_plan, chosen.engine, choices)
        if of_reach not in self._reaches:
            plan = self._plans[of_plan]
            self._reaches[of_reach] = reach_of_plan(plan, folder, chosen.engine, choices)
        return self._reaches[of_reach]
