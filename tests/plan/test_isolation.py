"""A plan leaves nothing behind, and finds nothing that another one left."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pulumi
import pytest

from podwall.plan.embedded import embedded_plan
from podwall.policies.errors import SourceError
from tests.plan.projects import plan_of, project_in, resource

HELPER = "from helper import NAME\nNamespace(NAME)\npulumi.export('n', NAME)"


def with_helper(folder: Path, name: str) -> Path:
    folder.mkdir()
    (folder / "helper.py").write_text(f"NAME = {name!r}\n", encoding="utf-8")
    return folder


def test_two_programs_with_a_module_of_one_name_do_not_mix(tmp_path: Path) -> None:
    for number, name in enumerate(("red", "blue", "red")):
        plan = plan_of(with_helper(tmp_path / str(number), name), HELPER)
        assert plan.outputs == {"n": name}
    assert "helper" not in sys.modules


def test_a_module_that_is_imported_already_is_fresh_in_every_plan_and_the_same_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sizes.py").write_text(
        "import pulumi\nSIZE = pulumi.Config().get('size')\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = importlib.import_module("sizes")
    try:
        for size in ("3", "5"):
            program = "from sizes import SIZE\npulumi.export('size', SIZE)"
            assert plan_of(tmp_path, program, {"shop:size": size}).outputs == {"size": size}
        assert sys.modules["sizes"] is before
    finally:
        del sys.modules["sizes"]


class Late(ModuleType):
    """A module that is imported when it is asked for anything, as those of Pulumi's SDKs were."""

    def __getattribute__(self, name: str) -> object:
        sys.modules[f"late_{len(sys.modules)}"] = ModuleType("late")
        return super().__getattribute__(name)


def test_modules_that_are_imported_when_first_used_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "late", Late("late"))
    monkeypatch.setitem(sys.modules, "no_module", 7)  # some libraries do so
    plan_of(tmp_path, "pass")
    assert not [name for name in sys.modules if name.startswith("late_")]


def test_libraries_that_are_installed_below_the_project_stay_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / ".venv" / "lib" / "site-packages"
    library.mkdir(parents=True)
    (library / "installed_here.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(library)
    before = importlib.import_module("installed_here")
    try:
        plan_of(tmp_path, "import installed_here")
        assert sys.modules["installed_here"] is before
    finally:
        del sys.modules["installed_here"]


def test_mocks_that_a_test_has_set_are_still_set_after_a_plan(tmp_path: Path) -> None:
    class OwnMocks(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, str]]:
            return f"own-{args.name}", dict(args.inputs)

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, str], None]:
            return dict(args.args), None

    loop = asyncio.new_event_loop()

    def test() -> None:
        asyncio.set_event_loop(loop)
        pulumi.runtime.set_mocks(OwnMocks(), project="own", stack="test")
        own = pulumi.runtime.settings.get_monitor()
        plan = plan_of(tmp_path, "Namespace('shop')\npulumi.export('p', pulumi.get_project())")
        assert plan.outputs == {"p": "shop"}
        assert (pulumi.get_project(), pulumi.get_stack()) == ("own", "test")
        assert pulumi.runtime.settings.get_monitor() is own

    try:
        contextvars.Context().run(test)
    finally:
        asyncio.set_event_loop(None)
        waiting = asyncio.all_tasks(loop)  # the mocks' own stack, which nobody asks for
        for task in waiting:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        loop.close()


@pytest.mark.parametrize(
    "file", ["networks.py", "networks/__init__.py", "networks/names.py"], ids=lambda path: path
)
def test_a_programs_own_package_stands_in_front_of_an_imported_one_while_it_runs(
    tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = ModuleType("networks")
    monkeypatch.setitem(sys.modules, "networks", imported)
    program = tmp_path / "program"
    path = program / file
    path.parent.mkdir(parents=True)
    path.write_text("NAME = 'theirs'\n", encoding="utf-8")
    module = "networks.names" if path.stem == "names" else "networks"
    plan = plan_of(program, f"from {module} import NAME\npulumi.export('n', NAME)")
    assert plan.outputs == {"n": "theirs"}
    assert sys.modules["networks"] is imported


@pytest.mark.parametrize(
    "ending", [pytest.param("", id="a good end"), pytest.param("1 / 0", id="a bad end")]
)
def test_the_process_is_as_it_was(tmp_path: Path, ending: str) -> None:
    program = f"import sys, os\nNamespace('shop')\nsys.argv.append('x')\n{ending}"
    before = (Path.cwd(), list(sys.path), warnings.filters[:], sys.stdout, dict(os.environ))
    try:
        plan_of(tmp_path, program)
    except SourceError:
        assert ending
    after = (Path.cwd(), list(sys.path), warnings.filters[:], sys.stdout, dict(os.environ))
    assert after == before


def test_pulumis_own_settings_are_as_they_were(tmp_path: Path) -> None:
    monitor = pulumi.runtime.settings.get_monitor()
    before = (pulumi.get_project(), pulumi.get_stack(), pulumi.runtime.get_root_resource())
    plan_of(tmp_path, "Namespace('shop')", {"shop:size": "3"})
    after = (pulumi.get_project(), pulumi.get_stack(), pulumi.runtime.get_root_resource())
    assert after == before
    assert pulumi.runtime.settings.get_monitor() is monitor
    assert pulumi.Config("shop").get("size") is None


def test_configuration_of_one_plan_is_not_that_of_the_next(tmp_path: Path) -> None:
    program = "pulumi.export('size', pulumi.Config().get('size'))"
    assert plan_of(tmp_path / "a", program, {"shop:size": "3"}).outputs == {"size": "3"}
    assert plan_of(tmp_path / "b", program).outputs == {}


def test_one_program_planned_twice_gives_equal_plans(tmp_path: Path) -> None:
    folder = project_in(tmp_path, "import pulumi_kubernetes as k\nk.core.v1.Namespace('shop')")
    assert embedded_plan(folder, "dev") == embedded_plan(folder, "dev")


def test_a_plan_is_possible_while_an_event_loop_is_set(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        plan_of(tmp_path, "Namespace('shop')")
        assert asyncio.get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_a_plan_after_a_failed_one_is_whole(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        plan_of(tmp_path / "bad", "Namespace('a')\nOutput.from_input(1).apply(lambda _: 1 / 0)")
    plan = plan_of(tmp_path / "good", "Namespace('shop')")
    assert resource(plan, "shop").type == "kubernetes:core/v1:Namespace"
    assert len(plan.resources) == 2


def test_what_a_program_prints_goes_to_the_error_stream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_of(tmp_path, "print('hello')")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")
