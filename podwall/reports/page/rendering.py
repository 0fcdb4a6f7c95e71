"""The page as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from string import Template
from typing import Final

import msgspec

from podwall.policies.findings import Finding
from podwall.reachability import Reachability
from podwall.reports.page.building import page_document
from podwall.reports.page.document import Document
from podwall.reports.page.inlining import (
    asset,
    content_security_policy,
    embedded_json,
    script,
    style,
)
from podwall.reports.summary import headline, judged_by, summary
from podwall.reports.words import counted, printable
from podwall.verdict_table import verdict_table

__all__ = ["Heading", "rendered_page"]


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the matrix, as plain text: the answer in one sentence comes first."""

    subject: str
    headline: str
    lede: str = ""
    foot: str = ""


def html_page(
    after: Reachability,
    subject: str,
    *,
    before: Reachability | None = None,
    change: str = "",
    findings: Sequence[Finding] = (),
) -> str:
    """Return the page of an analysis, or of the change from `before` to `after`.

    Args:
        after: what the page shows first.
        subject: what was analysed, such as `stack dev`.
        before: what there was; the page then also shows the difference.
        change: the difference in a sentence, for the top of the page.
        findings: what a person should know, for its end.
    """
    found = summary(verdict_table(after))
    said = headline(found)
    lede = judged_by(after.engine)
    if change:
        heading = Heading(subject, _sentence(change), f"{_sentence(said)} {lede}")
    else:
        heading = Heading(subject, _sentence(said), lede)
    return rendered_page(page_document(after, before), heading, findings)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def rendered_page(document: Document, heading: Heading, findings: Sequence[Finding] = ()) -> str:
    """Return the page. It asks nothing of the network and runs no script but its own."""
    return Template(asset("page.html")).substitute(
        policy=escape(content_security_policy()),
        title=escape(f"{heading.subject} · who can reach whom"),
        subject=escape(heading.subject),
        headline=escape(heading.headline),
        lede=escape(heading.lede),
        foot=escape(heading.foot),
        findings=_findings(findings),
        style=style(),
        data=embedded_json(msgspec.to_builtins(document)),
        script=script(),
    )


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
    items = "".join(map(_finding, findings))
    summary = counted(len(findings), "more finding")
    return f"<details><summary>{summary}</summary><ul>{items}</ul></details>"


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
    parts = printable(words).split("`")
    return "".join(
        f"<code>{escape(part)}</code>" if k % 2 and k < len(parts) - 1 else escape(part)
        for k, part in enumerate(parts)
    )


_OPEN: Final = 20
"""So many findings stand in the open; more are folded."""

_SIGNS: Final = {"error": "✗ ", "warning": "! ", "info": ""}


def _link(finding: Finding) -> str:
    """Return the finding's id, as a link where its source is on the web."""
    name = f"<code>{escape(finding.id)}</code>"
    if not finding.link.startswith("https://"):
        return name
    return f'<a href="{escape(finding.link)}" rel="noreferrer noopener" target="_blank">{name}</a>'
