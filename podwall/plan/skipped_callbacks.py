"""Resources that a program makes only once a value is known: inside an `apply` that did not run.

A preview calls no callback of an output that is unknown, so that what one makes is in no plan.
Running it all the same could write files or ask servers. So its code is read instead: which
resource classes it, or a function of the program that it uses, names. What only its arguments tell
is not seen. https://www.pulumi.com/docs/iac/concepts/inputs-outputs/apply/
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

import pulumi

from podwall.plan.program_lines import is_program, relative_path
from podwall.policies.errors import Place

__all__ = ["SkippedCallbacks"]


@dataclass(slots=True)
class _Callback:
    function: FunctionType
    has_run: bool = False


@dataclass(frozen=True, slots=True)
class SkippedCallbacks:
    """The callbacks of the program in `folder`, and whether each has run."""

    folder: Path
    given: list[_Callback] = field(default_factory=list)

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
        return is_program(Path(code.co_filename), self.folder)

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
