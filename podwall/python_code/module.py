"""A Python module of policies, as a team that owns it would write it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from podwall.policies import NetworkPolicy
from podwall.python_code.expression import (
    LINE_LENGTH,
    Expression,
    Items,
    Mapped,
    Name,
    names_in,
    source_of,
)
from podwall.python_code.policy_code import policy_code
from podwall.python_code.preset_code import preset_code
from podwall.python_code.variables import POLICIES, variables

__all__ = ["imports", "policies_module"]

_USE: Final = """\
`POLICIES` holds them by namespace; in a Pulumi program,

    for name, policies in POLICIES.items():
        NetworkPolicies(name, policies)

deploys them."""


def policies_module(found: Sequence[NetworkPolicy], headline: str) -> str:
    r"""Return the text of a module that makes policies: one variable each, grouped by namespace.

    It is formatted as `ruff format` leaves it at 100 columns, and ends with all of them by
    namespace. `headline` begins its docstring, and must be plain words.

    >>> from podwall.policies import default_deny
    >>> lines = policies_module([default_deny("shop", name="closed")], "The shop.").splitlines()
    >>> print(*lines[-5:], sep="\n")
    closed = default_deny("shop", name="closed")
    <BLANKLINE>
    POLICIES = {
        "shop": [closed],
    }
    """
    ordered = sorted(found, key=lambda policy: policy.namespace)  # stable: else as they were read
    named = list(zip(variables(ordered), ordered, strict=True))
    made = {
        name: preset_code(policy) or policy_code(policy.to_manifest()) for name, policy in named
    }
    parts = [f'"""{headline}\n\n{_USE}\n"""', imports(made.values())]
    by_namespace: dict[str, list[str]] = {}
    for name, policy in named:
        by_namespace.setdefault(policy.namespace, []).append(name)
    for namespace, names in by_namespace.items():
        heading = f"# Namespace {namespace}\n\n" if len(by_namespace) > 1 else ""
        definitions = "\n\n".join(_definition(name, made[name]) for name in names)
        parts.append(heading + definitions)
    parts.append(_definition(POLICIES, _lists(by_namespace)))
    return "\n\n".join(parts) + "\n"


def imports(expressions: Iterable[Expression]) -> str:
    """Return the import statement of the names that expressions mention.

    >>> imports([Name("pods"), Name("ALL_PODS"), Name("pods")])
    'from podwall.policies import ALL_PODS, pods'
    """
    names = sorted({name for each in expressions for name in names_in(each)})
    line = f"from podwall.policies import {', '.join(names)}"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join(["from podwall.policies import (", *(f"    {name}," for name in names), ")"])


def _definition(name: str, expression: Expression) -> str:
    before = f"{name} = "
    return before + source_of(expression, before=len(before))


def _lists(by_namespace: dict[str, list[str]]) -> Expression:
    lists = (
        (namespace, Items(tuple(map(Name, names)))) for namespace, names in by_namespace.items()
    )
    return Mapped(tuple(lists), spread=True)
