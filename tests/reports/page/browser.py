"""A real Chromium, driven over a pair of pipes with its own DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/ - each message is JSON, ended by a zero byte.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

__all__ = ["CHROMIUM", "Browser", "Tab", "chromium"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM: Final = next(filter(None, map(shutil.which, _NAMES)), None)
"""Debian's name, Ubuntu's, and those of hosted CI machines."""

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)

Message = dict[str, Any]


class Browser:
    """A running Chromium: sends commands, keeps every event."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        """Talk over the two pipes that Chromium has as descriptors 3 and 4."""
        self._commands = commands
        self._answers = answers
        self._received = b""
        self._sent = 0
        self.events: list[Message] = []

    def send(self, method: str, session: str | None = None, **params: Any) -> Message:
        """Send a command and return its result; events that arrive meanwhile are kept."""
        self._sent += 1
        command: Message = {"id": self._sent, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        self._commands.write(json.dumps(command).encode() + b"\0")
        self._commands.flush()
        while (answer := self._next()).get("id") != self._sent:
            self.events.append(answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        result: Message = answer["result"]
        return result

    def wait_for(self, method: str, session: str) -> Message:
        """Return the next event of that name, which may have come already."""
        for index, event in enumerate(self.events):
            if event["method"] == method and event.get("sessionId") == session:
                return self.events.pop(index)
        while (event := self._next())["method"] != method or event.get("sessionId") != session:
            self.events.append(event)
        return event

    def _next(self) -> Message:
        while b"\0" not in self._received:
            part = os.read(self._answers.fileno(), 1 << 20)
            if not part:
                raise AssertionError("chromium ended")
            self._received += part
        written, _, self._received = self._received.partition(b"\0")
        message: Message = json.loads(written)
        return message


class Tab:
    """One page in its own tab, with what it said on the console and asked of the network."""

    def __init__(self, browser: Browser, *, width: int = 1280, height: int = 900) -> None:
        """Open an empty tab of the given size."""
        self._browser = browser
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str = attached["sessionId"]
        self._target: str = target
        for domain in ("Page", "Runtime", "Network", "Log", "Audits", "Accessibility"):
            self.send(f"{domain}.enable")
        self.resize(width, height)

    def send(self, method: str, **params: Any) -> Message:
        """Send a command to this tab."""
        return self._browser.send(method, self._session, **params)

    def resize(self, width: int, height: int) -> None:
        """Give the tab another size."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, theme: str, *, media: str = "") -> None:
        """Let the system prefer the `light` or `dark` theme, or show the page as `print`."""
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.send("Emulation.setEmulatedMedia", media=media, features=[feature])

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a file and wait until it is loaded."""
        self.send("Page.navigate", url=page.as_uri() + fragment)
        self._browser.wait_for("Page.loadEventFired", self._session)

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

    def press(self, key: str, *, ctrl: bool = False, shift: bool = False) -> None:
        """Press and release a key, such as `ArrowDown`, `Enter` or `s`."""
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 and not ctrl else "")
        modifiers = (2 if ctrl else 0) | (8 if shift else 0)
        code = _KEY_CODES.get(key, ord(key.upper()[0]))
        common = {"key": key, "modifiers": modifiers, "windowsVirtualKeyCode": code}
        kind = "keyDown" if text else "rawKeyDown"
        self.send("Input.dispatchKeyEvent", type=kind, text=text, **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)
        self.settle()

    def click(self, selector: str) -> None:
        """Press the mouse on the middle of the first element that a selector finds."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'nearest', inline: 'nearest'});"
            " const b = e.getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def type(self, selector: str, text: str) -> None:
        """Replace the text of an input field as a person would."""
        self.run(f"document.querySelector({json.dumps(selector)}).select()")
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        if text:
            self.send("Input.insertText", text=text)
        else:
            self.press("Delete")
        self.settle()

    def settle(self) -> None:
        """Wait until the page has drawn what the last event caused."""
        self.run("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(() => f(0))))")

    def text(self, selector: str) -> str:
        """Return what is written in the first element that a selector finds."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def picture(self) -> bytes:
        """Return a picture of what is visible, as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def complaints(self) -> list[str]:
        """Return what the page said on the console, and errors, since it was opened."""
        said = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self._events(*said)]

    def requests(self) -> list[str]:
        """Return the address of everything that the page asked for, itself included."""
        return [
            event["params"]["request"]["url"] for event in self._events("Network.requestWillBeSent")
        ]

    def forget(self) -> None:
        """Forget what the page said and asked so far, where a test provoked it."""
        kept = [each for each in self._browser.events if each.get("sessionId") != self._session]
        loads = [
            each
            for each in self._events("Network.requestWillBeSent")
            if each["params"]["type"] == "Document"
        ]
        self._browser.events[:] = [*kept, *loads]

    def _events(self, *methods: str) -> Iterator[Message]:
        for event in self._browser.events:
            if event["method"] in methods and event.get("sessionId") == self._session:
                yield event

    def close(self) -> None:
        """Close the tab."""
        self._browser.send("Target.closeTarget", targetId=self._target)


_KEY_CODES: Final = {
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "PageUp": 33,
    "PageDown": 34,
    "Delete": 46,
}


_GIVE_PIPES: Final = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Gives Chromium the two pipes under the numbers that it expects."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium with a profile of its own, and end it and its profile afterwards."""
    assert CHROMIUM is not None
    to_browser, commands = os.pipe()
    answers, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", _GIVE_PIPES, str(to_browser), str(from_browser)),
                *(CHROMIUM, *_FLAGS, f"--user-data-dir={profile}"),
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            with os.fdopen(commands, "wb") as writing, os.fdopen(answers, "rb") as reading:
                yield Browser(writing, reading)
        finally:
            process.terminate()
            process.wait(timeout=20)
