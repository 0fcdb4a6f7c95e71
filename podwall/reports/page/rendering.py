"""The page as one self-contained HTML file that runs its own script and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Collection, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from itertools import chain, zip_longest
from string import Template
from typing import Final
from urllib.parse import urlencode

import msgspec

from podwall.diff import side_by_side
from podwall.focus import EVERYTHING, Focus
from podwall.overview import ExposureGroup, exposure_groups, summary
from podwall.policies.errors import Finding
from podwall.policies.rules import Direction
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reports.page.building import document_of
from podwall.reports.page.document import PageDocument
from podwall.reports.reach import engine_sentence, headline
from podwall.reports.words import (
    MOST_SHOWN,
    counted,
    listed,
    more_findings,
    printable,
    quoted_parts,
    sentence_case,
)
from podwall.streams import shown_json, shown_markup

__all__ = [
    "PageHeading",
    "content_security_policy",
    "embedded_json",
    "rendered_page",
    "script",
    "style",
]


_STYLES: Final = ("tokens", "page", "matrix", "views", "print")
_IMPORT: Final = re.compile(r"^import \{([^}]*)\} from '\./(\w+)\.js';\n", re.MULTILINE)
_JSDOC: Final = re.compile(r"^[ ]*/\*\*(?:(?!\*/).)*\*/\n", re.MULTILINE | re.DOTALL)
"""The types of what follows, which only the checks of `make check` read."""
_WAITS: Final = re.compile(r"^[^\s/].*\bawait ", re.MULTILINE)
"""What waits while a module is evaluated, outside of its functions, whose lines are indented."""
_EXPORT: Final = re.compile(
    r"^export (?=(?:const|let|(?:async )?function|class) (\w+))", re.MULTILINE
)


def asset(name: str) -> str:
    """Return the text of one of the page's source files."""
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


@cache
def style() -> str:
    """Return all style sheets as one."""
    return "".join(asset(f"{name}.css") for name in _STYLES)


@cache
def script(module: str = "main") -> str:
    """Return a module of the page and all that it imports as one, each after those it imports.

    A module becomes a constant that holds its exports, so that what it does not export stays its
    own: names in two modules never meet.
    """
    done: dict[str, str] = {}
    _add(module, done, ())
    return "\n".join(done.values())


def _add(name: str, done: dict[str, str], path: tuple[str, ...]) -> None:
    if name in path:
        raise ValueError(f"modules import each other in a circle: {' -> '.join((*path, name))}")
    if name in done:
        return
    source = _JSDOC.sub("", asset(f"{name}.js"))
    for _, imported in _IMPORT.findall(source):
        _add(imported, done, (*path, name))
    done[name] = _enclosed(name, source)


def _enclosed(name: str, source: str) -> str:
    begins = "await (async () => {" if _WAITS.search(source) else "(() => {"
    exported = sorted(match.group(1) for match in _EXPORT.finditer(source))
    inner = _IMPORT.sub(lambda m: f"const {{{m[1]}}} = {m[2]}_;\n", _EXPORT.sub("", source))
    return f"const {name}_ = {begins}\n{inner}return {{ {', '.join(exported)} }};\n}})();"


def content_security_policy() -> str:
    """Return the policy of the page: its own script and styles run, and nothing else at all.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script())}'",
            f"style-src '{_hash(style())}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


_ESCAPES: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def embedded_json(data: object) -> str:
    r"""Return JSON that can stand inside a script element, whatever texts are in it.

    >>> print(embedded_json({"name": "</script><b>"}))
    {"name":"\u003c/script\u003e\u003cb\u003e"}
    """
    written = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return shown_json(written.translate(_ESCAPES))


_LONG: Final = 100_000
"""The JSON of some 200 workloads. Up to this it stands in the page as it is, for who reads it."""


def _embedded(written: str) -> dict[str, str]:
    """Return JSON as the page's data element has it: above some length deflated, in base64.

    That of thousands of workloads says much the same over and over: a twentieth of it is left.
    """
    if len(written) <= _LONG:
        return {"kind": "application/json", "packed": "", "data": written}
    deflated = zlib.compress(written.encode(), level=9)
    return {
        "kind": "text/plain",
        "packed": "deflate",
        "data": base64.b64encode(deflated).decode(),
    }


@dataclass(frozen=True, slots=True)
class PageHeading:
    """What stands above the matrix, as plain text: the answer in one sentence comes first.

    `start` is what the page shows first, in the words of its address.
    """

    subject: str
    headline: str
    lede: str = ""
    foot: str = ""
    start: str = ""


def html_page(  # noqa: PLR0913 - each is a part of the page of its own
    after: Reachability,
    subject: str,
    *,
    before: Reachability | None = None,
    change: str = "",
    findings: Sequence[Finding] = (),
    lacking: Sequence[str] = (),
    focus: Focus = EVERYTHING,
) -> str:
    """Return the page of an analysis, or of the change from `before` to `after`.

    Args:
        after: what the page shows first.
        subject: what was analysed, such as `stack dev`.
        before: what there was; the page then also shows the difference.
        change: the difference in a sentence, for the top of the page.
        findings: what a person should know, for its end.
        lacking: what was not read, a sentence each.
        focus: what the page shows first; everything is in it.
    """
    view = side_by_side(after, before)
    found = summary(view.after.table)
    answer, judged = _sentence(headline(found)), engine_sentence(after.engine)
    start = _shown_first(focus, {each.namespace for each in after.workloads})
    if change:
        heading = PageHeading(subject, _sentence(change), f"{answer} {judged}", start=start)
    else:
        heading = PageHeading(subject, answer, judged, start=start)
    unseen = exposure_groups(after)
    return rendered_page(document_of(view, found, unseen), heading, findings, lacking, unseen)


def _shown_first(focus: Focus, namespaces: Collection[str]) -> str:
    """Return what of a focus the page can set by itself, as it stands in the page's address.

    One workload or namespace is chosen: as a source, or of what comes to it as a destination.
    """
    ends, sources, destinations = (
        [f"{each}/" if each in namespaces else each for each in words]
        for words in (focus.ends, focus.sources, focus.destinations)
    )
    chosen = "to" if focus.direction is Direction.INGRESS else "from"
    asked = {
        "source": ",".join(sources),
        "destination": ",".join(destinations),
        "port": focus.port,
        chosen: ends[0] if len(ends) == 1 else "",
    }
    return urlencode({key: value for key, value in asked.items() if value})


def _sentence(words: str) -> str:
    return f"{sentence_case(words).rstrip('.')}."


def rendered_page(
    document: PageDocument,
    heading: PageHeading,
    findings: Sequence[Finding] = (),
    lacking: Sequence[str] = (),
    unseen: Sequence[ExposureGroup] = (),
) -> str:
    """Return the page. It asks nothing of the network and runs no script but its own.

    `lacking` says what was not read, and `unseen` what pods may do that are not shown.
    """
    page = Template(asset("page.html")).substitute(
        policy=escape(content_security_policy()),
        title=escape(f"{heading.subject} · who can reach whom"),
        subject=escape(heading.subject),
        headline=escape(heading.headline),
        lede=escape(heading.lede),
        foot=escape(heading.foot),
        lacking=_lacking(lacking),
        unseen=_unseen(unseen),
        findings=_findings(findings),
        style=style(),
        start=escape(heading.start),
        **_embedded(embedded_json(msgspec.to_builtins(document))),
        script=script(),
    )
    return shown_markup(page)


def _lacking(sentences: Sequence[str]) -> str:
    written = "".join(f"<p>{escape(printable(sentence_case(each)))}.</p>" for each in sentences)
    return f'<div class="lacking" role="note">{written}</div>' if written else ""


def _unseen(groups: Sequence[ExposureGroup]) -> str:
    """Return the section about pods that are not shown, a row for those that may do the same."""
    if not groups:
        return ""
    rows = "".join(map(_unseen_row, groups))
    return (
        '<section class="other-pods" aria-label="Pods that are not shown">'
        "<h2>Pods that are not shown</h2><p>What the policies let pods do that nobody has shown: "
        "others of the namespaces here, and those of other namespaces.</p><table><thead><tr>"
        '<th scope="col">From</th><th scope="col">To</th><th scope="col">Ports</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
    )


def _unseen_row(group: ExposureGroup) -> str:
    pods, workloads = listed([str(each) for each in group.pods]), listed(list(group.workloads))
    ends = (pods, workloads) if group.direction is Direction.INGRESS else (workloads, pods)
    allowed, perhaps = (str(each) if each else "" for each in group.ports)
    ports = "; ".join(filter(None, (allowed, perhaps and f"perhaps {perhaps}")))
    cells = "".join(f"<td>{escape(printable(each))}</td>" for each in (*ends, ports))
    return f"<tr>{cells}</tr>"


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    items = "".join(map(_finding, findings[:_OPEN]))
    title = f"<h2>Findings <span>({len(findings)})</span></h2>"
    more = _folded(findings[_OPEN:]) if len(findings) > _OPEN else ""
    return (
        f'<section class="findings" aria-label="Findings">{title}<ul>{items}</ul>{more}</section>'
    )


def _folded(findings: Sequence[Finding]) -> str:
    shown = findings[: MOST_SHOWN - _OPEN]
    items = "".join(map(_finding, shown))
    summary = counted(len(findings), "more finding")
    left = len(findings) - len(shown)
    rest = f"<p>{_marked(sentence_case(more_findings(left)))}.</p>" if left else ""
    return f"<details><summary>{summary}</summary><ul>{items}</ul>{rest}</details>"


def _finding(finding: Finding) -> str:
    severity = finding.severity.value
    parts = [f"<p>{_marked(finding.message)} {_link(finding)}</p>"]
    if str(finding.place):
        parts.append(f'<p class="place">{escape(str(finding.place))}</p>')
    if finding.help:
        parts.append(f'<p class="help">{_marked(finding.help)}</p>')
    sign = _SIGNS[severity]
    label = f'<span class="severity">{sign}{severity}</span>'
    return f'<li class="{severity}">{label}<div>{"".join(parts)}</div></li>'


def _marked(words: str) -> str:
    """Return words as HTML, with what stands between backticks as code."""
    plain, code = quoted_parts(words)
    written = (f"<code>{escape(part)}</code>" for part in code)
    return "".join(chain.from_iterable(zip_longest(map(escape, plain), written, fillvalue="")))


_OPEN: Final = 20
"""So many findings stand in the open; more are folded."""

_SIGNS: Final = {"error": "✗ ", "warning": "! ", "info": ""}


def _link(finding: Finding) -> str:
    """Return the finding's id, as a link where its source is on the web."""
    name = f"<code>{escape(finding.id)}</code>"
    if not finding.link.startswith("https://"):
        return name
    return f'<a href="{escape(finding.link)}" rel="noreferrer noopener" target="_blank">{name}</a>'
