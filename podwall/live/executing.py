"""Execute a command in a container that runs, and return what it writes.

The API server passes a WebSocket on to the node. The first byte of each message says which stream
the rest is of; a `Status` on the stream of errors ends it.
https://kubernetes.io/docs/reference/using-api/api-concepts/#websockets
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from queue import Empty
from typing import Final, Protocol

import msgspec

from podwall.live.connection import ApiConnection, ClusterError
from podwall.on_demand import needing

with needing("live", "executing in a pod"):
    from httpx2.websockets import HTTPXWSException, WebSocketUpgradeError

__all__ = ["executed"]

_PROTOCOL: Final = "v4.channel.k8s.io"
_OUTPUT, _ERROR = 1, 3
_LONGER: Final = 30
"""So many seconds it may take longer, by what a node needs to begin."""


class _Status(msgspec.Struct):
    status: str = ""
    reason: str = ""
    message: str = ""


def executed(connection: ApiConnection, pod: str, words: Sequence[str], seconds: float) -> bytes:
    """Return what a command writes in the first container of a pod, whatever it ends with.

    Args:
        connection: to the cluster.
        pod: the path of the pod.
        words: the command.
        seconds: how long it may take.

    Raises:
        ClusterError: it may not be executed, can't be, or takes longer.
    """
    query = {"command": list(words), "stdout": True, "stderr": False}
    try:
        with connection.socket(f"{pod}/exec", _PROTOCOL, query) as found:
            return _output(found.receive_bytes, time.monotonic() + seconds + _LONGER)
    except WebSocketUpgradeError as problem:
        code = problem.response.status_code
        status = {"code": code}
        message = f"GET {pod}/exec is refused: it answers {code}"
        raise ClusterError(message, place=connection.place, status=status) from None
    except _FailedCommandError as problem:
        raise ClusterError(str(problem), place=connection.place, status={"code": 500}) from None
    except HTTPXWSException:
        message = f"{pod}/exec: the connection ended early"
        raise ClusterError(message, place=connection.place, status={"code": 500}) from None


class _Receive(Protocol):
    def __call__(self, timeout: float | None = None) -> bytes: ...


class _FailedCommandError(Exception):
    """The command could not be executed, or did not end."""


def _output(receive: _Receive, deadline: float) -> bytes:
    """Return all that comes on the stream of the output until the command has ended."""
    output = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        try:
            message = receive(timeout=left)
        except Empty:
            break
        channel, part = message[0], message[1:]
        if channel == _OUTPUT:
            output += part
        elif channel == _ERROR:
            found = msgspec.json.decode(part, type=_Status)
            if found.status == "Failure" and found.reason != "NonZeroExitCode":
                raise _FailedCommandError(found.message)
            return bytes(output)
    raise _FailedCommandError("the command takes too long")
