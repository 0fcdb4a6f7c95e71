"""One file out of many: the page's modules and styles put into the document, with their hashes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["content_security_policy", "embedded_json", "script", "style"]

_STYLES: Final = ("tokens", "page", "matrix", "views", "print")
_IMPORT: Final = re.compile(r"^import \{([^}]*)\} from '\./(\w+)\.js';\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:const|let|function|class) (\w+))", re.MULTILINE)


def asset(name: str) -> str:
    """Return the text of one of the page's source files."""
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


@cache
def style() -> str:
    """Return all style sheets as one."""
    return "".join(asset(f"{name}.css") for name in _STYLES)


@cache
def script() -> str:
    """Return the page's modules as one, each after those that it imports.

    A module becomes a constant that holds its exports, so that what it does not export stays its
    own: names in two modules never meet.
    """
    done: dict[str, str] = {}
    _add("main", done, ())
    return "\n".join(done.values())


def _add(name: str, done: dict[str, str], path: tuple[str, ...]) -> None:
    if name in path:
        raise ValueError(f"modules import each other in a circle: {' -> '.join((*path, name))}")
    if name in done:
        return
    source = asset(f"{name}.js")
    for _, imported in _IMPORT.findall(source):
        _add(imported, done, (*path, name))
    done[name] = _enclosed(name, source)


def _enclosed(name: str, source: str) -> str:
    exported = sorted(match.group(1) for match in _EXPORT.finditer(source))
    inner = _IMPORT.sub(lambda m: f"const {{{m[1]}}} = {m[2]}_;\n", _EXPORT.sub("", source))
    return f"const {name}_ = (() => {{\n{inner}return {{ {', '.join(exported)} }};\n}})();"


def content_security_policy() -> str:
    """Return the policy of the page: its own script and styles run, and nothing else at all.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script())}'",
            f"style-src '{_hash(style())}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


_ESCAPES: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def embedded_json(data: object) -> str:
    r"""Return JSON that can stand inside a script element, whatever texts are in it.

    >>> print(embedded_json({"name": "</script><b>"}))
    {"name":"\u003c/script\u003e\u003cb\u003e"}
    """
    written = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return written.translate(_ESCAPES)
