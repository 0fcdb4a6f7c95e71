"""What there was at a commit: the same sources, read in a working tree of that commit.

How it works: git checks the commit out into a folder of its own, beside everything that is not
committed, and podwall reads the sources there from the same place, so that paths and places are
those of the repository. The folder goes when it is read, whatever happens meanwhile; no hook runs.
A source that the commit does not have is empty.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from podwall.policies.errors import InvalidValue, SourceError
from podwall.policies.wording import guess, shown
from podwall.sources.model import Source, SourceKind, Stage

__all__ = ["read_at"]

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
