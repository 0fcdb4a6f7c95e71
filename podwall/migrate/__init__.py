"""What another network policy engine changes, and the edits that keep who can reach whom.

A migration is the difference of two analyses of one snapshot. The edits are proposed from the facts
on which the two engines differ, and proved by a third analysis: `remaining` is what still differs
under the new engine once they are applied.
"""

from __future__ import annotations

from podwall.migrate.edits import (
    Edit,
    manifest_code,
    policy_manifest,
    python_code,
    python_script,
)
from podwall.migrate.migration import (
    EngineDifference,
    Migration,
    migrate,
    under_other_engines,
)

__all__ = [
    "Edit",
    "EngineDifference",
    "Migration",
    "manifest_code",
    "migrate",
    "policy_manifest",
    "python_code",
    "python_script",
    "under_other_engines",
]
