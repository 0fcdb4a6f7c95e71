"""A report as a comment: its marker, its whole text, and a short form that always fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from podwall.policies.errors import InvalidValue

__all__ = ["Report"]

MARKER: Final = "<!-- podwall: "


@dataclass(frozen=True, slots=True)
class Report:
    """The text of a comment, which begins with its marker."""

    text: str

    def __post_init__(self) -> None:
        """Refuse a text that could not be found again.

        Raises:
            InvalidValue: the first line is no marker.
        """
        if not (self.text.startswith(MARKER) and self.marker.endswith(" -->")):
            raise InvalidValue(
                "the comment has no marker on its first line",
                help="take the file that `podwall diff -o md` or `--out` writes",
            )

    @property
    def marker(self) -> str:
        """The first line, by which the comment is found again."""
        return self.text.partition("\n")[0].rstrip()

    @property
    def short(self) -> str:
        r"""The headline, and where the rest is, for a server that finds the whole too long.

        >>> print(Report("<!-- podwall: x -->\n### 1 connection opens\n| long |").short)
        <!-- podwall: x -->
        ### 1 connection opens
        <BLANKLINE>
        The whole report is too long for a comment: see the summary and the files of the run.
        <BLANKLINE>
        """
        head = "\n".join(self.text.split("\n")[:2])[:2_000]
        rest = (
            "The whole report is too long for a comment: see the summary and the files of the run."
        )
        return f"{head}\n\n{rest}\n"

    def is_in(self, body: object) -> bool:
        """Say whether a comment is an earlier form of this report."""
        return isinstance(body, str) and body.partition("\n")[0].rstrip() == self.marker
