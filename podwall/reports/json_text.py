"""Write JSON that people can read and compare."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["json_text"]


def json_text(document: Any) -> str:
    """Return a document as indented JSON that ends with a line break."""
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"
