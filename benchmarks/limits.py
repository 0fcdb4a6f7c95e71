"""What no build can go below: reading, writing, and a look at each rule.

A command starts Python, reads its sources and writes its answer. So it takes at least what an empty
program takes, what the fastest reader there is takes to decode the same bytes, and what a pipe
takes to pass on the bytes that are printed. Nothing is understood of what is read.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Final

import msgspec
import yaml

from podwall.sources.yaml_documents import parse_yaml

__all__ = ["least_of_command"]

_ROUNDS: Final = 3
_PROBED: Final = 64 * 1024 * 1024
_BLOCK: Final = 1024 * 1024


def least_of_command(sources: Iterable[Path], written: int) -> float:
    """Return the CPU seconds that a command takes at least.

    Args:
        sources: the files that it reads, or folders of them.
        written: how many bytes it prints.
    """
    files = [file for each in sources for file in (each.rglob("*.*") if each.is_dir() else (each,))]
    reading = sum(_decoding(each) for each in files if each.is_file())
    return _start() + reading + written * _passing()


def _decoding(path: Path) -> float:
    """Return what the fastest reader takes: msgspec for JSON; libyaml's or podwall's for YAML."""
    data = path.read_bytes()
    if path.suffix == ".json":
        return _fastest(lambda: msgspec.json.decode(data))
    readers: list[Callable[[], object]] = [
        lambda: parse_yaml(data, str(path)),
        lambda: sum(1 for _ in yaml.parse(data, Loader=yaml.CSafeLoader)),
    ]
    return min(map(_fastest, readers))


def _fastest(read: Callable[[], object]) -> float:
    times = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        read()
        times.append(time.process_time() - begun)
    return min(times)


@cache
def _start() -> float:
    """Return what Python takes to do nothing, without the modules of its site."""
    times = []
    for _ in range(_ROUNDS):
        before = getrusage(RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)
        after = getrusage(RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        times.append(used)
    return min(times)


@cache
def _passing() -> float:
    """Return what it takes to write a byte to a pipe that another process empties."""
    empties = ["/bin/cat"]
    with subprocess.Popen(empties, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:  # noqa: S603 - no input
        assert reader.stdin is not None
        begun = time.process_time()
        for _ in range(_PROBED // _BLOCK):
            reader.stdin.write(bytes(_BLOCK))
        reader.stdin.close()
        return (time.process_time() - begun) / _PROBED
