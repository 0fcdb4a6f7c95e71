"""Chromium as it is installed, driven by Playwright: tabs that show a page and keep what it says.

Playwright brings no browser of its own here. Expressions are evaluated through the DevTools
protocol, as the content security policy of the page refuses to evaluate a text on its own.
https://playwright.dev/python/docs/api/class-browsertype#browser-type-launch
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, sync_playwright

__all__ = ["CHROMIUM", "Browser", "Tab", "Theme", "chromium"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM: Final = next(filter(None, map(shutil.which, _NAMES)), None)
"""Debian's name, Ubuntu's, and those of hosted CI machines."""

Theme = Literal["light", "dark"]

_PATIENCE: Final = 120_000
"""Milliseconds: that of a hang, on whatever busy machine."""

_FLAGS: Final = ("--hide-scrollbars", "--force-color-profile=srgb", "--disable-gpu")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium with a profile of its own, and end it and its profile afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*_FLAGS], chromium_sandbox=False
        )
        yield browser
        browser.close()


class Tab:
    """One page in its own tab, with what it said on the console and asked of the network."""

    def __init__(self, browser: Browser, *, width: int = 1280, height: int = 900) -> None:
        """Open an empty tab of the given size."""
        self._context = browser.new_context(viewport={"width": width, "height": height})
        self._page = self._context.new_page()
        self._protocol = self._context.new_cdp_session(self._page)
        self._complaints: list[str] = []
        self._requests: list[str] = []
        self._page.on("console", lambda message: self._complaints.append(message.text))
        self._page.on("pageerror", lambda error: self._complaints.append(str(error)))
        self._page.on("request", lambda request: self._requests.append(request.url))

    def resize(self, width: int, height: int) -> None:
        """Give the tab another size."""
        self._page.set_viewport_size({"width": width, "height": height})

    def prefer(self, theme: Theme) -> None:
        """Let the system prefer the `light` or `dark` theme."""
        self._page.emulate_media(color_scheme=theme)

    def force_colours(self, theme: Theme) -> None:
        """Let the system force its own colours upon the page, as Windows does in high contrast."""
        self._page.emulate_media(color_scheme=theme, forced_colors="active")

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a file and wait until its script has begun to answer."""
        self._page.goto(page.as_uri() + fragment)
        self._page.locator("html[data-ready]").wait_for(state="attached", timeout=_PATIENCE)

    def wait_for(self, selector: str) -> None:
        """Wait until an element that a selector finds is visible."""
        self._page.locator(selector).first.wait_for(timeout=_PATIENCE)

    def run(self, expression: str) -> Any:
        """Return the JSON value of a JavaScript expression; a promise is awaited."""
        answer = self.send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            allowUnsafeEvalBlockedByCSP=False,
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol, for what Playwright has no words for."""
        answer: dict[str, Any] = self._protocol.send(method, params)
        return answer

    def press(self, key: str, *, ctrl: bool = False) -> None:
        """Press and release a key, such as `ArrowDown`, `Enter` or `s`."""
        self._page.keyboard.press(f"Control+{key}" if ctrl else key)
        self.settle()

    def click(self, selector: str) -> None:
        """Press the mouse on the first element that a selector finds, once it can be reached."""
        self._page.locator(selector).first.click()
        self.settle()

    def type(self, selector: str, text: str) -> None:
        """Replace the text of an input field as a person would."""
        field = self._page.locator(selector)
        field.clear()
        field.press_sequentially(text)
        self.settle()

    def settle(self) -> None:
        """Wait until the page has drawn what the last event caused."""
        self.run("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(() => f(0))))")

    def text(self, selector: str) -> str:
        """Return what is written in the first element that a selector finds."""
        return self._page.locator(selector).first.inner_text()

    def picture(self) -> bytes:
        """Return a picture of what is visible, as PNG."""
        return self._page.screenshot()

    def picture_of(self, selector: str) -> bytes:
        """Return a picture of the first element that a selector finds, as PNG."""
        return self._page.locator(selector).first.screenshot()

    def pdf(self) -> bytes:
        """Return the page as it goes on paper."""
        return self._page.pdf()

    def complaints(self) -> list[str]:
        """Return what the page said on the console, and errors, since it was opened."""
        return self._complaints

    def requests(self) -> list[str]:
        """Return the address of everything that the page asked for, itself included."""
        return self._requests

    def forget(self) -> None:
        """Forget what the page complained of and asked for, where a test provoked it."""
        self.settle()
        self._complaints.clear()
        del self._requests[1:]

    def close(self) -> None:
        """Close the tab."""
        self._context.close()
