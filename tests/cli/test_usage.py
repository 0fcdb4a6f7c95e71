"""The command line itself: help, exit codes, speed of the start."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from podwall.cli.commands import COMMANDS
from podwall.cli.parser import Command, parsed
from podwall.cli.typed_options import source_words
from tests.cli.running import ROOT, podwall
from tests.plan.projects import project_in

NAMES = [command.name for command in COMMANDS]
HEAVY = ("pulumi", "numpy", "rich", "yaml", "google.protobuf")


def test_help_lists_every_command_and_the_exit_codes(tmp_path: Path) -> None:
    result = podwall(tmp_path, "--help")
    assert result.code == 0
    for words in (*NAMES, "exit codes:", "undetermined"):
        assert words in result.out


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_has_an_example(tmp_path: Path, name: str) -> None:
    result = podwall(tmp_path, name, "--help")
    assert result.code == 0
    assert f"example:\n  podwall {name}" in result.out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("explain", "[SOURCE ...] FROM TO [PORT]"),
        ("diff", "OLD NEW | PREVIEW.json | --base REF [SOURCE ...]"),
        ("check", "[SOURCE ...] EXPECTATIONS.yaml"),
        ("suggest", "[SOURCE ...] EXPECTATIONS.yaml"),
    ],
)
def test_the_usage_says_the_words_of_a_command_once(tmp_path: Path, name: str, words: str) -> None:
    usage = podwall(tmp_path, name, "--help").out.partition("\n\n")[0]
    assert " ".join(usage.split()).endswith(f"[--debug] {words}")


def test_help_waits_for_nothing_heavy() -> None:
    code = (
        "import contextlib, sys\n"
        "from podwall.cli import main\n"
        f"for arguments in [['--help'], *([name, '--help'] for name in {NAMES!r})]:\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main(arguments)\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'imported {loaded}' if loaded else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_command_help_is_shown_with_three_examples(tmp_path: Path) -> None:
    result = podwall(tmp_path)
    assert result.code == 2
    assert result.out.startswith("usage: podwall")
    examples = result.out.partition("examples:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in examples.splitlines()] == ["podwall"] * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--versoin"], "did you mean `--version`?", id="an option without a command"),
        pytest.param(["previw"], "invalid choice: 'previw'", id="an unknown command"),
        pytest.param(["preview", "-o", "xml"], "invalid choice: 'xml'", id="an unknown format"),
        pytest.param(["preview", "--fail-on", "x"], "invalid choice: 'x'", id="an unknown level"),
    ],
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = podwall(tmp_path, *arguments)
    assert result.code == 2
    assert said in result.err


@pytest.mark.parametrize(
    ("arguments", "proposed"),
    [
        pytest.param(["reech", "in.yaml"], "`reach`", id="a command"),
        pytest.param(["reach", "in.yaml", "--engine", "clium"], "`cilium`", id="an engine"),
        pytest.param(["migrate", "in.yaml", "--to", "Calco"], "`calico`", id="another option's"),
        pytest.param(["reach", "in.yaml", "-o", "jsn"], "`json`", id="a format"),
        pytest.param(["lint", "in.yaml", "--fail-on", "warnings"], "`warning`", id="a level"),
        pytest.param(["preview", "--with", "embeded"], "`embedded`", id="a planner"),
        pytest.param(["reach", "in.yaml", "--enigne", "azure"], "`--engine`", id="an option"),
        pytest.param(["diff", "a", "b", "--expectation=e.yml", "--lnk=x"], "`--link`", id="with ="),
    ],
)
def test_a_misspelt_word_is_answered_with_the_likely_one(
    tmp_path: Path, arguments: list[str], proposed: str
) -> None:
    result = podwall(tmp_path, *arguments)
    assert result.code == 2
    assert f"did you mean {proposed}?" in result.err


def test_a_word_that_is_like_none_is_answered_with_all_of_them(tmp_path: Path) -> None:
    result = podwall(tmp_path, "reach", "in.yaml", "--engine", "weave")
    assert result.code == 2
    assert "'none'" in result.err
    assert "did you mean" not in result.err


SHOP = str(ROOT / "examples/shop")
INTENT = str(ROOT / "examples/shop/expectations.yaml")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["explain", SHOP, "shop/web", "shop/db", "5432"], id="explain"),
        pytest.param(["check", SHOP, INTENT], id="check"),
        pytest.param(["suggest", SHOP, INTENT], id="suggest"),
        pytest.param(["reach", f"{SHOP}/policies.yaml", f"{SHOP}/workloads.yaml"], id="reach"),
        pytest.param(["diff", f"{SHOP}-before", SHOP], id="diff"),
    ],
)
@pytest.mark.parametrize(
    "option",
    [["--engine", "cilium"], ["--engine=cilium"], ["--eng", "cilium"], ["-n", "x"], ["-nx"]],
    ids=" ".join,
)
@pytest.mark.long(keep=2)
def test_options_stand_before_between_and_after_the_words(
    tmp_path: Path, words: list[str], option: list[str]
) -> None:
    command, *rest = words
    expected = podwall(tmp_path, *words, *option)
    assert expected.code in {0, 1}
    for place in range(len(rest)):
        assert podwall(tmp_path, command, *rest[:place], *option, *rest[place:]) == expected


def test_an_option_of_which_only_one_is_given_keeps_its_value(tmp_path: Path) -> None:
    """It is in a group of options that exclude each other."""
    words = ("verify", SHOP, "--dry-run", "--expectations", INTENT, "--max-probes", "3")
    result = podwall(tmp_path, *words)
    assert (result.code, "3 probes" in result.out) == (0, True), result.err


@pytest.mark.parametrize("words", [("verify",), ("walkthrough", "--live")])
def test_the_image_that_runs_in_a_cluster_is_one_by_its_digest(words: tuple[str, ...]) -> None:
    options = parsed(COMMANDS, words)
    assert re.fullmatch(r"docker\.io/library/busybox:[0-9.]+@sha256:[0-9a-f]{64}", options.image)


@pytest.mark.parametrize(
    ("typed", "repeated"),
    [
        (("reach", SHOP), SHOP),
        (("reach", SHOP, "--engine", "calico", "--closed"), f"{SHOP} --engine calico --closed"),
        (("reach", "--stack", "prod", "--secret", "a=b"), "--stack prod"),
        (("reach", "chart", "--values", "a b.yaml"), "chart --values 'a b.yaml'"),
    ],
)
def test_a_proposed_command_repeats_what_decides_the_answer(
    typed: tuple[str, ...], repeated: str
) -> None:
    assert source_words(parsed(COMMANDS, typed)) == repeated


def test_a_word_after_two_dashes_is_no_option(tmp_path: Path) -> None:
    result = podwall(tmp_path, "reach", "--engine", "cilium", "--", "--closed")
    assert result.code == 2
    assert "`--closed`" in result.err


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_what_a_command_does_is_there(command: Command) -> None:
    module, _, function = command.does.partition(":")
    assert callable(getattr(import_module(module), function))


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert podwall(tmp_path, "--version").out.startswith("podwall ")


WARNING = "import pulumi\npulumi.log.warn('careful')"
NOTE = "import pulumi\npulumi.log.info('well')"
UNDETERMINED = """
    from pulumi_kubernetes.core.v1 import Pod
    from pulumi_kubernetes.networking.v1 import NetworkPolicy

    later = Pod("first", metadata={"name": "first"}).metadata.uid
    NetworkPolicy("p", metadata={"name": "p"}, spec={"pod_selector": {"match_labels": {"a": later}},
                                                     "policy_types": ["Ingress"]})
    Pod("second", metadata={"name": "second", "labels": {"a": "b"}})
"""


@pytest.mark.parametrize(
    ("program", "level", "code"),
    [
        pytest.param(WARNING, "error", 0, id="a warning is no error"),
        pytest.param(WARNING, "warning", 1, id="a warning where warnings count"),
        pytest.param(NOTE, "warning", 0, id="a note is no warning"),
        pytest.param(NOTE, "any", 1, id="a note where everything counts"),
        pytest.param(UNDETERMINED, "error", 0, id="an undetermined verdict is no error"),
        pytest.param(UNDETERMINED, "undetermined", 3, id="certainty was asked for"),
        pytest.param(WARNING, "undetermined", 0, id="nothing is undetermined"),
    ],
)
@pytest.mark.long(keep=1)
def test_fail_on_decides_the_exit_code(tmp_path: Path, program: str, level: str, code: int) -> None:
    assert podwall(project_in(tmp_path, program), "preview", "--fail-on", level).code == code


@pytest.mark.long
def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    folder = project_in(
        tmp_path,
        "from pulumi_kubernetes.core.v1 import Pod\n"
        + "\n".join(f"Pod('p{n}', metadata={{'name': 'p{n}'}})" for n in range(40)),
    )
    command = f"{sys.executable} -m podwall preview -o json | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "{\n")
    assert "BrokenPipe" not in done.stderr


def test_a_mistake_is_two_lines_and_not_all_options(tmp_path: Path) -> None:
    result = podwall(tmp_path, "reach", ".", "--engine", "azur")
    assert (result.code, result.out) == (2, "")
    problem, help_ = result.err.splitlines()
    assert problem.startswith("podwall reach: error: argument --engine: invalid choice: 'azur'")
    assert problem.endswith("did you mean `azure`?")
    assert help_ == " help: `podwall reach --help` lists what it takes"


def test_a_path_that_is_misspelt_is_asked_after_and_nothing_is_made(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "shop", tmp_path / "deploy")
    read = podwall(tmp_path, "reach", "depoly")
    assert (read.code, "did you mean `deploy`?" in read.err) == (2, True)
    inside = podwall(tmp_path, "reach", "depoly/policies.yaml")
    assert (inside.code, "did you mean `deploy/policies.yaml`?" in inside.err) == (2, True)
    written = podwall(tmp_path, "import", "deploy", "--out", "depoly/policies.py")
    assert (written.code, "did you mean `deploy`?" in written.err) == (2, True)
    assert [each.name for each in tmp_path.iterdir()] == ["deploy"]
    assert podwall(tmp_path, "import", "deploy", "--out", "made/anew/policies.py").code == 0


def test_a_folder_without_a_project_says_that_manifests_can_be_named(tmp_path: Path) -> None:
    result = podwall(tmp_path, "reach")
    assert (result.code, "as in `podwall reach manifests/`" in result.err) == (2, True)
