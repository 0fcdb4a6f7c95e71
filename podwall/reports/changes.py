"""What a change, or another engine, does to connections: as rows, as text, and as JSON.

Rows, text and JSON leave out changes of ICMP alone. Of another engine the edits that avoid changes
are written, too. The JSON formats are `podwall/diff/v1` and `podwall/migrate/v1`, described in
docs/schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby, islice
from typing import Annotated, Any, Final, Literal, NamedTuple

from msgspec import UNSET, Meta, UnsetType

from podwall.diff import (
    ChangeCause,
    ConnectionChange,
    ConnectionChangeKind,
    Diff,
    PairVerdict,
    PolicyChange,
    PolicyChangeKind,
    TierPolicyChange,
)
from podwall.documents import TypedDocument, about
from podwall.expectations import Expectation, StatedBy, Statement
from podwall.focus import EVERYTHING
from podwall.migrate import Edit, Migration, manifest_code, policy_manifest
from podwall.plan.plan_json import FindingDocument, finding_document
from podwall.policies.errors import Finding
from podwall.reachability import AnyEndpoint
from podwall.reading import LedgerEntry
from podwall.reports.findings.documents import LedgerDocument, ledger_fields
from podwall.reports.formats import (
    ObjectPlaceDocument,
    PortsDocument,
    line_document,
    ports_documents,
)
from podwall.reports.reach.documents import (
    FocusDocument,
    WorkloadDocument,
    focus_document,
    workload_document,
)
from podwall.reports.words import counted, end_words, left_out, printable, statement_words
from podwall.review import Review

__all__ = [
    "CHANGE_HEADER",
    "ChangeRow",
    "ChangesDocument",
    "MigrationDocument",
    "change_rows",
    "changes_document",
    "changes_text",
    "migration_document",
    "migration_text",
    "nobody",
    "passage_text",
    "unread_change_row",
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
    accepted: str


CHANGE_HEADER = ChangeRow(*ChangeRow._fields)


def nobody(change: ConnectionChange) -> tuple[Statement, ...]:
    """State nothing of any change: where no intent is held."""
    del change
    return ()


def change_rows(difference: Diff, stated_by: StatedBy = nobody) -> Iterator[ChangeRow]:
    """Yield the rows by source, then by destination; changes of ICMP alone are left out."""
    return (_row(each, _id, stated_by) for each in difference.port_changes())


def _change_rows_in_words(difference: Diff, stated_by: StatedBy = nobody) -> Iterator[ChangeRow]:
    """Yield the same rows, with pods that are not shown in words."""
    return (_row(each, end_words, stated_by) for each in difference.port_changes())


def _row(
    change: ConnectionChange, name: Callable[[AnyEndpoint], str], stated_by: StatedBy
) -> ChangeRow:
    return ChangeRow(
        change.port_kind or "",
        printable(name(change.source)),
        printable(name(change.destination)),
        passage_text(change.before),
        passage_text(change.after),
        printable(change.because),
        change.cause,
        printable("; ".join(policy.name for policy in change.policies)),
        printable("; ".join(map(statement_words, stated_by(change)))),
    )


def unread_change_row(entry: LedgerEntry) -> ChangeRow:
    """Return the row of what was not read: `not read` instead of a change, the object, and why."""
    empty = dict.fromkeys(ChangeRow._fields, "")
    names = {"change": "not read", "destination": printable(f"{entry}")}
    return ChangeRow(**{**empty, **names, "because": printable(entry.reason)})


def _id(end: AnyEndpoint) -> str:
    return end.id


@lru_cache(maxsize=4096)
def passage_text(passage: PairVerdict) -> str:
    """Return what passes in words.

    >>> from podwall.model import IpProtocol
    >>> from podwall.portset import PortSet
    >>> passage_text(PairVerdict(PortSet(), PortSet.of(IpProtocol.TCP, 80)))
    'perhaps TCP 80'
    """
    parts = [
        str(passage.allowed) if passage.allowed else "",
        f"perhaps {passage.undetermined}" if passage.undetermined else "",
    ]
    return "; ".join(filter(None, parts)) or "nothing"


_TITLES: Final = {
    ChangeCause.POLICY: "changed by policies:",
    ChangeCause.OTHER: "changed by labels, ports, services, namespaces, the engine, "
    "tiers or what is not read:",
    ChangeCause.NEW: "of new workloads:",
    ChangeCause.GONE: "of workloads that are gone:",
}


def changes_text(
    difference: Diff,
    stated_by: StatedBy = nobody,
    lacking: Sequence[str] = (),
    most: int | None = None,
) -> Iterator[str]:
    """Yield the lines.

    Args:
        difference: what changes.
        stated_by: who states what opens.
        lacking: what was not read of the states, a sentence each.
        most: after so many changes the others are counted; None: all are listed.
    """
    yield from (f"! {each}\n" for each in lacking)
    yield from _what_differs(difference)
    order = list(_TITLES)
    found = _change_rows_in_words(difference, stated_by)
    rows = sorted(islice(found, most), key=lambda row: order.index(ChangeCause(row.effect)))
    if not rows:
        yield f"no connection {'of those asked for ' if difference.focus else ''}changes\n"
    for effect, group in groupby(rows, key=lambda row: ChangeCause(row.effect)):
        yield f"\n{_TITLES[effect]}\n"
        yield from _change_lines(list(group))
    if more := sum(1 for _ in found):
        words = "more connection that differs", "more connections that differ"
        yield f"\nand {counted(more, *words)}\n"
    if difference.focus:
        yield f"\n{shown_part(difference, len(rows))}\n"


def shown_part(difference: Diff, shown: int) -> str:
    """Return how many changes are shown where a part of them is asked for, in a sentence."""
    every = sum(1 for _ in difference.narrowed(EVERYTHING).port_changes())
    asked = printable(str(difference.focus))
    return f"{asked}: {shown} of {counted(every, 'changed connection')}; all of them count"


def _what_differs(difference: Diff) -> Iterator[str]:
    for finding in difference.findings:
        yield f"{printable(str(finding))}\n"
    policies = difference.every_policy
    if policies:
        names = (f"{printable(each.name)} ({each.kind})" for each in policies)
        count = counted(len(policies), "policy differs", "policies differ")
        yield f"{count}: {', '.join(names)}\n"
    for ends, words in ((difference.added, "new"), (difference.gone, "gone")):
        if ends:
            names = (printable(each.id) for each in ends)
            yield f"{counted(len(ends), 'workload')} {words}: {', '.join(names)}\n"
    if renamed := difference.renamed:
        pairs = (f"{printable(old)} => {printable(new)}" for old, new in renamed)
        many = counted(len(renamed), "workload has", "workloads have")
        yield f"{many} another generated name: {', '.join(pairs)}\n"


def _change_lines(rows: Sequence[ChangeRow]) -> Iterator[str]:
    """Yield a line for each changed connection, what passes below what passes."""
    ends = [f"{row.source} -> {row.destination}" for row in rows]
    width = max(map(len, ends), default=0)
    for row, pair in zip(rows, ends, strict=True):
        why = f"  [{row.policies}]" if row.policies else ""
        because = f"  ({row.because})" if row.because else ""
        yield f"  {row.change:8}  {pair:{width}}  {row.before} => {row.after}{why}{because}\n"
        if row.accepted:
            yield f"            {row.accepted}\n"


class EnginesDocument(TypedDocument):
    """Who enforces the policies in each state."""

    before: str
    after: str


class PolicyChangeDocument(TypedDocument):
    """A policy that differs, and where it is written in each state."""

    policy: str
    change: PolicyChangeKind
    before: ObjectPlaceDocument | None
    after: ObjectPlaceDocument | None


class RenamedDocument(TypedDocument):
    """A workload whose name is made up, and is another one now: its ids."""

    before: str
    after: str


class WorkloadChangesDocument(TypedDocument):
    """The workloads that are only in one of the states, as in `podwall/reach/v1`.

    Those of `renamed` are the same under another generated name, and in neither list.
    """

    added: tuple[WorkloadDocument, ...]
    gone: tuple[WorkloadDocument, ...]
    renamed: tuple[RenamedDocument, ...] = ()


class PassageDocument(TypedDocument):
    """What passes; what is in neither list is denied."""

    allowed: tuple[PortsDocument, ...]
    undetermined: tuple[PortsDocument, ...]


class StatementDocument(TypedDocument):
    """Who states that an opening is meant."""

    kind: Annotated[
        Literal["expectation", "accepted"],
        about("An expectation, or what is accepted beside them."),
    ]
    name: Annotated[str, about("The name of the expectation, or why it is accepted.")]
    place: ObjectPlaceDocument


class ConnectionChangeDocument(TypedDocument):
    """A connection that differs."""

    change: Annotated[
        ConnectionChangeKind,
        about(
            "`added`: nothing passed before; `removed`: nothing passes now; `changed`: "
            "some ports were opened and others closed."
        ),
    ]
    source: str
    destination: str
    before: PassageDocument
    after: PassageDocument
    because: Annotated[str, about("What undetermined ports depend on.")]
    effect: Annotated[
        ChangeCause,
        about(
            "`policy`: a policy differs that selects one of the ends; `other`: labels, "
            "ports, services, namespaces, the engine, tiers or what is not read differ."
        ),
    ]
    policies: Annotated[
        tuple[str, ...],
        about("The policies that differ and select one of the ends."),
    ]
    accepted: Annotated[
        tuple[StatementDocument, ...],
        about(
            "Who states all that opens; empty where something of it is not stated. What is "
            "accepted stops nothing."
        ),
    ] = ()


class ChangesDocument(LedgerDocument, tag_field="format", tag="podwall/diff/v1"):
    """What `podwall diff -o json` prints. A pair that is not listed is what it was."""

    engine: EnginesDocument
    findings: Annotated[
        tuple[FindingDocument, ...],
        about(
            "What a person should know besides: a cluster that is replaced, another "
            "engine, a document that could not be read."
        ),
    ]
    policies: Annotated[
        tuple[PolicyChangeDocument, ...],
        about("The policies that differ, by namespace and name."),
    ]
    workloads: WorkloadChangesDocument
    changes: Annotated[
        tuple[ConnectionChangeDocument, ...],
        about(
            "The connections that differ, by source, then destination. External ranges "
            "are as large as they can be while everything in them changes alike."
        ),
    ]
    focus: Annotated[
        FocusDocument | UnsetType,
        about(
            "Stands where a part was asked for: nothing is said of connections that were not. "
            "Findings, and whether the change passes, are about all of it."
        ),
    ] = UNSET


def changes_document(
    difference: Diff,
    findings: Sequence[Finding] = (),
    unread: Sequence[LedgerEntry] = (),
    stated_by: StatedBy = nobody,
) -> ChangesDocument:
    """Return a diff, what was found on the way, and what was not read, as a document."""
    return ChangesDocument(
        EnginesDocument(difference.old.engine.name, difference.new.engine.name),
        tuple(map(finding_document, (*difference.findings, *findings))),
        tuple(map(_policy_document, difference.every_policy)),
        WorkloadChangesDocument(
            tuple(map(workload_document, difference.added)),
            tuple(map(workload_document, difference.gone)),
            tuple(RenamedDocument(*each) for each in difference.renamed),
        ),
        tuple(_change_document(each, stated_by(each)) for each in difference.port_changes()),
        focus=focus_document(difference.focus) if difference.focus else UNSET,
        **ledger_fields(unread),
    )


def _change_document(
    change: ConnectionChange, stated: Sequence[Statement]
) -> ConnectionChangeDocument:
    return ConnectionChangeDocument(
        change.port_kind or change.kind,
        change.source.id,
        change.destination.id,
        _passage_document(change.before),
        _passage_document(change.after),
        change.because,
        change.cause,
        tuple(each.name for each in change.policies),
        tuple(map(_statement_document, stated)),
    )


def _statement_document(statement: Statement) -> StatementDocument:
    place = line_document(statement.place)
    if isinstance(statement, Expectation):
        return StatementDocument("expectation", statement.name, place)
    return StatementDocument("accepted", statement.because, place)


@lru_cache(maxsize=4096)
def _passage_document(passage: PairVerdict) -> PassageDocument:
    return PassageDocument(ports_documents(passage.allowed), ports_documents(passage.undetermined))


def _policy_document(change: PolicyChange | TierPolicyChange) -> PolicyChangeDocument:
    before, after = (
        None if each is None else line_document(each.place) for each in (change.old, change.new)
    )
    return PolicyChangeDocument(change.name, change.kind, before, after)


def migration_text(migration: Migration, found: Review) -> Iterator[str]:
    """Yield the lines."""
    difference = migration.difference
    engines = f"from {difference.old.engine.name} to {difference.new.engine.name}"
    rows = list(_change_lines(list(_change_rows_in_words(difference))))
    yield f"{engines}: {counted(len(rows), 'connection changes', 'connections change')}\n"
    yield from rows
    yield from (f"! {each}\n" for each in left_out(found.not_read))
    if migration.edits:
        yield f"\n{counted(len(migration.edits), 'edit')} that keep them:\n"
        for edit in migration.edits:
            yield from _edit_lines(edit, found)
    if rows:
        yield from _remaining(migration)
    if migration.limits:
        yield "\nto look at:\n"
        for finding in migration.limits:
            yield f"  {printable(str(finding))}\n"
            yield f"    help: {printable(finding.help)}\n"
            yield f"    see:  {finding.link}\n"


def _edit_lines(edit: Edit, found: Review) -> Iterator[str]:
    place = "new" if edit.old is None else str(edit.old.place) or "edited"
    yield f"\n  {printable(edit.name)} ({printable(place)})\n"
    for reason in edit.reasons:
        yield f"  # {printable(reason)}\n"
    yield from (f"  {line}\n" for line in manifest_code(_manifest(edit, found)).splitlines())


def _manifest(edit: Edit, found: Review) -> dict[str, Any]:
    return found.real_names.written(policy_manifest(edit.new))


def _remaining(migration: Migration) -> Iterator[str]:
    rows = list(_change_lines(list(_change_rows_in_words(migration.remaining))))
    if rows:
        left = counted(len(rows), "connection still changes", "connections still change")
        yield f"\nwith the edits, {left}:\n"
        yield from rows
    else:
        yield "\nwith the edits, no connection changes\n"


class EditDocument(TypedDocument):
    """An edit of a policy that keeps what another engine would change."""

    policy: Annotated[str, about("`namespace/name`.")]
    place: Annotated[
        ObjectPlaceDocument | None,
        about("Where the policy is written; null for a new one."),
    ]
    reasons: Annotated[tuple[str, ...], Meta(min_length=1)]
    manifest: Annotated[
        dict[str, Any],
        about(
            "The edited policy as a Kubernetes object.",
            extra_json_schema={"required": ["apiVersion", "kind", "metadata", "spec"]},
        ),
    ]
    python: Annotated[str, about("The same in the language of `podwall.policies`.")]


class MigrationDocument(LedgerDocument, tag_field="format", tag="podwall/migrate/v1"):
    """What `podwall migrate -o json` prints: what another engine changes, and edits."""

    difference: Annotated[ChangesDocument, about("What changes as things are.")]
    edits: tuple[EditDocument, ...]
    remaining: Annotated[ChangesDocument, about("What still changes once all edits are applied.")]
    findings: Annotated[
        tuple[FindingDocument, ...],
        about(
            "What was found while reading, and what no NetworkPolicy can keep or nobody can know "
            "before."
        ),
    ]


def migration_document(migration: Migration, found: Review) -> MigrationDocument:
    """Return a migration, and what was found while reading what migrates, as a document."""
    return MigrationDocument(
        changes_document(migration.difference),
        tuple(_edit_document(each, found) for each in migration.edits),
        changes_document(migration.remaining),
        tuple(map(finding_document, (*found.reading_findings, *migration.limits))),
        **ledger_fields(found.not_read),
    )


def _edit_document(edit: Edit, found: Review) -> EditDocument:
    return EditDocument(
        edit.name,
        None if edit.old is None else line_document(edit.old.place),
        tuple(edit.reasons),
        _manifest(edit, found),
        manifest_code(_manifest(edit, found)),
    )
