"""Say in one message why a program could not be planned."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from pulumi import RunError

from podwall.plan.place import is_program, shown
from podwall.policies.errors import Place, PodwallError, SourceError

__all__ = ["failure"]


def failure(
    problem: BaseException, main: Path, folder: Path, unanswered: Sequence[str] = ()
) -> PodwallError:
    """Return what stopped the program `main` of the project in `folder`, with its line if known.

    An error of podwall's own, wherever it lies in the chain of causes, is the message. `unanswered`
    are the provider functions that only the cloud could answer: they may be why.
    """
    chain = list(_chain(problem))
    ours = [cause for cause in chain if isinstance(cause, PodwallError)]
    # What is also a `RunError` has help and place folded into one line, for Pulumi's own screen.
    plain = [cause for cause in ours if not isinstance(cause, RunError)]
    cause = next(iter(plain or ours or chain))
    lines = (_place(one, folder) for one in (cause, *chain))
    place = next(filter(None, lines), Place(shown(main, folder)))
    if isinstance(cause, PodwallError):
        return _placed(cause, place)
    return SourceError(_message(cause), help=_help(cause, unanswered), place=place)


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """Yield a problem and what it holds and was caused by, outermost first."""
    yield problem
    inner = problem.exceptions if isinstance(problem, BaseExceptionGroup) else ()
    for cause in (*inner, problem.__cause__):
        if cause is not None:
            yield from _chain(cause)


def _place(problem: BaseException, folder: Path) -> Place | None:
    """Return the innermost line of the program that `problem` came through."""
    frames = [(f.filename, f.lineno) for f in traceback.extract_tb(problem.__traceback__)]
    if isinstance(problem, SyntaxError) and problem.filename:
        frames.append((problem.filename, problem.lineno))
    for name, line in reversed(frames):
        path = Path(name)
        if is_program(path, folder):
            return Place(shown(path, folder), line)
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
        case _:
            return f"the program raised `{type(problem).__name__}`" + (f": {text}" if text else "")


def _about_config(problem: BaseException, key: str) -> str:
    """Say what Pulumi's own two configuration errors say, in our words and without the value."""
    expected = getattr(problem, "expect_type", None)
    return f"`{key}` is not of type `{expected}`" if expected else f"`{key}` is not set"


def _help(problem: BaseException, unanswered: Sequence[str]) -> str:
    if isinstance(problem, ModuleNotFoundError):
        return f"install `{problem.name}` in the environment that podwall runs in"
    if key := getattr(problem, "key", None):
        return f"set it: `pulumi config set {key} VALUE`"
    if unanswered:
        tokens = ", ".join(f"`{token}`" for token in dict.fromkeys(unanswered))
        return f"without an account there is no answer to {tokens}; use the `_output` form of it"
    return "" if isinstance(problem, SyntaxError) else "see where with --debug"
