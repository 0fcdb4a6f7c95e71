"""Whatever argument changes a leaf that replaces: the guard of the component tells it.

There is a case for every argument of a cluster, those of its parts included; a new argument without
one fails. What is sent is read off a deployment on mocks, and shares no code with the guard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from inspect import getmembers, isclass
from typing import Any

import pytest

from podwall.components.cluster import (
    AksClusterArgs,
    access,
    network_profile,
    networks,
    operations,
    pools,
)
from podwall.components.cluster.properties import immutable_changes, immutable_leaves
from tests.components.cluster.argument_cases import CASES, Arguments, Case
from tests.components.cluster.leaves import REPLACES_A_CLUSTER, REPLACES_A_POOL
from tests.components.cluster.sent import declared
from tests.components.cluster.values import cluster

Leaves = dict[str, object]

NO_ARGUMENTS = {"NamedRange", "NodePool"}
"""A value that rules compute with, and what both kinds of pools have in common."""


def arguments() -> Iterator[str]:
    """Yield every argument of a cluster, with the class that it belongs to."""
    modules = (access, network_profile, networks, operations, pools)
    found: set[type[Any]] = {AksClusterArgs}
    for module in modules:
        own_classes = (each for _, each in getmembers(module, isclass))
        found |= {each for each in own_classes if each.__module__ == module.__name__}
    for each in found:
        if is_dataclass(each) and each.__name__ not in NO_ARGUMENTS:
            yield from (f"{each.__name__}.{argument.name}" for argument in fields(each))


def test_every_argument_has_a_case_in_which_it_changes() -> None:
    assert set(CASES) == set(arguments())


def value(inputs: Mapping[str, Any], path: str) -> object:
    found: Any = inputs
    for key in path.split("."):
        found = (found or {}).get(key)
    return found


def sent(arguments: Arguments) -> Leaves:
    """Return what reaches Azure at the leaves that replace, those of the system pool too."""
    inputs = inputs_of(cluster(**arguments))
    (pool,) = inputs["agentPoolProfiles"]
    of_pool = {f"systemPool.{path}": value(pool, path) for path in REPLACES_A_POOL}
    return {path: value(inputs, path) for path in REPLACES_A_CLUSTER} | of_pool


INPUTS: dict[str, Mapping[str, Any]] = {}


def inputs_of(args: AksClusterArgs) -> Mapping[str, Any]:
    """Return the inputs of the ManagedCluster of a whole component, declared once for all cases."""
    if repr(args) not in INPUTS:
        INPUTS[repr(args)] = declared(args).one("ManagedCluster").inputs
    return INPUTS[repr(args)]


def told(case: Case) -> set[str]:
    before, after = (
        immutable_leaves("shop", cluster(**each)) for each in (case.before, case.after)
    )
    return {each.path for each in immutable_changes(before, after)}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{argument}-{number}")
        for argument, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_what_replaces_is_told_and_nothing_else(case: Case) -> None:
    before, after = sent(case.before), sent(case.after)
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {*case.replaces, *case.follows}
    assert told(case) == set(case.replaces)
