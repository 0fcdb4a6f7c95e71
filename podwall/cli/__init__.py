"""The command line: it parses and calls, and decides nothing by itself."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from podwall.cli.commands import COMMANDS, COMPLETE
from podwall.cli.parser import parsed, settings_near
from podwall.secret_words import environment_secrets
from podwall.streams import hide, write_error, write_output, write_traceback

if TYPE_CHECKING:
    from podwall.policies.errors import PodwallError

__all__ = ["main"]


_INTERRUPTED: Final = 130
_OF_NO_SOURCE: Final = frozenset({"walkthrough", "watch"})
_LISTS: Final = "`podwall reach`"
_REPORT: Final = "this is a defect of podwall: please report it, with what --debug shows"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    hide(environment_secrets(os.environ))
    typed = list(sys.argv[1:] if arguments is None else arguments)
    if typed[:1] == [COMPLETE] and typed[1:]:
        return _complete(typed[1:])
    return _done(parsed(COMMANDS, arguments), arguments)


def _complete(asked: Sequence[str]) -> int:
    """Print what may stand where a word is typed."""
    from podwall.cli.completion import proposals  # noqa: PLC0415 - only a shell asks

    write_output(f"{each}\n" for each in proposals(COMMANDS, asked))
    return 0


def _done(options: Namespace, arguments: Sequence[str] | None) -> int:
    """Do what a command is asked for; help has ended the process before anything is imported."""
    from podwall.cli.typed_options import refuse_idle_options  # noqa: PLC0415 - as above
    from podwall.exit_code import ExitCode  # noqa: PLC0415 - as above

    try:
        options = _with_settings(options, arguments)
        refuse_idle_options(options)
        return int(options.command.run(options))
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has stopped
        sys.stdout = None
        return ExitCode.FINE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as problem:  # noqa: BLE001 - a crash must not look like a finding
        if options.debug:
            write_traceback(problem)
        write_error(_known(problem, options))
        return ExitCode.BAD_INPUT


def _with_settings(options: Namespace, arguments: Sequence[str] | None) -> Namespace:
    """Return the options with those that a file of this folder sets."""
    path = settings_near(Path.cwd())
    if path is None or not options.command.is_set_by_files:
        return options
    from podwall.cli.settings_file import defaults_of, settings_in  # noqa: PLC0415 - few have one

    defaults = defaults_of(settings_in(path), options.command.name)
    found = parsed(COMMANDS, arguments, defaults)
    if getattr(options, "engine", None) is None and options.command.name not in _OF_NO_SOURCE:
        # What a source declares of its cluster comes before what a file says of any.
        found.assumed_engine, found.engine = getattr(found, "engine", None), None
    return found


def _known(problem: Exception, options: Namespace) -> PodwallError:
    """Return a problem with what to do about it: a defect, unless it is one of the input."""
    from podwall.cli.typed_options import source_words  # noqa: PLC0415 - help must not wait
    from podwall.policies.errors import PodwallError  # noqa: PLC0415 - as above

    known = problem if isinstance(problem, PodwallError) else _defect(problem)
    words = filter(None, ("podwall reach", source_words(options)))
    known.help = known.help.replace(_LISTS, f"`{' '.join(words)}`")
    return known


def _defect(problem: Exception) -> PodwallError:
    from podwall.policies.errors import PodwallError  # noqa: PLC0415 - as above

    return PodwallError(f"podwall failed with `{type(problem).__name__}`: {problem}", help=_REPORT)
