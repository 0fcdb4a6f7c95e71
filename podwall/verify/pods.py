"""What is read of pods while they run: whether they are ready, have ended, or can't start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from podwall.live.kinds import ApiKind
from podwall.live.objects import PlainObject

__all__ = ["RUNNING_PODS", "RunningPod"]


class _Waiting(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _State(msgspec.Struct):
    waiting: _Waiting | None = None


class _Container(msgspec.Struct):
    state: _State | None = None


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""
    message: str = ""


class _Status(msgspec.Struct, rename="camel"):
    phase: str = "Pending"
    pod_ip: str = msgspec.field(name="podIP", default="")
    reason: str = ""
    message: str = ""
    container_statuses: list[_Container] | None = None
    conditions: list[_Condition] | None = None


_HOPELESS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ImagePullBackOff",
     "InvalidImageName", "RunContainerError"}
)  # fmt: skip


class _Spec(msgspec.Struct, rename="camel"):
    host_network: bool = False


class RunningPod(PlainObject):
    """A pod, a client or a server."""

    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)

    @property
    def is_ready(self) -> bool:
        """Whether it runs, says that it is ready, has an address of its own, and stays."""
        status = self.status
        ready = any(each.type == "Ready" and each.status == "True" for each in self._conditions)
        stays = not self.metadata.deletion_timestamp and not self.spec.host_network
        return ready and stays and status.phase == "Running" and bool(status.pod_ip)

    @property
    def _conditions(self) -> list[_Condition]:
        return self.status.conditions or []

    @property
    def has_ended(self) -> bool:
        """Whether its container will not run any more."""
        return self.status.phase in {"Succeeded", "Failed"}

    @property
    def _waits(self) -> Iterator[_Waiting]:
        for each in self.status.container_statuses or ():
            if each.state is not None and each.state.waiting is not None:
                yield each.state.waiting

    @property
    def cannot_start(self) -> bool:
        """Whether waiting does not help, as where the image can't be pulled."""
        return any(each.reason in _HOPELESS for each in self._waits)

    @property
    def why(self) -> str:
        """Why it does not run, as Kubernetes says it."""
        status = self.status
        waits = [f"{each.reason}: {each.message}" for each in self._waits if each.message]
        unmet = [
            each.message
            for each in self._conditions
            if each.type == "PodScheduled" and each.status == "False"
        ]
        return next(filter(None, [*waits, *unmet, status.message, status.reason]), "")


RUNNING_PODS: Final = ApiKind("v1", "Pod", "pods", RunningPod)
