"""What the cluster's component imports of the Azure SDK, and that others find the SDK whole."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from podwall.on_demand import alone

FILES = {
    "__init__.py": "",
    "fruit/__init__.py": "from .apple import *\nfrom .get_pear import *\nfrom . import outputs\n",
    "fruit/apple.py": (
        "from . import outputs\n__all__ = ['Apple']\nclass Apple(outputs.Result): ...\n"
    ),
    "fruit/get_pear.py": "__all__ = ['get_pear']\ndef get_pear(): return 'pear'\n",
    "fruit/outputs.py": "class Result: ...\n",
    "all_fruit.py": "from .fruit import *\n",
}


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a package whose `fruit` is imported when it is first used."""
    name = f"sdk_{tmp_path.name}"
    for path, text in FILES.items():
        file = tmp_path / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    found = importlib.util.find_spec(f"{name}.fruit")
    assert found is not None
    assert found.loader is not None
    found.loader = loader = importlib.util.LazyLoader(found.loader)
    waiting = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, found.name, waiting)
    monkeypatch.setattr(sys.modules[name], "fruit", waiting, raising=False)
    loader.exec_module(waiting)
    return name


def fruit(sdk: str) -> Any:
    return sys.modules[f"{sdk}.fruit"]


def loaded(sdk: str) -> set[str]:
    start = f"{sdk}.fruit."
    return {each.removeprefix(start) for each in sys.modules if each.startswith(start)}


def test_a_module_is_loaded_without_the_others(sdk: str) -> None:
    assert alone(f"{sdk}.fruit.apple", "Apple").__name__ == "Apple"
    assert loaded(sdk) == {"apple", "outputs"}


def test_the_package_has_the_same_classes_and_what_was_not_loaded(sdk: str) -> None:
    apple = alone(f"{sdk}.fruit.apple", "Apple")
    assert fruit(sdk).get_pear() == "pear"
    assert fruit(sdk).Apple is apple
    assert fruit(sdk).apple.Apple is apple
    assert type(fruit(sdk)) is ModuleType


def test_a_function_stays_before_the_module_of_its_name(sdk: str) -> None:
    assert alone(f"{sdk}.fruit.get_pear", "get_pear")() == "pear"
    assert fruit(sdk).get_pear() == "pear"


def test_everything_of_the_package_can_be_imported_by_a_star(sdk: str) -> None:
    alone(f"{sdk}.fruit.get_pear", "get_pear")
    everything = vars(importlib.import_module(f"{sdk}.all_fruit"))
    assert {"Apple", "get_pear", "outputs"} <= everything.keys()
    assert everything["get_pear"]() == "pear"


def test_what_the_package_shares_does_not_load_it(sdk: str) -> None:
    alone(f"{sdk}.fruit.apple", "Apple")
    assert fruit(sdk).outputs.Result.__name__ == "Result"
    assert loaded(sdk) == {"apple", "outputs"}
    assert "get_pear" in dir(fruit(sdk))


def test_a_package_that_is_loaded_is_asked_as_usual(sdk: str) -> None:
    assert fruit(sdk).get_pear() == "pear"
    assert alone(f"{sdk}.fruit.apple", "Apple") is fruit(sdk).Apple


def test_a_release_without_the_module_is_asked_for_the_name(sdk: str) -> None:
    assert alone(f"{sdk}.fruit.apples", "Apple") is fruit(sdk).Apple


def test_what_no_release_has_is_refused_as_usual(sdk: str) -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'Plum'"):
        alone(f"{sdk}.fruit.plum", "Plum")


IMPORTS = """
import sys
from podwall.components import AksCluster
print(*(each for each in sys.modules if each.startswith("pulumi_azure_native.")))
from pulumi_azure_native import containerservice, resources
assert containerservice.get_managed_cluster.__name__ == "get_managed_cluster"
assert containerservice.list_managed_cluster_user_credentials.__name__.startswith("list_")
assert callable(containerservice.list_managed_cluster_user_credentials)
assert isinstance(containerservice.Snapshot, type) and isinstance(resources.Deployment, type)
"""


@pytest.mark.long
def test_the_component_brings_only_its_own_resources() -> None:
    command = [sys.executable, "-W", "ignore", "-c", IMPORTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    brought = {each.partition(".")[2] for each in done.stdout.split()}
    assert "containerservice.managed_cluster" in brought
    assert not {"containerservice.snapshot", "resources.deployment"} & brought
