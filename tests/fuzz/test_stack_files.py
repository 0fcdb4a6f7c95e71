"""A project's file and its stack's with a wrong structure: read as configuration, or refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from podwall.plan.configuration import GivenConfiguration, configuration
from podwall.plan.project import default_stack, read_project, stack_file
from podwall.policies.errors import PodwallError
from tests.fuzz.test_trees import STUCK
from tests.fuzz.trees import changed, written

BATCHES: Final = max(1, int(os.environ.get("SOAK", "0")) // 10)
EACH: Final = 60
PROJECT: Final[dict[str, Any]] = {
    "name": "shop",
    "runtime": {"name": "python", "options": {"virtualenv": ".venv", "toolchain": "pip"}},
    "main": ".",
    "stackConfigDir": ".",
    "config": {
        "engine": {"type": "string", "default": "cilium"},
        "nodes": {"type": "integer"},
        "token": {"type": "string", "secret": True},
        "ranges": {"type": "array", "items": {"type": "string"}},
        "azure-native:location": {"value": "westeurope"},
        "pulumi:autonaming": {"value": {"mode": "verbatim"}},
    },
}
STACK: Final[dict[str, Any]] = {
    "secretsprovider": "passphrase",
    "encryptionsalt": "v1:abc:v1:def",
    "environment": {"imports": ["shop/dev", {"shop/base": {"merge": False}}], "values": {"a": 1}},
    "config": {
        "shop:engine": "azure",
        "shop:nodes": 3,
        "shop:token": {"secure": "v1:abc:def"},
        "shop:ranges": ["10.0.0.0/8"],
        "shop:deep": {"objectValue": {"a": {"secure": "AAAB"}, "b": [1, 2.5, None]}},
        "kubernetes:namespace": "shop",
        "podwall:answers": {"azure-native:network:getVirtualNetwork": {"location": "westeurope"}},
    },
}


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("damaged", ["project", "stack"])
@pytest.mark.timeout(STUCK)
def test_a_file_of_a_wrong_structure_is_read_or_refused(
    damaged: str, batch: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rng = Random(f"{damaged} {batch}")
    (tmp_path / "__main__.py").touch()
    (tmp_path / "Pulumi.yaml").write_bytes(_sound(PROJECT))
    (tmp_path / "Pulumi.dev.yaml").write_bytes(_sound(STACK))
    assert _problem(tmp_path) is None
    refused = 0
    for number in range(EACH):
        project = written(rng, changed(rng, PROJECT)) if damaged == "project" else _sound(PROJECT)
        stack = written(rng, changed(rng, STACK)) if damaged == "stack" else _sound(STACK)
        (tmp_path / "Pulumi.yaml").write_bytes(project)
        (tmp_path / "Pulumi.dev.yaml").write_bytes(stack)
        problem = _problem(tmp_path)
        if problem is not None:
            refused += 1
            assert "\n" not in str(problem.place), (damaged, batch, number)
    assert 0 < refused < EACH
    record_property("compared: project and stack files of a wrong structure", EACH)


def _sound(tree: dict[str, Any]) -> bytes:
    return json.dumps(tree).encode()


def _problem(folder: Path) -> PodwallError | None:
    """Return what refuses the configuration, None where it is read; anything else is a defect."""
    try:
        project = read_project(folder)
        given = GivenConfiguration({"nodes": 5}, {"token": "x"})
        found = configuration(project, stack_file(folder, default_stack(folder)), given)
        list(found.secret_texts())
    except PodwallError as problem:
        return problem
    return None
