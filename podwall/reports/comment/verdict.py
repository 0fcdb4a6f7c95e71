"""The first lines of the comment: whether the change passes, by which rule, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from podwall.exit_code import ExitCode, FailOn, stops
from podwall.policies.errors import Finding, Severity
from podwall.reports.comment.report import ChangedConnection, ChangeReport, GateVerdict
from podwall.reports.comment.wording import connection_count, sorts
from podwall.reports.formats import code_span, markdown_text
from podwall.reports.words import counted, listed

__all__ = ["verdict_lines", "verdict_word"]

_WORDS: Final = {
    ExitCode.FINE: "Passes",
    ExitCode.FOUND: "Stops",
    ExitCode.BAD_INPUT: "Stops",
    ExitCode.UNDETERMINED: "Stops, because not all is certain",
}
_STATE: Final = (
    "undo what opens, or say in this pull request that it is meant: as an expectation (`allowed`, "
    "`only`), or with a reason in the file for `--accepted`"
)
_LET_IT_BE_KNOWN: Final = "let what they depend on be read and known (below: what is missing)"
_STILL_NEEDED: Final = "make sure that nobody still needs what closes"
_FEW: Final = 3


def verdict_word(report: ChangeReport) -> str:
    """Return the word that the headline begins with, empty where nobody asks for a verdict."""
    return f"{_WORDS[report.verdict.code]}: " if report.verdict else ""


def verdict_lines(report: ChangeReport) -> Iterator[str]:
    """Yield why the change passes or stops, with what to do, and what it amounts to."""
    if report.verdict is not None:
        rule = code_span(f"--fail-on {report.verdict.fail_on}")
        if report.verdict.code is ExitCode.FINE:
            yield f"**Why it passes** (by {rule}): {_why_it_passes(report, report.verdict)}."
            if connection_count(_of_weight(report, Severity.WARNING)):
                yield f"\n**What to do**: {_STILL_NEEDED}."
        else:
            yield f"**Why it stops** (by {rule}):"
            yield from (f"- {each}" for each in _why_it_stops(report, report.verdict))
    amounts = list(filter(None, (report.delta, report.held, _accepted(report))))
    if amounts:
        if report.verdict is not None:
            yield ""
        yield " · ".join(amounts)


def _accepted(report: ChangeReport) -> str:
    number = connection_count(_of_weight(report, None))
    return f"{counted(number, 'opening')} accepted" if number else ""


def _of_weight(report: ChangeReport, weight: Severity | None) -> ChangeReport:
    return _with(report, (each for each in report.connections if each.weight is weight))


def _with(report: ChangeReport, connections: Iterable[ChangedConnection]) -> ChangeReport:
    return replace(report, connections=tuple(connections))


def _why_it_stops(report: ChangeReport, verdict: GateVerdict) -> Iterator[str]:
    for weight, what, to_do in _CONNECTIONS:
        found = _of_weight(report, weight)
        number = connection_count(found)
        if number and stops(verdict.fail_on, weight):
            unsure = weight is Severity.ERROR and all(e.only_perhaps for e in found.connections)
            do = f"{_LET_IT_BE_KNOWN}, or {to_do}" if unsure else to_do
            yield f"**{counted(number, 'connection')} {_what(found, what)}**{_where(found)}: {do}"
    yield from _findings(verdict)
    if verdict.fail_on is FailOn.UNDETERMINED and not verdict.certain:
        yield "**it is not certain of every connection that changes**: the reasons are below"


def _where(report: ChangeReport) -> str:
    """Return how many of the connections are of which sort, where there are several sorts."""
    count = sorts(report)
    words = [f"{number:,} {where}" for where, number in count.items() if number]
    return f" ({listed(words)})" if len(words) > 1 else ""


class _Words(NamedTuple):
    """What is said of one connection, of several, and where nothing is certain."""

    one: str
    several: str
    perhaps: str


_CONNECTIONS: Final = (
    (
        Severity.ERROR,
        _Words(
            "opens, and nobody has said that this is meant",
            "open, and nobody has said that this is meant",
            "may open, and nobody has said that this is meant",
        ),
        _STATE,
    ),
    (
        Severity.WARNING,
        _Words("closes", "close", "may close"),
        _STILL_NEEDED,
    ),
    (
        Severity.INFO,
        _Words(*(f"{verb} of workloads that are new or gone" for verb in ("is", "are", "may be"))),
        _STATE,
    ),
)


def _what(report: ChangeReport, words: _Words) -> str:
    perhaps = connection_count(_with(report, (e for e in report.connections if e.only_perhaps)))
    number = connection_count(report)
    if perhaps == number:
        return words.perhaps
    unsure = f" ({perhaps:,} of them perhaps)" if perhaps else ""
    return f"{words.one if number == 1 else words.several}{unsure}"


def _findings(verdict: GateVerdict) -> Iterator[str]:
    """Yield what was found and counts: a few in their words, many by their ids."""
    found = [each for each in verdict.findings if stops(verdict.fail_on, each.severity)]
    if len(found) < _FEW:
        yield from (f"**{markdown_text(each.message)}**{_remedy(each)}" for each in found)
    else:
        ids = list(dict.fromkeys(each.id for each in found))
        more = [f"{len(ids) - _FEW} more kinds"] if len(ids) > _FEW else []
        named = listed([*map(code_span, ids[:_FEW]), *more])
        yield f"**{counted(len(found), 'finding')}** ({named}): each says below what to do"


def _remedy(finding: Finding) -> str:
    return f": {markdown_text(finding.help)}" if finding.help else ""


def _why_it_passes(report: ChangeReport, verdict: GateVerdict) -> str:
    parts = [_openings(report)]
    if connection_count(_of_weight(report, Severity.WARNING)):
        parts.append("what closes does not stop it")
    others = [each for each in verdict.findings if each.severity is Severity.WARNING]
    if others:
        parts.append(f"{counted(len(others), 'warning')} below")
    return "; ".join(parts)


def _openings(report: ChangeReport) -> str:
    new = counted(connection_count(_of_weight(report, Severity.INFO)), "connection")
    stated = [each for each in report.connections if each.accepted]
    if stated:
        words = f"everything that opens is meant ({_who(stated)})"
    else:
        words = "nothing opens between what was there"
    if new.startswith("0 "):
        return words if stated else "nothing opens"
    return f"{words}; {new} of workloads that are new or gone would stop it at `any`"


def _who(connections: Sequence[ChangedConnection]) -> str:
    names = list(dict.fromkeys(stated for each in connections for stated in each.accepted))
    words = [_stated(each.words, each.place) for each in names[:_FEW]]
    more = [f"{len(names) - _FEW} more"] if len(names) > _FEW else []
    return listed([*words, *more])


def _stated(words: str, place: str) -> str:
    return f"{markdown_text(words)}, {code_span(place)}" if place else markdown_text(words)
