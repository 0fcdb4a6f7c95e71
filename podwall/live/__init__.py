"""A running cluster: its kubeconfig, its API server, and what is read from it.

Nothing of it is imported before a cluster is asked for, because only `podwall[live]` has what
speaks to one; but which cluster is meant can be said before.
"""

from __future__ import annotations

from podwall.quick_dataclass import dataclass

__all__ = ["KubeContext"]


@dataclass(frozen=True, slots=True)
class KubeContext:
    """Which cluster is meant: a kubeconfig and a context in it; None is what kubectl would take."""

    kubeconfig: str | None = None
    context: str | None = None
