"""The page's source files, and the one file that they become."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.policies.errors import Finding, Place, Severity
from podwall.reachability import reachability
from podwall.reports.page import html_page, page_document
from podwall.reports.page.rendering import content_security_policy, embedded_json, script, style
from tests.core.builders import cluster
from tests.reports.page.stacks import many

ASSETS = Path(__file__).resolve().parents[3] / "podwall" / "reports" / "page" / "assets"
FILES = sorted(ASSETS.iterdir())
MODULES = [path for path in FILES if path.suffix == ".js"]
LONGEST = 300

DANGEROUS = (
    "innerHTML outerHTML insertAdjacentHTML document.write eval( Function( setTimeout(' "
    "setAttribute('style' createContextualFragment srcdoc localStorage fetch( XMLHttpRequest "
    "WebSocket import( navigator.sendBeacon"
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_source_file_is_above_three_hundred_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_makes_markup_or_asks_the_network(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [each for each in DANGEROUS.split() if each in text] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_every_module_says_what_it_is_about(path: Path) -> None:
    assert path.read_text("utf-8").startswith("// ")


def test_every_module_is_used() -> None:
    text = script()
    assert [path.stem for path in MODULES if f"const {path.stem}_ = " not in text] == []


def test_no_import_or_export_is_left() -> None:
    assert not re.search(r"^(import|export) ", script(), re.MULTILINE)


def test_nothing_comes_from_elsewhere() -> None:
    page = html_page(reachability(cluster()), "x")
    assert "url(" not in style()
    assert "@import" not in style()
    assert not re.findall(r"<(?:script|img|link|iframe|source)[^>]*(?:src|href)=\"(?!data:)", page)


def test_the_policy_allows_exactly_the_script_and_the_style_of_the_page() -> None:
    page = html_page(reachability(cluster()), "x")
    policy = content_security_policy()
    for tag, directive in (('<script type="module">', "script-src"), ("<style>", "style-src")):
        inside = page.split(tag, 1)[1].split(f"</{tag.strip('<>').split()[0]}>", 1)[0]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_embedded_data_reads_back_and_cannot_end_its_element(
    one: str, more: dict[str, str]
) -> None:
    written = embedded_json([one, more])
    assert json.loads(written) == [one, more]
    assert not set(written) & set("<>&\u2028\u2029")
    assert written.isascii()


def test_the_data_of_many_workloads_is_deflated_and_reads_back() -> None:
    reached = reachability(many(20, 25))
    page = html_page(reached, "x")
    data = page.split(' data-packed="deflate"', 1)[1].split(">", 1)[1].split("<", 1)[0]
    written = json.loads(zlib.decompress(base64.b64decode(data)))
    assert written == json.loads(msgspec.json.encode(page_document(reached)))
    assert len(data) < 60_000
    assert "deflate" not in html_page(reachability(cluster()), "x").split('id="data"')[1][:40]


HOSTILE = "</title></h1><script>alert(1)</script>"


def test_a_hostile_heading_and_finding_are_only_text() -> None:
    place = Place(HOSTILE, 1, HOSTILE)
    finding = Finding(
        HOSTILE, Severity.ERROR, HOSTILE, place, f"`{HOSTILE}`", "javascript:alert(1)"
    )
    page = html_page(reachability(cluster()), HOSTILE, findings=[finding] * 30, change=HOSTILE)
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page
    assert "10 more findings" in page


def test_of_very_many_findings_the_page_has_two_hundred() -> None:
    findings = [Finding("x", Severity.INFO, f"number {number}") for number in range(1500)]
    page = html_page(reachability(cluster()), "x", findings=findings)
    assert "<h2>Findings <span>(1500)</span></h2>" in page
    assert page.count("<p>number ") == 200
    assert "And 1,300 more: <code>podwall lint -o json</code> has every finding." in page


def test_equal_analyses_are_equal_pages() -> None:
    assert len({html_page(reachability(cluster()), "x") for _ in range(2)}) == 1
