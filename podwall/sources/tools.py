"""Run kustomize, kubectl or helm on a folder that may be a stranger's.

The tool gets an environment of its own: a home without settings, plugins, caches and credentials,
which is deleted afterwards; no cluster; and no way to the network: `git` may use no transport, and
HTTP is sent to a port on which nobody listens. It is ended where it takes too long or says too
much, with all that it started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Timer
from typing import IO, Final

from podwall.policies.errors import SourceError

__all__ = ["found_tool", "tool_output"]

MOST_SECONDS: Final = 60
MOST_BYTES: Final = 100_000_000
_LONGEST_MESSAGE: Final = 400
_MOST_READ: Final = 65_536
_NOWHERE: Final = "http://127.0.0.1:9"  # the port of `discard`, which nothing serves
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")
_HOMES: Final = (
    "HOME",
    "USERPROFILE",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "HELM_CACHE_HOME",
    "HELM_CONFIG_HOME",
    "HELM_DATA_HOME",
)


def found_tool(*names: str) -> str | None:
    """Return the first of the commands that is on the PATH, None where none is."""
    return next((name for name in names if shutil.which(name)), None)


def tool_output(command: Sequence[str], *, network: bool = False) -> bytes:
    """Return what a command writes to its standard output.

    Args:
        command: the name of a command on the PATH, and its arguments.
        network: whether it gets the caller's own environment, and with it the network.

    Raises:
        SourceError: it can't be started, fails, takes too long or writes too much; the message is
            the first line of what it says.
    """
    with TemporaryDirectory(prefix="podwall-") as home, TemporaryFile() as errors_file:
        environment = os.environ if network else _environment(home)
        try:
            with _started(command, environment, errors_file) as process:
                data, code, late = _finished(process)
        except OSError as problem:
            raise SourceError(f"`{command[0]}` can't be started: {problem.strerror}") from problem
        if late:
            raise SourceError(f"`{command[0]}` took more than {MOST_SECONDS} s and was ended")
        if len(data) > MOST_BYTES:
            raise SourceError(f"`{command[0]}` wrote more than {MOST_BYTES // 10**6} MB")
        if code != 0:
            raise SourceError(_first_line(errors_file) or f"`{command[0]}` ended with {code}")
        return data


def _environment(home: str) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    return {
        **kept,
        **dict.fromkeys(_HOMES, home),
        **dict.fromkeys(proxies, _NOWHERE),
        "HELM_PLUGINS": str(Path(home, "plugins")),
        "KUBECONFIG": str(Path(home, "kubeconfig")),
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], errors_file: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 - no shell, and the arguments are ours
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors_file,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            _end(process)


def _finished(process: subprocess.Popen[bytes]) -> tuple[bytes, int, bool]:
    """Return what a process wrote, its exit code, and if it had to be ended."""
    timer = Timer(MOST_SECONDS, _end, [process])
    timer.start()
    try:
        data = process.stdout.read(MOST_BYTES + 1) if process.stdout else b""
        if len(data) > MOST_BYTES:
            _end(process)
        return data, process.wait(), not timer.is_alive()
    finally:
        timer.cancel()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, with all that it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (AttributeError, OSError):  # no groups on Windows
            process.kill()


def _first_line(errors_file: IO[bytes]) -> str:
    """Return the first line that tells something, without the word that it is an error."""
    errors_file.seek(0)
    lines = errors_file.read(_MOST_READ).decode("utf-8", "replace").splitlines()
    spoken = [
        line.strip() for line in lines if line.strip() and not line.startswith(("#", "WARNING"))
    ]
    errors = [line for line in spoken if line.lower().startswith("error")] or spoken
    line = errors[0].removeprefix("Error: ").removeprefix("error: ") if errors else ""
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"
