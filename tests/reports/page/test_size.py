"""Hundreds and thousands of workloads: the document stays small, only the window is drawn."""

from __future__ import annotations

import pytest

from podwall.reachability import reachability
from podwall.reports.page import html_page
from tests.reports.page.browser import Browser, Tab
from tests.reports.page.conftest import Show
from tests.reports.page.stacks import many

pytestmark = pytest.mark.long

NODES = "document.querySelectorAll('*').length"
MOST_NODES = 5000


def test_five_hundred_workloads_fit_in_a_small_file() -> None:
    page = html_page(reachability(many(20, 25)), "stack test")
    assert len(page) < 250_000


def test_five_thousand_workloads_fit_in_a_megabyte() -> None:
    page = html_page(reachability(many(100, 50)), "stack test")
    assert len(page) < 1_000_000


def test_five_hundred_workloads_begin_folded_and_unfold_in_a_window(show: Show) -> None:
    tab = show(many(20, 25))
    assert tab.run("document.querySelectorAll('.side.group').length") == 20
    tab.click("#unfold")
    assert tab.run(NODES) < MOST_NODES
    labels = set()
    for step in range(6):
        tab.run(f"document.querySelector('.viewport').scrollTo({1500 * step}, {1500 * step})")
        tab.settle()
        assert tab.run(NODES) < MOST_NODES
        labels.add(tab.run("document.querySelector('.line.leaf .cell').ariaLabel"))
    assert len(labels) == 6


def test_lines_that_stay_in_sight_are_not_drawn_again(show: Show) -> None:
    tab = show(many(20, 25))
    tab.click("#unfold")
    tab.run("document.querySelectorAll('.line').forEach(e => { e.kept = true })")
    tab.run("document.querySelector('.viewport').scrollBy(0, 120)")
    tab.settle()
    kept = tab.run("[...document.querySelectorAll('.line')].map(e => e.kept === true)")
    assert kept.count(True) > 3 * kept.count(False) > 0


@pytest.mark.parametrize("view", ["matrix", "graph", "table"])
def test_five_thousand_workloads_open_by_namespace(show: Show, view: str) -> None:
    tab = show(many(100, 50), f"#view={view}")
    assert tab.run(NODES) < MOST_NODES + 2 * (view == "table") * MOST_NODES
    assert "5,000 workloads in 100 namespaces" in tab.text("h1")
    shown = {"matrix": ".side.group", "graph": ".from .end", "table": "tbody tr"}[view]
    assert tab.run(f"document.querySelectorAll('{shown}').length") > 20


def test_among_five_thousand_workloads_one_is_found(show: Show) -> None:
    tab = show(many(100, 50), "#source=team-042/api-01&to=team-042/api-01&from=team-042/web-00")
    assert tab.text("#panel h2").startswith("team-042/web-00 → team-042/api-01")
    other = show(many(100, 50), "#from=team-042/web-00&to=team-042/api-01")
    selected = other.run("document.querySelector('[aria-selected=true]').ariaLabel")
    assert selected == "from team-042/web-00 to team-042/api-01: TCP 8080"


def test_many_connections_are_counted_and_listed_a_page_at_a_time(show: Show) -> None:
    tab = show(many(20, 25), "#view=table&verdicts=none")
    assert tab.text("caption") == (
        "The first 200 connections of the kinds chosen above; 249,500 in all between workloads"
    )
    tab.click(".table > button")
    assert tab.run("document.querySelectorAll('tbody tr').length") == 1200


def test_a_browser_that_cannot_unpack_says_so(show: Show, browser: Browser) -> None:
    shown = show(many(20, 25))
    old = Tab(browser)
    old.send("Page.enable")
    old.send("Page.addScriptToEvaluateOnNewDocument", source="delete window.DecompressionStream")
    old.run("0")
    address = shown.run("location.href")
    old.send("Page.navigate", url=address)
    old.wait_for("#empty")
    assert "too old to unpack" in old.text("#empty")
    old.close()
