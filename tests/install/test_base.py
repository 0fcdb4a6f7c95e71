"""What `pip install podwall` gives without an extra, and what is said where one is missing."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.install.environments import ROOT, Environment

PREVIEW = "tests/data/previews/first.json"
STATE = "tests/data/previews/state.json"
EXPECTATIONS = "examples/shop/expectations.yaml"

COMMANDS = [
    pytest.param(("reach", "examples/shop"), 0, "Who can reach whom", id="reach"),
    pytest.param(("reach", PREVIEW, "-o", "csv"), 0, "source,destination", id="reach a preview"),
    pytest.param(("reach", STATE, "-o", "json"), 0, "podwall/reach/", id="reach a state"),
    pytest.param(("reach", "examples/shop", "-o", "html"), 0, "<!doctype html>", id="a page"),
    pytest.param(("reach", "examples/shop", "-o", "svg"), 0, "<svg", id="a picture"),
    pytest.param(
        ("explain", "examples/shop", "shop/web", "shop/db", "5432"), 0, "denied", id="explain"
    ),
    pytest.param(("diff", "examples/shop-before", "examples/shop"), 1, "added", id="diff"),
    pytest.param(("diff", PREVIEW, "-o", "md"), 0, "podwall", id="diff of a preview"),
    pytest.param(("check", "examples/shop", EXPECTATIONS), 0, "4 pass", id="check"),
    pytest.param(("lint", "examples/shop"), 0, "", id="lint"),
    pytest.param(
        ("migrate", "examples/azure", "--from", "azure", "--to", "cilium"), 1, "", id="migrate"
    ),
    pytest.param(("import", "examples/shop"), 0, "from podwall.policies import", id="import"),
    pytest.param(
        ("suggest", "examples/shop", EXPECTATIONS), 0, "from podwall.policies import", id="suggest"
    ),
    pytest.param(("walkthrough",), 0, "Who reaches starwind/backend", id="walkthrough"),
]


def test_the_wheel_holds_podwall_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"podwall"}


def test_the_base_environment_has_neither_pulumi_nor_azure_nor_pytest(base: Environment) -> None:
    names = {entry.name.partition("-")[0] for entry in base.site.iterdir()}
    assert names >= {"podwall", "numpy", "msgspec", "yaml"}
    assert not {name for name in names if name.startswith(("pulumi", "grpc", "google", "pytest"))}


@pytest.mark.parametrize(("command", "code", "said"), COMMANDS)
@pytest.mark.long
def test_files_previews_and_states_need_no_extra(
    base: Environment, command: tuple[str, ...], code: int, said: str
) -> None:
    done = base.run("podwall", *command, cwd=ROOT)
    assert (done.returncode, done.stderr.count("needs `")) == (code, 0), done.stderr
    assert said.lower() in done.stdout.lower()


def test_every_public_name_is_there_without_an_extra(base: Environment, tmp_path: Path) -> None:
    program = "from podwall import *; from podwall.testing import *"
    assert base.run("python", "-c", program, cwd=tmp_path).returncode == 0


PROGRAM_COMMANDS = [
    ("preview", "--with", "embedded"),
    ("reach",),
    ("explain", "shop/web", "shop/api"),
    ("check", "expectations.yaml"),
    ("lint",),
    ("migrate", "--to", "cilium"),
    ("suggest", "expectations.yaml"),
]


@pytest.mark.parametrize("command", PROGRAM_COMMANDS, ids=lambda words: words[0])
@pytest.mark.long
def test_a_command_that_plans_a_program_says_in_a_line_which_extra_it_lacks(
    base: Environment, command: tuple[str, ...], tmp_path: Path
) -> None:
    program = tmp_path / "program"
    shutil.copytree(ROOT / "examples" / "tested-program", program)
    done = base.run("podwall", *command, cwd=program)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: planning a program without the Pulumi CLI needs `pulumi`")
    assert line.endswith('pip install "podwall[pulumi]"')
    assert not (program / "out").exists()


MISSING = [
    pytest.param("from podwall.components import AksCluster", "azure", id="the cluster"),
    pytest.param("from podwall.components.cluster import AksCluster", "azure", id="its room"),
    pytest.param("from podwall.components import Workload", "pulumi", id="a component"),
    pytest.param("import podwall.guardrails.__main__", "guardrails", id="the policy pack"),
    pytest.param("import podwall.live.cluster", "live", id="a running cluster"),
    pytest.param(
        "import podwall; podwall.reach_of_program('examples/first-program')",
        "pulumi",
        id="a program in a test",
    ),
]


@pytest.mark.parametrize(("program", "extra"), MISSING)
@pytest.mark.long
def test_what_lacks_an_extra_says_which(base: Environment, program: str, extra: str) -> None:
    done = base.run("python", "-c", program, cwd=ROOT)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("podwall.policies.errors.MissingExtra: ")
    assert last.endswith(f'pip install "podwall[{extra}]"')


def test_a_missing_extra_is_an_import_error_to_whoever_catches_one(base: Environment) -> None:
    program = "try: from podwall.components import Workload\nexcept ImportError: print('caught')"
    assert base.run("python", "-c", program, cwd=ROOT).stdout == "caught\n"
