"""What `podwall preview` does: plan, analyse, write the files of the stack, show."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from podwall.cli.arguments import (
    bound_by,
    chosen_cluster,
    given_configuration,
    keep_what_is_loaded,
    paused_collector,
    with_choices,
)
from podwall.cli.findings import write_unread
from podwall.cli.typed_options import source_words
from podwall.exit_code import FailOn
from podwall.plan.project import find_project
from podwall.planners import Planner, program_source
from podwall.policies.errors import Place, SourceError
from podwall.reachability.few_arrays import one_answer
from podwall.reports.files import write_folder
from podwall.reports.formats import json_text
from podwall.reports.preview import preview_document, preview_files, print_preview
from podwall.reports.screen import terminal
from podwall.review import Review, review
from podwall.streams import progress, shown_json, write_message, write_output

__all__ = ["show_preview"]


def show_preview(options: Namespace) -> int:
    """Show the preview that the options ask for, write it out, and return the exit code."""
    one_answer()
    with paused_collector():
        return _shown_preview(options)


def _shown_preview(options: Namespace) -> int:
    given = given_configuration(options)
    with progress("planning"):
        planner = Planner(options.planner)
        source = program_source(
            Path.cwd(), options.stack, planner, write_message, given, loaded=keep_what_is_loaded
        )
        chosen = chosen_cluster(with_choices(source, options), options)
        bound_by(chosen)
        found = review(chosen, options.engine)
        findings = found.findings
    written = _write(found, options)
    if options.output == "json":
        write_output([json_text(preview_document(found))], shown_json)
    else:
        print_preview(found, terminal(), source_words(options))
    write_unread(found, findings)
    for line in written:
        write_message(line)
    return found.exit_code(FailOn(options.fail_on), findings)


def _write(found: Review, options: Namespace) -> list[str]:
    """Write the preview's files, and return what to say about them."""
    files, left_out = preview_files(found)
    part = f"-{found.source.cluster.replace('/', '-')}" if found.source.cluster else ""
    folder = (options.out or find_project(Path.cwd()) / "out") / f"{found.plan.stack}{part}"
    _refuse_another_folder(folder)
    write_folder(folder, files)
    manifests = sum(name.startswith("manifests/") for name in files)
    lines = [f"wrote {manifests} manifests, plan.json and index.html to {_shown(folder)}"]
    lines += [f"not written: {each.object}, because {each.because}" for each in left_out]
    return lines


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
