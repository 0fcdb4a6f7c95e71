"""What `podwall diff` does: show what changes between two states.

The same change is shown in one format on the standard output, and with `--out` as every report at
once: for reviewers, for build servers, for scripts. Where a state can't be read, the comment says
so, because a pull request without a report looks like one without a change.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from podwall.accepted import Accepted
from podwall.change_review import ChangeReview, change_review, stages
from podwall.cli.arguments import (
    chosen_cluster,
    csv_writer,
    manifest_options,
    paused_collector,
    planned_source,
    read_source,
    with_choices,
    write_notes,
)
from podwall.cli.base import read_at
from podwall.cli.findings import write_change_reading
from podwall.cli.messages import write_message
from podwall.exit_code import FailOn
from podwall.expectations import Acceptance
from podwall.plan.project import is_project
from podwall.policies.errors import InvalidValue, PodwallError
from podwall.reports.change_files import (
    change_document,
    change_files,
    change_lacks,
    change_page,
    report_of,
    unread_files,
    with_links,
)
from podwall.reports.changes import (
    CHANGE_HEADER,
    change_rows,
    changes_text,
    unread_change_row,
)
from podwall.reports.comment import ChangeReport, comment
from podwall.reports.formats import json_text
from podwall.reports.output_folder import write_files
from podwall.sources import CLUSTER, ManifestOptions, Source, source
from podwall.sources.acceptances import acceptances_in
from podwall.sources.expectations import expectations_in
from podwall.sources.files import STDIN
from podwall.streams import MEDIA, progress, write_output

__all__ = ["show_changes", "subject_of"]


def show_changes(options: Namespace) -> int:
    """Show what changes between two states, write it out, and return the exit code.

    Raises:
        PodwallError: there is nothing to compare; what is written out says so, too.
    """
    with paused_collector():
        try:
            found, report = _compared(options)
        except PodwallError as problem:
            if options.out:
                files = unread_files(subject_of(options), options.link, problem)
                write_files(options.out, files)
            raise
        write_change_reading(found)
        write_output(_report(options, found, report), MEDIA.get(options.output))
        code = found.exit_code(FailOn(options.fail_on))
        if options.out:
            write_files(options.out, change_files(found, report, code, options.project))
        return code


def _compared(options: Namespace) -> tuple[ChangeReview, ChangeReport]:
    with progress("reading"):
        expectations = expectations_in(options.expectations) if options.expectations else ()
        acceptances = acceptances_in(options.accepted) if options.accepted else ()
        states = _states(options, manifest_options(options))
        for each in states if options.base is None else ():
            write_notes(each)
        if any(each.planned.cluster.engine for each in states):
            options.assumed_engine = None  # one side's word counts for both
        before, after = (with_choices(each, options) for each in states)
        found = change_review(
            before, after, options.engine, expectations, _on_this_day(acceptances)
        )
        subject = subject_of(options, after.stack)
        report = report_of(found, subject, FailOn(options.fail_on), options.link)
        return found, with_links(report, options.line_link or "", options.project)


def _on_this_day(acceptances: tuple[Acceptance, ...]) -> Accepted:
    return Accepted(acceptances, datetime.now(UTC).date().isoformat())


def subject_of(options: Namespace, stack: str = "") -> str:
    """Return what changes, as a reviewer calls it: a stack by its name, else the last source."""
    sources = options.sources or getattr(options, "default_sources", ())
    last = f"`{sources[-1]}`" if sources else "this program"
    return str(options.subject or stack or last)


def _states(options: Namespace, manifests: ManifestOptions) -> tuple[Source, Source]:
    if options.base is not None:
        return _since(options)

    def opened(path: str) -> Source:
        is_program = CLUSTER in options.sources and is_project(Path(path))
        found = planned_source(Path(path), options) if is_program else source(path, manifests)
        return found if found.plan is None else chosen_cluster(found, options)

    match options.sources:
        case [path]:
            return stages(opened(path))
        case [old, new]:
            return opened(old), opened(new)
        case paths:
            raise InvalidValue(
                f"diff takes one preview or two sources, not {len(paths)}",
                help="as in `podwall diff old/ new/`, `podwall diff preview.json`, or "
                "`podwall diff --base main`",
            )


def _since(options: Namespace) -> tuple[Source, Source]:
    """Return the same sources at a commit, and as they are here."""
    paths = options.sources or options.default_sources
    for path in (each for each in paths if each in {CLUSTER, STDIN}):
        raise InvalidValue(
            f"`{path}` is in no commit, and --base compares with one",
            help="with --base, sources are files and folders of this working tree",
        )
    before, commit = read_at(options.base, paths, lambda: read_source(options))
    after = chosen_cluster(read_source(options), options)
    if before.plan is not None:
        before = chosen_cluster(before, options)
    write_message(f"compared with `{options.base}` at {commit}")
    return before, after


def _report(options: Namespace, found: ChangeReview, report: ChangeReport) -> Iterator[str]:
    match options.output:
        case "json":
            yield json_text(change_document(found))
        case "csv":
            rows = chain([CHANGE_HEADER], change_rows(found.difference, found.stated_by))
            lacking = map(unread_change_row, found.after.not_read)
            yield from map(csv_writer(options), chain(rows, lacking))
        case "md":
            yield comment(report)
        case "html":
            yield change_page(found, report)
        case _:
            yield from changes_text(found.difference, found.stated_by, change_lacks(found))
