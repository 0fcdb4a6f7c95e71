"""A policy of the model as typed Python of the `policies` language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.migrate.manifest import policy_manifest
from podwall.python_code import imports, policy_code, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.model import Policy

__all__ = ["python_code", "python_script"]


def python_code(policy: Policy) -> str:
    """Return the expression that makes a policy; parts that are not known yet are left out.

    >>> from podwall.model import Policy, Selector
    >>> print(python_code(Policy("shop", "deny", Selector(), ingress=())))
    NetworkPolicy(
        name="deny",
        namespace="shop",
        pod_selector=ALL_PODS,
        ingress=DENY_ALL,
    )
    """
    return source_of(policy_code(policy_manifest(policy)))


def python_script(policies: Sequence[Policy]) -> str:
    """Return the expressions that make policies, below the import of what they mention."""
    made = [policy_code(policy_manifest(policy)) for policy in policies]
    return "\n\n".join([imports(made), *map(source_of, made)]) + "\n" if made else ""
