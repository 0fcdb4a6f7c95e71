"""Why a flow passes or does not, as Markdown: a heading, and a list for each end."""

from __future__ import annotations

from collections.abc import Iterator

from podwall.explain import Answer, SideExplanation
from podwall.reports.explanation_text import Locate, title
from podwall.reports.markdown_text import escaped
from podwall.reports.words import printable

__all__ = ["explanation_markdown"]


def explanation_markdown(answer: Answer, locate: Locate) -> Iterator[str]:
    """Yield the lines."""
    explanation = answer.explanation
    yield f"### {escaped(title(explanation))}\n\n"
    for part in explanation.undetermined:
        yield f"- {part.ports} undetermined: {escaped(printable(part.because))}\n"
    if answer.alike:
        yield f"- the same holds for {', '.join(each.id for each in answer.alike)}\n"
    for side in explanation.sides:
        yield from _side(side, locate)
    for note in explanation.notes:
        yield f"- note: {escaped(note.says)} ([source]({note.link}))\n"


def _side(side: SideExplanation, locate: Locate) -> Iterator[str]:
    subject = escaped(printable(side.subject.id))
    yield f"- **{side.direction} of {subject}: {side.verdict}**, {escaped(printable(side.why))}\n"
    for policy in side.policies:
        name = escaped(printable(policy.name))
        yield f"  - policy {name}: {policy.verdict}, {escaped(printable(policy.why))}\n"
        for rule in policy.rules:
            place = escaped(printable(str(locate(rule.place))))
            yield f"    - {place}: {rule.verdict}, {escaped(printable(rule.why))}\n"
    for exemption in side.exemptions:
        yield f"  - {exemption.when}: {escaped(exemption.says)} ([source]({exemption.link}))\n"
