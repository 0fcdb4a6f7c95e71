"""Whole commands of this build beside those of a kept one: `make bench-compare BASE=WHEEL`.

    python -m benchmarks.comparing BASE [--quick]

BASE is a wheel of podwall, or a checkout of it. The rounds of the two builds take turns, so that a
machine that becomes slower is slower for both; a ratio is that of the medians of CPU seconds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import antrea
from benchmarks.commands import LONGEST, run_once, write_manifests
from benchmarks.mix import random_mix
from benchmarks.presets import full_mesh, ladder
from podwall.model import Snapshot

__all__ = ["ROOT", "Row", "compared", "program", "rows", "unpacked"]

ROUNDS: Final = 3
ROOT: Final = Path(__file__).resolve().parents[1]
NOISE: Final = 1.3
"""Below this ratio two builds count as equally quick: a shared machine varies as much."""

PROGRAM: Final = {
    "Pulumi.yaml": "name: two-objects\nruntime: python\n",
    "Pulumi.dev.yaml": "config: {}\n",
    "__main__.py": """
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.networking.v1 import NetworkPolicy

Namespace("shop", metadata={"name": "shop"})
NetworkPolicy(
    "deny",
    metadata={"name": "deny", "namespace": "shop"},
    spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
)
""",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A command that both builds know: what it is called in the table, and its arguments."""

    name: str
    arguments: tuple[str, ...]
    folder: Path = ROOT


@dataclass(frozen=True, slots=True)
class Compared:
    """CPU seconds of a command: this build's, and those of the build that was kept."""

    row: Row
    seconds: float
    base: float

    @property
    def ratio(self) -> float:
        """How many times as long this build takes."""
        return self.seconds / self.base


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Yield the commands; what they read is written to `folder`."""
    shop = str(ROOT / "examples" / "shop")
    yield Row("--help", ("--help",))
    yield Row("reach, the shop of the examples", ("reach", shop))
    yield Row("lint, the shop of the examples", ("lint", shop))
    out = str(folder / "out")
    yield Row("preview of a program of two objects", ("preview", "--out", out), program(folder))
    for name, snapshot in _clusters(quick=quick):
        paths = write_manifests(snapshot, folder / name.replace(" ", "-"))
        yield Row(f"reach -o csv, {name}, YAML", ("reach", str(paths["yaml"]), "-o", "csv"))
        yield Row(f"reach -o csv, {name}, JSON", ("reach", str(paths["json"]), "-o", "csv"))
        both = (str(paths["json"]), str(paths["json"]))
        yield Row(f"diff, {name}, JSON", ("diff", *both))
        yield Row(
            f"migrate, {name}, JSON", ("migrate", both[0], "--from", "azure", "--to", "cilium")
        )


def program(folder: Path) -> Path:
    """Write a program that imports nothing of podwall, so that it means the same to every build."""
    made = folder / "program"
    made.mkdir()
    for name, text in PROGRAM.items():
        (made / name).write_text(text, encoding="utf-8")
    return made


def _clusters(*, quick: bool) -> Iterator[tuple[str, Snapshot]]:
    yield "ladder 500", ladder(500)
    if not quick:
        yield "ladder 3000", ladder(3_000)
        yield "full mesh 300", full_mesh(300)
        yield "large namespaces", antrea.large_namespaces(1)
        yield "across namespaces", antrea.cluster_scoped(5)
        yield "random mix 500", random_mix(500)


def compared(row: Row, base: Path, output: Path) -> Compared:
    """Run a command of both builds in turns, and return the medians of their CPU seconds.

    Args:
        row: the command.
        base: the folder that has the kept build.
        output: the file for what it prints.
    """
    found = [(_seconds(row, ROOT, output), _seconds(row, base, output)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(part) for part in zip(*found, strict=True))
    return Compared(row, ours, theirs)


def _seconds(row: Row, build: Path, output: Path) -> float:
    """Return the CPU seconds of a command, `podwall` being that of a folder.

    One that is ended because it takes too long counts as if it had taken as long as it may.
    """
    command = [sys.executable, "-m", "podwall", *row.arguments]
    build_first = {"PYTHONPATH": str(build), "PYTHONSAFEPATH": "1"}
    found = run_once(command, output, folder=row.folder, variables=build_first, ends=(0, 1))
    return LONGEST if found is None else found[0]


def unpacked(base: Path, folder: Path) -> Path:
    """Return the folder of a kept build; a wheel is unpacked into `folder`."""
    if base.is_dir():
        return base.resolve()
    with zipfile.ZipFile(base) as wheel:
        wheel.extractall(folder)
    return folder


def main(words: Sequence[str]) -> None:
    """Print a line for each command: both times, and how many times as long this build takes."""
    quick = "--quick" in words
    named = [word for word in words if word != "--quick"]
    if len(named) != 1 or not Path(named[0]).exists():
        sys.exit("python -m benchmarks.comparing BASE [--quick]: BASE is a wheel or a checkout")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = unpacked(Path(named[0]), folder / "base")
        print("| command | this build, CPU s | kept build, CPU s | ratio | |\n" + "|---" * 5 + "|")
        for row in rows(folder, quick=quick):
            found = compared(row, base, folder / "printed")
            slower = "slower" if found.ratio > NOISE else ""
            print(
                f"| {row.name} | {found.seconds:.2f} | {found.base:.2f} | {found.ratio:.2f}"
                f" | {slower} |",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
