"""Names of variables for policies."""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from keyword import iskeyword, issoftkeyword
from typing import Final

from podwall import policies
from podwall.policies import NetworkPolicy

__all__ = ["POLICIES", "variables"]

POLICIES: Final = "POLICIES"

#: What a module may import or use beside its own names, and `l`, which looks like a digit.
_TAKEN: Final = frozenset({*policies.__all__, *dir(builtins), POLICIES, "l"})


def variables(found: Sequence[NetworkPolicy]) -> tuple[str, ...]:
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
        name if times[name] == 1 and _is_free(name) else _identifier(f"{policy.namespace}-{name}")
        for name, policy in zip(plain, found, strict=True)
    )
    return tuple(_distinct(wanted))


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
