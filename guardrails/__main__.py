"""Start the policy pack: `pulumi preview --policy-pack guardrails`."""

from __future__ import annotations

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

# Only this folder is on the path; in an environment that Pulumi made, the project is not installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from guardrails.pack import NAME, policies

PolicyPack(NAME, policies(), enforcement_level=EnforcementLevel.MANDATORY)
