"""The analysis of manifests that stand in `data`, read as `podwall reach` reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from podwall.policies import Severity
from podwall.reachability import Reachability
from podwall.review import review
from podwall.sources import source

__all__ = ["DATA", "reach"]

DATA = Path(__file__).parent / "data"


def reach(*files: str, engine: str = "spec") -> Reachability:
    """Return who can reach whom in a cluster that has what the files say, and nothing else."""
    stages = [source(str(DATA / each)) for each in files]
    documents = tuple(each for one in stages for each in one.planned.documents)
    whole = replace(stages[0], planned=replace(stages[0].planned, documents=documents))
    found = review(replace(whole, complete=True), engine)
    assert all(each.severity is not Severity.ERROR for each in found.reading_findings)
    return found.reachability
