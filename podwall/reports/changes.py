"""What a change does to connections: as rows, as text, and as `podwall/diff/v1`.

All three leave out changes of ICMP alone. The JSON format is described in
docs/schemas/diff.schema.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from podwall.diff import (
    ChangeCause,
    ConnectionChange,
    Diff,
    PairVerdict,
    PolicyChange,
)
from podwall.policies.errors import Finding
from podwall.reports.findings.documents import finding_document
from podwall.reports.formats import line_document, port_documents
from podwall.reports.reach.documents import workload_document
from podwall.reports.words import counted, printable

__all__ = [
    "CHANGE_HEADER",
    "FORMAT",
    "ChangeRow",
    "change_lines",
    "change_rows",
    "changes_document",
    "changes_text",
    "passage_text",
]


class ChangeRow(NamedTuple):
    """A connection that changes: how, between whom, from what to what, and why."""

    change: str
    source: str
    destination: str
    before: str
    after: str
    because: str
    effect: str
    policies: str


CHANGE_HEADER = ChangeRow(*ChangeRow._fields)


def change_rows(difference: Diff) -> Iterator[ChangeRow]:
    """Yield the rows by source, then by destination; changes of ICMP alone are left out."""
    return map(_row, difference.port_changes())


def _row(change: ConnectionChange) -> ChangeRow:
    return ChangeRow(
        change.port_kind or "",
        printable(change.source.id),
        printable(change.destination.id),
        passage_text(change.before),
        passage_text(change.after),
        printable(change.because),
        change.cause,
        printable("; ".join(policy.name for policy in change.policies)),
    )


def passage_text(passage: PairVerdict) -> str:
    """Return what passes in words.

    >>> from podwall.model import Protocol
    >>> from podwall.portset import PortSet
    >>> passage_text(PairVerdict(PortSet(), PortSet.of(Protocol.TCP, 80)))
    'perhaps TCP 80'
    """
    parts = [
        str(passage.allowed) if passage.allowed else "",
        f"perhaps {passage.undetermined}" if passage.undetermined else "",
    ]
    return "; ".join(filter(None, parts)) or "nothing"


_TITLES: Final = {
    ChangeCause.POLICY: "changed by policies:",
    ChangeCause.OTHER: "changed by labels, ports, services, namespaces or the engine:",
    ChangeCause.NEW: "of new workloads:",
    ChangeCause.GONE: "of workloads that are gone:",
}


def changes_text(difference: Diff) -> Iterator[str]:
    """Yield the lines."""
    yield from _what_differs(difference)
    order = list(_TITLES)
    rows = sorted(change_rows(difference), key=lambda row: order.index(ChangeCause(row.effect)))
    if not rows:
        yield "no connection changes\n"
    for effect, group in groupby(rows, key=lambda row: ChangeCause(row.effect)):
        yield f"\n{_TITLES[effect]}\n"
        yield from change_lines(list(group))


def _what_differs(difference: Diff) -> Iterator[str]:
    for finding in difference.findings:
        yield f"{finding}\n"
    if difference.policies:
        names = (f"{printable(each.name)} ({each.kind})" for each in difference.policies)
        count = counted(len(difference.policies), "policy differs", "policies differ")
        yield f"{count}: {', '.join(names)}\n"
    for ends, words in ((difference.added, "new"), (difference.gone, "gone")):
        if ends:
            names = (printable(each.id) for each in ends)
            yield f"{counted(len(ends), 'workload')} {words}: {', '.join(names)}\n"


def change_lines(rows: Sequence[ChangeRow]) -> Iterator[str]:
    """Yield a line for each changed connection, what passes below what passes."""
    ends = [f"{row.source} -> {row.destination}" for row in rows]
    width = max(map(len, ends), default=0)
    for row, pair in zip(rows, ends, strict=True):
        why = f"  [{row.policies}]" if row.policies else ""
        because = f"  ({row.because})" if row.because else ""
        yield f"  {row.change:8}  {pair:{width}}  {row.before} => {row.after}{why}{because}\n"


FORMAT: Final = "podwall/diff/v1"


def changes_document(difference: Diff, findings: tuple[Finding, ...] = ()) -> dict[str, Any]:
    """Return a diff, and what was found on the way, as a JSON document."""
    return {
        "format": FORMAT,
        "engine": {"before": difference.old.engine.name, "after": difference.new.engine.name},
        "findings": [finding_document(each) for each in (*difference.findings, *findings)],
        "policies": [_policy(each) for each in difference.policies],
        "workloads": {
            "added": [workload_document(each) for each in difference.added],
            "gone": [workload_document(each) for each in difference.gone],
        },
        "changes": [_change(each) for each in difference.port_changes()],
    }


def _change(change: ConnectionChange) -> dict[str, Any]:
    return {
        "change": change.port_kind,
        "source": change.source.id,
        "destination": change.destination.id,
        "before": _passage(change.before),
        "after": _passage(change.after),
        "because": change.because,
        "effect": change.cause.value,
        "policies": [each.name for each in change.policies],
    }


def _passage(passage: PairVerdict) -> dict[str, Any]:
    return {
        "allowed": port_documents(passage.allowed),
        "undetermined": port_documents(passage.undetermined),
    }


def _policy(change: PolicyChange) -> dict[str, Any]:
    return {
        "policy": change.name,
        "change": change.kind.value,
        "before": change.old and line_document(change.old.place),
        "after": change.new and line_document(change.new.place),
    }
