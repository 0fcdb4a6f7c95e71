"""Why an exception stopped a program, in Pulumi's terms, and what to do about it.

Python says what went wrong in its own words: an operator that an `Output` does not have, a class
that takes no such argument. What is meant is nearly always one of a few things, which are told here
by the type of the exception, its text, and where it was raised. Anything else stays as Python says
it.

https://www.pulumi.com/docs/iac/concepts/inputs-outputs/
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import CalledProcessError
from typing import Final, NamedTuple

__all__ = ["StoppedProgram", "reason_of"]


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
