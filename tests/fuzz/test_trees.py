"""Documents of a wrong structure: every reader, and every command that uses it, ends well.

It ends with an exit code from 0 to 3, never with a defect of podwall's own, and no stream has
anything raw. `SOAK=1000 python -m pytest tests/fuzz/test_trees.py` tries as many times more.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from podwall.exit_code import ExitCode
from tests.cli.running import Result, podwall
from tests.cli.test_nothing_raw import assert_not_raw
from tests.fuzz.samples import EXPECTATIONS, MANIFESTS, recorded
from tests.fuzz.trees import changed, written

BATCHES: Final = max(1, int(os.environ.get("SOAK", "0")) // 10)
EACH: Final = 15
READ_ALONE: Final = 0.8
"""The part of the documents that are read and no more: most of what can go wrong goes wrong there,
and a comparison costs ten times as much."""
LONGEST: Final = 5
"""Seconds of CPU that an input may take before it counts as a hang.

Each takes about a fiftieth of one; a machine with much else to do must not fail it."""
STUCK: Final = 1_800
"""Seconds after which a batch waits for something that does not come."""

Commands = Sequence[Sequence[str]]
ON_OBJECTS: Final[Commands] = (
    *(("reach", "input.json", "-o", each) for each in ("text", "json", "csv", "md", "html", "svg")),
    *(("reach", "input.json", "--engine", each) for each in ("azure", "calico", "cilium", "none")),
    *(("lint", "input.json", "-o", each) for each in ("text", "json", "sarif", "junit")),
    *(("migrate", "input.json", "-o", each) for each in ("text", "json", "yaml", "py")),
    *(("diff", "sound.json", "input.json", "-o", each) for each in ("text", "json", "csv", "md")),
    ("check", "input.json", "expectations.json"),
    ("suggest", "input.json", "expectations.json"),
    ("explain", "input.json", "shop/web", "shop/db"),
    ("explain", "input.json", "any:team=a@env=b", "shop/web", "http"),
    ("import", "input.json"),
)
ON_A_DEPLOYMENT: Final[Commands] = (
    *(("diff", "input.json", "-o", each) for each in ("text", "json", "html")),
    *(("reach", "input.json", "-o", each) for each in ("text", "json")),
    ("lint", "input.json"),
    ("migrate", "input.json"),
)
ON_A_STATE: Final[Commands] = (
    ("reach", "input.json"),
    ("lint", "input.json"),
    ("diff", "input.json", "sound.json"),
    ("import", "input.json"),
)
ON_EXPECTATIONS: Final[Commands] = (
    *(("check", "few.json", "input.json", "-o", each) for each in ("text", "json")),
    ("suggest", "few.json", "input.json"),
    ("diff", "few.json", "few.json", "--expectations", "input.json"),
    ("check", "sound.json", "input.json"),
)
READING: Final[Commands] = (
    ("lint", "input.json", "-o", "text"),
    ("lint", "input.json"),
    *ON_EXPECTATIONS[:2],
)
FEW: Final = {"Namespace", "Deployment", "StatefulSet", "Pod", "NetworkPolicy"}
READERS: Final[dict[str, tuple[Any, Commands]]] = {
    "manifests": (MANIFESTS, ON_OBJECTS),
    "expectations": (EXPECTATIONS, ON_EXPECTATIONS),
    "preview": (recorded("situations/namespace-replaced.json"), ON_A_DEPLOYMENT),
    "preview with a refresh": (recorded("situations/refresh-gone.json"), ON_A_DEPLOYMENT),
    "first preview": (recorded("first.json"), ON_A_DEPLOYMENT),
    "events": (recorded("situations/dropped.events.json"), ON_A_DEPLOYMENT),
    "events of an update": (recorded("situations/dropped.up.events.json"), ON_A_DEPLOYMENT),
    "state": (recorded("situations/interrupted.state.json"), ON_A_STATE),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.timeout(STUCK)
@pytest.mark.long(keep=2)
def test_a_document_of_a_wrong_structure_ends_well(
    reader: str, batch: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rng = Random(f"{reader} {batch}")
    sample, commands = READERS[reader]
    _write_sound_documents(tmp_path)
    for number in range(EACH):
        (tmp_path / "input.json").write_bytes(_one_document(rng, sample, lines="events" in reader))
        reading = [each for each in commands if each in READING]
        command = rng.choice(reading if rng.random() < READ_ALONE else commands)
        what = f"{reader} {batch} {number} {command}"
        began = time.process_time()
        assert_ends_well(podwall(tmp_path, *command), what)
        assert time.process_time() - began < LONGEST, f"{what}: it took too long"
    record_property("compared: documents of a wrong structure that ended well", EACH)


@pytest.mark.parametrize("reader", READERS)
def test_every_command_takes_a_sample_as_it_is(reader: str, tmp_path: Path) -> None:
    """What is refused before anything is changed would be tried in vain."""
    sample, commands = READERS[reader]
    _write_sound_documents(tmp_path)
    each_line = "events" in reader and isinstance(sample, list)
    text = "\n".join(map(json.dumps, sample)) if each_line else json.dumps(sample)
    (tmp_path / "input.json").write_text(text)
    for command in commands:
        ended = podwall(tmp_path, *command)
        assert ended.code in {0, 1}, (command, ended)


def _write_sound_documents(folder: Path) -> None:
    few = [each for each in MANIFESTS["items"] if each["kind"] in FEW]
    (folder / "sound.json").write_text(json.dumps(MANIFESTS))
    (folder / "few.json").write_text(json.dumps({**MANIFESTS, "items": few}))
    (folder / "expectations.json").write_text(json.dumps(EXPECTATIONS))


def _one_document(rng: Random, sample: Any, *, lines: bool) -> bytes:
    tree = changed(rng, sample)
    if lines and isinstance(tree, list):
        return b"\n".join(written(rng, each) for each in tree)
    return written(rng, tree)


def assert_ends_well(ended: Result, what: str) -> None:
    """Assert that a command ended as commands do."""
    assert ended.code in {0, 1, 2, 3}, (what, ended)
    assert "podwall failed with" not in ended.err, (what, ended.err)
    assert "Traceback" not in ended.err, (what, ended.err)
    assert_not_raw(ended.out)
    assert_not_raw(ended.err)
    if ended.code == ExitCode.BAD_INPUT:
        said = ended.err.splitlines()
        assert any(line.startswith("error") for line in said), (what, ended.err)
