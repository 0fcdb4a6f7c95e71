"""The page in a browser: how long until it shows something, and until a click has been answered.

    python -m benchmarks.viewing PAGE

Milliseconds by the browser's own clock, medians of several tabs: from the start of the navigation
until the page has drawn itself and answers, and for each kind of click until its handler has run
and the layout is known. Painting, which the screen does 60 times a second, comes on top.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Final

from tests.reports.page.browser import CHROMIUM, Tab, chromium

__all__ = ["viewed"]

TABS: Final = 7
CLICKS: Final = {
    "a click on a cell": (".line .cell", 8),
    "a click that unfolds a namespace": (".side.group", 1),
    "a click that unfolds everything": ("#unfold", 1),
}
"""What is clicked by a selector, and on how many of those that it finds, one after the other."""

_CLICK: Final = """
(() => {
  const target = document.querySelectorAll(SELECTOR)[NUMBER];
  const begun = performance.now();
  target.click();
  document.body.getBoundingClientRect();
  return performance.now() - begun;
})()
"""


def viewed(page: Path) -> dict[str, float] | None:
    """Return the milliseconds of the first view and of each click; None without a browser."""
    if CHROMIUM is None:
        return None
    found: dict[str, list[float]] = {}
    with chromium() as browser:
        for _ in range(TABS):
            tab = Tab(browser)
            tab.open(page)
            tab.settle()
            found.setdefault("first view", []).append(tab.run("performance.now()"))
            for name, (selector, times) in CLICKS.items():
                for number in range(times):
                    found.setdefault(name, []).append(_clicked(tab, selector, number))
            tab.close()
    return {name: statistics.median(times) for name, times in found.items()}


def _clicked(tab: Tab, selector: str, number: int) -> float:
    script = _CLICK.replace("SELECTOR", json.dumps(selector)).replace("NUMBER", str(number))
    taken = float(tab.run(script))
    tab.settle()
    return taken


if __name__ == "__main__":
    print(json.dumps(viewed(Path(sys.argv[1]).resolve())))
