"""A stand-in for the engine's log: it keeps what the program says while it is planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.proto import engine_pb2

from podwall.plan.structs import NOTHING

__all__ = ["Message", "PlanningEngine"]


@dataclass(frozen=True, slots=True)
class Message:
    """Something the program said; `urn` is the resource that it is about, if any."""

    text: str
    urn: str = ""


class PlanningEngine:
    """Keeps warnings and errors, and passes what is only information on to `tell`."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Keep nothing yet."""
        self._tell = tell
        self.warnings: list[Message] = []
        self.errors: list[Message] = []

    def Log(self, request: engine_pb2.LogRequest) -> Any:  # noqa: N802 - the protocol's name
        """Keep a message by its severity; debugging messages are dropped."""
        message = Message(" ".join(request.message.split()), request.urn)
        if request.severity == engine_pb2.ERROR:
            self.errors.append(message)
        elif request.severity == engine_pb2.WARNING:
            self.warnings.append(message)
        elif request.severity == engine_pb2.INFO:
            self._tell(message.text)
        return NOTHING

    def RequirePulumiVersion(  # noqa: N802 - the protocol's name
        self, _request: engine_pb2.RequirePulumiVersionRequest
    ) -> engine_pb2.RequirePulumiVersionResponse:
        """Accept any demand: there is no engine whose version could be wrong."""
        return engine_pb2.RequirePulumiVersionResponse()
