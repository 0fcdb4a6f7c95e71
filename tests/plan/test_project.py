"""Projects and stacks are found as Pulumi finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.plan.embedded import embedded_plan
from podwall.plan.project import default_stack, find_project, read_project, stack_file, stack_names
from podwall.policies.errors import SourceError
from tests.plan.projects import project_in


def with_stacks(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / f"Pulumi.{name}.yaml").write_text("config: {}\n", encoding="utf-8")
    return folder


def test_a_project_is_found_from_a_folder_inside_it(tmp_path: Path) -> None:
    inside = project_in(tmp_path / "shop", "") / "src" / "deep"
    inside.mkdir(parents=True)
    assert find_project(inside) == (tmp_path / "shop").resolve()


def test_without_a_project_the_message_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"no Pulumi\.yaml here or in any folder above"
    ) as refused:
        read_project(tmp_path)
    assert refused.value.help


@pytest.mark.parametrize(
    ("main", "file"),
    [
        pytest.param(None, "__main__.py", id="the folder's own"),
        pytest.param("src", "src/__main__.py", id="in another folder"),
        pytest.param("app.py", "app.py", id="a file by its name"),
    ],
)
def test_the_program_is_where_the_project_says(tmp_path: Path, main: str | None, file: str) -> None:
    folder = project_in(tmp_path, "")
    with (folder / "Pulumi.yaml").open("a", encoding="utf-8") as project:
        project.write(f"main: {main}\n" if main else "")
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("import os, pulumi\npulumi.export('in', os.getcwd())\n", "utf-8")
    plan = embedded_plan(folder, "dev")
    assert plan.outputs == {"in": str((folder / file).parent.resolve())}


def test_the_long_form_of_the_runtime_is_understood(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yml").write_text("name: shop\nruntime: {name: python}\n", encoding="utf-8")
    (tmp_path / "__main__.py").write_text("", encoding="utf-8")
    assert read_project(tmp_path).name == "shop"


def test_stacks_are_the_ones_with_a_file(tmp_path: Path) -> None:
    with_stacks(tmp_path, "prod", "dev", "eu.west")
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    assert stack_names(tmp_path) == ("dev", "eu.west", "prod")


def test_an_unknown_stack_is_answered_with_the_nearest_and_all(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as refused:
        stack_file(with_stacks(tmp_path, "dev", "prod"), "prd")
    assert refused.value.message == "there is no stack `prd`: Pulumi.prd.yaml is missing"
    assert refused.value.help == "did you mean `prod`? there are `dev`, `prod`"


@pytest.mark.parametrize(
    ("stacks", "meant"),
    [
        pytest.param(("dev", "prod"), "dev", id="dev, where there is one"),
        pytest.param(("prod",), "prod", id="the only one"),
        pytest.param((), "dev", id="dev, where none is configured"),
    ],
)
def test_a_stack_may_be_left_out(tmp_path: Path, stacks: tuple[str, ...], meant: str) -> None:
    assert default_stack(with_stacks(tmp_path, *stacks)) == meant


def test_a_stack_must_be_named_where_it_is_not_clear(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no stack is named") as refused:
        default_stack(with_stacks(tmp_path, "a", "b"))
    assert refused.value.help == "name one with --stack: `a`, `b`"


def test_a_project_that_configures_nothing_needs_no_file_of_a_stack(tmp_path: Path) -> None:
    assert stack_file(with_stacks(tmp_path), "prod").values == {}
