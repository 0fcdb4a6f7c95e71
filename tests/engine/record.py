"""Record what the engine says, so that readers are tested without it.

    python -m tests.engine.record      (with `pulumi` on PATH)

writes `tests/data/engine/` again: the plain program's first preview, the preview that allows a
connection in the deployed stack (as a document and as the engine's events), the preview of another
policy engine, the state, previews in which a default deny is away or lost for a moment, and a step
of the walkthrough in this repository's own program; and in `situations/` what the engine writes in
each of `tests.engine.situations`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.engine.record_situations import recorded_situations
from tests.engine.trimming import trimmed, without_chance
from tests.engine.workspace import ROOT, Workspace

__all__ = ["FOLDER", "SITUATIONS_FOLDER", "recordings", "recordings_of_situations"]

FOLDER = ROOT / "tests" / "data" / "engine"
SITUATIONS_FOLDER = FOLDER / "situations"
_PLAIN = ROOT / "tests" / "engine" / "programs" / "plain"
_MOMENTS = ROOT / "tests" / "engine" / "programs" / "moments"
_ONE_BY_ONE = ("--parallel", "1")


def recordings(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each file's name and text, working in `folder`."""
    plain = Workspace.of(_PLAIN, _made(folder / "plain")).started()
    yield "first.json", _document(plain.preview(*_ONE_BY_ONE))
    plain.up(*_ONE_BY_ONE)
    yield "state.json", _document(plain.export())
    plain.configured({"allow": "true"})
    yield "allow.json", _document(plain.preview(*_ONE_BY_ONE))
    yield "allow.events.json", _lines(plain.events(*_ONE_BY_ONE))
    plain.configured({"allow": "false", "engine": "cilium"})
    yield "cilium.json", _document(plain.preview(*_ONE_BY_ONE))
    yield from _moments(Workspace.of(_MOMENTS, _made(folder / "moments")).started())
    dev = Workspace.of(ROOT, _made(folder / "dev")).started()
    dev.up(*_ONE_BY_ONE)
    dev.configured({"step": "any-namespace"})
    yield "walkthrough.json", _document(dev.preview(*_ONE_BY_ONE))


def _moments(moments: Workspace) -> Iterator[tuple[str, str]]:
    """Yield what a preview says of a default deny that does not stay in force all the time."""
    moments.up(*_ONE_BY_ONE)
    steps = (*_ONE_BY_ONE, "--show-replacement-steps")
    moments.configured({"deny": "deny-all"})
    yield "renamed.json", _document(moments.preview(*_ONE_BY_ONE))
    yield "renamed-steps.json", _document(moments.preview(*steps))
    moments.configured({"first": "true"})
    yield "renamed-first.json", _document(moments.preview(*_ONE_BY_ONE))
    yield "renamed-first-steps.json", _document(moments.preview(*steps))
    moments.configured({"deny": "default-deny", "types": "Ingress,Egress", "strict": "true"})
    yield "replaced-first.json", _document(moments.preview(*_ONE_BY_ONE))
    moments.configured({"types": "Ingress", "strict": "false", "resource": "deny-all"})
    yield "other-resource.json", _document(moments.preview(*_ONE_BY_ONE))


def recordings_of_situations(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each file's name and text, of every situation, working in `folder`."""
    for name, value in recorded_situations(folder):
        yield name, _lines(value) if isinstance(value, list) else _document(value)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _document(value: Any) -> str:
    return without_chance(json.dumps(trimmed(value), indent=1) + "\n")


def _lines(values: list[Any]) -> str:
    return without_chance("".join(json.dumps(one) + "\n" for one in trimmed(values)))


def _record(folder: Path, made: Iterator[tuple[str, str]]) -> None:
    """Write the files, and delete what is no longer made."""
    texts = dict(made)
    for path in folder.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}: {len(text):,} characters\n")


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        SITUATIONS_FOLDER.mkdir(exist_ok=True)
        _record(SITUATIONS_FOLDER, recordings_of_situations(_made(Path(temporary) / "situations")))
        _record(FOLDER, recordings(Path(temporary)))
