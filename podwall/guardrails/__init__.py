"""What is refused: a CrossGuard policy pack over the analysis of `podwall`.

`policies()` returns the policies of the pack, for a pack of one's own; `podwall/guardrails` is a
pack itself, which Pulumi starts by its `__main__.py`. Both need `podwall[guardrails]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.on_demand import on_first_use

if TYPE_CHECKING:
    from podwall.guardrails.pack import NAME, policies

__all__ = ["NAME", "policies"]

if not TYPE_CHECKING:  # a type checker takes every name from a `__getattr__` that it sees
    __getattr__ = on_first_use(
        __name__,
        dict.fromkeys(__all__, f"{__name__}.pack"),
        dict.fromkeys(__all__, "guardrails"),
    )
