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
)

__all__ = ["SECRET", "Operation", "Origin", "Plan", "PlannedResource", "ResourceOptions", "Secret"]
