"""`podwall diff --base`: what there was at a commit, of folders and programs, and nothing left."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from podwall.cli import main
from tests.plan.projects import project_in

ROOT = Path(__file__).resolve().parents[2]
OPENED = ("added", "monitoring/prometheus", "shop/api")


def git(*words: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    return subprocess.run(
        ["git", *who, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository whose `main` has the shop of before, and whose tree has the new one."""
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "examples" / "shop-before", folder / "deploy")
    monkeypatch.chdir(folder)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    git("init", "--quiet", "--initial-branch", "main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "before")
    shutil.copytree(ROOT / "examples" / "shop", folder / "deploy", dirs_exist_ok=True)
    return folder


def changes(capsys: pytest.CaptureFixture[str], *words: str) -> set[tuple[str, str, str]]:
    capsys.readouterr()
    assert main(["diff", *words, "-o", "json"]) in {0, 1}
    found = json.loads(capsys.readouterr().out)["changes"]
    return {(each["change"], each["source"], each["destination"]) for each in found}


def test_a_folder_is_compared_with_what_it_was(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = git("status", "--porcelain")
    assert OPENED in changes(capsys, "--base", "main", "deploy")
    assert OPENED in changes(
        capsys, "--base", "HEAD", "deploy/policies.yaml", "deploy/workloads.yaml"
    )
    monkeypatch.chdir(repository / "deploy")
    assert OPENED in changes(capsys, "--base", "main", ".")
    monkeypatch.chdir(repository)
    assert git("status", "--porcelain") == before
    assert len(git("worktree", "list").splitlines()) == 1
    assert not (repository / ".git" / "worktrees").exists() or not any(
        (repository / ".git" / "worktrees").iterdir()
    )


def test_what_others_add_to_the_branch_meanwhile_is_no_change(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git("switch", "--quiet", "--create", "feature")
    git("stash", "--quiet", "--include-untracked")
    git("switch", "--quiet", "main")
    shutil.rmtree(repository / "deploy")
    git("commit", "--quiet", "--all", "--message", "all gone")
    git("switch", "--quiet", "feature")
    git("stash", "pop", "--quiet")
    assert changes(capsys, "--base", "main", "deploy") == changes(
        capsys, "--base", "feature", "deploy"
    )


def test_what_the_commit_does_not_have_is_new(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(repository / "deploy", repository / "other")
    found = changes(capsys, "--base", "main", "other")
    assert found
    assert {kind for kind, *_ in found} == {"added"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("--base", "mian", "deploy"), "did you mean `main`?", id="a branch"),
        pytest.param(("--base=--all", "deploy"), "there is no commit `--all`", id="an option"),
        pytest.param(("--base", "main", "nowhere"), "could not be read", id="a path"),
        pytest.param(("--base", "main", "/etc"), "is not a path in the repository", id="elsewhere"),
        pytest.param(("--base", "main", "../.."), "is not a path in the repository", id="above"),
        pytest.param(("--base", "main", "-"), "is in no commit", id="the standard input"),
        pytest.param((), "`podwall diff --base main`", id="nothing"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_mistake_is_told(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert main(["diff", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_git_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main(["diff", "--base", "main", "."]) == 2
    assert "working tree of git" in capsys.readouterr().err


def test_no_hook_of_the_repository_runs(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n", "utf-8")
    hook.chmod(0o755)
    assert OPENED in changes(capsys, "--base", "main", "deploy")
    assert not list(repository.rglob("ran"))


POD = "from pulumi_kubernetes.core.v1 import Pod\nfrom names import NAMES\n\n"
POD += "for name in NAMES:\n    Pod(name, metadata={'name': name, 'namespace': 'shop'}, spec={})\n"


@pytest.mark.long
def test_a_program_and_its_modules_are_planned_as_they_were(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "program").mkdir()
    folder = project_in(repository / "program", POD)
    (folder / "names.py").write_text("NAMES = ['web']\n", "utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "a program")
    (folder / "names.py").write_text("NAMES = ['web', 'api']\n", "utf-8")
    monkeypatch.chdir(folder)
    ends = {end for _, *both in changes(capsys, "--base", "main") for end in both}
    assert "shop/api" in ends
    assert all("shop/api" in each for each in changes(capsys, "--base", "main"))
