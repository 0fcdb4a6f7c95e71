"""What `make check` checks the page's scripts by: types of the document, and pinned tools."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from tests.reports.page.typescript import FILE, declarations

TOOLS: Final = Path(__file__).resolve().parents[3] / ".ci" / "node"


def test_the_types_of_the_document_are_those_of_its_dataclasses() -> None:
    written = FILE.read_text("utf-8")
    assert written == declarations(), "python -m tests.reports.page.typescript"


def test_every_type_that_the_document_names_is_declared_in_it() -> None:
    text = declarations()
    declared = set(re.findall(r"^export interface (\w+)", text, re.MULTILINE))
    used = set(re.findall(r"(?<![\w/])[A-Z]\w+", re.sub(r"^//.*$", "", text, flags=re.MULTILINE)))
    assert used - declared == {"Record"}


def test_the_tools_are_pinned_by_their_content_and_not_by_an_address() -> None:
    wanted = json.loads((TOOLS / "package.json").read_text("utf-8"))["devDependencies"]
    packages = json.loads((TOOLS / "package-lock.json").read_text("utf-8"))["packages"]
    assert packages.pop("")["devDependencies"] == wanted
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    for each in packages.values():
        assert each["integrity"].startswith("sha512-")
        assert "resolved" not in each
