"""What `podwall diff` does: show what changes between two states, or since a commit.

How it works: git checks the commit out into a folder of its own, beside everything that is not
committed, and podwall reads the sources there from the same place, so that paths and places are
those of the repository. The folder goes when it is read, whatever happens meanwhile; no hook runs.
A source that the commit does not have is empty.

The same change is shown in one format on the standard output, and with `--out` as every report at
once: for reviewers, for build servers, for scripts. Where a state can't be read, the comment says
so, because a pull request without a report looks like one without a change.
"""

from __future__ import annotations

import os
import subprocess
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from podwall.change_review import Accepted, ChangeReview, change_review, stages
from podwall.cli.arguments import (
    bound_by,
    chosen_cluster,
    csv_writer,
    manifest_options,
    paused_collector,
    planned_source,
    read_source,
    with_choices,
    write_notes,
)
from podwall.cli.findings import write_change_reading
from podwall.cli.typed_options import chosen_focus
from podwall.exit_code import FailOn
from podwall.expectations import Acceptance
from podwall.focus import EVERYTHING, Focus
from podwall.plan.project import is_project
from podwall.policies.errors import InvalidValue, PodwallError, SourceError
from podwall.policies.wording import guess, shown
from podwall.reports.change_files import (
    change_document,
    change_files,
    change_lacks,
    change_page,
    report_of,
    unread_files,
    with_links,
)
from podwall.reports.changes import CHANGE_HEADER, change_rows, changes_text, unread_change_row
from podwall.reports.comment import ChangeReport, comment
from podwall.reports.files import write_files
from podwall.reports.formats import document_text
from podwall.sources import CLUSTER, ManifestOptions, source
from podwall.sources.expectations import acceptances_in, expectations_in
from podwall.sources.files import STDIN
from podwall.sources.model import Source, SourceKind, Stage
from podwall.streams import MEDIA, progress, write_message, write_output

__all__ = [
    "read_at",
    "show_changes",
    "subject_of",
]

_OF_ANOTHER: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What git tells its hooks, which is about this working tree."""
_IN_A_REPOSITORY: Final = "run it in a working tree of git, or name two sources"


def read_at(base: str, paths: Sequence[str], read: Callable[[], Source]) -> tuple[Source, str]:
    """Return what there was at a commit, and the commit in short.

    Of a branch it is the commit at which this one left it, so that what others have added since is
    not taken for a change.

    Args:
        base: a branch, a tag or a commit.
        paths: the sources, seen from this folder; none for the program in it.
        read: reads them in the current folder.

    Raises:
        InvalidValue: there is no such commit, or a source is not in the repository.
        SourceError: this is no working tree of git, or git fails.
    """
    root = Path(_git("rev-parse", "--show-toplevel", help_=_IN_A_REPOSITORY)).resolve()
    here = Path.cwd().resolve()
    for path in paths:
        _check_inside(path, root)
    commit = _left_at(base)
    with _working_tree(commit) as tree:
        folder = tree / here.relative_to(root)
        if not folder.is_dir() or not _is_anything_there(folder, paths):
            return _NOTHING, commit[:_SHORT]
        with chdir(folder):
            return read(), commit[:_SHORT]


_SHORT: Final = 9
_NOTHING: Final = Source(SourceKind.MANIFESTS, "nothing", Stage(()))


def _is_anything_there(folder: Path, paths: Sequence[str]) -> bool:
    if not paths:
        return (folder / "Pulumi.yaml").is_file()
    return all((folder / each).exists() for each in paths)


def _check_inside(path: str, root: Path) -> None:
    if Path(path).is_absolute() or not Path(path).resolve().is_relative_to(root):
        raise InvalidValue(
            f"{shown(path)} is not a path in the repository as it is seen from here",
            help="with --base, sources are files and folders of this working tree",
        )


def _left_at(base: str) -> str:
    """Return the commit at which this branch left another one, or that commit itself."""
    commit = _commit(base)
    found = _run("merge-base", "HEAD", commit)
    return found.stdout.strip() if found.returncode == 0 else commit


def _commit(base: str) -> str:
    found = _run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if found.returncode == 0:
        return found.stdout.strip()
    names = _git("for-each-ref", "--format=%(refname:short)").split()
    remote = [each for each in names if each.endswith(f"/{base}")]
    help_ = f"did you mean `{remote[0]}`?" if remote else guess(base, names)
    raise InvalidValue(
        f"there is no commit {shown(base)}", help=help_ or "name a branch, a tag or a commit"
    )


@contextmanager
def _working_tree(commit: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix="podwall-") as folder:
        tree = Path(folder).resolve() / "base"
        no_hooks = ("-c", f"core.hooksPath={os.devnull}")
        _git(*no_hooks, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _run("worktree", "remove", "--force", str(tree))


def _git(*words: str, help_: str = "") -> str:
    found = _run(*words)
    if found.returncode:
        lines = found.stderr.strip().splitlines() or ["it failed"]
        problem = lines[-1].removeprefix("fatal: ").removeprefix("error: ")
        raise SourceError(f"git: {problem}", help=help_)
    return found.stdout.strip()


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: each for key, each in os.environ.items() if key not in _OF_ANOTHER}
    try:
        return subprocess.run(  # noqa: S603 - git alone, and what a person names follows options
            ["git", *words],  # noqa: S607 - the git that the person uses
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        raise SourceError("git is not there", help="install git, or name two sources") from None


def show_changes(options: Namespace) -> int:
    """Show what changes between two states, write it out, and return the exit code.

    Raises:
        PodwallError: there is nothing to compare; what is written out says so, too.
    """
    focus = chosen_focus(options) or EVERYTHING
    with paused_collector():
        try:
            found, report = _compared(options, focus)
        except PodwallError as problem:
            if options.out:
                files = unread_files(subject_of(options), options.link, problem)
                write_files(options.out, files)
            raise
        write_change_reading(found)
        write_output(_report(options, found, report, focus), MEDIA.get(options.output))
        code = found.exit_code(FailOn(options.fail_on))
        if options.out:
            write_files(options.out, change_files(found, report, code, options.project, focus))
        return code


def _compared(options: Namespace, focus: Focus) -> tuple[ChangeReview, ChangeReport]:
    with progress("reading"):
        expectations = expectations_in(options.expectations) if options.expectations else ()
        acceptances = acceptances_in(options.accepted) if options.accepted else ()
        states = _states(options, manifest_options(options))
        for each in states if options.base is None else ():
            write_notes(each)
        if any(each.planned.cluster.engine for each in states):
            options.assumed_engine = None  # one side's word counts for both
        before, after = (with_choices(each, options) for each in states)
        bound_by(before, after)
        found = change_review(
            before, after, options.engine, expectations, _on_this_day(acceptances)
        )
        subject = subject_of(options, after.stack)
        report = report_of(found, subject, FailOn(options.fail_on), options.link, focus)
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


def _report(
    options: Namespace, found: ChangeReview, report: ChangeReport, focus: Focus
) -> Iterator[str]:
    asked = found.difference.narrowed(focus)
    match options.output:
        case "json":
            yield document_text(change_document(found, focus))
        case "csv":
            rows = chain([CHANGE_HEADER], change_rows(asked, found.stated_by))
            lacking = map(unread_change_row, found.after.not_read)
            yield from map(csv_writer(options), chain(rows, lacking))
        case "md":
            yield comment(report)
        case "html":
            yield change_page(found, report, focus)
        case _:
            yield from changes_text(asked, found.stated_by, change_lacks(found))
