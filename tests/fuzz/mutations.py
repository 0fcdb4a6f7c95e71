"""Damage to the text of documents, as editors, templates, merges and attackers do it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

__all__ = ["TOKENS", "damaged"]

Lines = list[bytes]

TOKENS = [
    *(b"", b" ", b"\t", b"\r", b"\n", b"\x00", b"\x1b[2J", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3"),
    *(
        b"'",
        b'"',
        b"|",
        b">",
        b"|2-",
        b"-",
        b"- ",
        b"? ",
        b": ",
        b"#",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
    ),
    *(b"&a ", b"*a", b"<<: *a", b"&a [*a]", b"!!binary x", b"!!python/object:os.system x", b"!x "),
    *(b"---", b"--- ", b"...", b"%YAML 1.3", b"%TAG ! x", b"{{ .Values.x }}", b"<<<<<<< HEAD"),
    *(b"null", b"~", b"true", b"yes", b"0", b"-1", b"0x7f", b"0o17", b"1_000", b"80.0", b"1e999"),
    *(
        b".nan",
        b"-.inf",
        b"NaN",
        b"9" * 400,
        b"9" * 5000,
        b"2001-01-01",
        b"12:30:45",
        b"010.0.0.1/8",
        b"::/0",
    ),
    *(b"apiVersion", b"kind", b"List", b"items", b"metadata", b"name", b"namespace", b"spec"),
    *(b"podSelector", b"ingress", b"from", b"ports", b"steps", b"newState", b"inputs", b"urn"),
    b"04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    b"4dabf18193072939515e22adb298388d",
    b"[" * 2000,
    b"{a: " * 500,
    b"- " * 500,
    "\u2028\u202e\ud7ff".encode(),
]
"""What parsers stumble over; the two long numbers are how Pulumi writes an unknown and a secret."""


def damaged(rng: Random, text: bytes) -> bytes:
    """Return the text with one to three pieces of damage."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        text = rng.choice(DAMAGES)(rng, text)
    return text


def _cut_out(rng: Random, text: bytes) -> bytes:
    first = rng.randint(0, len(text))
    return text[:first] + text[first + rng.choice((1, 1, 4, 40)) :]


def _cut_off(rng: Random, text: bytes) -> bytes:
    return text[: rng.randint(0, len(text))]


def _flip(rng: Random, text: bytes) -> bytes:
    where = rng.randint(0, len(text))
    return text[:where] + bytes([rng.randrange(256)]) + text[where + 1 :]


def _insert(rng: Random, text: bytes) -> bytes:
    where = rng.randint(0, len(text))
    return text[:where] + rng.choice(TOKENS) + text[where:]


def _replace_word(rng: Random, text: bytes) -> bytes:
    words = text.split(b" ")
    words[rng.randrange(len(words))] = rng.choice(TOKENS)
    return b" ".join(words)


def _of_lines(change: Callable[[Random, Lines, int], None]) -> Callable[[Random, bytes], bytes]:
    def damage(rng: Random, text: bytes) -> bytes:
        lines = text.split(b"\n")
        change(rng, lines, rng.randrange(len(lines)))
        return b"\n".join(lines)

    return damage


def _repeat_line(_: Random, lines: Lines, where: int) -> None:
    lines.insert(where, lines[where])


def _move_line(rng: Random, lines: Lines, where: int) -> None:
    lines.insert(rng.randint(0, len(lines)), lines.pop(where))


def _indent_line(rng: Random, lines: Lines, where: int) -> None:
    lines[where] = rng.choice((b" ", b"  ", b"\t", b"      ")) + lines[where]


def _dedent_line(_: Random, lines: Lines, where: int) -> None:
    lines[where] = lines[where].removeprefix(b"  ")


def _insert_line(rng: Random, lines: Lines, where: int) -> None:
    lines.insert(where, rng.choice(TOKENS))


DAMAGES = (
    _cut_out,
    _cut_off,
    _flip,
    _insert,
    _replace_word,
    *map(_of_lines, (_repeat_line, _move_line, _indent_line, _dedent_line, _insert_line)),
)
