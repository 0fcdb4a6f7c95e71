"""Takes the pictures of the README: `python -m tests.reports.page.pictures`, after `make demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.reports.page.browser import Browser, Tab, Theme, chromium

__all__ = ["main"]

DEMO: Final = Path("out", "demo").resolve()
IMAGES: Final = Path("docs", "images")
PAGES: Final = {
    "dev": ("#from=starwind/client-unlabelled&to=starwind/backend", 690),
    "prod": ("#from=monitoring/prometheus&to=shop/api", 800),
}
THEMES: Final[dict[Theme, str]] = {"light": "", "dark": "-dark"}


def main() -> None:
    """Write a picture of each page in each theme."""
    IMAGES.mkdir(exist_ok=True)
    with chromium() as browser:
        for name, (fragment, height) in PAGES.items():
            for theme, suffix in THEMES.items():
                picture = _picture(browser, DEMO / f"{name}.html", fragment, height, theme)
                (IMAGES / f"{name}{suffix}.png").write_bytes(picture)


def _picture(browser: Browser, page: Path, fragment: str, height: int, theme: Theme) -> bytes:
    tab = Tab(browser, width=1280, height=height)
    tab.prefer(theme)
    tab.open(page, fragment)
    tab.settle()
    picture = tab.picture()
    tab.close()
    return picture


if __name__ == "__main__":
    main()
