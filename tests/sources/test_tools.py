"""Tools that run on a stranger's folder: what they get, and how they end."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from podwall.policies.errors import SourceError
from podwall.sources import rendering
from podwall.sources.rendering import tool_output


def python(code: str, *, network: bool = False) -> str:
    return tool_output([sys.executable, "-c", code], network=network).decode()


def test_a_tool_has_no_home_no_cluster_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("HELM_PLUGINS", "/mine")
    given = dict(line.split("=", 1) for line in python(
        "import os\nfor k, v in os.environ.items(): print(f'{k}={v}')"
    ).splitlines())  # fmt: skip
    assert "hidden" not in given.values()
    assert given["HOME"] == given["XDG_CONFIG_HOME"] == given["HELM_CONFIG_HOME"]
    assert given["HELM_PLUGINS"].startswith(given["HOME"])
    assert not Path(given["HOME"]).exists()
    assert not Path(given["KUBECONFIG"]).exists()
    assert given["GIT_ALLOW_PROTOCOL"] == ""
    assert given["HTTPS_PROXY"] == given["https_proxy"] == "http://127.0.0.1:9"
    assert given["PATH"] == os.environ["PATH"]


def test_with_the_network_it_has_the_callers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/mine")
    assert python("import os; print(os.environ['HOME'])", network=True) == "/mine\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("import sys; sys.exit('# Warning: w\\nError: it is so\\nmore')", "it is so"),
        pytest.param("import sys; sys.exit(3)", "ended with 3"),
        pytest.param("import sys; sys.exit('x' * 10_000)", "x…"),
    ],
)
def test_a_tool_that_fails_says_why_on_one_line(code: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        python(code)
    assert message in caught.value.message
    assert len(caught.value.message) < 500


def test_a_tool_that_is_not_there_is_one_error() -> None:
    with pytest.raises(SourceError, match="can't be started"):
        tool_output(["/nowhere/at/all"])


def test_a_tool_that_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "MOST_SECONDS", 0.5)
    late = tmp_path / "late"
    child = f"import time; time.sleep(1.5); open({str(late)!r}, 'w')"
    code = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
    with pytest.raises(SourceError, match="took more than"):
        python(f"{code}time.sleep(60)")
    time.sleep(2)
    assert not late.exists()


def test_a_tool_that_writes_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MOST_BYTES", 10_000)
    with pytest.raises(SourceError, match="wrote more than"):
        python("import sys\nwhile True: sys.stdout.write('x' * 1000)")
