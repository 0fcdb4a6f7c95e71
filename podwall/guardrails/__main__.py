"""Start the policy pack: `pulumi preview --policy-pack podwall/guardrails`."""

from __future__ import annotations

import sys
from pathlib import Path

# Pulumi runs this folder as a program, which puts the folder on the path, not what holds podwall.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from podwall.on_demand import needing  # noqa: E402 - found only now

with needing("guardrails", "the policy pack"):
    from pulumi_policy import EnforcementLevel, PolicyPack

    from podwall.guardrails.pack import NAME, policies

PolicyPack(NAME, policies(), enforcement_level=EnforcementLevel.MANDATORY)
