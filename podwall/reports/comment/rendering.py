"""The comment on a pull request: the answer first, then what opens, what closes, and why.

Blocks are put together within the length that GitHub takes; what does not fit is counted, never
dropped silently. Where a change can't be read, another comment says so: silence must not look like
safety.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from podwall.diff import ONLY_AS_ALLOWED, ConnectionChangeKind, PolicyChangeKind
from podwall.exit_code import stops
from podwall.policies.errors import Finding, PodwallError, Severity
from podwall.quick_dataclass import dataclass
from podwall.reading import GENERATED
from podwall.reports.comment.report import (
    ChangedConnection,
    ChangedObject,
    ChangeReport,
    GateVerdict,
    StatedIn,
)
from podwall.reports.comment.verdict import verdict_lines, verdict_word
from podwall.reports.comment.wording import (
    KIND_ORDER,
    ChangeGroup,
    change_sentence,
    endpoint_words,
    grouped,
    outside_sentence,
)
from podwall.reports.formats import code_span, markdown_text
from podwall.reports.words import counted, listed, place_words, sentence_case

__all__ = [
    "LIMIT",
    "MarkdownBlock",
    "comment",
    "fitted",
    "marker",
    "unread_comment",
    "utf16_length",
]


LIMIT = 65_536
"""The longest comment that GitHub takes, in characters."""


@dataclass(frozen=True, slots=True)
class MarkdownBlock:
    """Lines that may be cut between a head and a foot that stay; `what` names a line's subject.

    Lines are read only as far as there is room, so that they may be written when they are read.
    """

    head: str
    lines: Collection[str] = ()
    foot: str = ""
    what: str = "line"


def utf16_length(text: str) -> int:
    """Return the length as GitHub and browsers count it: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitted(blocks: Sequence[MarkdownBlock], end: str, limit: int, where: str) -> str:
    """Return the blocks and the `end`, in at most `limit` characters.

    Blocks are filled in their order; of each at least the head is kept, and a note on how much is
    left out and `where` it is to be found.
    """
    bare = [_block_text(block, (), len(block.lines), where) for block in blocks]
    left = limit - utf16_length(end) - sum(map(utf16_length, bare))
    text = []
    for block, shortest in zip(blocks, bare, strict=True):
        written = _cut_to_fit(block, left + utf16_length(shortest), where)
        left -= utf16_length(written) - utf16_length(shortest)
        text.append(written)
    return "".join(text) + end


def _cut_to_fit(block: MarkdownBlock, room: int, where: str) -> str:
    """Return the block with as many of its lines as there is room for."""
    whole = room - utf16_length(_block_text(block, (), 0, where))
    beside_note = room - utf16_length(_block_text(block, (), len(block.lines), where))
    kept: list[str] = []
    fits = taken = 0
    for line in block.lines:
        taken += utf16_length(line)
        if taken > whole:
            return _block_text(block, kept[:fits], len(block.lines) - fits, where)
        kept.append(line)
        fits += taken <= beside_note
    return _block_text(block, kept, 0, where)


def _block_text(block: MarkdownBlock, lines: Sequence[str], cut: int, where: str) -> str:
    note = f"\n… and {counted(cut, f'more {block.what}')}: {where}\n" if cut else ""
    return f"{block.head}{''.join(lines)}{note}{block.foot}"


_TITLES: Final = {
    ConnectionChangeKind.ADDED: "**Opens**: cannot connect today, could connect after this change",
    ConnectionChangeKind.WIDENED: "**Opens further ports**: can connect today, could on more ports",
    ConnectionChangeKind.CHANGED: "**Changes**: other ports than today, or no longer certain",
    ConnectionChangeKind.NARROWED: "**Closes some ports**: can connect today, could on fewer ports",
    ConnectionChangeKind.REMOVED: "**Closes**: can connect today, could no longer",
}
_NOT_KNOWN: Final = "what it depends on is not read, or not known"
_PERHAPS: Final = {
    ConnectionChangeKind.ADDED: f"**May open**: cannot connect today; {_NOT_KNOWN}",
    ConnectionChangeKind.WIDENED: f"**May open further ports**: {_NOT_KNOWN}",
    ConnectionChangeKind.CHANGED: f"**May change**: {_NOT_KNOWN}",
    ConnectionChangeKind.NARROWED: f"**May close some ports**: can connect today; {_NOT_KNOWN}",
    ConnectionChangeKind.REMOVED: f"**May close**: {_NOT_KNOWN}",
}
_OBJECT_CHANGES: Final = {
    PolicyChangeKind.ADDED: "new",
    PolicyChangeKind.EDITED: "changed",
    PolicyChangeKind.REMOVED: "removed",
}
_BLOCKING: Final = {
    "cluster-replace": "the cluster is replaced",
    "cluster-delete": "the cluster is deleted",
    "provider-replace": "objects move to another cluster",
    "namespace-replace": "a namespace is replaced",
    "namespace-delete": "a namespace is deleted",
    "engine-changes": "the engine changes",
    "policy-lost": "a policy is lost",
    "policy-away": "a policy is away for a moment",
    "selection-gap": "a policy and its pods change at once",
}
"""What is about the deployment itself is in the headline, and before what is about policies."""

_GENERATED: Final = f"`{GENERATED}` stands for the end of a name that only the deployment makes up."
_POLICIES: Final = 3
_RULES: Final = 6
_LONGEST_NAME: Final = 120
_LONGEST_LINK: Final = 2_000
"""Links stand at every cut; a longer one would leave no room for the report."""
_SHOWN: Final = 12
"""So many groups of a kind stand in the open; more are folded."""


def marker(subject: str) -> str:
    """Return the hidden line by which the comment on a subject is found again and edited.

    Two subjects never have one marker, or the comment on one would be written over by the other.

    >>> marker("stack dev")
    '<!-- podwall: stack-dev -->'
    >>> marker("stack acme/dev") == marker("stack acme-dev")
    False
    """
    name = "".join(map(_in_marker, subject))
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{sha256(subject.encode('utf-8', 'replace')).hexdigest()}"
    return f"<!-- podwall: {name} -->"


def _in_marker(character: str) -> str:
    """Return a letter or digit as it is, a space as a dash, and the number of any other."""
    if character == " ":
        return "-"
    return character if character.isalnum() else f".{ord(character):x}."


def comment(report: ChangeReport, *, limit: int = LIMIT) -> str:
    """Return the comment, never longer than `limit` characters.

    What is cut is counted, with the address of the full report.
    """
    if utf16_length(report.artifact) > _LONGEST_LINK:
        report = replace(report, artifact="")
    where = (
        f"see the [full report]({report.artifact})" if report.artifact else "see the full report"
    )
    listed_only = report.asked.connections if report.asked else report.connections
    blocks = [_head(report), *_blocks(replace(report, connections=listed_only))]
    return fitted(blocks, _foot(report), limit, where)


def _head(report: ChangeReport) -> MarkdownBlock:
    words = change_sentence(report)
    cased = words if report.verdict else sentence_case(words)
    where = markdown_text(report.subject[:120])
    lines = [
        marker(report.subject),
        f"### {verdict_word(report)}{cased}{_in(words)}{where}{_but(report.findings)}",
    ]
    lines += _spaced(verdict_lines(report))
    further = outside_sentence(report)
    more = [further and f"{further}.", _findings_sentence(report.findings)]
    if any(more):
        lines.append(f"\n{' '.join(filter(None, more))}")
    lines += _renamed(report)
    lines += [f"\n> {markdown_text(sentence_case(each))}." for each in report.lacking]
    if report.asked:
        lines.append(f"\n> Listed are those {markdown_text(report.asked.words)}.")
    return MarkdownBlock("\n".join(lines) + "\n")


def _in(sentence: str) -> str:
    """Return `in`, apart from an end of the sentence that it would seem to belong to."""
    return ", in " if sentence.endswith(("not shown", "outside the cluster")) else " in "


def _spaced(lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return ["", *found] if found else []


def _but(findings: Iterable[Finding]) -> str:
    """Return what the deployment does on its way that nobody would expect of the change."""
    found = {each.id for each in findings if each.severity is Severity.ERROR}
    blocking = [words for id_, words in _BLOCKING.items() if id_ in found]
    return f", but {listed(blocking)}" if blocking else ""


def _findings_sentence(findings: Iterable[Finding]) -> str:
    count = Counter(each.severity for each in findings)
    parts = [
        counted(count[severity], severity.value)
        for severity in (Severity.ERROR, Severity.WARNING)
        if count[severity]
    ]
    return f"**{listed(parts)}** below." if parts else ""


def _blocks(report: ChangeReport) -> Iterator[MarkdownBlock]:
    serious = [each for each in report.findings if each.severity is Severity.ERROR]
    serious.sort(key=lambda each: each.id not in _BLOCKING)
    if serious:
        yield _findings("Errors", serious, report)
    if report.verdict is not None and (standing := _standing(report, report.verdict)):
        yield _findings("Was there before, and stops", standing, report)
    groups = grouped(report.connections)
    for kind in KIND_ORDER:
        yield from _kind(kind, [each for each in groups if each.kind is kind], report)
    others = [each for each in report.findings if each.severity is not Severity.ERROR]
    if others:
        yield _folded(_findings("", others, report), f"Warnings and notes ({len(others)})")
    if report.policies or report.workloads:
        yield _folded(_objects(report), "Policies and workloads that change, and their rules")
    if not _shown_already(groups, report.connections):
        yield _folded(_every(report), f"Every changed connection ({len(report.connections):,})")


def _shown_already(groups: Sequence[ChangeGroup], connections: Sequence[ChangedConnection]) -> bool:
    """Return whether the rows in the open are the changed connections, one by one."""
    kinds = Counter(each.kind for each in groups)
    return len(groups) == len(connections) and all(n <= _SHOWN for n in kinds.values())


def _kind(
    kind: ConnectionChangeKind, groups: Sequence[ChangeGroup], report: ChangeReport
) -> Iterator[MarkdownBlock]:
    stated = [each for each in groups if each.accepted]
    others = [each for each in groups if not each.accepted]
    certain = [each for each in others if not each.only_perhaps]
    perhaps = [each for each in others if each.only_perhaps]
    yield from _table(_TITLES[kind], certain, report)
    yield from _table(_PERHAPS[kind], perhaps, report)
    yield from _table(f"{_TITLES[kind]}, **and is accepted**", stated, report)


def _table(
    words: str, groups: Sequence[ChangeGroup], report: ChangeReport
) -> Iterator[MarkdownBlock]:
    if not groups:
        return
    title = f"\n{words}\n\n| From | To | Ports | Because of |\n|---|---|---|---|\n"
    changed = {each.name: each for each in report.policies}
    lines = tuple(_group_line(each, report, changed) for each in groups)
    yield MarkdownBlock(title, lines[:_SHOWN], what="group of connections")
    if lines[_SHOWN:]:
        rest = MarkdownBlock(
            title.lstrip().split("\n\n", 1)[1], lines[_SHOWN:], what="group of connections"
        )
        yield _folded(rest, f"{counted(len(lines) - _SHOWN, 'more group')} of connections")


def _group_line(
    group: ChangeGroup, report: ChangeReport, changed: Mapping[str, ChangedObject]
) -> str:
    sources, destinations = (
        endpoint_words(ends, report.namespaces, report.ranges, report.unseen)
        for ends in (group.sources, group.destinations)
    )
    if group.not_itself:
        destinations += ", other than itself"
    # A change has its cause in what changes; the sort is stable.
    policies = sorted(group.because, key=lambda name: name not in changed)
    because = ", ".join(_policy(name, changed, group, report) for name in policies[:_POLICIES])
    if len(group.because) > _POLICIES:
        because += f" and {len(group.because) - _POLICIES} more"
    stated = (_stated(each, report) for each in group.accepted)
    reasons = map(markdown_text, group.reasons[:_POLICIES])
    because = "; ".join(filter(None, (because, *reasons, *stated)))
    return f"| {sources} | {destinations} | {_ports(group)} | {because} |\n"


def _policy(
    name: str, changed: Mapping[str, ChangedObject], group: ChangeGroup, report: ChangeReport
) -> str:
    """Return a policy behind a change: what became of it, where, and the words that do it."""
    each = changed.get(name)
    if each is None:
        return code_span(name)
    can = [rule for rule in each.rules if _can_do(rule, group.kind)]
    rules = [rule for rule in can if rule in group.rules] or can
    place = each.rule_places.get(rules[0], "") if len(rules) == 1 else ""
    link = report.links.get(place or each.place)
    shown = f"[{code_span(name)}]({link})" if link else code_span(name)
    words = f"<br>{code_span(rules[0])}" if len(rules) == 1 else ""
    return f"{shown} ({_OBJECT_CHANGES[each.change]}){words}"


def _can_do(rule: str, kind: ConnectionChangeKind) -> bool:
    """Return whether what a policy says now, or no longer says, can open or else close.

    A rule that comes opens, and so does isolation that goes.
    """
    if kind not in _ONE_WAY or rule[2:].startswith("for "):
        return True
    opens = rule.startswith("+") is not rule.endswith(ONLY_AS_ALLOWED)
    return opens is _ONE_WAY[kind]


_ONE_WAY: Final = {
    ConnectionChangeKind.ADDED: True,
    ConnectionChangeKind.WIDENED: True,
    ConnectionChangeKind.NARROWED: False,
    ConnectionChangeKind.REMOVED: False,
}


def _stated(stated: StatedIn, report: ChangeReport) -> str:
    where = f" ({_place(stated.place, report)})" if stated.place else ""
    return f"**{markdown_text(stated.words)}**{where}"


def _place(written: str, report: ChangeReport) -> str:
    """Return a place, with a link to its line on the host if there is one."""
    link = report.links.get(written, "")
    return f"[{code_span(written)}]({link})" if link else code_span(written)


def _standing(report: ChangeReport, verdict: GateVerdict) -> list[Finding]:
    """Return what stops the change, and was there before."""
    shown = set(report.findings)
    found = (each for each in verdict.findings if stops(verdict.fail_on, each.severity))
    return [each for each in found if each not in shown]


def _ports(group: ChangeGroup | ChangedConnection) -> str:
    match group.kind:
        case ConnectionChangeKind.ADDED:
            return markdown_text(group.after)
        case ConnectionChangeKind.REMOVED:
            return f"was {markdown_text(group.before)}"
        case _:
            return f"{markdown_text(group.before)} → **{markdown_text(group.after)}**"


def _findings(title: str, findings: Sequence[Finding], report: ChangeReport) -> MarkdownBlock:
    head = f"\n**{title}**\n\n" if title else "\n"
    return MarkdownBlock(head, tuple(_finding(each, report) for each in findings), what="finding")


def _finding(finding: Finding, report: ChangeReport) -> str:
    written = place_words(finding.place)
    where = f" — {_place(written, report)}" if written else ""
    name = code_span(finding.id)
    linked = f"[{name}]({finding.link})" if finding.link.startswith("https://") else name
    remedy = f"<br>{markdown_text(finding.help)}" if finding.help else ""
    words = f"**{finding.severity.value}**: {markdown_text(finding.message)}"
    return f"- {words} {linked}{where}{remedy}\n"


def _objects(report: ChangeReport) -> MarkdownBlock:
    policies = (_object("policy", each, report) for each in report.policies)
    workloads = (_object("workload", each, report) for each in report.workloads)
    return MarkdownBlock("\n", (*policies, *workloads), what="object")


def _object(word: str, each: ChangedObject, report: ChangeReport) -> str:
    where = f" — {_place(each.place, report)}" if each.place else ""
    rules = "".join(f"<br>{_rule(rule, each, report)}" for rule in each.rules[:_RULES])
    more = f"<br>and {len(each.rules) - _RULES} more" if len(each.rules) > _RULES else ""
    name = f"{word} {code_span(each.name)} ({_OBJECT_CHANGES[each.change]})"
    return f"- {name}{where}{rules}{more}\n"


def _rule(words: str, policy: ChangedObject, report: ChangeReport) -> str:
    link = report.links.get(policy.rule_places.get(words, ""))
    return f"[{code_span(words)}]({link})" if link else code_span(words)


def _renamed(report: ChangeReport) -> Iterator[str]:
    """Yield what is said of workloads that go by another generated name."""
    if not report.renamed:
        return
    pairs = [f"{code_span(old)} is now {code_span(new)}" for old, new in report.renamed[:_POLICIES]]
    more = len(report.renamed) - _POLICIES
    named = listed([*pairs, *([f"{more:,} more"] if more > 0 else [])])
    same = "the same workload" if len(report.renamed) == 1 else "the same workloads"
    names = "another generated name" if len(report.renamed) == 1 else "other generated names"
    yield f"\n{sentence_case(same)} under {names}: {named}."


def _every(report: ChangeReport) -> MarkdownBlock:
    head = "\n| From | To | | Before | After | Because of |\n|---|---|---|---|---|---|\n"
    return MarkdownBlock(head, _ConnectionLines(report), what="connection")


@dataclass(frozen=True, slots=True)
class _ConnectionLines(Collection[str]):
    """A line for each changed connection, written when it is read: of many, most are cut."""

    report: ChangeReport

    def __len__(self) -> int:
        return len(self.report.connections)

    def __iter__(self) -> Iterator[str]:
        return (_connection_line(each, self.report) for each in self.report.connections)

    def __contains__(self, line: object) -> bool:
        return any(line == each for each in self)


def _connection_line(each: ChangedConnection, report: ChangeReport) -> str:
    ends = f"| {_end(report, each.source)} | {_end(report, each.destination)} | "
    ports = f"{markdown_text(each.before)} | {markdown_text(each.after)} | "
    return f"{ends}{each.kind.value} | {ports}{_because(each)} |\n"


def _end(report: ChangeReport, id_: str) -> str:
    """Return an end of a connection: pods that are not shown in words, all else by its id."""
    return markdown_text(report.unseen[id_]) if id_ in report.unseen else code_span(id_)


def _because(each: ChangedConnection) -> str:
    return "; ".join(
        [*map(code_span, each.because), *([markdown_text(each.reason)] if each.reason else [])]
    )


def _folded(block: MarkdownBlock, title: str) -> MarkdownBlock:
    head = f"\n<details><summary>{title}</summary>\n{block.head}"
    return MarkdownBlock(head, block.lines, "\n</details>\n", block.what)


def _foot(report: ChangeReport) -> str:
    state = "" if report.delta else report.state
    parts = [f"{sentence_case(state)}." if state else ""]
    parts.append(report.judged)
    parts.append(_GENERATED if _has_generated_names(report) else "")
    parts.append(f"[Full report]({report.artifact})" if report.artifact else "")
    words = " ".join(filter(None, parts))
    return f"\n<sub>{words}</sub>\n" if words else ""


def _has_generated_names(report: ChangeReport) -> bool:
    ends = (name for each in report.connections for name in (each.source, each.destination))
    objects = (each.name for each in (*report.policies, *report.workloads))
    return any(GENERATED in name for name in (*ends, *objects))


_LONGEST = 1_000


def unread_comment(subject: str, problem: PodwallError, *, artifact: str = "") -> str:
    """Return the comment that takes the place of the one that could not be made."""
    words = markdown_text(str(problem)[:_LONGEST])
    parts = [
        marker(subject),
        f"### Stops: nobody knows what opens or closes in {markdown_text(subject[:120])}\n",
        f"There is no plan to judge: {words}.",
        f"{markdown_text(sentence_case(problem.help[:_LONGEST]))}." if problem.help else "",
        f"\n<sub>[Log and files]({artifact})</sub>" if artifact else "",
    ]
    return "\n".join(filter(None, parts)) + "\n"
