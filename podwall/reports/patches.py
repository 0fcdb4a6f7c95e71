"""Edits as a unified diff that `git apply` and `patch -p1` take, seen from the current folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Final

__all__ = ["unified_patch"]

_NO_NEWLINE: Final = "\n\\ No newline at end of file\n"


def unified_patch(files: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    r"""Yield the lines of a patch; `files` has what they are and what they become, by name.

    >>> print("".join(unified_patch({"a.yaml": ("x: 1\n", "x: 2\n")})), end="")
    --- a/a.yaml
    +++ b/a.yaml
    @@ -1 +1 @@
    -x: 1
    +x: 2
    """
    for name, (before, after) in files.items():
        lines = (_lines(before), _lines(after))
        for line in unified_diff(*lines, f"a/{name}", f"b/{name}"):
            yield line if line.endswith("\n") else f"{line}{_NO_NEWLINE}"


def _lines(text: str) -> list[str]:
    """Return lines as git counts them: a line ends with a newline, and with nothing else."""
    *whole, last = text.split("\n")
    return [*(f"{each}\n" for each in whole), *([last] if last else [])]
