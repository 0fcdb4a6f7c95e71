"""Configuration that is given on the command line, with every command that plans a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import podwall
from tests.plan.projects import project_in

PROGRAM = """
    import pulumi
    from pulumi_kubernetes.core.v1 import Namespace, Pod

    config = pulumi.Config()
    name = config.require("app")
    Namespace("shop", metadata={"name": "shop"})
    for each in (name, "db"):
        labels = {"key": config.get_secret("key") or ""}
        Pod(
            each,
            metadata={"name": each, "namespace": "shop", "labels": labels},
            spec={"containers": [{"name": "a", "image": "b"}]},
        )
"""
EXPECTATIONS = """
expectations:
- {name: all can, from: shop/web, to: shop/db, ports: 80, expect: allowed}
"""
GIVEN = ("--config", "app=web")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = project_in(tmp_path, PROGRAM)
    (folder / "expectations.yaml").write_text(EXPECTATIONS, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("preview", "--with", "embedded", "--engine", "azure"), id="preview"),
        pytest.param(("reach",), id="reach"),
        pytest.param(("explain", "shop/web", "shop/db"), id="explain"),
        pytest.param(("check", "expectations.yaml"), id="check"),
        pytest.param(("lint",), id="lint"),
        pytest.param(("migrate",), id="migrate"),
    ],
)
@pytest.mark.long(keep=1)
def test_every_command_that_plans_takes_configuration(
    project: Path, command: tuple[str, ...]
) -> None:
    given = podwall(project, *command, *GIVEN)
    assert given.code == 0, given.err
    without = podwall(project, *command)
    assert without.code == 2
    assert "`shop:app` is not set" in without.err
    assert "`--config shop:app=VALUE`" in without.err


def test_the_last_value_of_a_key_counts_and_may_hold_an_equals_sign(project: Path) -> None:
    result = podwall(project, "reach", "-o", "json", "-c", "app=a=b", *GIVEN)
    assert {each["name"] for each in result.json["workloads"]} >= {"web", "db"}


def test_a_secret_is_shown_nowhere(project: Path) -> None:
    result = podwall(project, "reach", "-o", "json", *GIVEN, "--secret", "key=hidden")
    assert result.code == 0, result.err
    assert "hidden" not in result.out + result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("--config", "app"), "--config takes a key and a value", id="no value"),
        pytest.param(("--config", "=web"), "--config takes a key and a value", id="no key"),
        pytest.param(("--secret", "app"), "--secret takes a key and a value", id="no secret"),
        pytest.param(
            (*GIVEN, "--secret", "app=x"), "`app` is given with --config and with", id="both"
        ),
        pytest.param(
            ("expectations.yaml", *GIVEN), "--config configures a program", id="with a source"
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(
    project: Path, words: tuple[str, ...], message: str
) -> None:
    result = podwall(project, "reach", *words)
    assert result.code == 2
    assert message in result.err
