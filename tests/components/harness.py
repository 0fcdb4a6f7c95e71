"""Declares components on Pulumi's mocks and tells what they registered.

Each call of `deploy` has an event loop and Pulumi settings of its own, so tests share nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, set_mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_pulumi_func

from podwall.plan.registration import NOTHING, plain, struct
from podwall.plan.sdk import StandInMonitor, answer

__all__ = ["KUBECONFIG", "SECRET_MARK", "SUBSCRIPTION", "Deployment", "Registered", "deploy"]

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"
SECRET_MARK = "4dabf18193072939515e22adb298388d"  # noqa: S105 - Pulumi's mark, not a secret
KUBECONFIG = """\
apiVersion: v1
clusters:
- name: shop
  cluster: {server: https://shop.example.test}
users:
- name: clusterUser
  user:
    exec:
      command: kubelogin
      args: [get-token, --login, devicecode, --server-id, s, --client-id, c, --tenant-id, t]
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """A resource as the engine would have received it; `inputs` have Azure's names."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    request: Any

    @property
    def id(self) -> str:
        """The id that Azure would have given it."""
        group = self.inputs.get("resourceGroupName", self.name)
        return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/{self.type}/{self.name}"

    @property
    def parent(self) -> str:
        """The name of the parent; empty for the stack."""
        return str(self.request.parent.split("::")[-1])

    @property
    def parent_type(self) -> str:
        """The type of the parent; empty for the stack."""
        above: list[str] = self.request.parent.split("::")[2:3]
        return above[0].split("$")[-1] if above else ""

    @property
    def depends_on(self) -> set[str]:
        """The names of the resources that this one waits for."""
        return {urn.split("::")[-1] for urn in self.request.dependencies}


@dataclass(slots=True)
class Deployment:
    """What a program registered, logged and returned."""

    resources: list[Registered] = field(default_factory=list)
    logged: list[logging.LogRecord] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, type_: str) -> list[Registered]:
        """Return the resources whose type ends with `type_`, in the order of registration."""
        return [each for each in self.resources if each.type.endswith(f":{type_}")]

    def one(self, type_: str, name: str | None = None) -> Registered:
        """Return the only resource of a type, or the one with this name."""
        found = [each for each in self.of(type_) if name in (None, each.name)]
        assert len(found) == 1, [each.name for each in self.of(type_)]
        return found[0]

    @property
    def warnings(self) -> list[str]:
        """What was logged as a warning."""
        return [each.getMessage() for each in self.logged if each.levelno == logging.WARNING]


def deploy(program: Callable[[], Mapping[str, Any] | None]) -> Deployment:
    """Run `program` on mocks; the outputs that it returns are resolved."""
    deployment = Deployment()
    with asyncio.Runner() as runner:
        contextvars.Context().run(runner.run, _deploy(program, deployment))
    return deployment


async def _deploy(program: Callable[[], Mapping[str, Any] | None], deployment: Deployment) -> None:
    monitor = _Recorder(deployment)
    set_mocks(monitor.mocks, monitor=monitor, logger=_logger(deployment))
    returned: dict[str, Any] = {}
    await run_pulumi_func(lambda: returned.update(program() or {}))
    for name, value in returned.items():
        output = pulumi.Output.from_input(value)
        deployment.values[name] = await output.future()
        if await output.is_secret():
            deployment.secrets.add(name)


def _logger(deployment: Deployment) -> logging.Logger:
    logger = logging.Logger("deployment", logging.INFO)  # noqa: LOG001 - shared with no other test
    logger.addHandler(_Keep(deployment.logged))
    return logger


class _Keep(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


class _Recorder(StandInMonitor):
    """Answers like Azure after a deployment, and keeps what it was asked.

    The original turns requests into Pulumi's values and makes an event loop for it in every thread.
    """

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(_NeverAsked())
        self._deployment = deployment

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        urn = self.make_urn(request.parent, request.type, request.name)
        made = Registered(urn, request.type, request.name, plain(request.object), request)
        self._deployment.resources.append(made)
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=made.id, object=struct(_state(made) if request.custom else {})
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self._deployment.outputs[request.urn] = plain(request.outputs)
        return NOTHING

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self._deployment.calls.append(request.tok)
        encoded = b64encode(KUBECONFIG.encode()).decode()
        told = {"kubeconfigs": [{"name": "clusterUser", "value": encoded}]}
        return answer(struct(told))


def _state(made: Registered) -> dict[str, Any]:
    state = {"name": made.name, "principalId": f"principal-of-{made.name}", **made.inputs}
    if not made.type.endswith(":ManagedCluster"):
        return state
    identity = made.inputs["identity"]
    ids = identity["userAssignedIdentities"]
    return state | {
        "name": made.inputs.get("resourceName", made.name),
        "identity": {**identity, "userAssignedIdentities": {each: {} for each in ids}},
        "fqdn": "shop.example.test",
        "nodeResourceGroup": f"MC_{made.name}",
        "oidcIssuerProfile": {"enabled": True, "issuerURL": "https://oidc.example.test/"},
        "identityProfile": {
            "kubeletidentity": {
                "objectId": "object-of-kubelet",
                "clientId": "client-of-kubelet",
            }
        },
    }


class _NeverAsked(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise NotImplementedError(args.typ)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)
