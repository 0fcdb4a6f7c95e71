"""Make a document of the engine small, the same on every machine, and free of its paths."""

from __future__ import annotations

import re
from typing import Any

from tests.engine.plugins.wire import UNKNOWN

__all__ = ["trimmed", "without_chance"]

_MOMENT = "2026-01-01T00:00:00Z"
_FIXED = {
    "time": _MOMENT,
    "created": _MOMENT,
    "modified": _MOMENT,
    "timestamp": 0,
    "duration": 0,
    "durationSeconds": 0,
    "ciphertext": "v1:...",
    "salt": "v1:...",
    "encryptionsalt": "v1:...",
}
_DROPPED = {"stackTrace", "resourceHooks"}
_UNORDERED = {"dependencies", "replaceReasons", "keys", "diffs"}
_ELSEWHERE = (".venv/", "../")
_NAMED_BY_CHANCE = re.compile(r"\b([a-z]+-?)[0-9a-f]{8}\b(?!-[0-9a-f]{4}-)")
_CHOSEN_BY_CHANCE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def trimmed(value: Any) -> Any:
    """Return `value` without moments, ciphertexts, foreign source positions and debugging.

    >>> trimmed({"op": "same", "duration": 17, "sourcePosition": "project:///.venv/lib/stack.py#2"})
    {'op': 'same', 'duration': 0}
    """
    if isinstance(value, dict):
        return {key: _entry(key, item) for key, item in value.items() if _is_kept(key, item)}
    if isinstance(value, list):
        return [trimmed(item) for item in value if not _is_debugging(item)]
    return value


def _entry(key: str, value: Any) -> Any:
    if key in _UNORDERED and isinstance(value, list):
        return sorted(value)
    if key == "propertyDependencies" and isinstance(value, dict):
        return {name: sorted(urns) for name, urns in value.items()}
    return _FIXED[key] if key in _FIXED else trimmed(value)


def _is_kept(key: str, value: Any) -> bool:
    if key == "sourcePosition":
        return not any(part in value for part in _ELSEWHERE)
    return key not in _DROPPED


def _is_debugging(value: Any) -> bool:
    said = value.get("diagnosticEvent") if isinstance(value, dict) else None
    return isinstance(said, dict) and said.get("severity") == "debug"


def without_chance(text: str) -> str:
    """Return `text` with the same ending for every generated name, and the same random UUID.

    >>> without_chance("tools-0c015392 in 513ccbaa-1d26-4f04-b6ca-8e45b6a83223")
    'tools-00000000 in 00000000-0000-4000-8000-000000000000'
    """
    return _NAMED_BY_CHANCE.sub(r"\g<1>00000000", _CHOSEN_BY_CHANCE.sub(_anyone, text))


def _anyone(found: re.Match[str]) -> str:
    return found[0] if found[0] == UNKNOWN else "00000000-0000-4000-8000-000000000000"
