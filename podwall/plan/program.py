"""Run a Pulumi program in this process, and leave no trace of it; see what it would make later.

A preview calls no callback of an output that is unknown, so that what one makes is in no plan.
Running it all the same could write files or ask servers. So its code is read instead: which
resource classes it, or a function of the program that it uses, names. What only its arguments tell
is not seen. https://www.pulumi.com/docs/iac/concepts/inputs-outputs/apply/

For as long as it runs, the program has the working directory, the module path, the modules and the
standard streams of a process of its own; afterwards everything is put back.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dis
import os
import runpy
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import field
from pathlib import Path
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, Final, ParamSpec, TypeVar

import pulumi
import pulumi.runtime
from pulumi.runtime.stack import register_stack_transformation

from podwall.plan.answers import Unfetched, answering, secrets_noted, unread_configuration
from podwall.plan.engine import PlanningEngine, PlanningMonitor
from podwall.plan.messages import is_program, relative_path
from podwall.plan.registration import is_other_version
from podwall.plan.sdk import settings, unknown_answers
from podwall.plan.stand_ins import Decisions
from podwall.policies.errors import Place
from podwall.quick_dataclass import dataclass
from podwall.streams import program_output

__all__ = [
    "Run",
    "SkippedCallbacks",
    "own_process",
    "run_program",
]


@dataclass(slots=True)
class _Callback:
    function: FunctionType
    has_run: bool = False


@dataclass(frozen=True, slots=True)
class SkippedCallbacks:
    """The callbacks of the program in `folder`, and whether each has run."""

    folder: Path
    given: list[_Callback] = field(default_factory=list)
    _own: dict[str, bool] = field(default_factory=dict)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the callbacks that the program gives to outputs for as long as the body runs."""
        plain = pulumi.Output.apply

        def apply(output: Any, func: Any, *rest: Any, **more: Any) -> Any:
            return plain(output, self._noted(func), *rest, **more)

        output: Any = pulumi.Output
        output.apply = apply
        try:
            yield
        finally:
            output.apply = plain

    def _noted(self, func: Any) -> Any:
        function = func.__func__ if isinstance(func, MethodType) else func
        if not isinstance(function, FunctionType) or not self._is_own(function.__code__):
            return func
        callback = _Callback(function)
        self.given.append(callback)

        def called(value: Any) -> Any:
            callback.has_run = True
            return func(value)

        return called

    def _is_own(self, code: CodeType) -> bool:
        known, name = self._own, code.co_filename  # a program has many callbacks in few files
        if name not in known:
            known[name] = is_program(Path(name), self.folder)
        return known[name]

    def made_later(self) -> Iterator[tuple[Place, tuple[str, ...]]]:
        """Yield the line of each callback that did not run, and the kinds of what it makes."""
        for each in self.given:
            kinds = () if each.has_run else tuple(sorted(_kinds(each.function, self._is_own)))
            if kinds:
                code = each.function.__code__
                path = relative_path(Path(code.co_filename), self.folder)
                yield Place(path, code.co_firstlineno), kinds


def _kinds(function: FunctionType, is_own: Callable[[CodeType], bool]) -> set[str]:
    """Return the names of the resource classes that a function names, or a function it names."""
    found: set[str] = set()
    seen: set[CodeType] = set()
    waiting = [(function.__code__, _names(function))]
    while waiting:
        code, names = waiting.pop()
        if code in seen:
            continue
        seen.add(code)
        waiting += [(each, names) for each in code.co_consts if isinstance(each, CodeType)]
        for value in _named(code, names):
            if isinstance(value, type) and issubclass(value, pulumi.Resource):
                found.add(value.__name__)
            for inner in _functions(value):
                if is_own(inner.__code__):
                    waiting.append((inner.__code__, _names(inner)))
    return found


def _functions(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, MethodType):
        value = value.__func__
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, type):
        yield from (each for each in vars(value).values() if isinstance(each, FunctionType))


def _names(function: FunctionType) -> dict[str, Any]:
    """Return what the names of a function's code mean: globals, and what it closes over."""
    names = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return names


_NAMES: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF"})
_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_NOTHING: Final = object()


def _named(code: CodeType, names: dict[str, Any]) -> Iterator[Any]:
    """Yield what each name, and each attribute of one, of the code stands for."""
    value: Any = _NOTHING
    for each in dis.get_instructions(code):
        if each.opname in _NAMES:
            value = names.get(each.argval, _NOTHING)
        elif each.opname in _ATTRIBUTES and value is not _NOTHING:
            value = _attribute(value, each.argval)
        elif each.opname == "IMPORT_FROM":
            value = _imported(code, each.argval)
        else:
            value = _NOTHING
        if value is not _NOTHING:
            yield value


def _attribute(value: Any, name: str) -> Any:
    # An attribute of an output would be another output, and another apply.
    return _NOTHING if isinstance(value, pulumi.Output) else getattr(value, name, _NOTHING)


def _imported(code: CodeType, name: str) -> Any:
    """Return what an import inside of the code brings, where it is loaded already."""
    modules = [sys.modules.get(each) for each in code.co_names]
    found = (getattr(module, name, _NOTHING) for module in modules if module is not None)
    return next((each for each in found if each is not _NOTHING), _NOTHING)


_KEPT = {*sys.stdlib_module_names, "__main__", "podwall", "pulumi"}


@contextlib.contextmanager
def own_process(folder: Path) -> Iterator[list[warnings.WarningMessage]]:
    """Run the body as if `folder` had a process of its own; yield the warnings given in it.

    As under Pulumi, `folder` is the working directory and comes first on the module path. What the
    program prints goes to the standard error stream: standard output is for results.
    """
    with (
        contextlib.chdir(folder),
        program_output() as output,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
        warnings.catch_warnings(record=True) as given,
        _modules_of(folder),
    ):
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        yield given


@contextlib.contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """Put `folder` first on the module path with its modules fresh, and forget them afterwards.

    A module of the program that is imported already, by a test of it for example, has read the
    configuration of another stack. It is put aside, and is the same as before afterwards.
    """
    hidden = _hide(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name, module in [*sys.modules.items()] if _is_own(module, folder)]:
            del sys.modules[name]
        sys.modules.update(hidden)


def _hide(folder: Path) -> dict[str, ModuleType]:
    """Take away the modules of the program, and those that its own stand in front of.

    In a process of its own, whatever the folder holds is found before anything installed. Only what
    Python itself brings and Pulumi's SDKs stay: they are imported before the program is.
    """
    loaded = {name.partition(".")[0] for name in sys.modules}
    shadowed = {name for name in loaded - _KEPT if _holds(folder, name)}
    names = [
        name
        for name, module in [*sys.modules.items()]
        if name.partition(".")[0] in shadowed or _is_own(module, folder)
    ]
    return {name: sys.modules.pop(name) for name in names}


def _holds(folder: Path, name: str) -> bool:
    """Return whether `import name` finds something in the folder."""
    package = folder / name
    return package.with_suffix(".py").is_file() or (
        package.is_dir() and next(package.glob("*.py"), None) is not None
    )


def _is_own(module: object, folder: Path) -> bool:
    """Return whether a module is the program's, and not of a library installed below its folder."""
    if not isinstance(module, ModuleType):
        return False
    # Asked in any other way, a module that is imported when it is first used would be so now: older
    # releases of `pulumi_azure_native` have hundreds of them.
    path = object.__getattribute__(module, "__dict__").get("__file__")
    # Of thousands of modules only those are looked at closer whose path has the folder's name.
    return path is not None and _has_name(path, folder) and is_program(Path(path), folder)


def _has_name(path: str, folder: Path) -> bool:
    return os.path.normcase(folder.name) in os.path.normcase(path)


P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """What a program is run with: its names, its configuration, and what stands for the engine.

    `answers` are those of the settings to what the program asks the cloud, `environments` those of
    Pulumi ESC that may set more configuration. `decisions`, `skipped` and `unfetched` are filled
    while the program runs.
    """

    project: str
    stack: str
    folder: Path
    main: Path
    config: Mapping[str, str]
    secret_keys: tuple[str, ...]
    monitor: PlanningMonitor
    engine: PlanningEngine
    decisions: Decisions
    skipped: SkippedCallbacks
    unfetched: Unfetched
    answers: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    environments: tuple[str, ...] = ()


def run_program(run: Run) -> None:
    """Run a program to its end, with all the work that it leaves for later.

    Pulumi keeps its state in context variables. The program gets a context and an event loop of
    its own, so that nothing of one plan is left for the next.
    """
    try:
        contextvars.Context().run(_run, run)
    finally:
        contextvars.Context().run(_forget)


def _run(run: Run) -> None:
    chosen = settings(
        project=run.project,
        stack=run.stack,
        monitor=run.monitor,
        engine=run.engine,
        dry_run=True,
        organization="organization",
        root_directory=str(run.folder),
    )
    pulumi.runtime.configure(chosen)
    pulumi.runtime.set_all_config(dict(run.config), list(run.secret_keys))
    with (
        _event_loop() as loop,
        unknown_answers(),
        answering(run.answers, run.decisions, run.monitor.built_by_function),
        unread_configuration(run.environments, run.decisions),
        run.skipped.watched(),
        secrets_noted(run.monitor.learn),
        run.unfetched.withheld(),
    ):
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _execute(run)))


def _forget() -> None:
    """Put back what the SDK's settings are outside of any program, as they are after its import.

    The first value that a setting gets in an empty context is its value in every other one.
    """
    settings(
        project="project",
        stack="stack",
        root_directory="root_directory",
        organization="organization",
    )


def _execute(run: Run) -> None:
    def note(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        run.monitor.note(args.type_, args.name, type(args.resource))
        run.unfetched.before(args.type_, args.resource)
        return pulumi.ResourceTransformationResult(args.props, _without_versions(args))

    register_stack_transformation(note)
    runpy.run_path(str(run.main), run_name="__main__")


def _without_versions(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceOptions:
    """Return a resource's options without the type under its other API versions as aliases.

    The Azure SDK gives a cluster some ninety of them, and the SDK computes a URN of each in five
    steps of the event loop: a tenth of a small plan, which leaves them out.
    """
    aliases = args.opts.aliases or ()
    kept = [each for each in aliases if not is_other_version(each, args.type_)]
    if len(kept) == len(aliases):
        return args.opts
    options = copy(args.opts)
    options.aliases = kept
    return options


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Yield a loop that does everything in this thread, and leave no task behind.

    The SDK sends each request from a pool of threads, in no certain order. A plan has an order.
    """
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_SameThread())
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        yield loop
        loop.run_until_complete(asyncio.sleep(0))
    except BaseException:
        # What the program has asked for already names its secrets, which the error may repeat.
        loop.run_until_complete(_go_on())
        raise
    finally:
        loop.run_until_complete(_cancel_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


_TURNS: Final = 100


async def _go_on() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def _cancel_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _SameThread(ThreadPoolExecutor):
    """Does each piece of work at once, where it is handed in."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the finished work."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as problem:  # noqa: BLE001 - kept for whoever asks for the result
            future.set_exception(problem)
        return future
