"""The bound of what a command may take: time of the processor, and memory, by how much it reads.

Who writes policies can make few objects mean very much: 1,900 policies of 30 addresses and 30
ranges of ports have 57,000 parts of addresses, on each of which other ports pass. No order in which
it is computed makes the whole answer small. So a command that takes more than its bound ends, says
what of its input is large, and what can be done.

How it works: the bound begins when the sources are read, which has bounds of its own, and ends with
the command. A timer of the process (which counts no waiting, and no other program) stops it; of
memory the operating system gives no more, where it can refuse that (Linux). Programs that are
started later have a time of their own.

Larger sources may take more, by the number of their objects, so that clusters of any size are
analysed, and only what is out of proportion to its size is refused.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import Any, Final

from podwall.policies.errors import PodwallError

__all__ = ["UNBOUNDED", "TooMuch", "begun", "sizes", "within_bounds", "working"]

UNBOUNDED: Final = "PODWALL_UNBOUNDED"
"""The environment variable that lifts the bound."""

_OBJECTS: Final = 2_000
"""So many objects may take what follows; more of them in proportion more."""

SECONDS: Final = 45.0
BYTES: Final = 900 * 2**20
_AGAIN: Final = 5.0
"""After so many seconds more it is stopped again, where something took the first for its own."""

ROOM: Final = 600 * 2**20
"""What is there in any case beside what reading took, which has a bound of its own."""


class TooMuch(PodwallError):  # noqa: N818 - reads as what it says
    """A command took more than its input may take."""


class _Bound:
    """The bound of one command: what is read, and whether it has begun."""

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self.seconds = 0.0
        self.memory: tuple[int, int] | None = None

    def refusal(self, what: str) -> TooMuch:
        """Return what is said: what is large, and what can be done."""
        return TooMuch(
            f"{what}, and the source is {sizes(self.objects)}",
            help="read a part of it (fewer files, one namespace with its policies), or set "
            f"{UNBOUNDED}=1 and give it the time and the memory that it takes",
        )


_running: list[_Bound] = []


@contextmanager
def within_bounds() -> Iterator[None]:
    """Let the body have a bound, which begins with `begun`.

    Raises:
        TooMuch: it takes more.
    """
    bound = _Bound()
    _running.append(bound)
    try:
        yield
    except MemoryError:
        _lift(bound)
        raise bound.refusal("it takes more memory than podwall gives it") from None
    finally:
        _lift(bound)
        _running.remove(bound)


def working(does: Callable[[Namespace], Any], options: Namespace) -> Any:
    """Do a command's work. Only while it runs is it stopped: what ends it is not stopped again.

    To give back much memory takes longer than the time until the next signal.
    """
    return does(options)


def _is_working(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code is working.__code__:
            return True
        frame = frame.f_back
    return False


def begun(*sources: Sequence[Any]) -> None:
    """Begin the bound of the command that runs, by the largest of the sources that it has read.

    Args:
        sources: the documents of each.
    """
    if not _running or os.environ.get(UNBOUNDED):
        return
    bound = _running[-1]
    expanded = (list(chain.from_iterable(map(_items, each))) for each in sources)
    bound.objects = max(expanded, key=len)
    share = max(1.0, len(bound.objects) / _OBJECTS)
    _limit_time(bound, SECONDS * share)
    _limit_memory(bound, int(BYTES * share))


def _items(document: Any) -> Sequence[Any]:
    """Return the objects of a list, or else the only one."""
    items = document.get("items") if isinstance(document, Mapping) else None
    return items if isinstance(items, list) else [document]


def _limit_time(bound: _Bound, seconds: float) -> None:
    """Stop the command when this process has worked so long."""
    if sys.platform == "win32":
        return
    if signal.getsignal(signal.SIGPROF) is not signal.SIG_DFL and not bound.seconds:
        return  # somebody measures this process

    def stop(_: int, frame: FrameType | None) -> None:
        if _is_working(frame):
            raise bound.refusal(f"it takes more than {bound.seconds:.0f} s of CPU")

    with suppress(ValueError):  # no signals but in the main thread
        signal.signal(signal.SIGPROF, stop)
        signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN)
        bound.seconds = seconds


def _limit_memory(bound: _Bound, size: int) -> None:
    """Let the operating system refuse more memory than that, and than what is there, with room."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - not on every system

    bound.memory = bound.memory or resource.getrlimit(resource.RLIMIT_DATA)
    soft, hard = bound.memory
    wanted = max(size, _data() + ROOM)
    known = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *known]), hard))


def _data() -> int:
    """Return how much of what the limit counts this process has."""
    try:
        status = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    found = (int(line.split()[1]) for line in status if line.startswith("VmData:"))
    return 1024 * next(found, 0)


def _lift(bound: _Bound) -> None:
    if sys.platform == "win32":
        return
    if bound.seconds:
        # A signal that is on its way would end the process where nobody listens any more.
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        bound.seconds = 0.0
    if bound.memory is not None:
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_DATA, bound.memory)
        bound.memory = None


_COUNTED: Final = {
    "cidr": "ip blocks",
    "matchLabels": "selectors",
    "matchExpressions": "selectors",
    "selector": "selectors",
}
"""What is counted by the field that has it; other lists are counted by their entries."""

_LISTS: Final = {
    "except": "exceptions of ip blocks",
    "nets": "ip blocks",
    "toCIDR": "ip blocks",
    "fromCIDR": "ip blocks",
    "networks": "ip blocks",
    "ports": "ports",
    "values": "values of labels",
}
_MOST: Final = 3
"""So many kinds, and so many sorts of what is written in them, are named."""


def sizes(objects: Sequence[Any]) -> str:
    """Say how many objects there are, and what is written in them most often.

    >>> block = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}}
    >>> sizes([{"kind": "NetworkPolicy", "spec": {"ingress": [{"from": [block]}]}}])
    '1 object (1 NetworkPolicy) with 2 exceptions of ip blocks, 1 ip blocks'
    """
    kinds = Counter(str(each.get("kind", "")) for each in objects if isinstance(each, Mapping))
    written = Counter(_written(objects))
    whole = f"{len(objects):,} object{'s' * (len(objects) != 1)} ({_most(kinds)})"
    return f"{whole} with {_most(written)}" if written else whole


def _most(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common(_MOST))


def _written(objects: Sequence[Any]) -> Iterator[str]:
    """Yield the name of everything that is counted."""
    left = list(objects)
    while left:
        each = left.pop()
        if isinstance(each, Mapping):
            for key, value in each.items():
                if key in _LISTS and isinstance(value, list):
                    yield from [_LISTS[key]] * len(value)
                elif key in _COUNTED:
                    yield _COUNTED[key]
            left += each.values()
        elif isinstance(each, list | tuple):
            left += each
