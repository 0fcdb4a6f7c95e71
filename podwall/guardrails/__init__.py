"""What is refused: a CrossGuard policy pack over the analysis of `podwall`.

`podwall.guardrails.pack.policies()` returns the policies; only
`podwall/guardrails/__main__.py` starts a pack.
"""

from __future__ import annotations
