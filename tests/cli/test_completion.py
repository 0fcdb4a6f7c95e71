"""Completion: what is proposed, and that the scripts work in the shells that are here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from podwall.cli.commands import COMMANDS
from podwall.cli.completion import SCRIPTS
from tests.cli.running import ROOT, podwall

MONITORING = ["monitoring/prometheus", "monitoring"]
SHOP = str(ROOT / "examples/shop")


def proposed(folder: Path, typed: str, *words: str) -> list[str]:
    result = podwall(folder, "--complete", f"={typed}", *words)
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


@pytest.mark.parametrize(
    ("typed", "words", "expected"),
    [
        pytest.param("ex", [], ["explain"], id="a command"),
        pytest.param("ci", ["reach", SHOP, "--engine"], ["cilium"], id="the value of an option"),
        pytest.param("--engine=ca", ["reach"], ["--engine=calico"], id="a value behind ="),
        pytest.param("az", ["reach", "--engine", "="], ["azure"], id="= as a word of its own"),
        pytest.param("--form", ["reach"], ["--format-version"], id="an option"),
        pytest.param("shop/w", ["explain", SHOP], ["shop/web"], id="a workload"),
        pytest.param(
            "shop/d",
            ["explain", "--engine", "azure", SHOP, "shop/web"],
            ["shop/db"],
            id="the other",
        ),
        pytest.param("", ["explain", SHOP, "shop/web", "shop/db"], ["postgres"], id="a port"),
        pytest.param(
            "mon", ["reach", SHOP, "--from"], ["monitoring/prometheus", "monitoring"], id="an end"
        ),
        pytest.param("z", ["completion"], ["zsh"], id="a shell"),
        pytest.param("", ["reach"], [], id="files, which the shell knows"),
        pytest.param("x", ["nothing"], [], id="an unknown command"),
        pytest.param("", ["explain", "nowhere"], [], id="a source that is not there"),
    ],
)
def test_proposals(tmp_path: Path, typed: str, words: list[str], expected: list[str]) -> None:
    assert proposed(tmp_path, typed, *words) == expected


def test_stacks_are_those_of_this_folder(tmp_path: Path) -> None:
    for stack in ("dev", "prod"):
        (tmp_path / f"Pulumi.{stack}.yaml").touch()
    (tmp_path / "Pulumi.yaml").touch()
    assert proposed(tmp_path, "", "preview", "--stack") == ["dev", "prod"]


@pytest.mark.long
def test_without_a_source_names_are_those_of_the_last_preview_and_nothing_runs(
    tmp_path: Path,
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n", encoding="utf-8")
    (tmp_path / "__main__.py").write_text("open('ran', 'w')", encoding="utf-8")
    assert proposed(tmp_path, "", "explain") == []
    assert not (tmp_path / "ran").exists()
    planned = podwall(ROOT / "examples/first-program", "preview", "--out", str(tmp_path / "out"))
    assert planned.code == 0
    assert proposed(tmp_path, "shop/a", "explain") == ["shop/api"]
    assert not (tmp_path / "ran").exists()


def test_a_name_that_a_shell_would_run_is_not_proposed(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {{name: '{}', namespace: shop}}\n"
    text = "---\n".join(map(pod.format, ("web", "$(touch x)", "a;b")))
    (tmp_path / "pods.yaml").write_text(text, encoding="utf-8")
    assert proposed(tmp_path, "shop", "explain", "pods.yaml") == ["shop/web"]


def test_every_command_is_proposed(tmp_path: Path) -> None:
    assert {each.name for each in COMMANDS} < set(proposed(tmp_path, ""))


IN_SHELLS = {
    "bash": "{script}\nCOMP_WORDS=(podwall explain {shop} shop/w)\nCOMP_CWORD=3\n_podwall\n"
    'printf "%s\\n" "${{COMPREPLY[@]}}"\n',
    "zsh": 'compdef() {{ }}\ncompadd() {{ shift; print -l -- "$@" }}\n{script}\n'
    "words=(podwall explain {shop} shop/w)\nCURRENT=4\n_podwall\n",
    "fish": "{script}\ncomplete -C 'podwall explain {shop} shop/w'\n",
}


@pytest.mark.parametrize("shell", IN_SHELLS)
@pytest.mark.long(keep=1)
def test_a_script_completes_in_its_shell(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"`{shell}` is not here")
    script = podwall(tmp_path, "completion", shell).out
    assert script == SCRIPTS[shell]
    path = f"{ROOT / '.venv/bin'}:/usr/bin:/bin"
    done = subprocess.run(
        [shell, "-c", IN_SHELLS[shell].format(script=script, shop=SHOP)],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.splitlines(), done.returncode) == (["shop/web"], 0), done.stderr


@pytest.mark.parametrize("shell", SCRIPTS)
def test_every_script_hands_over_a_word_that_is_never_empty(shell: str) -> None:
    assert '--complete "=$' in SCRIPTS[shell]
