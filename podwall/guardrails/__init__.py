"""What is refused: a CrossGuard policy pack over the analysis of `podwall`.

`pack.policies()` returns the policies; only `__main__.py` starts a pack.
"""
