"""Policies as typed Python of the `policies` language: what `ruff format` would leave as it is."""

from __future__ import annotations

from podwall.python_code.expression import imports, source_of
from podwall.python_code.module import policies_module, policy_code

__all__ = ["imports", "policies_module", "policy_code", "source_of"]
