"""The comment on a pull request: the answer first, then what opens, what closes, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from podwall.diff import ChangeKind
from podwall.policies.findings import Finding, Severity
from podwall.reading import GENERATED
from podwall.reports.comment.budget import LIMIT, Block, fitted, length
from podwall.reports.comment.ends import ends_words
from podwall.reports.comment.escaping import code, text
from podwall.reports.comment.grouping import ORDER, Group, grouped
from podwall.reports.comment.places import place_words
from podwall.reports.comment.sentence import change_sentence, outside_sentence
from podwall.reports.comment.values import (
    ChangedConnection,
    ChangedObject,
    ChangeReport,
)
from podwall.reports.words import counted, listed

__all__ = ["comment", "marker"]

_TITLES: Final = {
    ChangeKind.ADDED: "**Opens**: cannot connect today, could connect after this change",
    ChangeKind.WIDENED: "**Opens further ports**: can connect today, could on more ports",
    ChangeKind.CHANGED: "**Changes**: other ports than today, or no longer certain",
    ChangeKind.NARROWED: "**Closes some ports**: can connect today, could on fewer ports",
    ChangeKind.REMOVED: "**Closes**: can connect today, could no longer",
}
_BLOCKING: Final = {
    "cluster-replace": "the cluster is replaced",
    "cluster-delete": "the cluster is deleted",
    "engine-changes": "the engine changes",
    "policy-lost": "a policy is lost",
    "policy-away": "a policy is away for a moment",
}
"""What is about the deployment itself is in the headline, and before what is about policies."""

_GENERATED: Final = f"`{GENERATED}` stands for the end of a name that only the deployment makes up."
_POLICIES: Final = 3
_LONGEST_NAME: Final = 120
_LONGEST_LINK: Final = 2_000
"""Links stand at every cut; a longer one would leave no room for what is told."""
_SHOWN: Final = 12
"""So many groups of a kind stand in the open; more are folded."""


def marker(subject: str) -> str:
    """Return the hidden line by which the comment on a subject is found again and edited."""
    name = "".join(c if c.isalnum() else "-" for c in subject)
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{sha256(subject.encode('utf-8', 'replace')).hexdigest()}"
    return f"<!-- podwall: {name} -->"


def comment(report: ChangeReport, *, limit: int = LIMIT) -> str:
    """Return the comment, never longer than `limit` characters.

    What is cut is counted, with the address of the full report.
    """
    if length(report.artifact) > _LONGEST_LINK:
        report = replace(report, artifact="")
    where = (
        f"see the [full report]({report.artifact})" if report.artifact else "see the full report"
    )
    blocks = [_head(report), *_blocks(report)]
    return fitted(blocks, _foot(report), limit, where)


def _head(report: ChangeReport) -> Block:
    said = change_sentence(report)
    lines = [
        marker(report.subject),
        f"### {said[0].upper()}{said[1:]} in {text(report.subject[:120])}{_but(report.findings)}",
    ]
    further = outside_sentence(report)
    more = [further and f"{further}.", _findings_sentence(report.findings)]
    if any(more):
        lines.append(f"\n{' '.join(filter(None, more))}")
    return Block("\n".join(lines) + "\n")


def _but(findings: Iterable[Finding]) -> str:
    """Return what the deployment does on its way that nobody would expect of the change."""
    found = {each.id for each in findings}
    said = [words for id_, words in _BLOCKING.items() if id_ in found]
    return f", but {listed(said)}" if said else ""


def _findings_sentence(findings: Iterable[Finding]) -> str:
    count = Counter(each.severity for each in findings)
    parts = [
        counted(count[severity], severity.value)
        for severity in (Severity.ERROR, Severity.WARNING)
        if count[severity]
    ]
    return f"**{listed(parts)}** below." if parts else ""


def _blocks(report: ChangeReport) -> Iterator[Block]:
    serious = [each for each in report.findings if each.severity is Severity.ERROR]
    serious.sort(key=lambda each: each.id not in _BLOCKING)
    if serious:
        yield _findings("Errors", serious)
    groups = grouped(report.connections)
    for kind in ORDER:
        yield from _kind(kind, [each for each in groups if each.kind is kind], report)
    others = [each for each in report.findings if each.severity is not Severity.ERROR]
    if others:
        yield _folded(_findings("", others), f"Warnings and notes ({len(others)})")
    if report.policies or report.workloads:
        yield _folded(_objects(report), "Policies and workloads that change")
    if not _told_already(groups, report.connections):
        yield _folded(_every(report), f"Every changed connection ({len(report.connections):,})")


def _told_already(groups: Sequence[Group], connections: Sequence[ChangedConnection]) -> bool:
    """Return whether the rows in the open are the changed connections, one by one."""
    kinds = Counter(each.kind for each in groups)
    return len(groups) == len(connections) and all(n <= _SHOWN for n in kinds.values())


def _kind(kind: ChangeKind, groups: Sequence[Group], report: ChangeReport) -> Iterator[Block]:
    if not groups:
        return
    title = f"\n{_TITLES[kind]}\n\n| From | To | Ports | Because of |\n|---|---|---|---|\n"
    changed = {each.name: f" ({each.existence.value})" for each in report.policies}
    lines = tuple(_group_line(each, report, changed) for each in groups)
    yield Block(title, lines[:_SHOWN], what="group of connections")
    if lines[_SHOWN:]:
        rest = Block(
            title.lstrip().split("\n\n", 1)[1], lines[_SHOWN:], what="group of connections"
        )
        yield _folded(rest, f"{counted(len(lines) - _SHOWN, 'more group')} of connections")


def _group_line(group: Group, report: ChangeReport, changed: Mapping[str, str]) -> str:
    sources, destinations = (
        ends_words(ends, report.namespaces, report.ranges)
        for ends in (group.sources, group.destinations)
    )
    # A change has its cause in what changes; the sort is stable.
    policies = sorted(group.because, key=lambda name: name not in changed)
    because = ", ".join(f"{code(name)}{changed.get(name, '')}" for name in policies[:_POLICIES])
    if len(group.because) > _POLICIES:
        because += f" and {len(group.because) - _POLICIES} more"
    because = "; ".join(filter(None, (because, *map(text, group.reasons[:_POLICIES]))))
    return f"| {sources} | {destinations} | {_ports(group)} | {because} |\n"


def _ports(group: Group | ChangedConnection) -> str:
    match group.kind:
        case ChangeKind.ADDED:
            return text(group.after)
        case ChangeKind.REMOVED:
            return f"was {text(group.before)}"
        case _:
            return f"{text(group.before)} → **{text(group.after)}**"


def _findings(title: str, findings: Sequence[Finding]) -> Block:
    head = f"\n**{title}**\n\n" if title else "\n"
    return Block(head, tuple(map(_finding, findings)), what="finding")


def _finding(finding: Finding) -> str:
    written = place_words(finding.place)
    where = f" — {code(written)}" if written else ""
    name = code(finding.id)
    linked = f"[{name}]({finding.link})" if finding.link.startswith("https://") else name
    remedy = f"<br>{text(finding.help)}" if finding.help else ""
    return f"- **{finding.severity.value}**: {text(finding.message)} {linked}{where}{remedy}\n"


def _objects(report: ChangeReport) -> Block:
    policies = (_object("policy", each) for each in report.policies)
    workloads = (_object("workload", each) for each in report.workloads)
    return Block("\n", (*policies, *workloads), what="object")


def _object(word: str, each: ChangedObject) -> str:
    where = f" — {code(each.place)}" if each.place else ""
    return f"- {word} {code(each.name)} ({each.existence.value}){where}\n"


def _every(report: ChangeReport) -> Block:
    lines = tuple(
        f"| {code(each.source)} | {code(each.destination)} | {each.kind.value} | "
        f"{text(each.before)} | {text(each.after)} | {_because(each)} |\n"
        for each in report.connections
    )
    head = "\n| From | To | | Before | After | Because of |\n|---|---|---|---|---|---|\n"
    return Block(head, lines, what="connection")


def _because(each: ChangedConnection) -> str:
    return "; ".join([*map(code, each.because), *([text(each.reason)] if each.reason else [])])


def _folded(block: Block, title: str) -> Block:
    head = f"\n<details><summary>{title}</summary>\n{block.head}"
    return Block(head, block.lines, "\n</details>\n", block.what)


def _foot(report: ChangeReport) -> str:
    parts = [f"{report.state[:1].upper()}{report.state[1:]}." if report.state else ""]
    parts.append(report.judged)
    parts.append(_GENERATED if _has_generated_names(report) else "")
    parts.append(f"[Full report]({report.artifact})" if report.artifact else "")
    said = " ".join(filter(None, parts))
    return f"\n<sub>{said}</sub>\n" if said else ""


def _has_generated_names(report: ChangeReport) -> bool:
    ends = (name for each in report.connections for name in (each.source, each.destination))
    objects = (each.name for each in (*report.policies, *report.workloads))
    return any(GENERATED in name for name in (*ends, *objects))
