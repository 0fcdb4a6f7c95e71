"""What came of all probes of a cluster, as one value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from podwall.exit_code import ExitCode
from podwall.explain import Explanation, explain
from podwall.reachability import Reachability
from podwall.verify.comparing import Agreement, ComparedProbe, counts, unforeseen
from podwall.verify.probe import ConnectionProbe, NotProbed

__all__ = ["Verification", "verification"]

_MOST_EXPLAINED: Final = 20


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of each probe, and what commonly causes what was not foreseen.

    `engine` is the one whose verdicts were predicted. `explanations` say of the first
    disagreements why they were predicted otherwise. `notes` say what was borrowed and left behind.
    """

    cluster: str
    engine: str
    results: tuple[ComparedProbe, ...]
    left_out: tuple[NotProbed, ...] = ()
    causes: tuple[str, ...] = ()
    explanations: Mapping[ConnectionProbe, Explanation] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[Agreement, int]:
        """How many probes agree, disagree and were not observed."""
        return counts(self.results)

    @property
    def exit_code(self) -> ExitCode:
        """How the command ends: only where everything was observed, and agrees, all is fine."""
        found = self.counts
        if found[Agreement.DISAGREES]:
            return ExitCode.FOUND
        unseen = found[Agreement.NOT_OBSERVED] or not self.results
        return ExitCode.UNDETERMINED if unseen else ExitCode.FINE


def verification(
    cluster: str,
    found: Reachability,
    results: Iterable[ComparedProbe],
    left_out: tuple[NotProbed, ...] = (),
    notes: tuple[str, ...] = (),
) -> Verification:
    """Return results with the explanations of those that disagree.

    Args:
        cluster: what people call it.
        found: the analysis that predicted them.
        results: what became of each probe.
        left_out: what was not probed.
        notes: what else is to be known.
    """
    kept = tuple(results)
    return Verification(
        cluster,
        found.engine.name,
        kept,
        left_out,
        unforeseen(kept, found.engine.name),
        dict(_explained(found, kept)),
        notes,
    )


def _explained(
    found: Reachability, results: Iterable[ComparedProbe]
) -> Iterator[tuple[ConnectionProbe, Explanation]]:
    wrong = (each.probe for each in results if each.agreement is Agreement.DISAGREES)
    for _, each in zip(range(_MOST_EXPLAINED), wrong, strict=False):
        yield each, explain(found, each.client, each.server, each.protocol, each.port)
