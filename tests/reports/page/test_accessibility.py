"""The page for everybody: no violation that axe finds, contrast in both themes, forced colours.

axe-core comes with the tools of `.ci/page-checks`, which installs them and runs this file; without
them, and where there is no browser, this is said and skipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.demo import pages
from podwall.reachability import reachability
from podwall.reports.page import html_page
from tests.reports.page.browser import CHROMIUM, Browser, Tab, Theme, chromium
from tests.reports.page.stacks import AFTER, BEFORE

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / ".ci" / "node" / "node_modules" / "axe-core" / "axe.min.js"
ASSETS = ROOT / "podwall" / "reports" / "page" / "assets"
DEMO = ("dev", "prod", "company", "change")
VIEWS = ("", "#view=graph", "#view=table", "#to=shop%2F&port=443")
THEMES: tuple[Theme, ...] = ("light", "dark")
LEAST_TEXT: Final = 4.5
LEAST_SIGN: Final = 3.0
"""https://www.w3.org/TR/WCAG22/#contrast-minimum and #non-text-contrast."""

needs_axe = pytest.mark.skipif(
    CHROMIUM is None or (not AXE.exists() and not os.environ.get("REQUIRE_NODE")),
    reason="needs Chromium, and the tools that `.ci/page-checks` installs",
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Google Chrome")

_FOUND = """axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map(
  (each) => `${each.id}: ${each.nodes.map((node) => node.target.join(' ')).slice(0, 3)}`))"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with pages of dev, prod, 500 workloads and a change."""
    folder = tmp_path_factory.mktemp("demo")
    for name, text in pages():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


# The stacks are planned first: while Playwright runs, its event loop does.
@pytest.fixture(scope="module")
def browser(demo: Path) -> Iterator[Browser]:
    del demo
    with chromium() as found:
        yield found


@needs_axe
@pytest.mark.parametrize("name", DEMO)
def test_axe_finds_no_violation(browser: Browser, demo: Path, name: str) -> None:
    for theme in THEMES:
        for view in VIEWS:
            tab = Tab(browser)
            tab.prefer(theme)
            tab.open(demo / f"{name}.html", view)
            tab.run(AXE.read_text("utf-8"))
            assert tab.run(_FOUND) == [], (theme, view)
            tab.close()


def tokens(theme: Theme) -> dict[str, str]:
    """Return the colours of a theme by their names."""
    text = (ASSETS / "tokens.css").read_text("utf-8")
    part = text.partition("prefers-color-scheme: dark")[0 if theme == "light" else 2]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part.partition("@media screen {")[0]))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2 computes it."""
    lights = sorted(map(_luminance, (one, other)), reverse=True)
    return (lights[0] + 0.05) / (lights[1] + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


TEXTS = (
    *((f"{name}-ink", name) for name in ("all", "some", "maybe", "opens", "widens", "closes")),
    *((f"{name}-ink", name) for name in ("narrows", "changes", "same")),
    *((name, ground) for name in ("ink", "soft", "faint") for ground in ("paper", "sheet", "tint")),
    *((name, ground) for name in ("accent", "yes", "no") for ground in ("paper", "sheet", "tint")),
    ("maybe-ink", "paper"),
)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXTS, ids=" on ".join)
def test_texts_and_badges_have_the_contrast_of_aa(theme: Theme, ink: str, ground: str) -> None:
    found = tokens(theme)
    assert contrast(found[ink], found[ground]) >= LEAST_TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sign", ["none-ink", "focus", "opens", "closes"])
def test_signs_can_be_told_from_the_ground(theme: Theme, sign: str) -> None:
    found = tokens(theme)
    assert contrast(found[sign], found["sheet"]) >= LEAST_SIGN


@needs_browser
@pytest.mark.parametrize("theme", THEMES)
def test_forced_colours_keep_every_sign_apart(
    browser: Browser, tmp_path: Path, theme: Theme
) -> None:
    page = tmp_path / "change.html"
    before, after = reachability(BEFORE), reachability(AFTER)
    page.write_text(html_page(after, "a change", before=before), encoding="utf-8")
    tab = Tab(browser)
    tab.force_colours(theme)
    tab.open(page, "#time=after")
    names = ("all", "some", "none", "maybe", "opens", "closes", "widens", "narrows", "same")
    tab.run(_SIGNS.replace("NAMES", str([*names, "blank"])))
    pictures = {name: tab.picture_of(f"#sign-{name}") for name in (*names, "blank")}
    assert len(set(pictures.values())) == len(pictures)
    assert tab.run(_ARROWS) == [], "a triangle that is drawn by borders must not become a square"
    tab.close()


_SIGNS = """document.body.prepend(...NAMES.map((name) => {
  const sign = document.createElement('span');
  sign.id = `sign-${name}`;
  sign.className = `sign ${name}`;
  return sign;
}))"""
_ARROWS = """[...document.querySelectorAll('[aria-expanded] .label')].filter((label) =>
  getComputedStyle(label, '::before').borderTopColor !== 'rgba(0, 0, 0, 0)').length
  ? ['not transparent'] : []"""


@needs_browser
def test_on_a_phone_the_names_of_namespaces_are_whole(browser: Browser, demo: Path) -> None:
    tab = Tab(browser, width=390, height=844)
    for name in ("dev", "prod"):
        tab.open(demo / f"{name}.html")
        cut: Any = tab.run(
            "[...document.querySelectorAll('.over .label, .line .side .label')]"
            ".filter((label) => label.scrollWidth > label.clientWidth + 1)"
            ".map((label) => label.textContent)"
        )
        assert cut == []
    tab.close()
