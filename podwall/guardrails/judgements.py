"""What a rule can say: a finding, or that it cannot tell yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from podwall.policies.errors import Place
from podwall.policies.findings import Finding

__all__ = ["Doubt", "Judgement", "Judgements"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A rule depends on something that is not known: neither kept nor broken, and why."""

    because: str
    place: Place


Judgement = Finding | Doubt
Judgements = Iterator[Judgement]
