"""What a change does to connections: as rows, as text, and as `podwall/diff/v1`.

All three leave out changes of ICMP alone. The JSON format is described in
docs/schemas/diff.schema.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, NamedTuple

from podwall.diff import (
    ChangeCause,
    ConnectionChange,
    ConnectionChangeKind,
    Diff,
    PassingPorts,
    PolicyChange,
)
from podwall.policies.errors import Finding, Place
from podwall.reports.findings_json import finding_document
from podwall.reports.formats import port_documents
from podwall.reports.reach.documents import workload_document
from podwall.reports.words import counted, printable

__all__ = [
    "FORMAT",
    "HEADER",
    "ChangeRow",
    "change_rows",
    "changes_document",
    "changes_text",
    "passage_text",
    "port_change_kind",
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


HEADER = ChangeRow(*ChangeRow._fields)


def change_rows(difference: Diff) -> Iterator[ChangeRow]:
    """Yield the rows by source, then by destination; changes of ICMP alone are left out."""
    for change in difference.changes():
        kind = port_change_kind(change)
        if kind is not None:
            yield ChangeRow(
                kind,
                printable(change.source.id),
                printable(change.destination.id),
                passage_text(change.before),
                passage_text(change.after),
                printable(change.because),
                change.effect,
                printable("; ".join(policy.name for policy in change.policies)),
            )


def port_change_kind(change: ConnectionChange) -> ConnectionChangeKind | None:
    """Return what became of a connection as far as ports go, None where ports do not change."""
    before, after = _transports(change.before), _transports(change.after)
    return None if before == after else replace(change, before=before, after=after).kind


def _transports(passage: PassingPorts) -> PassingPorts:
    allowed, undetermined = passage.allowed, passage.undetermined
    if not (allowed.other or undetermined.other):
        return passage
    return PassingPorts(replace(allowed, other=False), replace(undetermined, other=False))


def passage_text(passage: PassingPorts) -> str:
    """Return what passes in words.

    >>> from podwall.model import Protocol
    >>> from podwall.portset import PortSet
    >>> passage_text(PassingPorts(PortSet(), PortSet.of(Protocol.TCP, 80)))
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
        yield from _lines(list(group))


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


def _lines(rows: Sequence[ChangeRow]) -> Iterator[str]:
    ends = [f"{row.source} -> {row.destination}" for row in rows]
    width = max(map(len, ends))
    for row, pair in zip(rows, ends, strict=True):
        why = f"  [{row.policies}]" if row.policies else ""
        doubt = f"  ({row.because})" if row.because else ""
        yield f"  {row.change:8}  {pair:{width}}  {row.before} => {row.after}{why}{doubt}\n"


FORMAT: Final = "podwall/diff/v1"


def changes_document(difference: Diff, findings: tuple[Finding, ...] = ()) -> dict[str, Any]:
    """Return a diff, and what was found on the way, as a JSON document."""
    changes = (_change(each) for each in difference.changes())
    return {
        "format": FORMAT,
        "engine": {"before": difference.old.engine.name, "after": difference.new.engine.name},
        "findings": [finding_document(each) for each in (*difference.findings, *findings)],
        "policies": [_policy(each) for each in difference.policies],
        "workloads": {
            "added": [workload_document(each) for each in difference.added],
            "gone": [workload_document(each) for each in difference.gone],
        },
        "changes": [each for each in changes if each["change"]],
    }


def _change(change: ConnectionChange) -> dict[str, Any]:
    kind = port_change_kind(change)
    return {
        "change": kind and kind.value,
        "source": change.source.id,
        "destination": change.destination.id,
        "before": _passage(change.before),
        "after": _passage(change.after),
        "because": change.because,
        "effect": change.effect.value,
        "policies": [each.name for each in change.policies],
    }


def _passage(passage: PassingPorts) -> dict[str, Any]:
    return {
        "allowed": port_documents(passage.allowed),
        "undetermined": port_documents(passage.undetermined),
    }


def _policy(change: PolicyChange) -> dict[str, Any]:
    return {
        "policy": change.name,
        "change": change.kind.value,
        "before": change.old and _place(change.old.place),
        "after": change.new and _place(change.new.place),
    }


def _place(place: Place) -> dict[str, Any]:
    return {"source": place.source, "line": place.line}
