"""Configuration reaches the program as Pulumi would hand it over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from podwall.plan.configuration import (
    Configuration,
    GivenConfiguration,
    configuration,
    place_in_files,
)
from podwall.plan.model import SECRET, UNKNOWN
from podwall.plan.project import read_project, stack_file
from podwall.policies.errors import Place, SourceError
from tests.plan.projects import plan_of, project_in, resource

CIPHERTEXT = {"secure": "v1:abc:def"}


def settled(
    folder: Path,
    config: Mapping[str, Any] | None = None,
    declared: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    secrets: Mapping[str, Any] | None = None,
) -> Configuration:
    project = read_project(project_in(folder, "", config, declared))
    given = GivenConfiguration(overrides or {}, secrets or {})
    return configuration(project, stack_file(folder, "dev"), given)


@pytest.mark.parametrize(
    ("written", "handed_over"),
    [
        pytest.param("text", "text", id="text"),
        pytest.param(3, "3", id="a number"),
        pytest.param(True, "true", id="a boolean"),
        pytest.param(["a", 1], '["a",1]', id="a list as JSON"),
        pytest.param({"a": {"b": False}}, '{"a":{"b":false}}', id="a mapping as JSON"),
        pytest.param(CIPHERTEXT, f"{UNKNOWN}-encrypted", id="ciphertext as an unknown"),
    ],
)
def test_a_value_is_handed_over_as_text(tmp_path: Path, written: Any, handed_over: str) -> None:
    assert settled(tmp_path, {"shop:key": written}).values == {"shop:key": handed_over}


@pytest.mark.parametrize(
    ("written", "handed_over"),
    [
        ("12:30", "12:30"),
        ("yes", "yes"),
        ("off", "off"),
        ("y", "y"),
        ("True", "true"),
        ("010", "8"),
        ("0o17", "15"),
        ("1e3", "1000"),
        ("1_000", "1000"),
        ("1.50", "1.5"),
        ("1e21", "1e+21"),
        ("~", ""),
        ("'on'", "on"),
        ("2001-01-01", "2001-01-01 00:00:00 +0000 UTC"),
        ("2001-01-01T10:00:00Z", "2001-01-01 10:00:00 +0000 UTC"),
        ("2001-13-01", "2001-13-01"),
        ("[yes, 12:30, 1_000, null]", '["yes","12:30",1000,null]'),
    ],
)
def test_a_plain_value_is_what_it_is_to_pulumi(
    tmp_path: Path, written: str, handed_over: str
) -> None:
    """Each was handed over so by `pulumi config --json` of Pulumi 3.260."""
    project = read_project(project_in(tmp_path, ""))
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n  shop:key: {written}\n", "utf-8")
    found = configuration(project, stack_file(tmp_path, "dev"))
    assert found.values == {"shop:key": handed_over}


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  a:b: {c: 1,\n    c: 2}\n", "utf-8")
    with pytest.raises(SourceError, match=r"dev.yaml:3: key `c` stands twice, first in line 2"):
        stack_file(tmp_path, "dev")


@pytest.mark.parametrize(
    ("declared", "default"),
    [
        pytest.param({"type": "integer", "default": 3}, "3", id="a default"),
        pytest.param({"value": "x"}, "x", id="a value"),
        pytest.param("x", "x", id="the short form"),
        pytest.param({"type": "array", "items": {"type": "string"}, "default": []}, "[]", id="[]"),
    ],
)
def test_the_project_gives_defaults(tmp_path: Path, declared: Any, default: str) -> None:
    assert settled(tmp_path, {}, {"key": declared}).values == {"shop:key": default}


def test_the_stack_wins_over_the_project_and_an_override_over_both(tmp_path: Path) -> None:
    declared = {"key": {"type": "string", "default": "project"}}
    stack = {"shop:key": "stack"}
    assert settled(tmp_path, stack, declared).values == {"shop:key": "stack"}
    assert settled(tmp_path, stack, declared, {"key": "said"}).values == {"shop:key": "said"}


def test_the_old_form_of_a_key_is_the_same_key(tmp_path: Path) -> None:
    assert settled(tmp_path, {"shop:config:key": "x"}).values == {"shop:key": "x"}


def test_secret_keys_are_the_encrypted_and_the_declared_ones(tmp_path: Path) -> None:
    config = {"shop:a": CIPHERTEXT, "shop:b": {"deep": [CIPHERTEXT]}, "shop:c": "x", "shop:d": "x"}
    declared = {"c": {"type": "string", "secret": True}}
    assert settled(tmp_path, config, declared).secret_keys == ("shop:a", "shop:b", "shop:c")


@pytest.mark.parametrize(
    ("config", "declared", "message", "line"),
    [
        pytest.param(
            {"shop:key": "x"},
            {"key": {"type": "integer"}},
            "`shop:key` is `x`, which is not a whole number",
            2,
            id="a text for a number",
        ),
        pytest.param(
            {"shop:key": "yes"},
            {"key": {"type": "boolean"}},
            "`shop:key` is `yes`, which is not true or false",
            2,
            id="a text for a boolean",
        ),
        pytest.param(
            {"shop:key": [1, "x"]},
            {"key": {"type": "array", "items": {"type": "integer"}}},
            '`shop:key` is `[1,"x"]`, which is not a list',
            2,
            id="one wrong element",
        ),
        pytest.param(
            {"shop:key": "x"},
            {"key": {"type": "object"}},
            "`shop:key` is `x`, which is not a mapping",
            2,
            id="a text for a mapping",
        ),
        pytest.param(
            {"shop:key": "hunter2"},
            {"key": {"type": "integer", "secret": True}},
            "`shop:key` is `[secret]`, which is not a whole number",
            2,
            id="a secret is not repeated",
        ),
        pytest.param({"key": "x"}, {}, "`key` is not a configuration key", 2, id="no namespace"),
    ],
)
def test_a_wrong_value_is_refused_at_its_line(
    tmp_path: Path, config: Mapping[str, Any], declared: Mapping[str, Any], message: str, line: int
) -> None:
    with pytest.raises(SourceError) as refused:
        settled(tmp_path, config, declared)
    assert refused.value.message == message
    assert refused.value.place == Place("Pulumi.dev.yaml", line)
    assert refused.value.help


def test_a_missing_value_is_refused_where_it_is_declared(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as refused:
        settled(tmp_path, {}, {"key": {"type": "string"}})
    assert refused.value.message == "`shop:key` is required and Pulumi.dev.yaml does not set it"
    assert refused.value.place == Place("Pulumi.yaml", 2)
    assert "pulumi config set --stack dev shop:key VALUE" in refused.value.help


def test_a_path_inside_a_value_is_found_in_the_file(tmp_path: Path) -> None:
    project = read_project(project_in(tmp_path, "", {"shop:cluster": {"pools": [{"name": "a"}]}}))
    file = stack_file(tmp_path, "dev")
    place = place_in_files(Place(path="shop:cluster.pools[0].name"), file, project)
    assert place == Place("Pulumi.dev.yaml", 3, "shop:cluster.pools[0].name")


def test_a_declared_default_is_found_in_the_project(tmp_path: Path) -> None:
    declared = {"step": {"type": "string", "default": "x"}}
    project = read_project(project_in(tmp_path, "", {}, declared))
    place = place_in_files(Place(path="shop:step"), stack_file(tmp_path, "dev"), project)
    assert place == Place("Pulumi.yaml", 3, "shop:step")


def test_an_encrypted_value_is_secret_or_unknown_wherever_it_goes(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        """
        config = pulumi.Config()
        labels = {"open": config.require("password"), "kept": config.require_secret("password")}
        pod("web", labels={"open": config.require("password")})
        pulumi.export("kept", config.require_secret("password"))
        """,
        {"shop:password": CIPHERTEXT},
    )
    label = resource(plan, "web").inputs["metadata"]["labels"]["open"]
    assert "is known only after deployment" in str(label)
    # Before pulumi 3.262 an unknown value is only unknown, as nothing of it is there to keep.
    assert (
        "known only after deployment" in str(plan.outputs["kept"]) or plan.outputs["kept"] is SECRET
    )


def test_a_given_value_is_in_no_file(tmp_path: Path) -> None:
    project = read_project(project_in(tmp_path, "", {"shop:step": "a"}))
    given = GivenConfiguration({"step": "b"})
    place = place_in_files(Place(path="shop:step"), stack_file(tmp_path, "dev"), project, given)
    assert place == Place(path="shop:step")


def test_a_given_secret_replaces_what_is_encrypted_and_stays_secret(tmp_path: Path) -> None:
    found = settled(tmp_path, {"shop:port": CIPHERTEXT}, secrets={"port": "8080"})
    assert found == Configuration({"shop:port": "8080"}, ("shop:port",))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param({"overrides": {"size": "big"}}, "big", id="a value"),
        pytest.param({"secrets": {"size": "big"}}, "[secret]", id="a secret"),
    ],
)
def test_a_given_value_of_another_type_is_refused_at_no_line_of_a_file(
    tmp_path: Path, given: Any, shown: str
) -> None:
    with pytest.raises(SourceError) as refused:
        settled(tmp_path, {"shop:size": 3}, {"shop:size": {"type": "integer"}}, **given)
    assert str(refused.value) == f"`shop:size` is `{shown}`, which is not a whole number"
