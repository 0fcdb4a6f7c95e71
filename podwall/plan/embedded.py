"""Plan a stack in this process, on Pulumi's own mocks; or say in one message why that failed.

Python says what went wrong in its own words: an operator that an `Output` does not have, a class
that takes no such argument. What is meant is nearly always one of a few things, which are told here
by the type of the exception, its text, and where it was raised. Anything else stays as Python says
it.

https://www.pulumi.com/docs/iac/concepts/inputs-outputs/
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, Final, NamedTuple

from pulumi import RunError

from podwall.plan.answers import Unfetched
from podwall.plan.autonaming import Autonaming
from podwall.plan.charts import Build, not_built
from podwall.plan.configuration import GivenConfiguration, configuration, place_in_files
from podwall.plan.engine import PlanningEngine, PlanningMonitor
from podwall.plan.masking import masked
from podwall.plan.messages import (
    decision_findings,
    is_program,
    known_by,
    later_findings,
    log_findings,
    raise_first,
    relative_path,
    unfetched_findings,
    warning_findings,
)
from podwall.plan.model import Plan
from podwall.plan.program import Run, SkippedCallbacks, own_process, run_program
from podwall.plan.project import read_project, stack_file
from podwall.plan.providers import default_provider
from podwall.plan.stand_ins import Decisions
from podwall.policies.errors import Place, PodwallError, SourceError
from podwall.secret_words import SecretWords, environment_secrets
from podwall.streams import hide

__all__ = [
    "StoppedProgram",
    "embedded_plan",
    "failure",
    "reason_of",
]


class StoppedProgram(NamedTuple):
    """Why a program stopped, and what to do."""

    message: str
    help: str


def reason_of(problem: BaseException) -> StoppedProgram | None:
    """Return why an exception stopped a program, None where only its own words tell.

    >>> text = 'can only concatenate str (not "Output") to str'
    >>> print(reason_of(TypeError(text)).message.partition(" (")[0])
    an output is used as if its value were there already
    """
    return next(filter(None, (read(problem) for read in _READERS)), None)


def _output(problem: BaseException) -> StoppedProgram | None:
    text = str(problem)
    if not isinstance(problem, TypeError) or not re.search(r"\bOutput\b", text):
        return None
    return StoppedProgram(
        f"an output is used as if its value were there already (`TypeError`: {_line(text)})",
        "compute with it inside `.apply`, or with `pulumi.Output.concat`, `format` or `json_dumps`",
    )


_ARGUMENT: Final = re.compile(
    r"(?:(\w+)\.)?_*\w*init(?:__)?\(\) got an unexpected keyword argument '(\w+)'"
)


def _argument(problem: BaseException) -> StoppedProgram | None:
    found = _ARGUMENT.match(str(problem)) if isinstance(problem, TypeError) else None
    package = _package_of(found[1] or "") if found else None
    if found is None or package is None:
        return None
    return StoppedProgram(f"`{found[1]}` takes no `{found[2]}` in {_release(package)}", _PINNED)


def _package_of(name: str) -> str | None:
    """Return the Pulumi package that has a class of this name."""
    for module, loaded in [*sys.modules.items()]:
        package = module.partition(".")[0]
        if package.startswith("pulumi_") and name in object.__getattribute__(loaded, "__dict__"):
            return package
    return None


_MISSING: Final = (
    re.compile(r"module '(pulumi_\w+)((?:\.\w+)*)' has no attribute '(\w+)'"),
    re.compile(r"cannot import name '(?P<name>\w+)' from '(pulumi_\w+)((?:\.\w+)*)'"),
    re.compile(r"No module named '(pulumi_\w+)\.([\w.]+)'"),
)


def _missing(problem: BaseException) -> StoppedProgram | None:
    """Return that the installed release of a package lacks what the program wants."""
    if not isinstance(problem, AttributeError | ImportError):
        return None
    attribute, imported, module = (each.match(str(problem)) for each in _MISSING)
    if attribute:
        package, path = attribute[1], f"{attribute[2]}.{attribute[3]}"
    elif imported:
        package, path = imported[2], f"{imported[3]}.{imported['name']}"
    elif module and _installed(module[1]):
        package, path = module[1], module[2]
    else:
        return None
    return StoppedProgram(f"there is no `{path.lstrip('.')}` in {_release(package)}", _PINNED)


_PINNED: Final = "install the release that the program pins where podwall runs"


def _release(package: str) -> str:
    found = _installed(package)
    return f"`{package}` {found}" if found else f"`{package}`"


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _property(problem: BaseException) -> StoppedProgram | None:
    found = re.match(r"Missing required property '(\w+)'", str(problem))
    if found is None or not isinstance(problem, TypeError):
        return None
    return StoppedProgram(
        f"a resource lacks its property `{found[1]}`", "give it where the resource is made"
    )


def _variable(problem: BaseException) -> StoppedProgram | None:
    """Return that a variable of the environment is not set, which is another key than others."""
    frames = traceback.extract_tb(problem.__traceback__)
    if not isinstance(problem, KeyError) or not frames or not problem.args:
        return None
    if Path(frames[-1].filename).name not in {"os.py", "<frozen os>"}:
        return None
    name = problem.args[0]
    return StoppedProgram(
        f"the environment variable `{name}` is not set", f"set it: `export {name}=VALUE`"
    )


def _command(problem: BaseException) -> StoppedProgram | None:
    """Return that another command failed; its arguments are not shown, which may be secret."""
    if isinstance(problem, CalledProcessError):
        parts = problem.cmd if isinstance(problem.cmd, list | tuple) else str(problem.cmd).split()
        name = Path(str(next(iter(parts), ""))).name
        return StoppedProgram(
            f"the program runs `{name}`, which ended with {problem.returncode}", _ELSEWHERE
        )
    frames = traceback.extract_tb(problem.__traceback__)
    started = any(Path(each.filename).name == "subprocess.py" for each in frames)
    if isinstance(problem, FileNotFoundError) and started:
        name = Path(str(problem.filename)).name
        return StoppedProgram(f"the program runs `{name}`, which is not on the PATH", _ELSEWHERE)
    return None


_ELSEWHERE: Final = "take what it answers from the stack's configuration, which a plan has"


def _file(problem: BaseException) -> StoppedProgram | None:
    if not isinstance(problem, FileNotFoundError) or problem.filename is None:
        return None
    return StoppedProgram(
        f"there is no `{problem.filename}`",
        "a relative path begins at the folder of the program; what a build makes is made first",
    )


_NETWORK: Final = frozenset(
    {"ConnectionError", "ConnectTimeout", "URLError", "gaierror", "SSLError"}
)


def _network(problem: BaseException) -> StoppedProgram | None:
    kinds = {each.__name__ for each in type(problem).__mro__}
    if not kinds & _NETWORK:
        return None
    return StoppedProgram(
        f"the program asks a server, and gets no answer (`{type(problem).__name__}`)", _ELSEWHERE
    )


_READERS: Final[tuple[Callable[[BaseException], StoppedProgram | None], ...]] = (
    _output,
    _argument,
    _missing,
    _property,
    _variable,
    _command,
    _file,
    _network,
)


def _line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "").rstrip(".")


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
    build: Build = not_built,
) -> Plan:
    """Return what the program in `folder` would deploy as `stack`, the first time.

    The program runs in this process as it does under `pulumi preview`; what only the cloud could
    tell is `Unknown`. `config` overrides configuration by key; a plain mapping has no secrets.
    `build` builds the charts and kustomizations that the program names beside it; without it they
    are named as unseen.

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
    naming = Autonaming(project.name, stack, settled.values)
    default = default_provider(settled.values, settled.secret_keys)
    run = Run(
        project=project.name,
        stack=stack,
        folder=project.folder,
        main=project.main,
        config=settled.values,
        secret_keys=settled.secret_keys,
        monitor=PlanningMonitor(project.folder, naming, _hiding(secrets, known), build, default),
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
    run.monitor.name_what_waits()
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
