"""A Chromium for each module, and tabs that show a page and must have nothing to complain about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from podwall.model import Snapshot
from podwall.reachability import reachability
from podwall.reports.page import html_page
from tests.reports.page.browser import CHROMIUM, Browser, Tab, chromium

Show = Callable[..., Tab]


# While Playwright runs, its event loop does: a test that plans a program could not run its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium; without one, say so and skip."""
    if CHROMIUM is None:
        pytest.skip("neither chromium nor Chrome is on PATH: the page is not tested in a browser")
    with chromium() as running:
        yield running


@cache
def _page(snapshot: Snapshot, before: Snapshot | None, engine: str) -> str:
    old = None if before is None else reachability(before, engine)
    return html_page(reachability(snapshot, engine), "stack test", before=old)


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Return a function that opens the page of a stack in a tab."""
    tabs: list[Tab] = []

    def opened(
        snapshot: Snapshot,
        fragment: str = "",
        *,
        before: Snapshot | None = None,
        engine: str = "calico",
        width: int = 1280,
    ) -> Tab:
        path = tmp_path / "page.html"
        path.write_text(_page(snapshot, before, engine), encoding="utf-8")
        tab = Tab(browser, width=width)
        tabs.append(tab)
        tab.open(path, fragment)
        tab.settle()
        return tab

    yield opened
    for tab in tabs:
        complaints, requests = tab.complaints(), tab.requests()
        tab.close()
        assert complaints == []
        assert {each.split("#")[0] for each in requests} == {(tmp_path / "page.html").as_uri()}
