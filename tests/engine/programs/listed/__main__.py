"""Whatever `resources.json` lists, one after the other, with its options in Pulumi's words."""

import json
from pathlib import Path
from typing import Any

import pulumi

made: dict[str, pulumi.Resource] = {}
NAMES_OF_RESOURCES = {"deleted_with", "parent", "provider"}


def options(listed: dict[str, Any]) -> pulumi.ResourceOptions:
    """Return the options, in which other resources are named."""
    read: dict[str, Any] = {}
    for key, value in listed.items():
        read[key] = made[value] if key in NAMES_OF_RESOURCES else value
    read["depends_on"] = [made[name] for name in listed.get("depends_on", [])]
    return pulumi.ResourceOptions(**read)


def registered(name: str, listed: dict[str, Any]) -> pulumi.Resource:
    """Return the resource that is listed under a name, a provider where its type says so."""
    inputs, opts = listed.get("inputs", {}), options(listed.get("options", {}))
    package = listed["type"].partition("pulumi:providers:")[2]
    if package:
        return pulumi.ProviderResource(package, name, inputs, opts)
    return pulumi.CustomResource(listed["type"], name, inputs, opts)


for name, listed in json.loads(Path("resources.json").read_text(encoding="utf-8")).items():
    made[name] = registered(name, listed)
