"""What `podwall preview` does: plan, analyse, write the files of the stack, show."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from podwall.cli.messages import progress, write_message
from podwall.exit_code import ExitCode, FailOn, exit_code
from podwall.plan.project import find_project
from podwall.planners import Planner, planned
from podwall.policies.errors import Place, Severity, SourceError
from podwall.preview import NAMES_NOTHING, Preview, preview
from podwall.reports.formats import json_text
from podwall.reports.output_folder import write_folder
from podwall.reports.preview.documents import preview_document, preview_files
from podwall.reports.preview.terminal import print_preview
from podwall.reports.terminal import terminal

__all__ = ["show_preview"]


def show_preview(options: Namespace) -> int:
    """Show the preview that the options ask for, write it out, and return the exit code."""
    with progress("planning"):
        plan = planned(Path.cwd(), options.stack, Planner(options.planner), write_message)
        seen = preview(plan, options.engine)
    written = _write(seen, options)
    if options.output == "json":
        sys.stdout.write(json_text(preview_document(seen)))
    else:
        print_preview(seen, terminal())
    sys.stdout.flush()
    write_message(written)
    return _exit_code(seen, FailOn(options.fail_on))


def _exit_code(seen: Preview, fail_on: FailOn) -> int:
    """Return 2 where the program names labels that nothing carries: its input is wrong."""
    errors = {each.id for each in seen.findings if each.severity is Severity.ERROR}
    if errors & NAMES_NOTHING:
        return ExitCode.BAD_INPUT
    return exit_code(fail_on, seen.findings, certain=seen.reachability.is_certain)


def _write(seen: Preview, options: Namespace) -> str:
    """Write the preview's files, and return what to say about it."""
    files, left_out = preview_files(seen)
    folder = (options.out or find_project(Path.cwd()) / "out") / seen.plan.stack
    _refuse_another_folder(folder)
    write_folder(folder, files)
    manifests = sum(name.startswith("manifests/") for name in files)
    lines = [f"wrote {manifests} manifests, plan.json and index.html to {_shown(folder)}"]
    lines += [f"not written: {each.object}, because {each.because}" for each in left_out]
    return "\n".join(lines)


def _refuse_another_folder(folder: Path) -> None:
    """Refuse to replace files that no preview wrote, such as those of a folder named as a stack.

    Raises:
        SourceError: there are such files.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "plan.json").is_file():
        raise SourceError(
            "holds files that no preview wrote, and would be replaced",
            help="name another folder with `--out`",
            place=Place(_shown(folder)),
        )


def _shown(folder: Path) -> str:
    """Return a path as it is seen from here."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
