"""Plan a stack in this process, on Pulumi's own mocks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podwall.plan.configuration import configuration, place_in_files
from podwall.plan.engine import PlanningEngine
from podwall.plan.failure import failure
from podwall.plan.model import Plan
from podwall.plan.monitor import PlanningMonitor
from podwall.plan.program import Run, run_program
from podwall.plan.project import read_project, stack_file
from podwall.plan.said import findings_of_log, findings_of_warnings, refuse
from podwall.plan.surroundings import surroundings
from podwall.policies.errors import PodwallError

__all__ = ["embedded_plan"]


def embedded_plan(
    folder: Path,
    stack: str,
    config: Mapping[str, Any] | None = None,
) -> Plan:
    """Return what the program in `folder` would deploy as `stack`, the first time.

    The program runs in this process as it does under `pulumi preview`; what only the cloud could
    tell is `Unknown`. `config` overrides configuration by key.

    Raises:
        SourceError: project, stack or configuration can't be read, or the program fails.
        PodwallError: what the program itself raised, if it is an error of ours.
    """
    project = read_project(folder)
    file = stack_file(project.folder, stack)
    settled = configuration(project, file, config)
    run = Run(
        project=project.name,
        stack=stack,
        folder=project.folder,
        main=project.main,
        config=settled.values,
        secret_keys=settled.secret_keys,
        monitor=PlanningMonitor(project.folder, stack, project.name),
        engine=PlanningEngine(),
    )
    try:
        return _plan(run)
    except PodwallError as problem:
        problem.place = place_in_files(problem.place, file, project)
        raise


def _plan(run: Run) -> Plan:
    planned = run.monitor.planned
    with surroundings(run.main.parent) as given:
        try:
            run_program(run)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever a program raises
            reason = failure(problem, run.main, run.folder, run.monitor.unanswered)
            raise reason from (problem if reason.__traceback__ is None else None)
    refuse(run.engine.errors, planned)
    said = findings_of_log(run.engine.said, planned)
    warned = findings_of_warnings(given, run.folder)
    return Plan(
        project=run.project,
        stack=run.stack,
        resources=tuple(planned.values()),
        outputs=run.monitor.outputs,
        warnings=(*said, *warned),
    )
