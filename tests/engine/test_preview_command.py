"""`podwall preview` with the real Pulumi CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.engine.workspace import ROOT, Workspace

pytestmark = pytest.mark.engine


def preview(workspace: Workspace, planner: str) -> tuple[int, Any]:
    """Return the exit code and the document of `podwall preview`."""
    done = subprocess.run(
        [sys.executable, "-m", "podwall", "preview", "--with", planner, "-s", "dev", "-o", "json"],
        cwd=workspace.project,
        env=workspace.environment | {"PYTHONPATH": os.fspath(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_both_planners_agree_on_a_first_deployment(plain_new: Workspace) -> None:
    (_, theirs), (_, ours) = preview(plain_new, "pulumi"), preview(plain_new, "embedded")
    assert theirs["reachability"] == ours["reachability"]
    assert {_key(each) for each in theirs["resources"]} == {
        _key(each) for each in ours["resources"]
    }


def test_both_planners_say_the_same_of_the_dev_stack(dev_new: Workspace) -> None:
    (_, theirs), (_, ours) = preview(dev_new, "pulumi"), preview(dev_new, "embedded")
    said = [sorted(map(json.dumps, each["findings"])) for each in (theirs, ours)]
    assert said[0] == said[1]
    assert {"program-note", "program-warning"} <= {each["id"] for each in ours["findings"]}


def test_the_engine_that_is_asked_for_loses_no_policy(dev: Workspace) -> None:
    dev.configured({"cluster.protect": "false"}).up()
    asked = dev.configured({"engine": "cilium", "cluster.engineChange": "replace"})
    code, document = preview(asked, "pulumi")
    errors = {each["id"] for each in document["findings"] if each["severity"] == "error"}
    gone = {"cluster-replace", "deleted-with", "provider-replace"}
    assert (code, errors) == (1, {"engine-changes", *gone})


def test_another_engine_replaces_the_cluster_and_that_is_exit_code_1(plain: Workspace) -> None:
    code, document = preview(plain.configured({"engine": "cilium"}), "auto")
    assert code == 1
    assert "cluster-replace" in [each["id"] for each in document["findings"]]


def _key(resource: dict[str, Any]) -> tuple[str, str | None, bool]:
    return resource["urn"], resource["parent"], resource["protect"]
