"""Settings of a folder: every option has its key, what counts is shown, mistakes have a line."""

from __future__ import annotations

import json
import shutil
import tomllib
from argparse import ArgumentParser
from pathlib import Path

import jsonschema
import pytest

from podwall.cli import main
from podwall.cli.commands import COMMANDS
from podwall.cli.settings_file import UNSET_IN_FILES, command_keys

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "settings.schema.json").read_text("utf-8"))
SETTINGS = """\
engine = "cilium"
sources = ["deploy"]
expectations = "deploy/expectations.yaml"
fail-on = "warning"

[reach]
output = "csv"
engine = "azure"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a repository with the shop in `deploy`, in which the test runs."""
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / "examples" / "shop", tmp_path / "deploy")
    shutil.copytree(ROOT / "examples" / "shop-before", tmp_path / "before")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, text: str, name: str = "podwall.toml") -> None:
    (folder / name).write_text(text, "utf-8")


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.is_set_by_files])
def test_every_option_has_its_key(command: object) -> None:
    assert isinstance(command, type(COMMANDS[0]))
    parser = ArgumentParser(add_help=False)
    command.declare(parser)
    named = parser._option_string_actions  # noqa: SLF001 - argparse tells them nowhere else
    options = {each for each in named if each.startswith("--")}
    keys = {f"--{each}" for each in command_keys(command.name)}
    assert options - keys <= UNSET_IN_FILES.keys()
    assert keys <= options
    assert set(SCHEMA["$defs"][f"{command.name.title()}SettingsDocument"]["properties"]) == {
        each.removeprefix("--") for each in keys
    }


def test_what_a_file_sets_counts_where_the_command_line_says_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(folder, SETTINGS)
    assert main(["reach"]) == 0
    assert capsys.readouterr().out.startswith("source,destination,")
    assert main(["reach", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "azure"
    assert main(["reach", "-o", "json", "--engine", "calico"]) == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "calico"
    assert main(["check", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "cilium"
    # What closes is a warning, at which the file stops.
    assert main(["diff", "deploy", "before"]) == 1
    assert main(["diff", "before", "before"]) == 1, "the expectations are held"
    assert main(["diff", "deploy", "deploy"]) == 0


def test_paths_are_seen_from_the_folder_of_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(folder, SETTINGS)
    monkeypatch.chdir(folder / "before")
    assert main(["check"]) == 0
    assert "4 expectations: 4 pass" in capsys.readouterr().out


def test_nothing_above_the_repository_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(folder, SETTINGS)
    (folder / "deploy" / ".git").mkdir()
    monkeypatch.chdir(folder / "deploy")
    assert main(["config"]) == 0
    assert capsys.readouterr().out.startswith("no file sets anything here")


def test_a_pyproject_can_hold_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = '[project]\nname = "x"\n\n[tool.podwall]\nengine = "calico"\n'
    text += '\n[tool.podwall.lint]\noutput = "json"\n'
    written(folder, text, "pyproject.toml")
    assert main(["config"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split() for line in out] == [
        ["engine", '"calico"', "pyproject.toml:5"],
        ["lint.output", '"json"', "pyproject.toml:8"],
    ]
    written(folder, 'engine = "cilium"\n')
    assert main(["config"]) == 0
    assert "podwall.toml:1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('\nengin = "azure"\n', "podwall.toml:2 engin: there is no field", id="a key"),
        pytest.param('engine = "clium"\n', "did you mean `cilium`?", id="a value"),
        pytest.param(
            "closed = 1\n", "podwall.toml:1 closed: must be `true` or `false`", id="a type"
        ),
        pytest.param('x = "\n', "podwall.toml:1: this is not TOML", id="no TOML"),
        pytest.param(
            "[diff]\n\nformat-version = 1\n",
            "podwall.toml:3 diff.format-version: there is no field",
            id="another command's",
        ),
        pytest.param("[dif]\n", "did you mean `diff`?", id="a command"),
        pytest.param('output = "json"\n', "there is no field `output`", id="of a command only"),
        pytest.param(
            'values = ["a", 1]\n', "podwall.toml:1 values[1]: must be text", id="in a list"
        ),
        pytest.param("allow-network = true\n", "there is no field", id="what no folder may say"),
    ],
)
def test_a_mistake_has_its_line_and_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    written(folder, text)
    assert main(["lint", "deploy"]) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert not found.out


def test_help_needs_no_settings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder, "engin = 1\n")
    with pytest.raises(SystemExit, match="0"):
        main(["lint", "--help"])
    assert "usage:" in capsys.readouterr().out


def test_init_looks_at_the_folder_and_writes_what_is_valid(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "deploy" / "accepted.yaml").write_text("accepted: []\n", "utf-8")
    assert main(["init"]) == 0
    text = (folder / "podwall.toml").read_text("utf-8")
    found = tomllib.loads(text)
    jsonschema.validate(found, SCHEMA)
    assert found == {
        "sources": ["before", "deploy"],
        "expectations": "deploy/expectations.yaml",
        "accepted": "deploy/accepted.yaml",
    }
    uncommented = tomllib.loads(
        "\n".join(
            line.removeprefix("# ") if " = " in line or "# [" in line else line
            for line in text.splitlines()
        )
    )
    jsonschema.validate(uncommented, SCHEMA)
    assert main(["init"]) == 2
    assert main(["init", "--force"]) == 0
    assert main(["init", "nowhere"]) == 2
    assert not (folder / "nowhere").exists()
    capsys.readouterr()


def test_init_of_a_program_names_its_stack(folder: Path) -> None:
    for name in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        (folder / name).write_text("name: shop\nruntime: python\n", "utf-8")
    assert main(["init"]) == 0
    assert tomllib.loads((folder / "podwall.toml").read_text("utf-8"))["stack"] == "prod"


def test_config_tells_the_defaults_if_it_is_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(folder, SETTINGS)
    assert main(["config", "--all", "-o", "json"]) == 0
    rows = {each["key"]: each for each in json.loads(capsys.readouterr().out)}
    assert rows["reach.engine"] == {
        "key": "reach.engine",
        "value": "azure",
        "place": "podwall.toml:8",
    }
    assert rows["lint.output"]["place"] == "default"
    assert "lint.fail-on" not in rows, "it is set at the top"


@pytest.mark.parametrize(
    ("words", "engine"),
    [
        pytest.param([], "cilium", id="what the program declares comes before a file"),
        pytest.param(["--engine", "azure"], "azure", id="the command line comes first"),
        pytest.param(["deploy"], "calico", id="a file counts where nothing is declared"),
    ],
)
@pytest.mark.long
def test_the_engine_is_the_one_that_is_declared(
    folder: Path, words: list[str], engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written(folder, 'engine = "calico"\n')
    program = ROOT / "examples" / "first-program"  # it declares Cilium
    shutil.copytree(program, folder, dirs_exist_ok=True)
    main(["reach", *words, "-o", "json"])
    shown, said = capsys.readouterr()
    assert json.loads(shown)["engine"] == engine
    assert ("`cilium` is declared, and counts" in said) == (words == [])
