"""What is refused: a CrossGuard policy pack over the analysis of `podwall`.

`guardrails.pack.policies()` returns the policies; only `guardrails/__main__.py` starts a pack.
"""
