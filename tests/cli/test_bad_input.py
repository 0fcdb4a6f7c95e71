"""Bad input: one clear message with its place and a remedy, exit code 2, nothing written."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from tests.cli.running import podwall, process
from tests.plan.projects import project_in

PROJECT = "name: shop\nruntime: python\n"
STACK = "config: {}\n"
PLAIN = "import pulumi\n"


@pytest.mark.parametrize(
    ("files", "arguments", "message", "remedy"),
    [
        pytest.param(
            {"Pulumi.dev.yaml": STACK},
            ["--stack", "dve"],
            "there is no stack `dve`: Pulumi.dve.yaml is missing",
            "did you mean `dev`? there are `dev`",
            id="an unknown stack",
        ),
        pytest.param(
            {"Pulumi.dev.yaml": "config:\n  shop:size: {\n"},
            [],
            "Pulumi.dev.yaml:3: malformed YAML: expected the node content, "
            "but found '<stream end>'",
            "",
            id="malformed YAML",
        ),
        pytest.param(
            {
                "Pulumi.yaml": f"{PROJECT}config:\n  size: {{type: integer}}\n",
                "Pulumi.dev.yaml": "config:\n  shop:size: big\n",
            },
            [],
            "Pulumi.dev.yaml:2: `shop:size` is `big`, which is not a whole number",
            "declared in Pulumi.yaml as `type: integer`",
            id="configuration of the wrong type",
        ),
        pytest.param(
            {"__main__.py": "raise ValueError('no')"},
            [],
            "__main__.py:1: the program raised `ValueError`: no",
            "see where with --debug",
            id="a program that raises",
        ),
        pytest.param(
            {"__main__.py": "from podwall.policies import ip_block\nip_block('10.0.0.1/33')"},
            [],
            "__main__.py:2",
            " ",
            id="an invalid CIDR",
        ),
        pytest.param(
            {"__main__.py": "from podwall.policies import tcp\n\ntcp(70000)"},
            [],
            "__main__.py:3",
            " ",
            id="a port out of range",
        ),
        pytest.param(
            {},
            ["--with", "pulumi"],
            "`pulumi` is not on the PATH",
            "install it from https://www.pulumi.com/docs/install, or use `--with embedded`",
            id="a Pulumi CLI that is not there",
        ),
        pytest.param(
            {},
            ["--engine", "weave"],
            "argument --engine: invalid choice: 'weave'",
            "`podwall preview --help` lists what it takes",
            id="usage",
        ),
    ],
)
def test_bad_input(
    tmp_path: Path, files: dict[str, str], arguments: list[str], message: str, remedy: str
) -> None:
    folder = project_in(tmp_path, PLAIN)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    result = podwall(folder, "preview", *arguments)
    assert result.code == 2
    assert result.out == ""
    assert message in result.err
    assert f" help: {remedy}".rstrip() in result.err if remedy else "help:" not in result.err
    assert "Traceback" not in result.err
    assert not (folder / "out").exists()


@pytest.mark.long
def test_an_error_is_two_lines(tmp_path: Path) -> None:
    result = process(project_in(tmp_path, "1 / 0"), "preview", "--with", "embedded")
    assert result.err.splitlines() == [
        "error: __main__.py:1: the program raised `ZeroDivisionError`: division by zero",
        " help: see where with --debug",
    ]


def test_debug_shows_where(tmp_path: Path) -> None:
    result = podwall(project_in(tmp_path, "1 / 0"), "preview", "--debug")
    assert result.code == 2
    assert "Traceback" in result.err
    assert "ZeroDivisionError" in result.err


def test_a_defect_of_ours_is_no_finding_and_asks_to_be_reported(tmp_path: Path) -> None:
    with mock.patch("podwall.cli.preview.review", side_effect=KeyError("x")):
        result = podwall(project_in(tmp_path, PLAIN), "preview", "--with", "embedded")
    assert result.code == 2
    assert result.err.splitlines() == [
        "error: podwall failed with `KeyError`: 'x'",
        " help: this is a defect of podwall: please report it, with what --debug shows",
    ]


def test_without_a_project(tmp_path: Path) -> None:
    result = podwall(tmp_path, "preview")
    assert result.code == 2
    assert "no Pulumi.yaml here or in any folder above" in result.err


def test_a_failure_leaves_the_last_good_output_as_it_was(tmp_path: Path) -> None:
    folder = project_in(tmp_path, PLAIN)
    assert podwall(folder, "preview").code == 0
    plan = (folder / "out/dev/plan.json").read_bytes()
    project_in(tmp_path, "1 / 0")
    assert podwall(folder, "preview").code == 2
    assert (folder / "out/dev/plan.json").read_bytes() == plan
    assert [path.name for path in (folder / "out").iterdir()] == ["dev"]


def test_a_folder_that_no_preview_wrote_is_left_as_it_is(tmp_path: Path) -> None:
    folder = project_in(tmp_path, PLAIN)
    (folder / "dev").mkdir()
    (folder / "dev" / "notes.txt").write_text("mine", encoding="utf-8")
    result = podwall(folder, "preview", "--out", ".")
    assert result.code == 2
    assert "error: dev: holds files that no preview wrote, and would be replaced" in result.err
    assert [path.name for path in (folder / "dev").iterdir()] == ["notes.txt"]


def test_an_output_folder_that_is_a_file(tmp_path: Path) -> None:
    folder = project_in(tmp_path, PLAIN)
    (folder / "out").write_text("", encoding="utf-8")
    result = podwall(folder, "preview")
    assert result.code == 2
    assert "can't be written" in result.err
    assert "Traceback" not in result.err


def test_a_policy_for_a_label_that_nothing_carries(tmp_path: Path) -> None:
    program = """
        import pulumi
        from pulumi_kubernetes.core.v1 import Pod
        from podwall.components import NetworkPolicies
        from podwall.policies import DENY_ALL, NetworkPolicy, pods
        Pod("web", metadata={"name": "web", "namespace": "shop", "labels": {"app": "web"}})
        closed = NetworkPolicy(
            name="closed", namespace="shop", pod_selector=pods(app="wbe"), ingress=DENY_ALL
        )
        NetworkPolicies("shop", [closed])
    """
    result = podwall(project_in(tmp_path, program), "preview", "--with", "embedded")
    assert result.code == 2
    assert "`shop/closed` selects `app=wbe`, which no pod here has" in result.out
    assert "did you mean `app=web`?" in result.out
