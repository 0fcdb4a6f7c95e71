"""The documents are true: every block runs, every link and anchor leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import run_blocks
from tests.docs.console import NOT_FROM_A_TEST, ROOT, matches

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md"]
)
EXECUTED = {"python", "console", "yaml"}
SHOWN = {"text", "mermaid"}
"""Figures and printed output that stand alone; nothing in them can be executed."""


def _is_long(document: Path) -> bool:
    """Return whether a page runs commands, each of which is a process of its own."""
    lines = re.findall(r"^\$ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return any(NOT_FROM_A_TEST.match(line) is None for line in lines)


def _id(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_id)
def test_every_code_block_says_a_language_that_a_test_executes(document: Path) -> None:
    opening = re.compile(r"^```(\S*)\n.*?^```$", re.MULTILINE | re.DOTALL)
    languages = set(opening.findall(document.read_text(encoding="utf-8")))
    assert languages <= EXECUTED | SHOWN


def test_the_first_page_answers_what_install_my_folder_and_my_program_in_a_hundred_lines() -> None:
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 100
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    wanted = ["Begin here", "Install", "My folder of manifests", "My Pulumi program"]
    assert headings[: len(wanted) + 1] == [*wanted, "My pull request"]


REFERENCE = {"exactness.md", "guardrails.md", "limits.md", "tried.md"}
"""Looked up, and not read from the beginning to the end."""
MOST_LINES = 125
"""Two screens."""


@pytest.mark.parametrize(
    "chapter", [each for each in sorted((ROOT / "docs").glob("*.md")) if each.name not in REFERENCE]
)
def test_a_chapter_is_at_most_two_screens_and_in_the_list(chapter: Path) -> None:
    assert len(chapter.read_text("utf-8").splitlines()) <= MOST_LINES
    listed = (ROOT / "docs" / "guide.md").read_text("utf-8")
    assert chapter.name in {"README.md", "guide.md"} or f"({chapter.name})" in listed
    assert f"docs/{chapter.name}" in (ROOT / "mkdocs.yml").read_text("utf-8")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(each, marks=pytest.mark.long if _is_long(each) else (), id=_id(each))
        for each in DOCUMENTS
    ],
)
def test_every_code_block_runs(document: Path) -> None:
    run_blocks(document)


EXAMPLES = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
TRIED = re.findall(r"^\| `([\w-]+)` \|.*\| `([^`]+)` \|$", EXAMPLES, re.MULTILINE)


def test_every_example_is_in_the_list() -> None:
    folders = {each.name for each in (ROOT / "examples").iterdir() if each.is_dir()}
    assert {name for name, _ in TRIED} == folders - {"__pycache__"}


@pytest.mark.parametrize(("name", "command"), TRIED)
@pytest.mark.long
def test_what_the_list_of_examples_proposes_runs(name: str, command: str) -> None:
    """A finding or a difference is no failure; wrong input is, but where it is the example."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert name in command
    if name == "contradiction":
        assert (done.returncode, "contradict each other" in done.stderr) == (2, True)
    else:
        assert done.returncode in {0, 1}, done.stderr
        assert done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=_id)
def test_every_relative_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    text = re.sub(
        r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = document.parent / name if name else document
        assert linked.exists(), target
        assert not anchor or anchor in _anchors(linked), target


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        pytest.param("a\nb", "a\nb\n", True, id="the same lines match"),
        pytest.param("a\nb", "a\nc\n", False, id="another line does not match"),
        pytest.param("a\n...\nz", "a\nb\nc\nz\n", True, id="dots stand for any lines"),
        pytest.param("a\n...", "b\n", False, id="dots do not excuse a wrong first line"),
    ],
)
def test_console_blocks_compare(expected: str, printed: str, *, same: bool) -> None:
    assert matches(expected, printed) is same
