"""Turn what a program said while it was planned into findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from warnings import WarningMessage

from podwall.plan.engine import Message
from podwall.plan.model import PlannedResource
from podwall.plan.place import is_program, shown
from policies.errors import Place, SourceError
from policies.findings import Finding, Severity

__all__ = ["findings_of_log", "findings_of_warnings", "refuse"]

# A link in parentheses at the end of a message stands apart in a finding.
_LINK = re.compile(r" \((https?://[^\s()]+)\)$")
_WARNING, _NOTE = "program-warning", "program-note"


def findings_of_log(
    messages: Iterable[Message], planned: Mapping[str, PlannedResource]
) -> Iterator[Finding]:
    """Yield what was logged, at the line that made the resource it is about."""
    for message in messages:
        kind = _WARNING if message.severity is Severity.WARNING else _NOTE
        text, _, link = _LINK.sub(r"\n\1", message.text).partition("\n")
        yield Finding(kind, message.severity, text, _place(message, planned), link=link)


def refuse(messages: Iterable[Message], planned: Mapping[str, PlannedResource]) -> None:
    """Raise the first message that was logged as an error: Pulumi stops such a program, too.

    Raises:
        SourceError: there is one.
    """
    for message in messages:
        raise SourceError(message.text, place=_place(message, planned))


def _place(message: Message, planned: Mapping[str, PlannedResource]) -> Place:
    return planned[message.urn].place if message.urn in planned else Place()


def findings_of_warnings(given: Iterable[WarningMessage], folder: Path) -> Iterator[Finding]:
    """Yield the Python warnings that are meant for people, or come from the program itself."""
    for warning in given:
        path = Path(warning.filename)
        mine = is_program(path, folder)
        if mine or issubclass(warning.category, UserWarning):
            place = Place(shown(path, folder), warning.lineno) if mine else Place()
            yield Finding(_WARNING, Severity.WARNING, " ".join(str(warning.message).split()), place)
