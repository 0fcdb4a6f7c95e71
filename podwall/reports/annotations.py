"""What a change does as annotations at lines: for GitHub and for Azure Pipelines.

A build agent takes a line of its log for a command, and shows it beside the line of the file. What
opens or closes stands at the policy behind it, findings at their own places. What is not in a file
that is here has no line, and stands in the comment alone.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands#logissue-log-an-error-or-warning
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os.path import normpath
from pathlib import Path
from typing import Final

from podwall.diff import ONLY_AS_ALLOWED, PolicyChangeKind
from podwall.exit_code import stops
from podwall.policies.errors import Place, Severity
from podwall.quick_dataclass import dataclass
from podwall.reports.comment import ChangedConnection, ChangedObject, ChangeReport
from podwall.reports.words import counted, listed, place_words, printable
from podwall.streams import shown_text

__all__ = ["Annotation", "annotations_of", "azure_annotations", "github_annotations", "line_here"]

_MOST: Final = 10
"""GitHub shows so many of each level in a step, and drops the others without a word."""
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_FEW: Final = 3


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is said at a line of a file, which is named as it is seen from this folder."""

    severity: Severity
    path: str
    line: int
    title: str
    message: str


def annotations_of(report: ChangeReport, project: Path = Path()) -> tuple[Annotation, ...]:
    """Return what is to be shown at lines, the most severe first.

    Args:
        report: what the comment says.
        project: the folder of the program that a preview is of.
    """
    found = [*_of_connections(report, project), *_of_findings(report, project)]
    order = list(_LEVELS)
    return tuple(sorted(found, key=lambda each: (order.index(each.severity), each.path, each.line)))


def _of_findings(report: ChangeReport, project: Path) -> Iterator[Annotation]:
    for each in report.findings:
        if here := line_here(place_words(Place(each.place.source, each.place.line)), project):
            words = f"{each.message}\n{each.help}" if each.help else each.message
            yield Annotation(each.severity, *here, each.id, words)


def _of_connections(report: ChangeReport, project: Path) -> Iterator[Annotation]:
    """Yield for each policy that stands in a file what opens and what closes by it.

    What opens stands at the rule that is new, where it is written in a file, and so does isolation
    that closes.
    """
    for policy in report.policies:
        here = line_here(policy.place, project)
        if here is None or policy.change is PolicyChangeKind.REMOVED:
            continue
        behind = [each for each in report.connections if policy.name in each.because]
        opens = [each for each in behind if each.weight is Severity.ERROR]
        meant = [each for each in behind if each.accepted]
        closes = [each for each in behind if each.weight is Severity.WARNING]
        for rows, title in (
            (opens, "may open" if all(e.only_perhaps for e in opens) else "opens"),
            (meant, "opens, accepted"),
            (closes, "closes"),
        ):
            if rows:
                severity = _severity(report, rows)
                at, others = _lines(policy, project, here, opens=rows is not closes)
                message = f"{_rows(rows)}{_also(others)}"
                yield Annotation(severity, *at, f"{title}: {policy.name}", message)


def _lines(
    policy: ChangedObject, project: Path, here: tuple[str, int], *, opens: bool
) -> tuple[tuple[str, int], list[int]]:
    """Return where what opens or closes is shown, and at which lines more of it is new."""
    rules = [
        each
        for each in policy.rules
        if each.startswith("+ for ") or (ONLY_AS_ALLOWED in each) is not opens
    ]
    places = (policy.rule_places.get(each, "") for each in rules)
    found = list(dict.fromkeys(filter(None, (line_here(each, project) for each in places))))
    if not found:
        return here, []
    return found[0], [line for path, line in found[1:] if path == found[0][0]]


def _also(lines: Sequence[int]) -> str:
    if not lines:
        return ""
    word = "line" if len(lines) == 1 else "lines"
    return f"\nalso new: {word} {listed([str(each) for each in lines])}"


def _severity(report: ChangeReport, rows: Sequence[ChangedConnection]) -> Severity:
    """Return an error for what stops the change, else a note."""
    verdict = report.verdict
    stopping = verdict and any(stops(verdict.fail_on, e.weight) for e in rows if e.weight)
    return Severity.ERROR if stopping else Severity.INFO


def _rows(rows: Sequence[ChangedConnection]) -> str:
    few = [f"{each.source} -> {each.destination}: {each.before} => {each.after}" for each in rows]
    more = len(rows) - _FEW
    return "\n".join(
        [*few[:_FEW], *([f"and {counted(more, 'more connection')}"] if more > 0 else [])]
    )


def line_here(place: str, project: Path) -> tuple[str, int] | None:
    """Return the file and the line of a place such as `shop.yaml:3`, if that file is here.

    >>> line_here("no-such-file.yaml:3", Path())
    """
    name, _, line = place.rpartition(":")
    here = next((each for each in (project / name, Path(name)) if each.is_file()), None)
    if not name or not line.isdigit() or here is None or here.is_absolute():
        return None
    path = Path(normpath(here)).as_posix()
    return None if path.startswith("..") else (path, int(line))


def github_annotations(found: Iterable[Annotation]) -> str:
    r"""Return workflow commands, a line each.

    >>> each = Annotation(Severity.ERROR, "a,b.yaml", 3, "opens", "100%\nof all")
    >>> print(github_annotations([each]), end="")
    ::error file=a%2Cb.yaml,line=3,title=opens::100%25%0Aof all
    """
    return "".join(
        f"::{_LEVELS[each.severity]} file={_property(each.path)},line={each.line},"
        f"title={_property(each.title)}::{_data(each.message)}\n"
        for each in _shown(found)
    )


def azure_annotations(found: Iterable[Annotation]) -> str:
    r"""Return logging commands, a line each; Azure Pipelines knows errors and warnings only.

    >>> each = Annotation(Severity.WARNING, "a.yaml", 3, "lint", "one; two]\nthree")
    >>> print(azure_annotations([each]), end="")
    ##vso[task.logissue type=warning;sourcepath=a.yaml;linenumber=3]lint: one; two]%0Athree
    """
    return "".join(
        f"##vso[task.logissue type={_LEVELS[each.severity]};sourcepath={_azure(each.path)};"
        f"linenumber={each.line}]{_azure_data(f'{each.title}: {each.message}')}\n"
        for each in _shown(found)
        if each.severity is not Severity.INFO
    )


def _shown(found: Iterable[Annotation]) -> Iterator[Annotation]:
    counts = dict.fromkeys(_LEVELS, 0)
    for each in found:
        counts[each.severity] += 1
        if counts[each.severity] <= _MOST:
            yield each


def _inert(line: str) -> str:
    """Return a line in which nobody reads a command, whichever agent prints it."""
    return shown_text(printable(line))


def _data(text: str) -> str:
    lines = "\n".join(map(_inert, text.split("\n")))
    return lines.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _azure_data(text: str) -> str:
    lines = "\n".join(map(_inert, text.split("\n")))
    return lines.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _azure(text: str) -> str:
    return _azure_data(text).replace(";", "%3B").replace("]", "%5D")
