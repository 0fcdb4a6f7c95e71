"""What came of the walkthrough in a cluster: an attempt as predicted, and as observed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from podwall.exit_code import ExitCode
from podwall.reachability import Verdict
from podwall.verify.comparing import Agreement, ComparedProbe, ProbeOutcome
from podwall.walkthrough import Attempt

__all__ = ["ObservedAttempt", "attempts_exit_code"]


@dataclass(frozen=True, slots=True)
class ObservedAttempt:
    """An attempt of the walkthrough, and what was seen of it; None where it was not predicted."""

    attempt: Attempt
    result: ComparedProbe | None

    @property
    def agreement(self) -> Agreement:
        """Whether it ended as predicted."""
        return Agreement.NOT_OBSERVED if self.result is None else self.result.agreement

    @property
    def outcome(self) -> ProbeOutcome:
        """How the last attempt to connect ended."""
        if self.result is None:
            return ProbeOutcome.NOT_OBSERVED
        return self.result.observation.outcome

    @property
    def observed(self) -> Verdict | None:
        """What was seen, in the words of a verdict; None where it was not observed."""
        match self.agreement:
            case Agreement.NOT_OBSERVED:
                return None
            case Agreement.AGREES:
                return self.attempt.verdict
            case Agreement.DISAGREES:
                denied = self.attempt.verdict is Verdict.DENIED
                return Verdict.ALLOWED if denied else Verdict.DENIED


def attempts_exit_code(attempts: Iterable[ObservedAttempt]) -> ExitCode:
    """Return how the command ends: only where everything was observed, and agrees, all is fine."""
    found = {each.agreement for each in attempts}
    if Agreement.DISAGREES in found:
        return ExitCode.FOUND
    return ExitCode.UNDETERMINED if Agreement.NOT_OBSERVED in found else ExitCode.FINE
