"""Where the CPU time of a command goes, by the rooms of podwall.

    python -m benchmarks.where reach FOLDER

A timer interrupts the command every millisecond of CPU, and the innermost of podwall's modules that
is at work is counted; a library counts for the module that calls it, and importing for itself.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

__all__ = ["main"]

EVERY: Final = 0.001
LEAST: Final = 0.02
ROOT: Final = f"{Path(__file__).resolve().parents[1] / 'podwall'}{os.sep}"
IMPORTING: Final = "importing modules"
PROGRAM: Final = "Python, and what is not podwall's"


def room_of(frame: FrameType | None) -> str:
    """Return the room of the innermost module of podwall on a stack."""
    found = PROGRAM
    while frame is not None:
        name = frame.f_code.co_filename
        if "importlib" in name:
            return IMPORTING
        if found == PROGRAM and name.startswith(ROOT):
            found = name.removeprefix(ROOT).partition(os.sep)[0].removesuffix(".py")
        frame = frame.f_back
    return found


def main(words: Sequence[str]) -> None:
    """Run a command, and print the share of each room."""
    counts: Counter[str] = Counter()
    signal.signal(signal.SIGPROF, lambda _number, frame: counts.update([room_of(frame)]))
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    from podwall.cli import main as run  # noqa: PLC0415 - its import is part of the command

    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        run(list(words))
    signal.setitimer(signal.ITIMER_PROF, 0)
    whole = counts.total()
    print(f"{time.process_time():.2f} s")
    for room, count in counts.most_common():
        if count >= LEAST * whole:
            print(f"{100 * count / whole:3.0f} % {room}")


if __name__ == "__main__":
    main(sys.argv[1:])
