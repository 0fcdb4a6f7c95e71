"""Whatever argument changes a leaf that replaces: the guard of the component tells it.

There is a case for every argument of a cluster, those of its parts included; a new argument without
one fails. What is sent is read off a deployment on mocks, and shares no code with the guard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from inspect import isclass
from typing import Any, get_args, get_type_hints

import pytest

from podwall.components.cluster import AksClusterArgs
from podwall.components.cluster.fixed import fixed_changes, fixed_leaves
from tests.components.cluster.argument_cases import CASES, Arguments, Case
from tests.components.cluster.leaves import REPLACES_A_CLUSTER, REPLACES_A_POOL
from tests.components.cluster.sent import declared
from tests.components.cluster.values import cluster

Leaves = dict[str, object]


def parts(of: Any) -> Iterator[type[Any]]:
    """Yield every class of arguments that a type names, and those that their arguments name."""
    if isclass(of) and is_dataclass(of):
        yield of
        # `Input` is imported for type checkers only; what it holds is what counts.
        for hint in get_type_hints(of, localns={"Input": list}).values():
            yield from parts(hint)
    for inner in get_args(of):
        yield from parts(inner)


def arguments() -> set[str]:
    """Return every argument of a cluster, with the class that it belongs to."""
    return {
        f"{each.__name__}.{argument.name}"
        for each in parts(AksClusterArgs)
        for argument in fields(each)
    }


def test_every_argument_has_a_case_in_which_it_changes() -> None:
    assert set(CASES) == arguments()


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
    before, after = (fixed_leaves("shop", cluster(**each)) for each in (case.before, case.after))
    return {each.path for each in fixed_changes(before, after)}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{argument}-{number}")
        for argument, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
@pytest.mark.long(keep=1)
def test_what_replaces_is_told_and_nothing_else(case: Case) -> None:
    assert cluster(**case.before) != cluster(**case.after)
    before, after = sent(case.before), sent(case.after)
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {*case.replaces, *case.follows}
    assert told(case) == set(case.replaces)
