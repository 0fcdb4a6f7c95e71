"""Programs as other people lay them out: toolchains, folders, providers and components."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from podwall.plan.embedded import embedded_plan
from podwall.policies.errors import Unknown
from tests.plan.projects import KUBERNETES, plan_of, project_in, resource


@pytest.mark.parametrize(
    "options",
    [
        {"toolchain": "uv", "virtualenv": ".venv"},
        {"toolchain": "poetry"},
        {"toolchain": "pip", "virtualenv": "venv", "typechecker": "mypy"},
        {"virtualenv": "nowhere"},
    ],
)
def test_the_options_of_a_toolchain_do_not_matter(tmp_path: Path, options: dict[str, str]) -> None:
    folder = project_in(tmp_path, textwrap.dedent(KUBERNETES) + "pod('web')")
    project = {"name": "shop", "runtime": {"name": "python", "options": options}}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    assert resource(embedded_plan(folder, "dev"), "web").name == "web"


@pytest.mark.parametrize("main", ["infra", "infra/", "./infra", "infra/__main__.py"])
def test_a_program_in_another_folder_finds_its_modules_and_files(tmp_path: Path, main: str) -> None:
    folder = project_in(tmp_path, "")
    inner = folder / "infra"
    inner.mkdir()
    (inner / "names.py").write_text("NAME = open('name.txt').read()", encoding="utf-8")
    (inner / "name.txt").write_text("web", encoding="utf-8")
    program = f"{textwrap.dedent(KUBERNETES)}\nfrom names import NAME\npod(NAME)"
    (inner / "__main__.py").write_text(program, encoding="utf-8")
    project = {"name": "shop", "runtime": "python", "main": main}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    assert resource(embedded_plan(folder, "dev"), "web").place.source == "infra/__main__.py"


def label_of(folder: Path, program: str) -> Any:
    plan = plan_of(folder, program)
    return resource(plan, "web").inputs["metadata"]["labels"]["a"]


def test_a_dynamic_provider_is_not_run_and_what_it_makes_up_is_unknown(tmp_path: Path) -> None:
    program = """
        from pulumi.dynamic import CreateResult, Resource, ResourceProvider

        class Numbers(ResourceProvider):
            def create(self, props):
                raise AssertionError("a plan creates nothing")

        class Number(Resource):
            number: Output[str]

            def __init__(self, name):
                super().__init__(Numbers(), name, {"number": None})

        pod("web", labels={"a": Number("one").number})
    """
    assert isinstance(label_of(tmp_path, program), Unknown)


def test_a_component_from_another_process_is_in_the_plan_and_its_outputs_are_unknown(
    tmp_path: Path,
) -> None:
    program = """
        class Remote(pulumi.ComponentResource):
            host: Output[str]

            def __init__(self, name):
                super().__init__("acme:index:Remote", name, {"host": None}, None, remote=True)

        pod("web", labels={"a": Remote("one").host})
    """
    assert isinstance(label_of(tmp_path, program), Unknown)


def test_what_a_component_in_python_makes_is_planned_below_it(tmp_path: Path) -> None:
    program = """
        class Application(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("acme:index:Application", name)
                pod("web", opts=ResourceOptions(parent=self))
                self.register_outputs({})

        Application("one")
    """
    plan = plan_of(tmp_path, program)
    assert resource(plan, "web").parent == resource(plan, "one").urn


def test_transformations_of_both_kinds_run(tmp_path: Path) -> None:
    program = """
        def labelled(args):
            args.props["metadata"] = {**args.props["metadata"], "labels": {"a": "b"}}
            return pulumi.ResourceTransformationResult(args.props, args.opts)

        def annotated(args):
            metadata = {**args.props["metadata"], "annotations": {"c": "d"}}
            return pulumi.ResourceTransformResult({**args.props, "metadata": metadata}, args.opts)

        pulumi.runtime.register_stack_transformation(
            lambda args: labelled(args) if args.type_.endswith(":Pod") else None
        )
        pod("web", opts=ResourceOptions(transforms=[annotated]))
    """
    metadata = resource(plan_of(tmp_path, program), "web").inputs["metadata"]
    assert metadata["labels"] == {"a": "b"}
    assert metadata["annotations"] == {"c": "d"}
