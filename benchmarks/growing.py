"""How every command grows with its cluster: `python -m benchmarks.growing [WORDS OF A ROW ...]`.

Each command runs on the ladder and on the random mix, in ever larger sizes, until a run takes more
than `ENOUGH`. Its time, without what it takes on hardly anything, is set beside the bytes that it
reads or those that it writes, whichever are more: the exponent is the slope of a line through the
logarithms. A listing of all pairs is as long as the pairs are many, and may take as long.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.analysing import exponent, exponent_words
from benchmarks.commands import run_once
from benchmarks.editing import edited
from benchmarks.manifests import manifests
from benchmarks.mix import random_mix
from benchmarks.presets import ladder
from podwall.model import Snapshot

__all__ = ["Growth", "growths"]

ENOUGH: Final = 60.0
"""CPU seconds: after a run that takes longer, no larger size is tried."""

CLUSTERS: Final[dict[str, tuple[Callable[[int], Snapshot], Sequence[int]]]] = {
    "ladder": (ladder, (100, 1_000, 3_000, 10_000, 30_000, 100_000)),
    "random mix": (random_mix, (100, 500, 1_000, 3_000, 10_000, 30_000, 100_000)),
}
COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("reach", "NEW"),
    ("reach", "NEW", "-o", "groups"),
    ("reach", "NEW", "-o", "csv"),
    ("reach", "NEW", "-o", "json"),
    ("reach", "NEW", "-o", "html"),
    ("explain", "NEW", "ONE", "TWO"),
    ("lint", "NEW"),
    ("check", "NEW", "STATED"),
    ("diff", "OLD", "NEW"),
    ("diff", "OLD", "NEW", "-o", "html"),
    ("migrate", "NEW", "--from", "azure", "--to", "cilium"),
    ("suggest", "NEW", "STATED"),
    ("import", "NEW"),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One run: workloads, bytes read and written, CPU seconds, megabytes."""

    workloads: int
    read: int
    written: int
    seconds: float
    memory: float


@dataclass(frozen=True, slots=True)
class Growth:
    """The runs of one command on one sort of cluster, by size."""

    command: str
    cluster: str
    points: tuple[Point, ...]

    def __str__(self) -> str:
        """A row of the table."""
        last = self.points[-1]
        bound = "what it writes" if last.written > last.read else "what it reads"
        return (
            f"| {self.command} | {self.cluster} | {last.workloads:,} | {last.read / 1e6:.1f} | "
            f"{last.written / 1e6:.1f} | {last.seconds:.1f} | {last.memory:.0f} | "
            f"{exponent_words(self._slope('seconds'))} | {exponent_words(self._slope('memory'))} | "
            f"{bound} |"
        )

    def _slope(self, what: str) -> float:
        first, *rest = self.points
        beyond = [(max(p.read, p.written), getattr(p, what) - getattr(first, what)) for p in rest]
        return exponent([(size, more) for size, more in beyond if more > 0.1])


HEAD: Final = (
    "| command | cluster | largest | MB read | MB written | CPU s | MB of memory | "
    "exponent of time | of memory | set beside |"
)


def growths(words: Sequence[str] = ()) -> Iterator[Growth]:
    """Yield how each command grows on each cluster, if its row has the words."""
    for cluster, (made, sizes) in CLUSTERS.items():
        with tempfile.TemporaryDirectory() as name:
            folders = Path(name)
            for command in COMMANDS:
                row = f"{' '.join(command)} {cluster}"
                if all(word in row for word in words):
                    points = tuple(_points(command, made, sizes, folders))
                    yield Growth(f"`{' '.join(command)}`", cluster, points)


def _points(
    command: Sequence[str],
    made: Callable[[int], Snapshot],
    sizes: Sequence[int],
    folders: Path,
) -> Iterator[Point]:
    for size in sizes:
        folder = folders / str(size)
        if not folder.exists():
            _write(made(size), folder)
        try:
            point = _run(command, size, folder)
        except subprocess.CalledProcessError as error:
            print(f"{' '.join(command)}, {size:,}: {error}", file=sys.stderr)
            return
        if point is None:
            return
        yield point
        if point.seconds > ENOUGH:
            return


def _write(snapshot: Snapshot, folder: Path) -> None:
    for name, each in (("NEW", snapshot), ("OLD", edited(snapshot, 0.01))):
        (folder / name).mkdir(parents=True)
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests(each))}
        (folder / name / "cluster.json").write_text(json.dumps(listed))
    one, two = (f"{each.namespace}/{each.name}" for each in snapshot.workloads[:2])
    (folder / "ends").write_text(f"{one}\n{two}")
    stated = [
        {"name": end, "from": one, "to": end, "ports": 80, "expect": "allowed"}
        for end in (f"{each.namespace}/{each.name}" for each in snapshot.workloads[1::100])
    ]
    (folder / "STATED").write_text(json.dumps({"expectations": stated}))


def _run(command: Sequence[str], size: int, folder: Path) -> Point | None:
    one, two = (folder / "ends").read_text().splitlines()
    given = {
        "NEW": str(folder / "NEW"),
        "OLD": str(folder / "OLD"),
        "STATED": str(folder / "STATED"),
        "ONE": one,
        "TWO": two,
    }
    words = [sys.executable, "-m", "podwall", *(given.get(each, each) for each in command)]
    printed = folder / "printed"
    found = run_once(words, printed, variables={"PODWALL_UNBOUNDED": "1"}, ends=(0, 1))
    if found is None:
        return None
    read = sum(
        each.stat().st_size
        for name in set(command) & {"NEW", "OLD", "STATED"}
        for each in ([folder / name] if name == "STATED" else (folder / name).iterdir())
    )
    return Point(size, read, printed.stat().st_size, found[0], found[2])


def _main(words: Sequence[str]) -> None:
    print(HEAD)
    print("|---" * 10 + "|")
    for each in growths(words):
        print(each, flush=True)
        sizes = ", ".join(
            f"{p.workloads:,}: {p.seconds:.1f} s, {p.memory:.0f} MB" for p in each.points
        )
        print(f"{each.command} {each.cluster}: {sizes}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    _main(sys.argv[1:])
