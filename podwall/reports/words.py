"""Words that several reports share: counts, lists, and names made safe to show."""

from __future__ import annotations

import unicodedata

__all__ = ["counted", "listed", "printable"]


def printable(text: str) -> str:
    r"""Return a text on one line, with what cannot be seen made visible.

    Names come from documents that anybody may have written; a character that turns the writing
    direction around must not make one name look like another.

    >>> print(printable("web\n\u202eapi"))
    web\n\u202eapi
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    # Python counts some format characters (Cf), such as the soft hyphen, as printable.
    if character.isprintable() and unicodedata.category(character) != "Cf":
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> counted(1, "policy", "policies"), counted(1200, "pod")
    ('1 policy', '1,200 pods')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def listed(parts: list[str]) -> str:
    """Return parts as a list in a sentence.

    >>> listed(["web"]), listed(["web", "api", "db"])
    ('web', 'web, api and db')
    """
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
