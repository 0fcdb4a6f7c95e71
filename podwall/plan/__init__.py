"""Plan a stack: run its Pulumi program without an account, a cloud or a cluster."""

from __future__ import annotations

from podwall.plan.model import (
    SECRET,
    Operation,
    Origin,
    Plan,
    PlannedResource,
    ResourceOptions,
    Secret,
    depends_on_any,
)

__all__ = [
    "SECRET",
    "Operation",
    "Origin",
    "Plan",
    "PlannedResource",
    "ResourceOptions",
    "Secret",
    "depends_on_any",
]
