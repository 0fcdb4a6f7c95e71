"""Findings and migrations as a patch: the edits of which it is certain what they do, and no other.

How it works: each edit is made in the text of its file, which is read again together with all that
is as it was. A finding's edit stays only if that finding is gone, no other has come, and nobody
reaches anybody else than before; a migration's, if the cluster is then the one that was proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import PurePath
from typing import Final

from podwall.diff import diff
from podwall.migrate import Edit, Migration, policy_manifest
from podwall.policies.errors import Finding
from podwall.review import Review, review
from podwall.sources import SourceKind
from podwall.sources.edited_yaml import RuleEdit, edited, with_document
from podwall.sources.manifests import parse_manifests
from podwall.yaml_values import written_yaml

__all__ = ["Patch", "lint_patch", "migration_patch"]

_RULE: Final = re.compile(r"spec\.(ingress|egress)\[(\d+)\]")
_REMOVES: Final = frozenset({"rule-swallowed"})
"""The lints whose remedy is to take the rule away, which changes nothing."""
_OF_ANOTHER: Final = re.compile(r"` of policy `")
"""A rule of another policy may go one day; then this one would be missed."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Files before and after, by their names, and what was left out, in words."""

    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def lint_patch(found: Review) -> Patch:
    """Return the patch that takes away findings without a change of who reaches whom."""
    edits: dict[str, list[RuleEdit]] = {}
    left: list[str] = []
    for finding in (each for each in found.findings if each.id in _REMOVES):
        name = finding.place.source
        tried = _with(edits, name, _removal(finding))
        is_own = not _OF_ANOTHER.search(finding.message)
        if is_own and _is_patchable(found, name) and _is_certain(found, tried, finding):
            edits = tried
        else:
            left.append(f"{finding.place}: {finding.message}")
    return Patch(_files(found, edits) or {}, tuple(left))


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
    rules: dict[str, list[RuleEdit]] = {}
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
    edits: Mapping[str, Sequence[RuleEdit]], name: str, edit: RuleEdit
) -> dict[str, list[RuleEdit]]:
    return {key: list(each) for key, each in edits.items()} | {name: [*edits.get(name, ()), edit]}


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
    found: Review, edits: Mapping[str, Sequence[RuleEdit]]
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


def _is_certain(found: Review, edits: Mapping[str, Sequence[RuleEdit]], finding: Finding) -> bool:
    files = _files(found, edits)
    if files is None:
        return False
    after = _reread(found, files)
    if any(diff(found.reachability, after.reachability).changes()):
        return False
    return _kinds(after.findings) <= _kinds(each for each in found.findings if each != finding)


def _kinds(findings: Iterable[Finding]) -> frozenset[tuple[str, str]]:
    """Return findings by what they say; the lines of some have moved, and numbers of rules."""
    return frozenset((each.id, f"{each.place.source} {each.message}") for each in findings)


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
