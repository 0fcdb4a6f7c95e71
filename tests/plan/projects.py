"""Small Pulumi projects for the tests, each in a folder of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from podwall.plan import Plan, PlannedResource
from podwall.plan.embedded import embedded_plan
from podwall.sources.rendering import objects_of

__all__ = ["KUBERNETES", "plan_of", "project_in", "resource"]

KUBERNETES = """
    import pulumi
    from pulumi import Output, ResourceOptions
    from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, Pod, Secret

    def pod(name, opts=None, containers=({"name": "main", "image": "nginx"},), **metadata):
        metadata = {"name": name, "namespace": "shop", **metadata}
        return Pod(name, metadata=metadata, spec={"containers": list(containers)}, opts=opts)
"""


def project_in(
    folder: Path,
    program: str,
    config: Mapping[str, Any] | None = None,
    declared: Mapping[str, Any] | None = None,
) -> Path:
    """Write a project called `shop` with a stack `dev` into `folder`, and return the folder."""
    project = {"name": "shop", "runtime": "python", "config": dict(declared or {})}
    stack = {"config": dict(config or {})}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(stack), encoding="utf-8")
    (folder / "__main__.py").write_text(textwrap.dedent(program), encoding="utf-8")
    return folder


def plan_of(folder: Path, program: str, config: Mapping[str, Any] | None = None) -> Plan:
    """Return the plan of a program that starts with what `KUBERNETES` imports."""
    whole = textwrap.dedent(KUBERNETES) + textwrap.dedent(program)
    return embedded_plan(project_in(folder, whole, config), "dev", build=objects_of)


def resource(plan: Plan, name: str) -> PlannedResource:
    """Return the planned resource of that name."""
    (found,) = [each for each in plan.resources if each.name == name]
    return found
