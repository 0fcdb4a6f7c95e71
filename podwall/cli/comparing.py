"""Two states of a network, analysed and compared, with what a reviewer has to know."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import NamedTuple

from podwall.diff import Diff, diff
from podwall.lint import judged, lint, ranked, silenceable
from podwall.policies.errors import InvalidValue
from podwall.policies.findings import Finding
from podwall.reachability import Reachability, reachability
from podwall.reading import Document, Reading
from podwall.reports.comment import ChangeReport, change_report
from podwall.sources import Source, source
from podwall.sources.intent import unmet_expectations

__all__ = ["Comparison", "compared", "subject_of"]


class _State(NamedTuple):
    """One of the two states, with the documents whose annotations silence findings."""

    reading: Reading
    documents: tuple[Document, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes, and what is known of it.

    `findings` stop the command: those of reading, and broken expectations. `known` are all findings
    on the state before, `all_findings` those on the state after.
    """

    difference: Diff
    findings: tuple[Finding, ...]
    known: tuple[Finding, ...]
    all_findings: tuple[Finding, ...]
    report: ChangeReport


def compared(options: Namespace) -> Comparison:
    """Read both states, analyse them and compare them.

    Raises:
        SourceError: one of them can't be read.
        InvalidValue: there are not two states, or an expectation is not understood.
    """
    before, after = _states(options.sources)
    difference = diff(*_analysed(before, after, options.engine))
    unmet = options.expectations and unmet_expectations(options.expectations, difference.new)
    broken = tuple(unmet or ())
    known = _judged(before, difference.old)
    found = ranked((*broken, *_judged(after, difference.new)))
    report = change_report(
        difference,
        subject_of(options, after.source.stack),
        _brought(found, known, difference),
        artifact=options.link,
    )
    return Comparison(difference, (*after.reading.findings, *broken), known, found, report)


def subject_of(options: Namespace, stack: str = "") -> str:
    """Return what changes, as a reviewer calls it: a stack by its name, else the last source."""
    return str(options.subject or stack or f"`{options.sources[-1]}`")


def _brought(
    found: tuple[Finding, ...], known: tuple[Finding, ...], difference: Diff
) -> list[Finding]:
    """Return the findings that the change brings, without those of the difference itself."""
    told = {(each.id, each.message) for each in (*known, *difference.findings)}
    return [each for each in found if (each.id, each.message) not in told]


def _states(paths: list[str]) -> tuple[_State, _State]:
    match paths:
        case [path]:
            both = source(path)
            before = both.deployed_reading()
            if before is None or both.deployed is None:
                raise InvalidValue(
                    f"`{path}` holds one state, and a diff needs two",
                    help="give OLD and NEW, or the output of `pulumi preview --json --show-sames`",
                )
            return _State(before, both.deployed.documents, both), _after(both)
        case [old, new]:
            return _after(source(old)), _after(source(new))
        case _:
            raise InvalidValue(
                f"diff takes one preview or two sources, not {len(paths)}",
                help="as in `podwall diff old/ new/` or `podwall diff preview.json`",
            )


def _after(read: Source) -> _State:
    return _State(read.reading(), read.planned.documents, read)


def _analysed(
    before: _State, after: _State, engine: str | None
) -> tuple[Reachability, Reachability]:
    """Return both analyses; a state that declares no engine is judged by that of the other one."""
    snapshots = before.reading.snapshot, after.reading.snapshot
    declared = [each.engine for each in snapshots]
    old, new = (
        reachability(each, engine or each.engine or other)
        for each, other in zip(snapshots, reversed(declared), strict=True)
    )
    return old, new


def _judged(state: _State, found: Reachability) -> tuple[Finding, ...]:
    """Return what was found while reading and what the lints find, without what is silenced."""
    findings = (*state.reading.findings, *state.source.at_lines(lint(found)))
    return judged(ranked(findings), state.documents, silenceable(findings)).findings
