"""What podwall must not exceed, each row with its goal, and how much of it is used.

    python -m benchmarks.goals [BASE] [WORDS OF A ROW'S NAME ...]

BASE is a wheel of podwall or a checkout of it: some goals are parts of what that build takes. The
two take turns, and a ratio is that of medians of CPU seconds; without BASE these rows are left out.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.commands import run_once, write_manifests
from benchmarks.comparing import ROOT, Row, compared, program, unpacked
from benchmarks.diffing import measured_diff
from benchmarks.explaining import measured_explanation
from benchmarks.limits import least_of_command
from benchmarks.measuring import measured
from benchmarks.mix import random_mix
from benchmarks.presets import full_mesh, ladder, single_addresses
from benchmarks.processes import printed_by
from benchmarks.viewing import viewed

__all__ = ["goal_lines"]

SHOP: Final = ROOT / "examples" / "shop"
HEAD: Final = "| work | goal | kept build | this build | of the goal | | not below |"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a row measures: `base` is what the kept build takes, in seconds.

    `least` is what nothing can go below, in the unit of the row: see `limits`. Of an analysis that
    is one look at every label and every rule.
    """

    work: str
    goal: str
    base: float | None
    found: float
    unit: str
    most: float
    least: float | None = None

    def __str__(self) -> str:
        """Write the row of the table; up to a tenth above a goal is noise of a shared machine."""
        part = self.found / self.most
        told = "met" if part <= 1 else "within noise" if part <= _NOISE else "**missed**"
        base = "" if self.base is None else f"{self.base:.2f} s"
        least = "" if self.least is None else f"{self.least:.2f} {self.unit}"
        return (
            f"| {self.work} | {self.goal} | {base} | {self.found:.2f} {self.unit} "
            f"| {part:.2f} | {told} | {least} |"
        )


_NOISE: Final = 1.1


def goal_lines(base: Path | None, words: Sequence[str] = ()) -> Iterator[str]:
    """Yield the table, row by row as it is measured."""
    yield HEAD
    yield "|---" * 7 + "|"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows: list[tuple[str, Callable[[], Iterable[Measured]]]] = [
            *(_beside(unpacked(base, folder / "base"), folder) if base else ()),
            *_absolute(folder),
        ]
        for work, measure in rows:
            if all(word in work for word in words):
                yield from map(str, measure())


def _beside(base: Path, folder: Path) -> Iterator[tuple[str, Callable[[], Iterable[Measured]]]]:
    """Yield the commands that may take a part of what the kept build takes."""
    small, mixed = (write_manifests(each, folder / f"{len(each.policies)}")["json"]
                    for each in (ladder(500), random_mix(400)))  # fmt: skip
    engines = ("--from", "azure", "--to", "cilium")
    for most, row in (
        (0.5, Row("--help", ("--help",))),
        (0.5, Row("reach, the shop of the examples", ("reach", str(SHOP)))),
        (0.5, Row("lint, one file", ("lint", str(SHOP / "policies.yaml")))),
        (0.6, Row("preview of the dev stack", ("preview", "--out", str(folder / "dev")))),
        (0.6, Row("preview of two objects", ("preview", "--out", str(folder / "out")),
                  program(folder))),
        (1.0, Row("reach -o csv, ladder 500", ("reach", str(small), "-o", "csv"))),
        (1.0, Row("diff, ladder 500", ("diff", str(small), str(small)))),
        (1.0, Row("migrate, ladder 500", ("migrate", str(small), *engines))),
        (1.0, Row("reach -o csv, random mix 400", ("reach", str(mixed), "-o", "csv"))),
    ):  # fmt: skip
        yield row.name, lambda row=row, most=most: [_ratio(row, most, base, folder / "printed")]  # type: ignore[misc] # of a loop


def _ratio(row: Row, most: float, base: Path, output: Path) -> Measured:
    found = compared(row, base, output)
    goal = f"{most:g} of the kept build"
    sources = [Path(word) for word in row.arguments if word[:1] == "/" and Path(word).exists()]
    # What a preview writes is counted as hardly anything: it reads the SDKs, which no limit knows.
    least = least_of_command(sources if row.arguments[0] != "preview" else (), _printed(output))
    return Measured(row.name, goal, found.base, found.seconds, "s", most * found.base, least)


def _printed(output: Path) -> int:
    return output.stat().st_size


def _absolute(folder: Path) -> Iterator[tuple[str, Callable[[], Iterable[Measured]]]]:
    """Yield what has goals of its own."""
    yield "analysis, 100,000 pods, 10,000 policies", _analysis
    yield "first explanation, 100,000 pods", _explanation
    for preset, size in (("B1 ladder", 100_000), ("A2 large namespaces", 100),
                         ("A5 across namespaces", 1_000), ("B8 random mix", 10_000)):  # fmt: skip
        work = f"diff of two clusters that were read, 1 % edited, {preset}"
        yield work, lambda w=work, p=preset, n=size: [_of_an_analysis(w, p, n)]  # type: ignore[misc] # of a loop
    yield "reach -o csv, 100 policies of 50 addresses", lambda: _listing(folder)
    yield "diff --out, 30 policies of 50 addresses", lambda: _change_files(folder)
    yield "page of 5,000 workloads", lambda: _page(folder)
    yield "groups of the random mix, 50,000", _groups


def _analysis() -> Iterator[Measured]:
    found, work = measured("A2 large namespaces", 100), "analysis, 100,000 pods, 10,000 policies"
    yield Measured(work, "0.15 s", None, found.analysed, "s", 0.15, found.looked)
    yield Measured(work, "100 MB", None, found.memory, "MB", 100)


def _explanation() -> Iterator[Measured]:
    found = measured_explanation("B1 ladder", 100_000)
    yield Measured("first explanation, 100,000 pods", "30 ms", None, found.first, "ms", 30)


def _of_an_analysis(work: str, preset: str, size: int) -> Measured:
    found = measured_diff(preset, size, 0.01)
    part = found.apart / found.analysed
    return Measured(work, "0.25 of an analysis", None, part, "of an analysis", 0.25)


def _listing(folder: Path) -> Iterator[Measured]:
    path = write_manifests(single_addresses(100, 50), folder / "addresses")["json"]
    seconds, memory = _run(folder, "reach", str(path), "-o", "csv")
    work = "reach -o csv, 100 policies of 50 addresses"
    yield Measured(work, "100 MB", None, memory, "MB", 100)
    least = least_of_command([path], _printed(folder / "printed"))
    yield Measured(work, "3 s", None, seconds, "s", 3, least)


def _change_files(folder: Path) -> Iterator[Measured]:
    old = write_manifests(full_mesh(30), folder / "old")["json"]
    new = write_manifests(single_addresses(30, 50), folder / "new")["json"]
    changes = folder / "changes"
    seconds, _ = _run(folder, "diff", str(old), str(new), "--out", str(changes))
    written = sum(each.stat().st_size for each in changes.rglob("*") if each.is_file())
    least = least_of_command([old, new], written + _printed(folder / "printed"))
    yield Measured("diff --out, 30 policies of 50 addresses", "3 s", None, seconds, "s", 3, least)


def _page(folder: Path) -> Iterator[Measured]:
    path = write_manifests(ladder(5_000), folder / "page")["json"]
    _run(folder, "reach", str(path), "-o", "html")
    size = (folder / "printed").stat().st_size / 1e6
    yield Measured("page of 5,000 workloads", "1 MB", None, size, "MB", 1)
    shown = (folder / "printed").rename(folder / "page.html")
    for name, taken in (viewed(shown) or {}).items():
        most = 1_000 if name == "first view" else 16
        work = f"page of 5,000 workloads, {name}"
        yield Measured(work, f"{most:,} ms", None, taken, "ms", most)


def _groups() -> Iterator[Measured]:
    found, work = printed_by("grouping", 50_000), "groups of the random mix, 50,000"
    yield Measured(work, "20 s", None, found["groups"], "s", 20)
    yield Measured(work, "1,000 MB", None, found["peak"], "MB", 1_000)


def _run(folder: Path, *words: str) -> tuple[float, float]:
    """Return the CPU seconds and the megabytes of one run of a command."""
    found = run_once([sys.executable, "-m", "podwall", *words], folder / "printed", ends=(0, 1))
    return (float("inf"), float("inf")) if found is None else (found[0], found[2])


def main(words: Sequence[str]) -> None:
    """Print the table."""
    base = next((Path(word) for word in words if Path(word).exists()), None)
    for line in goal_lines(base, [word for word in words if base is None or word != str(base)]):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
