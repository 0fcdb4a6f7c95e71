"""`podwall diff --out`: every report of a change at once, also of one that can't be read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from podwall.cli import main

ROOT = Path(__file__).resolve().parents[2]
BEFORE, AFTER = (str(ROOT / "examples" / name) for name in ("shop-before", "shop"))
EXPECTED = str(ROOT / "examples" / "shop" / "expectations.yaml")
RECORDED = ROOT / "tests" / "data" / "engine"
FILES = {
    "comment.md",
    "index.html",
    "changes.json",
    "podwall.sarif",
    "podwall.xml",
    "github-annotations.txt",
    "azure-annotations.txt",
    "outputs.txt",
}


def written(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def outputs(folder: Path) -> dict[str, str]:
    lines = (folder / "outputs.txt").read_text("utf-8").splitlines()
    return dict(line.split("=") for line in lines)


def test_everything_is_written_at_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["diff", BEFORE, AFTER, "--subject", "the shop", "--out", str(out)]) == 1
    assert written(out) == FILES
    assert (out / "comment.md").read_text("utf-8").startswith("<!-- podwall: the-shop -->\n")
    assert json.loads((out / "changes.json").read_text("utf-8"))["changes"]
    assert json.loads((out / "podwall.sarif").read_text("utf-8"))["version"] == "2.1.0"
    assert ET.parse(out / "podwall.xml").getroot().tag == "testsuites"  # noqa: S314 - ours
    counts = {"opened": "1", "closed": "2", "changed": "0", "exit-code": "1"}
    assert counts.items() <= outputs(out).items()


def test_the_files_are_those_of_the_formats(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", BEFORE, AFTER, "-o", "md", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().out == (tmp_path / "out" / "comment.md").read_text("utf-8")


@pytest.mark.parametrize("inside", ["", "infrastructure"])
def test_findings_are_at_the_programs_files_as_seen_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    (tmp_path / inside).mkdir(exist_ok=True)
    (tmp_path / inside / "__main__.py").write_text("\n" * 50, "utf-8")
    monkeypatch.chdir(tmp_path)
    words = ("--project", inside or ".", "--out", "out")
    assert main(["diff", str(RECORDED / "renamed-first.json"), *words]) == 1
    sarif = json.loads((tmp_path / "out" / "podwall.sarif").read_text("utf-8"))
    files = {
        place["physicalLocation"]["artifactLocation"]["uri"]
        for result in sarif["runs"][0]["results"]
        for place in result["locations"]
    }
    assert files == {str(Path(inside, "__main__.py"))}


def test_other_files_of_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    assert main(["diff", BEFORE, AFTER, "--out", str(tmp_path)]) == 1
    assert written(tmp_path) == FILES | {"notes.txt"}


def test_a_folder_that_can_not_be_written_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert main(["diff", BEFORE, AFTER, "--out", str(tmp_path / "file")]) == 2
    assert "can't be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "errors"),
    [
        pytest.param((BEFORE, AFTER), 1, "0", id="fulfilled; only the change counts"),
        pytest.param((AFTER, BEFORE), 1, "1", id="broken"),
        pytest.param((BEFORE, BEFORE), 1, "1", id="broken without a change"),
        pytest.param((AFTER, AFTER), 0, "0", id="fulfilled, and no change"),
    ],
)
@pytest.mark.long(keep=1)
def test_a_broken_expectation_is_an_error(
    tmp_path: Path, words: tuple[str, str], code: int, errors: str
) -> None:
    out = tmp_path / "out"
    assert main(["diff", *words, "--expectations", EXPECTED, "--out", str(out)]) == code
    assert outputs(out)["errors"] == errors
    said = "exactly the interface reaches the database" in (out / "comment.md").read_text("utf-8")
    assert said is (errors == "1")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("error: no stack named `dev` found\n", id="a message"),
        pytest.param('{"steps": [', id="half a document"),
    ],
)
def test_a_preview_that_can_not_be_read_has_a_comment_that_says_so(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "preview.json").write_text(text, "utf-8")
    out = tmp_path / "out"
    words = ("--subject", "stack dev", "--link", "https://example.com/7", "--out", str(out))
    assert main(["diff", str(tmp_path / "preview.json"), *words]) == 2
    assert written(out) == {"comment.md", "outputs.txt"}
    comment = (out / "comment.md").read_text("utf-8")
    assert comment.startswith(
        "<!-- podwall: stack-dev -->\n### Stops: nobody knows what opens or closes"
    )
    assert "https://example.com/7" in comment
    assert outputs(out) == {"exit-code": "2"}


@pytest.mark.long
def test_a_plan_that_podwall_wrote_is_compared_with_another(tmp_path: Path) -> None:
    for step in ("open", "deny-all"):
        project = tmp_path / step
        project.mkdir()
        config = (ROOT / "Pulumi.dev.yaml").read_text("utf-8")
        program = f"import runpy\nrunpy.run_path({str(ROOT / '__main__.py')!r})\n"
        (project / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), "utf-8")
        chosen = re.sub(r"(podwall:step:) .*", rf"\1 {step}", config)
        (project / "Pulumi.dev.yaml").write_text(chosen, "utf-8")
        (project / "__main__.py").write_text(program, "utf-8")
    plans = []
    for step in ("open", "deny-all"):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path / step)
            assert main(
                ["preview", "--with", "embedded", "--out", str(tmp_path / f"{step}-out")]
            ) in (0, 1)
        plans.append(str(tmp_path / f"{step}-out" / "dev" / "plan.json"))
    out = tmp_path / "out"
    assert main(["diff", *plans, "--out", str(out)]) == 0
    assert int(outputs(out)["closed"]) > 0
    assert "azure" in json.loads((out / "changes.json").read_text("utf-8"))["engine"].values()
