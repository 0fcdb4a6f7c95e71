"""The README as a package index shows it: there are no files beside it that a link could lead to.

Hatchling asks this when it builds. Pictures of this repository are left out, and links into it are
their words; headings of the page itself and addresses of the web stay.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(
    r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n*|^<picture>.*?</picture>\n*", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)[^)]*\)")


def without_links_to_files(text: str) -> str:
    r"""Return Markdown in which nothing leads to a file.

    >>> without_links_to_files("![a](docs/a.png)\n\nSee [the guide](docs/guide.md), [b](#b).\n")
    'See the guide, [b](#b).\n'
    """
    return _LINK.sub(r"\1", _PICTURE.sub("", text))


class CustomMetadataHook(MetadataHookInterface):
    """Gives the package its description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": without_links_to_files(text),
        }
