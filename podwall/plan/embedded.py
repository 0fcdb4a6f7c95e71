"""Plan a stack in this process, on Pulumi's own mocks; or say in one message why that failed."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pulumi import RunError

from podwall.plan.autonaming import Autonaming
from podwall.plan.configuration import GivenConfiguration, configuration, place_in_files
from podwall.plan.engine import PlanningEngine, PlanningMonitor
from podwall.plan.masking import masked
from podwall.plan.messages import (
    decision_findings,
    known_by,
    later_findings,
    log_findings,
    raise_first,
    unfetched_findings,
    warning_findings,
)
from podwall.plan.model import Plan
from podwall.plan.program import Run, own_process, run_program
from podwall.plan.program_lines import is_program, relative_path
from podwall.plan.project import read_project, stack_file
from podwall.plan.providers import default_provider
from podwall.plan.reasons import reason_of
from podwall.plan.skipped_callbacks import SkippedCallbacks
from podwall.plan.stand_ins import Decisions
from podwall.plan.unfetched import Unfetched
from podwall.policies.errors import Place, PodwallError, SourceError
from podwall.secret_words import SecretWords, environment_secrets
from podwall.streams import hide

__all__ = ["embedded_plan", "failure"]


def failure(
    problem: BaseException, main: Path, folder: Path, unknown: Sequence[str] = ()
) -> PodwallError:
    """Return what stopped the program `main` of the project in `folder`, with its line if known.

    An error of podwall's own, wherever it lies in the chain of causes, is the message. `unknown` is
    what the program was given stand-ins for: one of them may be why.
    """
    chain = list(_chain(problem))
    ours = [cause for cause in chain if isinstance(cause, PodwallError)]
    # What is also a `RunError` has help and place folded into one line, for Pulumi's own screen.
    plain = [cause for cause in ours if not isinstance(cause, RunError)]
    cause = next(iter(plain or ours or chain))
    lines = (_place(one, folder) for one in (cause, *chain))
    place = next(filter(None, lines), Place(relative_path(main, folder)))
    if isinstance(cause, PodwallError):
        return _placed(cause, place)
    return SourceError(_message(cause), help=_help(cause, unknown), place=place)


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """Yield a problem and what it holds and was caused by, outermost first, each once.

    A program can raise an error from itself, and older releases of Pulumi do.
    """
    seen: list[BaseException] = []
    waiting = [problem]
    while waiting:
        first = waiting.pop(0)
        if any(first is each for each in seen):
            continue
        seen.append(first)
        yield first
        inner = first.exceptions if isinstance(first, BaseExceptionGroup) else ()
        waiting[:0] = [each for each in (*inner, first.__cause__) if each is not None]


def _place(problem: BaseException, folder: Path) -> Place | None:
    """Return the innermost line of the program that `problem` came through."""
    frames = [(f.filename, f.lineno) for f in traceback.extract_tb(problem.__traceback__)]
    if isinstance(problem, SyntaxError) and problem.filename:
        frames.append((problem.filename, problem.lineno))
    for name, line in reversed(frames):
        path = Path(name)
        if is_program(path, folder):
            return Place(relative_path(path, folder), line)
    return None


def _placed(problem: PodwallError, place: Place) -> PodwallError:
    """Return the same error, at the program's line where it names no source itself."""
    if not problem.place.source:
        problem.place = Place(place.source, place.line, problem.place.path)
    return problem


def _message(problem: BaseException) -> str:
    text = next(iter(str(problem).strip().splitlines()), "").rstrip(".")
    match problem:
        case SyntaxError():
            return f"the program is not Python: {problem.msg}"
        case SystemExit():
            return f"the program stopped with exit code {problem.code or 0}"
        case _ if key := getattr(problem, "key", None):
            return _about_config(problem, str(key))
        case RunError():
            return text[:1].lower() + text[1:]
        case _ if reason := reason_of(problem):
            return reason.message
        case _:
            return f"the program raised `{type(problem).__name__}`" + (f": {text}" if text else "")


def _about_config(problem: BaseException, key: str) -> str:
    """Say what Pulumi's own two configuration errors say, in our words and without the value."""
    expected = getattr(problem, "expect_type", None)
    return f"`{key}` is not of type `{expected}`" if expected else f"`{key}` is not set"


def _help(problem: BaseException, unknown: Sequence[str]) -> str:
    if reason := reason_of(problem):
        return reason.help
    if isinstance(problem, ModuleNotFoundError):
        return f"install `{problem.name}` in the environment that podwall runs in"
    if key := getattr(problem, "key", None):
        return f"set it: `pulumi config set {key} VALUE`, or give it: `--config {key}=VALUE`"
    if isinstance(problem, SyntaxError):
        return ""
    if unknown:
        cause = unknown[-1]
        return f"perhaps because {cause}, is not known here: {known_by(cause)}"
    return "see where with --debug"


def embedded_plan(
    folder: Path,
    stack: str,
    config: GivenConfiguration | Mapping[str, Any] | None = None,
) -> Plan:
    """Return what the program in `folder` would deploy as `stack`, the first time.

    The program runs in this process as it does under `pulumi preview`; what only the cloud could
    tell is `Unknown`. `config` overrides configuration by key; a plain mapping has no secrets.

    Raises:
        SourceError: project, stack or configuration can't be read, or the program fails.
        PodwallError: what the program itself raised, if it is an error of ours.
    """
    project = read_project(folder)
    file = stack_file(project.folder, stack)
    given = config if isinstance(config, GivenConfiguration) else GivenConfiguration(config or {})
    settled = configuration(project, file, given)
    known = [*environment_secrets(os.environ), *settled.secret_texts()]
    secrets = SecretWords()
    decisions = Decisions(project.folder)
    run = Run(
        project=project.name,
        stack=stack,
        folder=project.folder,
        main=project.main,
        config=settled.values,
        secret_keys=settled.secret_keys,
        monitor=PlanningMonitor(
            project.folder,
            Autonaming(project.name, stack, settled.values),
            _hiding(secrets, known),
        ),
        engine=PlanningEngine(),
        decisions=decisions,
        skipped=SkippedCallbacks(project.folder),
        unfetched=Unfetched(decisions),
        answers=settled.answers,
        environments=settled.environments,
    )
    try:
        plan = _plan(run)
    except PodwallError as problem:
        problem.place = place_in_files(problem.place, file, project, given)
        problem.message = secrets.masked(problem.message)
        raise
    warnings = tuple(replace(each, message=secrets.masked(each.message)) for each in plan.warnings)
    return masked(replace(plan, warnings=warnings), SecretWords(known))


def _hiding(secrets: SecretWords, known: Iterable[str]) -> Callable[[Iterable[str]], None]:
    """Return what is given the secrets of a program as they come up, after those known before."""

    def learn(texts: Iterable[str]) -> None:
        listed = list(texts)
        secrets.learn(listed)
        hide(listed)

    learn(known)
    return learn


def _plan(run: Run) -> Plan:
    planned = run.monitor.planned
    with own_process(run.main.parent) as given:
        try:
            run_program(run)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever a program raises
            reason = failure(problem, run.main, run.folder, [*run.decisions.causes])
            raise reason from (problem if reason.__traceback__ is None else None)
    raise_first(run.engine.errors, planned)
    messages = log_findings(run.engine.messages, planned)
    warned = warning_findings(given, run.folder)
    unseen = (
        *decision_findings(run.decisions.noted),
        *later_findings(run.skipped.made_later()),
        *unfetched_findings(run.unfetched.found),
    )
    return Plan(
        project=run.project,
        stack=run.stack,
        resources=tuple(planned.values()),
        outputs=run.monitor.outputs,
        warnings=(*messages, *warned, *unseen),
        default_provider=default_provider(run.config, run.secret_keys),
    )
