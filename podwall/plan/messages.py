"""The lines of a program: which made a resource, and what it logged and warned of there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from warnings import WarningMessage

from msgspec import Struct

from podwall.plan.model import PlannedResource
from podwall.policies.errors import Finding, Place, Severity, SourceError
from podwall.quick_dataclass import dataclass

__all__ = [
    "UNSEEN_OBJECTS",
    "EngineDiagnostic",
    "LogMessage",
    "bringing_policies",
    "decision_findings",
    "diagnostic_findings",
    "is_program",
    "known_by",
    "later_findings",
    "log_findings",
    "program_line",
    "raise_first",
    "relative_path",
    "unfetched_findings",
    "warning_findings",
]

# A line of this package says nothing about the program that uses it.
_LIBRARY = Path(__file__).parents[1]


def is_program(path: Path, folder: Path) -> bool:
    """Return whether a file is the project's own code, and not that of a library it uses."""
    return (
        "site-packages" not in path.parts
        and path.is_relative_to(folder)
        and not path.is_relative_to(_LIBRARY)
    )


def relative_path(path: Path, folder: Path) -> str:
    """Return a path as it is seen from `folder`.

    >>> relative_path(Path("/work/shop/src/app.py"), Path("/work/shop"))
    'src/app.py'
    """
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def program_line(frames: Iterable[tuple[str, int]], folder: Path) -> Place:
    """Return the innermost of `frames` that is the project's own code, relative to its folder.

    A frame is a `file:` or `project:` URI with a line.
    """
    for uri, line in frames:
        parts = urlsplit(uri)
        relative = parts.scheme == "project"
        path = folder / unquote(parts.path).lstrip("/") if relative else Path(unquote(parts.path))
        if is_program(path, folder):
            return Place(relative_path(path, folder), line or None)
    return Place()


# A link in parentheses at the end of a message stands apart in a finding.
_LINK = re.compile(r" \((https?://[^\s()]+)\)$")
_WARNING, _NOTE = "program-warning", "program-note"
_STACK = "::pulumi:pulumi:Stack::"
_SEVERITIES = {"warning": Severity.WARNING, "info": Severity.INFO}


@dataclass(frozen=True, slots=True)
class LogMessage:
    """Something the program said; `urn` is the resource that it is about, if any."""

    text: str
    urn: str = ""
    severity: Severity = Severity.WARNING


def log_findings(
    messages: Iterable[LogMessage], planned: Mapping[str, PlannedResource]
) -> Iterator[Finding]:
    """Yield what was logged, at the line that made the resource it is about."""
    for message in messages:
        kind = _WARNING if message.severity is Severity.WARNING else _NOTE
        text, _, link = _LINK.sub(r"\n\1", message.text).partition("\n")
        yield Finding(kind, message.severity, text, _place(message, planned), link=link)


class EngineDiagnostic(Struct):
    """What the Pulumi engine reports: a severity, a message, and the resource that it is about."""

    severity: str = ""
    message: str = ""
    urn: str | None = None


def diagnostic_findings(
    diagnostics: Iterable[EngineDiagnostic], planned: Mapping[str, PlannedResource]
) -> Iterator[Finding]:
    """Yield what Pulumi says was logged, each once: every warning, and the notes on resources.

    A note on the stack is whatever the program printed.
    """
    read = (_message(each) for each in diagnostics if each.severity in _SEVERITIES)
    logged = dict.fromkeys(each for each in read if each.text and not _is_printed(each))
    return log_findings(logged, planned)


def _message(diagnostic: EngineDiagnostic) -> LogMessage:
    text = " ".join(diagnostic.message.split()).removeprefix("warning: ")
    return LogMessage(text, diagnostic.urn or "", _SEVERITIES[diagnostic.severity])


def _is_printed(message: LogMessage) -> bool:
    on_stack = not message.urn or _STACK in message.urn
    return on_stack and message.severity is Severity.INFO


def raise_first(messages: Iterable[LogMessage], planned: Mapping[str, PlannedResource]) -> None:
    """Raise the first message that was logged as an error: Pulumi stops such a program, too.

    Raises:
        SourceError: there is one.
    """
    for message in messages:
        raise SourceError(message.text, place=_place(message, planned))


def _place(message: LogMessage, planned: Mapping[str, PlannedResource]) -> Place:
    return planned[message.urn].place if message.urn in planned else Place()


def warning_findings(given: Iterable[WarningMessage], folder: Path) -> Iterator[Finding]:
    """Yield the Python warnings that are meant for people, or come from the program itself."""
    for warning in given:
        path = Path(warning.filename)
        mine = is_program(path, folder)
        if mine or issubclass(warning.category, UserWarning):
            place = Place(relative_path(path, folder), warning.lineno) if mine else Place()
            yield Finding(_WARNING, Severity.WARNING, " ".join(str(warning.message).split()), place)


#: The id of findings on what a stack may have and the plan can't show.
UNSEEN_OBJECTS: Final = "unseen-objects"


_LATER: Final = (
    " inside an `apply` of a value that is known only after deployment: "
    "what it makes is not in the plan"
)
_OBJECTS_OF: Final = "the objects of `"
_UNFETCHED: Final = "` are not in the plan: it is not fetched"
_BRING_POLICIES: Final = frozenset(
    {"Chart", "ConfigFile", "ConfigGroup", "CustomResource", "CustomResourcePatch", "Directory"}
    | {"ManagedNamespace", "NetworkPolicies", "NetworkPolicyList", "NetworkPolicyPatch", "Release"}
)


def bringing_policies(warnings: Iterable[Finding]) -> Iterator[tuple[str, str, Place]]:
    """Yield the kind, the name and the place of what may have policies and is not in a plan.

    That are files that were not fetched, and resources made after deployment that are policies or
    bring them. The words are all that a plan which was written down says of it.

    >>> found = unfetched_findings([(Place("main.py", 3), "https://example.org/a.yaml")])
    >>> [(kind, name) for kind, name, _ in bringing_policies(found)]
    [('file', 'https://example.org/a.yaml')]
    """
    for each in warnings:
        message = each.message
        if each.id != UNSEEN_OBJECTS:
            continue
        if message.startswith(_OBJECTS_OF) and message.endswith(_UNFETCHED):
            yield "file", message[len(_OBJECTS_OF) : -len(_UNFETCHED)], each.place
        kinds = message.removesuffix(_LATER).split(", ") if message.endswith(_LATER) else ()
        for kind in kinds:
            if kind in _BRING_POLICIES or kind.endswith("NetworkPolicy"):
                yield kind, str(each.place), each.place


def decision_findings(decisions: Mapping[Place, str]) -> Iterator[Finding]:
    """Yield the lines at which the program decided by something that is not known, and by what."""
    for place, cause in decisions.items():
        yield Finding(
            UNSEEN_OBJECTS,
            Severity.WARNING,
            f"the program decides by {cause}: what it makes otherwise is not in the plan",
            place,
            help=known_by(cause),
        )


def later_findings(made: Iterable[tuple[Place, tuple[str, ...]]]) -> Iterator[Finding]:
    """Yield the callbacks that did not run and make resources, each with the kinds of these."""
    for place, kinds in dict.fromkeys(made):
        yield Finding(
            UNSEEN_OBJECTS,
            Severity.WARNING,
            f"{', '.join(kinds)}{_LATER}",
            place,
            help="make resources outside of `apply`, and give them the output as an input",
        )


def unfetched_findings(found: Iterable[tuple[Place, str]]) -> Iterator[Finding]:
    """Yield the files on the network whose objects are not in the plan."""
    for place, url in dict.fromkeys(found):
        yield Finding(
            UNSEEN_OBJECTS,
            Severity.WARNING,
            f"{_OBJECTS_OF}{url}{_UNFETCHED}",
            place,
            help="keep a copy of the file beside the program, and name that",
        )


def known_by(cause: str) -> str:
    """Return how to make known what `cause` names, quoted first.

    >>> print(known_by("the answer of `aws:index:getZones`"))
    answer it in the stack's configuration: `podwall:answers: {"aws:index:getZones": {...}}`
    """
    name = cause.partition("`")[2].partition("`")[0]
    if cause.startswith("the answer"):
        answered = f'`podwall:answers: {{"{name}": {{...}}}}`'
        return f"answer it in the stack's configuration: {answered}"
    option = "--secret" if cause.endswith("is encrypted") else "--config"
    return f"give it: `{option} {name}=VALUE`"
