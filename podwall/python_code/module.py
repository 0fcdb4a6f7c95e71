"""A Python module of policies, as a team that owns it would write it, with a variable for each."""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from keyword import iskeyword, issoftkeyword
from typing import Final

from podwall import policies
from podwall.policies import ClusterNetworkPolicy, NetworkPolicy
from podwall.python_code.expression import (
    LINE_LENGTH,
    DictCode,
    Expression,
    ListCode,
    NameCode,
    names_in,
    source_of,
)
from podwall.python_code.policy_code import cluster_policy_code, policy_code, preset_code

__all__ = ["CLUSTER_POLICIES", "POLICIES", "imports", "policies_module", "variables"]


POLICIES: Final = "POLICIES"
CLUSTER_POLICIES: Final = "CLUSTER_POLICIES"

#: What a module may import or use beside its own names, and `l`, which looks like a digit.
_TAKEN: Final = frozenset({*policies.__all__, *dir(builtins), POLICIES, CLUSTER_POLICIES, "l"})


def variables(found: Sequence[NetworkPolicy | ClusterNetworkPolicy]) -> tuple[str, ...]:
    """Return a name for each policy, in order: no two are the same, and none hides another name.

    A policy is called as in Kubernetes; where that is not possible or not clear, its namespace
    stands before, and at last a number behind.

    >>> from podwall.policies import allow_dns, default_deny
    >>> variables([default_deny("shop"), allow_dns("shop", name="dns"), default_deny("bank")])
    ('shop_default_deny', 'dns', 'bank_default_deny')
    """
    plain = [_identifier(policy.name) for policy in found]
    times = Counter(plain)
    wanted = (
        name if times[name] == 1 and _is_free(name) else _identifier(f"{_whose(policy)}-{name}")
        for name, policy in zip(plain, found, strict=True)
    )
    return tuple(_distinct(wanted))


def _whose(policy: NetworkPolicy | ClusterNetworkPolicy) -> str:
    return policy.namespace if isinstance(policy, NetworkPolicy) else "cluster"


def _identifier(name: str) -> str:
    """Return a name of Kubernetes in the letters of Python's."""
    written = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return written if written[:1].isalpha() else f"policy_{written}"


def _is_free(name: str) -> bool:
    return not (name in _TAKEN or iskeyword(name) or issoftkeyword(name))


def _distinct(wanted: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in wanted:
        candidates = chain([name], (f"{name}_{number}" for number in count(2)))
        free = next(each for each in candidates if each not in seen and _is_free(each))
        seen.add(free)
        yield free


_USE: Final = """\
`POLICIES` holds them by namespace; in a Pulumi program,

    for name, policies in POLICIES.items():
        NetworkPolicies(name, policies)

deploys them."""


_ACROSS: Final = """\
`CLUSTER_POLICIES` are those of the whole cluster; where its engine enforces this kind,

    ClusterNetworkPolicies("cluster", CLUSTER_POLICIES, engine=...)

deploys them."""


def policies_module(
    found: Sequence[NetworkPolicy],
    headline: str,
    across: Sequence[ClusterNetworkPolicy] = (),
) -> str:
    r"""Return the text of a module that makes policies: one variable each, grouped by namespace.

    It is formatted as `ruff format` leaves it at 100 columns, and ends with all of them by
    namespace, and with those `across` namespaces. `headline` begins its docstring, and must be
    plain words.

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
    names_in_order = variables([*ordered, *across])
    named = list(zip(names_in_order, ordered, strict=False))
    made = {
        name: preset_code(policy) or policy_code(policy.to_manifest()) for name, policy in named
    }
    spanning = {
        name: cluster_policy_code(policy)
        for name, policy in zip(names_in_order[len(ordered) :], across, strict=True)
    }
    uses = [use for use, given in ((_USE, named), (_ACROSS, spanning)) if given]
    code = [*made.values(), *spanning.values()]
    parts = ["\n\n".join([f'"""{headline}', *uses]) + '\n"""', imports(code)]
    by_namespace: dict[str, list[str]] = {}
    for name, policy in named:
        by_namespace.setdefault(policy.namespace, []).append(name)
    for namespace, names in by_namespace.items():
        heading = f"# Namespace {namespace}\n\n" if len(by_namespace) > 1 else ""
        definitions = "\n\n".join(_definition(name, made[name]) for name in names)
        parts.append(heading + definitions)
    if spanning:
        heading = "# The whole cluster\n\n" if named else ""
        definitions = "\n\n".join(_definition(*each) for each in spanning.items())
        parts.append(heading + definitions)
    if named or not spanning:
        parts.append(_definition(POLICIES, _lists(by_namespace)))
    if spanning:
        listed = ListCode(tuple(map(NameCode, spanning)), spread=True)
        parts.append(_definition(CLUSTER_POLICIES, listed))
    return "\n\n".join(parts) + "\n"


def imports(expressions: Iterable[Expression]) -> str:
    """Return the import statement of the names that expressions mention.

    >>> imports([NameCode("pods"), NameCode("ALL_PODS"), NameCode("pods")])
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
    lists = {name: ListCode(tuple(map(NameCode, each))) for name, each in by_namespace.items()}
    return DictCode(tuple(lists.items()), spread=True)
