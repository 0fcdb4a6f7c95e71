"""The standard streams, and texts as each medium may show them: nothing that is printed is raw.

Podwall prints what strangers wrote, into terminals and into the logs of build agents that carry
out what they recognise as a command. Three rules hold for everything that is written here:

- A character that cannot be seen (control characters, escape sequences, what turns the direction
  of writing) is shown as its escape. Only Podwall itself breaks lines and sets colours.
- What an agent takes for a command is broken by the escape of one of its characters. Azure
  Pipelines looks for `##vso[` and `##[` anywhere in a line, TeamCity for `##teamcity[`, and GitHub
  for `::name` at the beginning of a line, which may also be where a table wraps.
- The escape is the medium's own, so that a JSON, HTML or XML document means the same as before.

What is said beside a report (messages, tracebacks, what a program prints) names no known secret.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
"""

from __future__ import annotations

import io
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TextIO

from podwall.secret_words import SecretWords

if TYPE_CHECKING:
    from podwall.policies.errors import PodwallError

__all__ = [
    "MEDIA",
    "ShownStream",
    "error_is_terminal",
    "hide",
    "one_line",
    "program_output",
    "progress",
    "show_progress",
    "shown_json",
    "shown_markup",
    "shown_text",
    "visible",
    "write_error",
    "write_line",
    "write_message",
    "write_output",
    "write_traceback",
    "write_usage",
]

# The commands of GitHub's runner; it ignores their case.
_NAMES: Final = (
    "add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|notice|remove-matcher|"
    "save-state|set-env|set-output|set-secret|stop-commands|warning"
)
_COMMAND: Final = re.compile(rf"(?<=#)#(?=\w*\[)|(?<=:):(?=(?:{_NAMES})\b)", re.IGNORECASE)
_NAMED: Final = re.compile(rf"::(?=(?i:{_NAMES})\b)")
# An address such as `::1` or `::/0` begins a line like a command, and is none.
_ADDRESS: Final = r":(?:[\da-f]{1,4}(?::[\da-f]{1,4})*)?(?:/\d+)?(?=[\s,;]|\Z)"
_BEGINNING: Final = re.compile(rf"^([^\S\n]*):(?=:)(?!{_ADDRESS})", re.MULTILINE | re.IGNORECASE)
_UNUSUAL: Final = re.compile(r"[^\n -~]")
_COLOUR: Final = re.compile(r"(\x1b\[[\d;]*m)")


def visible(character: str) -> str:
    """Return a character, or its escape where it cannot be seen."""
    # Python counts some format characters (Cf), such as the soft hyphen, as printable.
    if character.isprintable() and unicodedata.category(character) != "Cf":
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()


def one_line(text: str) -> str:
    r"""Return a text on one line, with the escapes of what cannot be seen.

    >>> print(one_line("web\n\u202eapi"))
    web\n\u202eapi
    """
    return text if text.isascii() and text.isprintable() else "".join(map(visible, text))


def shown_text(text: str) -> str:
    r"""Return lines as a terminal, a log, a CSV or a Markdown file may have them.

    >>> print(shown_text("a\x1b[2J\n::error::b ##vso[task.complete]\n::/0 -> shop/api"))
    a\x1b[2J
    \x3a:error::b #\x23vso[task.complete]
    ::/0 -> shop/api
    """
    seen = text if _is_usual(text) else _UNUSUAL.sub(lambda match: visible(match[0]), text)
    if "::" in seen and _may_begin_a_line(seen):
        seen = _BEGINNING.sub(r"\1\\x3a", seen)
    return _broken(seen, lambda match: f"\\x{ord(match[0]):x}")


def _is_usual(text: str) -> bool:
    """Return whether a text has only lines of what ASCII shows; most have, and are not searched."""
    return text.isascii() and text.replace("\n", "").isprintable()


def _may_begin_a_line(seen: str) -> bool:
    """Return whether a colon may be the first on a line: only spaces come before it."""
    return seen.startswith((":", " ")) or "\n:" in seen or "\n " in seen


def _broken(seen: str, escape: Callable[[re.Match[str]], str]) -> str:
    """Return a text in which no agent finds a command; nothing else is looked for where none is."""
    return _COMMAND.sub(escape, seen) if "##" in seen or _NAMED.search(seen) else seen


def shown_json(text: str) -> str:
    r"""Return JSON that says the same, and that a log may have.

    >>> print(shown_json('{"name": "##vso[x]\x7f"}'))
    {"name": "#\u0023vso[x]\u007f"}
    """
    seen = text if _is_usual(text) else _UNUSUAL.sub(lambda match: _json_escape(match[0]), text)
    return _broken(seen, lambda match: f"\\u{ord(match[0]):04x}")


def _json_escape(character: str) -> str:
    if visible(character) == character:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))


def shown_markup(text: str) -> str:
    """Return HTML or XML that says the same, and that a log may have.

    >>> print(shown_markup("<p>##vso[x] ::error::y</p>"))
    <p>#&#35;vso[x] :&#58;error::y</p>
    """
    seen = text if _is_usual(text) else _UNUSUAL.sub(lambda match: visible(match[0]), text)
    return _broken(seen, lambda match: f"&#{ord(match[0])};")


MEDIA: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "json": shown_json,
        "groups": shown_json,
        "sarif": shown_json,
        "html": shown_markup,
        "svg": shown_markup,
        "junit": shown_markup,
    }
)
"""What a format's own escapes are made by; the others are plain lines, as `shown_text`."""


class ShownStream:
    """A stream that shows what it takes as its medium may have it.

    By default that is `shown_text`, with the colours of its writer where they are wanted.
    """

    def __init__(self, stream: TextIO, shown: Callable[[str], str] | None = None) -> None:
        self._stream = stream
        self._shown = shown or (_with_colours if _may_colour(stream) else shown_text)
        self.encoding = stream.encoding

    def isatty(self) -> bool:
        """Return whether somebody looks at it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the number by which the system knows the stream."""
        return self._stream.fileno()

    def flush(self) -> None:
        """Hand on what has been written."""
        self._stream.flush()

    def write(self, text: str) -> int:
        """Write a text as it may be shown."""
        self._stream.write(_encodable(self._shown(text), self.encoding))
        return len(text)


def _may_colour(stream: TextIO) -> bool:
    """Return whether its writer may colour what it writes."""
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))


def _with_colours(text: str) -> str:
    """Return a text with its colours; what an agent takes for a command is broken around them."""
    return "".join(map(_part, _COLOUR.split(text)))


def _part(part: str) -> str:
    return part if _COLOUR.fullmatch(part) else shown_text(part)


def _encodable(text: str, encoding: str | None) -> str:
    """Return a text with the escapes of what the encoding of a stream has no bytes for."""
    name = encoding or "utf-8"
    return text if text.isascii() else text.encode(name, "backslashreplace").decode(name)


def write_output(parts: Iterable[str], shown: Callable[[str], str] | None = None) -> None:
    """Write a report to the standard output, as its medium may show it.

    Args:
        parts: the text in pieces.
        shown: what makes a piece of whole lines fit for its medium (default: as `shown_text`,
            with Podwall's own colours where they are wanted).
    """
    stream = ShownStream(sys.stdout, shown)
    for lines in _whole_lines(parts):
        stream.write(lines)
    stream.flush()


_BLOCK: Final = 1 << 16
"""About so many characters are shown and written at once."""


def _whole_lines(parts: Iterable[str]) -> Iterator[str]:
    """Yield the text in pieces that end where lines end, so that no command lies across two."""
    begun: list[str] = []
    size = 0
    for part in parts:
        begun.append(part)
        size += len(part)
        if size >= _BLOCK:
            whole, end, rest = "".join(begun).rpartition("\n")
            if end:
                yield whole + end
                begun, size = [rest], 0
    if begun:
        yield "".join(begun)


_SECRETS: Final = SecretWords()


def hide(texts: Iterable[str]) -> None:
    """Name texts that are secret: from now on no message, traceback or print of a program does.

    It is for the life of the process, as a runner's own mask is.
    """
    _SECRETS.learn(texts)


def _talk(text: str) -> str:
    return shown_text(_SECRETS.masked(text))


@contextmanager
def program_output() -> Iterator[TextIO]:
    """Give a stream for what a program prints: whole lines, shown, on the standard error.

    It stays open, because a library that the program brings may keep it.
    """
    lines = _Lines(sys.stderr)
    buffer: Any = io.BufferedWriter(lines)
    stream = io.TextIOWrapper(buffer, encoding="utf-8", line_buffering=True)
    try:
        yield stream
    finally:
        stream.flush()
        lines.finish()


class _Lines(io.RawIOBase):
    """Hands on what is written, a line at a time, so that nothing lies across two pieces."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = b""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer
        *whole, self._begun = (self._begun + bytes(data)).split(b"\n")
        for line in whole:
            self._show(line + b"\n")
        return len(data)

    def finish(self) -> None:
        if self._begun:
            self._show(self._begun + b"\n")
            self._begun = b""

    def _show(self, line: bytes) -> None:
        text = _talk(line.decode(errors="backslashreplace"))
        self._stream.write(_encodable(text, self._stream.encoding))


def write_line(text: str, label: str = "", colour: str = "") -> None:
    """Write one line to the standard error, whatever line breaks the text has.

    `label` stands before the text, where somebody looks at it in a colour.
    """
    line = f"{label}{' ' if label else ''}{one_line(_SECRETS.masked(text))}"
    if colour and error_is_terminal() and "NO_COLOR" not in os.environ:
        sys.stderr.write(f"{colour}{label}\x1b[0m")
        line = line.removeprefix(label)
    sys.stderr.write(_encodable(f"{shown_text(line)}\n", sys.stderr.encoding))


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """Show what is being done while the body does it, if somebody looks at the standard error.

    Whatever is written there next takes its place, if only the end of this.
    """
    if not error_is_terminal():
        yield
        return
    sys.stderr.write(f"{doing} ...\r")
    sys.stderr.flush()
    try:
        yield
    finally:
        sys.stderr.write("\x1b[K")


def show_progress(doing: str) -> None:
    """Show how far something has come, in the place of what was shown, if somebody looks there.

    It is for the body of a `progress`, whose end takes it away.
    """
    if error_is_terminal():
        sys.stderr.write(f"\x1b[K{shown_text(doing)}\r")
        sys.stderr.flush()


def write_usage(text: str, stream: TextIO | None = None) -> None:
    """Write what a parser of arguments says, to the standard error unless it names a stream."""
    ShownStream(stream or sys.stderr, _talk).write(text)


def write_traceback(problem: BaseException) -> None:
    """Write the traceback of an error to the standard error."""
    import traceback  # noqa: PLC0415 - few ask for it

    text = _talk("".join(traceback.format_exception(problem)))
    sys.stderr.write(_encodable(text, sys.stderr.encoding))


def error_is_terminal() -> bool:
    """Return whether somebody looks at the standard error."""
    return sys.stderr.isatty()


def write_message(text: str) -> None:
    """Say something, on one line."""
    write_line(text)


def write_error(problem: PodwallError) -> None:
    """Say what is wrong and, on a line of its own, what to do about it."""
    write_line(str(problem), "error:", _RED)
    if problem.help:
        write_line(problem.help, " help:", _CYAN)


_RED, _CYAN = "\x1b[1;31m", "\x1b[1;36m"
