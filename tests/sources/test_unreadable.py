"""What can't be read in a folder is named, and the rest is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from podwall.sources import source

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n"


@pytest.mark.parametrize("kind", ["pipe", "device", "nowhere", "loop"])
def test_the_rest_of_a_folder_is_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "pod.yaml").write_text(POD, "utf-8")
    odd = tmp_path / "a.yaml"
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to({"device": "/dev/zero", "nowhere": "gone.yaml", "loop": "a.yaml"}[kind])
    found = source(str(tmp_path))
    assert len(found.planned.documents) == 1
    assert [(each.id, each.place.source) for each in found.findings] == [
        ("unreadable-file", str(odd))
    ]
