"""Findings and migrations as a patch: the edits of which it is certain what they do, and no other.

How it works: each edit is made in the text of its file, which is read again together with all that
is as it was. A finding's edit stays only if that finding is gone, no other has come, and nobody
reaches anybody else than the remedy means; a migration's, if the cluster is then the one that was
proved.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import reduce
from pathlib import PurePath
from typing import Final

from podwall.diff import ConnectionChange, diff
from podwall.migrate import Edit, Migration, policy_manifest
from podwall.model import IpProtocol
from podwall.policies.errors import Finding, Severity
from podwall.portset import PortSet
from podwall.quick_dataclass import dataclass
from podwall.review import Review, review
from podwall.sources import SourceKind
from podwall.sources.yaml_documents import parse_manifests
from podwall.sources.yaml_lines import FieldEdit, RuleEdit, TextEdit, edited, with_document
from podwall.yaml_values import written_yaml

__all__ = ["Patch", "lint_patch", "migration_patch"]

_RULE: Final = re.compile(r"spec\.(ingress|egress)\[(\d+)\]")
_WRITE: Final = re.compile(r"write `([0-9a-fA-F:./]+)`")
_TYPES: Final = re.compile(r"write `policyTypes: \[([A-Za-z, ]+)\]`")
_NAMED: Final = re.compile(r"`(kind|apiVersion): ([\w./-]+)`")
_OF_SERVICE: Final = re.compile(
    r"`(\d+)` is the port of service `[^`]*`: rules speak of the pods' port, which is `(\d+)`$"
)
_OF_ANOTHER: Final = re.compile(r"` of policy `")
"""A rule of another policy may go one day; then this one would be missed."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Files before and after, by their names, and what was left out, in words."""

    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def lint_patch(found: Review) -> Patch:
    """Return the patch that takes away findings, as far as it is certain what each edit does.

    A rule that adds nothing goes, and what is written oddly is written plainly: nobody reaches
    anybody else than before. A mistyped kind or version of which one is meant is written right, so
    that the object counts. The port of a service becomes that of its pods, and only flows on these
    two ports differ.
    """
    edits: dict[str, list[TextEdit]] = {}
    left: list[str] = []
    for finding in found.findings:
        proposed = _proposed(finding)
        if proposed is None:
            continue
        name = finding.place.source
        tried = _with(edits, name, proposed.edits)
        is_own = not _OF_ANOTHER.search(finding.message)
        if (
            proposed.edits
            and is_own
            and _is_patchable(found, name)
            and _is_certain(found, edits, tried, finding, proposed)
        ):
            edits = tried
        else:
            left.append(f"{finding.place}: {finding.message}")
    return Patch(_files(found, edits) or {}, tuple(left))


@dataclass(frozen=True, slots=True)
class _Proposal:
    """The edits that a finding proposes, and what they may change.

    `ports` are those on which flows may differ, None where none may; `counts_then` says that an
    object is read that was not, so that everything about it may.
    """

    edits: tuple[TextEdit, ...]
    ports: tuple[int, int] | None = None
    counts_then: bool = False


def _proposed(finding: Finding) -> _Proposal | None:
    """Return what a finding proposes; None where its remedy is for a person to choose."""
    line, path, help_ = finding.place.line or 0, finding.place.path, finding.help
    match finding.id:
        case "rule-swallowed":
            return _Proposal((_removal(finding),))
        case "cidr-host-bits" if found := _WRITE.match(help_):
            return _Proposal((FieldEdit(line, path, found[1]),))
        case "policy-types-not-written" if found := _TYPES.match(help_):
            return _Proposal((FieldEdit(line, path, tuple(found[1].split(", "))),))
        case "no-such-kind" | "removed-api-version":
            named = tuple(FieldEdit(line, *each) for each in _NAMED.findall(help_))
            return _Proposal(named, counts_then=True) if named else None
        case "port-nobody-declares" if found := _OF_SERVICE.match(help_):
            service, pods = map(int, found.groups())
            return _Proposal((FieldEdit(line, f"{path}.port", pods),), (service, pods))
    return None


def migration_patch(found: Review, migration: Migration) -> Patch:
    """Return the patch that makes the edits of a migration.

    A new policy stands at the end of the file of another one in its namespace.
    """
    files: dict[str, tuple[str, str]] = {}
    made: list[Edit] = []
    left = []
    for each in migration.edits:
        tried = _with_edits(found, [*made, each])
        if tried is not None and _is_proved(found, tried, [*made, each], migration):
            files = tried
            made.append(each)
        else:
            left.append(f"{each.name}: what its edit does to a file is not certain")
    return Patch(files, tuple(left))


def _with_edits(found: Review, edits: Sequence[Edit]) -> dict[str, tuple[str, str]] | None:
    """Return the files with the edits, None where it is not certain what they would be."""
    rules: dict[str, list[TextEdit]] = {}
    new: dict[str, list[str]] = {}
    for each in edits:
        name, changed = _home(found, each), _rule_edits(each)
        if changed is None or not _is_patchable(found, name):
            return None
        rules.setdefault(name, []).extend(changed)
        if each.old is None:
            new.setdefault(name, []).append(written_yaml(policy_manifest(each.new)))
    files = _files(found, rules)
    if files is None:
        return None
    return {
        name: (before, reduce(with_document, new.get(name, ()), after))
        for name, (before, after) in files.items()
    }


def _home(found: Review, edit: Edit) -> str:
    """Return the file of a policy; of a new one, that of the last one in its namespace."""
    if edit.old is not None:
        return edit.old.place.source
    policies = found.reading.snapshot.policies
    places = (each.place.source for each in policies if each.namespace == edit.new.namespace)
    return next((each for each in list(places)[::-1] if _is_patchable(found, each)), "")


def _with(
    edits: Mapping[str, Sequence[TextEdit]], name: str, more: Sequence[TextEdit]
) -> dict[str, list[TextEdit]]:
    return {key: list(each) for key, each in edits.items()} | {name: [*edits.get(name, ()), *more]}


def _removal(finding: Finding) -> RuleEdit:
    match = _RULE.fullmatch(finding.place.path)
    direction, index = match.groups() if match else ("", "0")
    return RuleEdit(finding.place.line or 0, direction, int(index))


def _is_patchable(found: Review, name: str) -> bool:
    """Return whether a file was read as it is: no tool has made something of it."""
    source, path = found.source, PurePath(name)
    inside = not path.is_absolute() and ".." not in path.parts
    as_it_is = source.kind is SourceKind.MANIFESTS and not source.notes
    return as_it_is and inside and name in source.texts


def _rule_edits(edit: Edit) -> list[RuleEdit] | None:
    """Return what becomes of single rules, None where more of the policy is different."""
    if edit.old is None:
        return []
    before, after = (policy_manifest(each)["spec"] for each in (edit.old, edit.new))
    line = edit.old.place.line
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key not in {"ingress", "egress"} or not old or new is None or line is None:
            return None
        found += [
            RuleEdit(line, key, index, rule)
            for index, rule in enumerate(new)
            if index >= len(old) or rule != old[index]
        ]
        found += [RuleEdit(line, key, index) for index in range(len(new), len(old))]
    return found


def _files(
    found: Review, edits: Mapping[str, Sequence[TextEdit]]
) -> dict[str, tuple[str, str]] | None:
    """Return the files with their edits, None where one of them is not certain."""
    files = {}
    for name, several in edits.items():
        text = _text(found.source.texts[name])
        after = None if text is None else edited(text, several)
        if text is None or after is None:
            return None
        files[name] = (text, after)
    return files


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_certain(
    found: Review,
    before: Mapping[str, Sequence[TextEdit]],
    after: Mapping[str, Sequence[TextEdit]],
    finding: Finding,
    proposed: _Proposal,
) -> bool:
    """Return whether the finding is gone, and nothing else came of it than it may."""
    earlier, files = _files(found, before), _files(found, after)
    if files is None:
        return False
    old = _reread(found, earlier) if earlier else found
    new = _reread(found, files)
    left = _kinds(old.findings) - _kinds([finding])
    if proposed.counts_then:
        errors = [each for each in new.findings if each.severity is Severity.ERROR]
        return _kinds(errors) <= left and len(new.not_read) < len(old.not_read)
    changes = diff(old.reachability, new.reachability).changes()
    if any(not _is_on(each, proposed.ports) for each in changes):
        return False
    return _kinds(new.findings) <= left


def _is_on(change: ConnectionChange, ports: tuple[int, int] | None) -> bool:
    """Return whether a change closes the first of two ports, and opens the second, at most."""
    if ports is None:
        return False
    closed, opened = (
        PortSet.union(PortSet.of(protocol, port) for protocol in IpProtocol) for port in ports
    )
    return not (change.closed - closed) and not (change.opened - opened)


def _kinds(findings: Iterable[Finding]) -> Counter[tuple[str, str]]:
    """Count findings by what they say; the lines of some have moved, and numbers of rules."""
    return Counter((each.id, f"{each.place.source} {each.message}") for each in findings)


def _is_proved(
    found: Review,
    files: Mapping[str, tuple[str, str]],
    made: Sequence[Edit],
    migration: Migration,
) -> bool:
    """Return whether the files then mean the cluster in which just these edits are made."""
    engine = migration.difference.new.engine
    instead = {id(each.old): each.new for each in made if each.old is not None}
    policies = [instead.get(id(each), each) for each in found.reading.snapshot.policies]
    policies += [each.new for each in made if each.old is None]
    meant = found.with_policies(policies, engine)
    written = replace(_reread(found, files), engine=engine).reachability
    return not any(diff(meant, written).changes())


def _reread(found: Review, files: Mapping[str, tuple[str, str]]) -> Review:
    """Return the review of the source with other texts of some files."""
    source = found.source
    texts = {**source.texts, **{name: after.encode() for name, (_, after) in files.items()}}
    documents = []
    done: set[str] = set()
    for each in source.planned.documents:
        name = each.place.source
        if name not in files:
            documents.append(each)
        elif name not in done:
            done.add(name)
            documents += parse_manifests(texts[name], name).documents
    planned = replace(source.planned, documents=tuple(documents))
    return review(replace(source, planned=planned, texts=texts), found.engine)
