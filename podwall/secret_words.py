"""Texts that are known to be secret, and those that show by their shape that they are.

The values of secret configuration, what a program marks as secret while it is planned, and what the
environment calls a token: a program may repeat them in a message, and a message goes into a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

__all__ = ["SecretWords", "environment_secrets"]


MASK: Final = "[secret]"


class SecretWords:
    """Texts that are known to be secret, such as the values of secret configuration.

    >>> SecretWords(["hunter2"]).masked("postgres://me:pw@db/?x=1 refuses hunter2")
    'postgres://[secret]@db/?x=1 refuses [secret]'
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Know some texts; those of less than four characters are too common to be looked for."""
        self._texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(texts)

    def learn(self, texts: Iterable[str]) -> None:
        """Know more texts; of one with several lines, also those that can stand alone."""
        self._texts.update(part for text in texts for part in _parts(text))
        self._pattern = None

    def found_in(self, text: str) -> bool:
        """Return whether a text has a known secret, or what shows that it is one."""
        known = bool(self._texts) and self._known().search(text) is not None
        return known or (_may_show(text) and any(shape.search(text) for shape in _SHAPES))

    def masked(self, text: str) -> str:
        """Return a text without what is secret in it."""
        if self._texts:
            text = self._known().sub(MASK, text)
        if _may_show(text):
            for shape in _SHAPES:
                text = shape.sub(MASK, text)
        return text

    def _known(self) -> re.Pattern[str]:
        if self._pattern is None:
            longest_first = sorted(self._texts, key=lambda text: (-len(text), text))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern


_SHORTEST: Final = 4
_SHORTEST_LINE: Final = 16
_TOO_COMMON: Final = frozenset({"true", "false", "null", "none"})


def _parts(text: str) -> Iterator[str]:
    if len(text.strip()) >= _SHORTEST and text.strip().lower() not in _TOO_COMMON:
        yield text.strip()
    lines = map(str.strip, text.split("\n"))
    yield from (line for line in lines if len(line) >= _SHORTEST_LINE and " " not in line)


#: What is secret by its shape: who signs in in an address, a token in its query, a private key, the
#: parts of a JSON web token, what is sent to sign in, and what a text itself calls a password.
_SHAPES: Final = (
    re.compile(r"(?<=://)[^\s/?#@'\"]+(?=@)"),
    re.compile(
        r"(?<=[?&;])(?:[\w.-]*(?:token|password|passwd|secret|signature|credential)|sig|sas|"
        r"(?:api|access|account|shared)[_-]?key|code|key)=[^&;#\s'\"]+",
        re.IGNORECASE,
    ),
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"(?<=\bBearer )[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(
        r"(?:(?<=password[=:])|(?<=passwd[=:])|(?<=secret[=:])|(?<=token[=:])|(?<=api_key[=:]))"
        r"(?!\$)\s*['\"]?(?!\[secret\])[^\s'\",;&]+",
        re.IGNORECASE,
    ),
)


_HINTS: Final = ("=", ":", "eyJ", "-----BEGIN")


def _may_show(text: str) -> bool:
    """Return whether a text has what every shape has: most have none of it."""
    return any(hint in text for hint in _HINTS) or "bearer " in text.lower()


_VARIABLE: Final = re.compile(
    r"(?:TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIALS?|_KEY|_PAT|_SAS)(?:_[A-Z0-9]+)?$"
)
_SHORTEST_VARIABLE: Final = 8


def environment_secrets(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the values of environment variables whose names call them secret.

    >>> list(environment_secrets({"PULUMI_ACCESS_TOKEN": "pul-0123456789", "HOME": "/home/me"}))
    ['pul-0123456789']
    """
    for name, value in variables.items():
        if len(value) >= _SHORTEST_VARIABLE and _VARIABLE.search(name.upper()):
            yield value
