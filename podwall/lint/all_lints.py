"""All lints, in the order in which they are listed."""

from __future__ import annotations

from typing import Final

from podwall.lint import (
    cluster_services,
    engine,
    mistakes,
    openness,
    tiers,
    unmatched,
)
from podwall.lint.context import Lint

__all__ = ["LINTS"]

LINTS: Final[tuple[Lint, ...]] = (
    *unmatched.SELECTION_LINTS,
    *unmatched.PORT_LINTS,
    *cluster_services.DNS_LINTS,
    *cluster_services.SERVER_CALL_LINTS,
    *mistakes.REDUNDANCY_LINTS,
    *openness.COVERAGE_LINTS,
    *mistakes.ONE_SIDED_LINTS,
    *engine.ENFORCEMENT_LINTS,
    *engine.OVERLOOKED_LABEL_LINTS,
    *engine.PORT_NAME_LINTS,
    *engine.AZURE_LINTS,
    *tiers.TIER_LINTS,
    *openness.OPENNESS_LINTS,
    *mistakes.MISTAKE_LINTS,
)
