"""The command line: it parses and calls, and decides nothing by itself."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from podwall.cli.commands import COMMANDS
from podwall.cli.completion import COMPLETE, proposals
from podwall.cli.parser import parsed, settings_near
from podwall.cli.typed_options import refuse_idle_options, source_words
from podwall.exit_code import ExitCode
from podwall.policies.errors import PodwallError
from podwall.secret_words import environment_secrets
from podwall.streams import hide, write_error, write_output, write_traceback

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
        write_output(f"{each}\n" for each in proposals(COMMANDS, typed[1:]))
        return ExitCode.FINE
    options = parsed(COMMANDS, arguments)
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
        known = problem if isinstance(problem, PodwallError) else _defect(problem)
        known.help = known.help.replace(
            _LISTS, f"`{' '.join(filter(None, ('podwall reach', source_words(options))))}`"
        )
        write_error(known)
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


def _defect(problem: Exception) -> PodwallError:
    return PodwallError(f"podwall failed with `{type(problem).__name__}`: {problem}", help=_REPORT)
