"""Take from a state what the API server has stored for a policy, and does not compute again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["with_stored"]


def with_stored(inputs: Mapping[str, Any], outputs: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the inputs of a policy with the directions that the server has stored for it.

    >>> with_stored({"spec": {"egress": [{}]}}, {"spec": {"policyTypes": ["Ingress"]}})
    {'spec': {'egress': [{}], 'policyTypes': ['Ingress']}}
    """
    spec, stored = inputs.get("spec"), (outputs or {}).get("spec")
    types = stored.get("policyTypes") if isinstance(stored, Mapping) else None
    if not isinstance(spec, Mapping) or spec.get("policyTypes") or not isinstance(types, list):
        return inputs
    return {**inputs, "spec": {**spec, "policyTypes": types}}
