"""The explanation of one flow as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from podwall.reachability.values import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.model import Policy
    from podwall.policies.errors import Place
    from podwall.portset import PortSet
    from podwall.reachability.matching import Match
    from podwall.reachability.port_rules import Direction
    from podwall.reachability.values import Endpoint, Undetermined

__all__ = ["Explanation", "Note", "PolicyExplanation", "RuleExplanation", "SideExplanation"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that holds beside the policies: an exemption or a trait of the engine.

    `when` is `always`, or `perhaps` where it depends on something that is not known.
    """

    says: str
    link: str
    when: str = "always"


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """One rule: where it stands, what of the asked ports it allows here, and why.

    `why` says what matched, or the nearest miss: the least that would have to be different.
    """

    place: Place
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class PolicyExplanation:
    """A policy that isolates the pod: the verdict of its rules together, and each rule."""

    policy: Policy
    selects: Match
    verdict: Verdict
    why: str
    rules: tuple[RuleExplanation, ...]

    @property
    def name(self) -> str:
        """The policy as `namespace/name`."""
        namespace = self.policy.namespace
        return f"{namespace if isinstance(namespace, str) else '?'}/{self.policy.name}"


@dataclass(frozen=True, slots=True)
class SideExplanation:
    """One end of the flow: the rules of `subject` in one direction.

    `why` says in a sentence why this end lets the flow pass, or does not.
    """

    direction: Direction
    subject: Endpoint
    verdict: Verdict
    why: str
    policies: tuple[PolicyExplanation, ...]
    exemptions: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on a flow, both ends, and what else is to be known.

    Asked about several ports at once, the verdict is `allowed` if some of them are, and `allowed`
    and `undetermined` tell which. `notes` are what the engine adds to the rules.
    """

    source: Endpoint
    destination: Endpoint
    asked: PortSet
    verdict: Verdict
    allowed: PortSet
    undetermined: tuple[Undetermined, ...]
    egress: SideExplanation
    ingress: SideExplanation
    notes: tuple[Note, ...]

    @property
    def sides(self) -> tuple[SideExplanation, SideExplanation]:
        """Egress of the source, then ingress of the destination."""
        return self.egress, self.ingress

    def lines(self) -> Iterator[str]:
        """Yield the explanation as lines of plain text, indented by two spaces for each level."""
        yield f"{self.source.id} -> {self.destination.id} on {self.asked}: {self.verdict}"
        for part in self.undetermined:
            yield f"  {part.ports} undetermined: {part.because}"
        for side in self.sides:
            yield from (f"  {line}" for line in _side_lines(side))
        for note in self.notes:
            yield f"  note: {note.says} ({note.link})"

    def __str__(self) -> str:
        """Write all lines."""
        return "\n".join(self.lines())


def _side_lines(side: SideExplanation) -> Iterator[str]:
    yield f"{side.direction} of {side.subject.id}: {side.verdict}, {side.why}"
    for policy in side.policies:
        where = f" ({policy.policy.place})" if str(policy.policy.place) else ""
        yield f"  policy {policy.name}{where}: {policy.verdict}, {policy.why}"
        yield from (f"    {rule.place.path}: {rule.verdict}, {rule.why}" for rule in policy.rules)
    for exemption in side.exemptions:
        yield f"  {exemption.when}: {exemption.says} ({exemption.link})"
