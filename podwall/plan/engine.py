"""A stand-in for the engine's log: it keeps what the program says while it is planned."""

from __future__ import annotations

from typing import Any

from pulumi.runtime.proto import engine_pb2

from podwall.plan.said import Message
from podwall.plan.structs import NOTHING
from podwall.policies.findings import Severity

__all__ = ["PlanningEngine"]

_SEVERITIES = {engine_pb2.WARNING: Severity.WARNING, engine_pb2.INFO: Severity.INFO}


class PlanningEngine:
    """Keeps what is said, and apart from it the errors."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.said: list[Message] = []
        self.errors: list[Message] = []

    def Log(self, request: engine_pb2.LogRequest) -> Any:  # noqa: N802 - the protocol's name
        """Keep a message by its severity; debugging messages are dropped."""
        severity = _SEVERITIES.get(request.severity, Severity.ERROR)
        message = Message(" ".join(request.message.split()), request.urn, severity)
        if request.severity == engine_pb2.ERROR:
            self.errors.append(message)
        elif request.severity in _SEVERITIES:
            self.said.append(message)
        return NOTHING

    def RequirePulumiVersion(  # noqa: N802 - the protocol's name
        self, _request: engine_pb2.RequirePulumiVersionRequest
    ) -> engine_pb2.RequirePulumiVersionResponse:
        """Accept any demand: there is no engine whose version could be wrong."""
        return engine_pb2.RequirePulumiVersionResponse()
