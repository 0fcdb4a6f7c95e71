"""The comment on a change that can't be read: nobody shall take silence for safety."""

from __future__ import annotations

from podwall.policies.errors import PodwallError
from podwall.reports.comment.escaping import text
from podwall.reports.comment.rendering import marker

__all__ = ["unread_comment"]

_LONGEST = 1_000


def unread_comment(subject: str, problem: PodwallError, *, artifact: str = "") -> str:
    """Return the comment that takes the place of the one that could not be made."""
    said = text(str(problem)[:_LONGEST])
    parts = [
        marker(subject),
        f"### Nobody knows what opens or closes in {text(subject[:120])}\n",
        f"There is no plan to judge: {said}.",
        f"{text(problem.help[:1].upper() + problem.help[1:_LONGEST])}." if problem.help else "",
        f"\n<sub>[Log and files]({artifact})</sub>" if artifact else "",
    ]
    return "\n".join(filter(None, parts)) + "\n"
