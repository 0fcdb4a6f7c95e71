"""Configuration that a program reads and nobody knows here: encrypted, or from an environment.

podwall asks for no passphrase, and opens no environment of Pulumi ESC. Such a value is a stand-in
of the type that the program asks for; what `--config` and `--secret` give is known.
https://www.pulumi.com/docs/iac/concepts/config/ https://www.pulumi.com/docs/esc/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pulumi

from podwall.plan.stand_ins import Decisions, UnknownText, stand_in
from podwall.plan.values import is_unknown

__all__ = ["unread_configuration"]

_KINDS: Final = {"_get_bool": bool, "_get_float": float, "_get_int": int}


@contextmanager
def unread_configuration(environments: Sequence[str], decisions: Decisions) -> Iterator[None]:
    """Let a program read what is not known, for as long as the body runs.

    Args:
        environments: the environments of ESC that the stack has: each key that no file sets, one of
            them may set.
        decisions: where it is noted if the program decides by such a value.
    """
    config: Any = pulumi.Config
    plain = {name: getattr(config, name) for name in ("_get", "_get_object", *_KINDS)}
    config._get = _text(plain["_get"], environments, decisions)  # noqa: SLF001 - see below
    config._get_object = _object(plain["_get_object"], decisions)  # noqa: SLF001 - see below
    for name, kind in _KINDS.items():
        # Every public method of every release reads by these, and reads text in no other way.
        setattr(config, name, _typed(plain[name], kind, decisions))
    try:
        yield
    finally:
        for name, method in plain.items():
            setattr(config, name, method)


Reader = Callable[..., Any]


def _text(plain: Reader, environments: Sequence[str], decisions: Decisions) -> Reader:
    listed = ", ".join(f"`{each}`" for each in environments)

    def read(self: Any, key: str, *rest: Any, **more: Any) -> Any:
        found = plain(self, key, *rest, **more)
        if found is None and environments:
            cause = f"`{self.full_key(key)}`, which the environment {listed} may set"
            return stand_in(str, cause, decisions)
        if isinstance(found, str) and is_unknown(found) and not found.startswith(("{", "[")):
            return stand_in(str, f"`{self.full_key(key)}`, which is encrypted", decisions)
        return found

    return read


def _typed(plain: Reader, kind: type, decisions: Decisions) -> Reader:
    def read(self: Any, key: str, *rest: Any, **more: Any) -> Any:
        found = self._get(key)
        if isinstance(found, UnknownText):
            return stand_in(kind, found.podwall_cause, decisions)
        return plain(self, key, *rest, **more)

    return read


def _object(plain: Reader, decisions: Decisions) -> Reader:
    def read(self: Any, key: str, *rest: Any, **more: Any) -> Any:
        found = self._get(key)
        if isinstance(found, UnknownText):
            return stand_in(Any, found.podwall_cause, decisions)
        if isinstance(found, str) and is_unknown(found):
            cause = f"a part of `{self.full_key(key)}`, which is encrypted"
            return _with_stand_ins(json.loads(found), cause, decisions)
        return plain(self, key, *rest, **more)

    return read


def _with_stand_ins(value: Any, cause: str, decisions: Decisions) -> Any:
    match value:
        case str() if is_unknown(value):
            return stand_in(str, cause, decisions)
        case dict():
            return {key: _with_stand_ins(each, cause, decisions) for key, each in value.items()}
        case list():
            return [_with_stand_ins(each, cause, decisions) for each in value]
        case _:
            return value
