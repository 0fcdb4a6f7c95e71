"""The walkthrough in a running cluster: five steps in namespaces of its own, removed at the end.

Each step's policies are put there, and then the three clients are made anew, as fresh pods: an
engine may know of a changed label only after a while, and of a policy at once.

Nothing that ends by itself can own a namespace, so what a killed walkthrough leaves goes in two
steps: its pods by their deadline and their owner, as those of every verification, and the
namespaces by the next walkthrough, once they are older than any walkthrough gets. Their age is
taken from the API server's clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import msgspec

from podwall.engines import Engine
from podwall.live import KubeContext
from podwall.live.connection import ApiConnection, ApiRequest, ClusterError, connected
from podwall.live.listing import POLICIES, listed
from podwall.model import IpProtocol
from podwall.policies import NetworkPolicy
from podwall.policies.errors import SourceError
from podwall.policies.presets import Step
from podwall.policies.presets import walkthrough as policies_at
from podwall.quick_dataclass import dataclass
from podwall.reachability import Verdict
from podwall.streams import show_progress
from podwall.verify.cleanup import Leftover, old_namespaces, removed
from podwall.verify.comparing import ConnectionProbe, ObservedAttempt
from podwall.verify.existing import RUNNING_PODS
from podwall.verify.running import run_probes
from podwall.verify.temporary import ProbeRun, namespace_manifest, server_manifest
from podwall.walkthrough import BACKEND_LABELS, CLIENTS, Attempt, walkthrough_step

__all__ = ["live_walkthrough"]

_PORT: Final = 80
_READY_SECONDS: Final = 120
_POLL: Final = 1.0
_LONGEST: Final = 2100
"""After so many seconds a walkthrough is over for certain: its backend has ended by its deadline.

One that is slow, beside others or on a busy cluster, keeps its namespaces until then.
"""


@dataclass(frozen=True, slots=True)
class _Namespaces:
    """The namespaces that stand for those of the walkthrough."""

    own: str
    other: str

    def of(self, name: str) -> str:
        return self.own if name == CLIENTS[0].namespace else self.other


def live_walkthrough(
    context: KubeContext, engine: Engine | str | None, how: ProbeRun, say: Callable[[str], None]
) -> tuple[ObservedAttempt, ...]:
    """Return the attempt of every client at every step, as predicted and as observed.

    Args:
        context: which cluster.
        engine: whose verdicts are predicted; None means the specification's.
        how: how the attempts are made.
        say: called with a sentence for each thing that another walkthrough has left there.

    Raises:
        SourceError: there is no such cluster, it does not answer, or it refuses.
        MissingExtra: `podwall[live]` is not installed.
    """
    with connected(context) as connection, _made(connection, how, say) as namespaces:
        return tuple(
            attempt
            for step in Step
            for attempt in _attempts(connection, step, engine, how, namespaces)
        )


@contextmanager
def _made(
    connection: ApiConnection, how: ProbeRun, say: Callable[[str], None]
) -> Iterator[_Namespaces]:
    """Make the namespaces with the backend, and remove them whatever happens."""
    names = _Namespaces(f"podwall-{how.run}-starwind", f"podwall-{how.run}-visitor")
    made: list[str] = []
    try:
        now = ""
        for name in (names.own, names.other):
            now = _create(connection, "/api/v1/namespaces", namespace_manifest(how.run, name))
            made.append(name)
        _remove_old(connection, now, made, say)
        backend = server_manifest("backend", names.own, BACKEND_LABELS, how)
        _create(connection, RUNNING_PODS.path(names.own), backend)
        _wait_for(connection, names.own)
        yield names
    finally:
        left = [Leftover(name, how.run, (f"/api/v1/namespaces/{name}",)) for name in made]
        for _ in removed(connection, left):
            pass
        _wait_until_gone(connection, made)


def _wait_until_gone(connection: ApiConnection, namespaces: Iterable[str]) -> None:
    """Wait until namespaces are removed, which takes as long as what is in them."""
    deadline = time.monotonic() + _READY_SECONDS
    for name in namespaces:
        while time.monotonic() < deadline:
            try:
                connection.get(f"/api/v1/namespaces/{name}")
            except ClusterError as problem:
                if problem.code == _NOT_FOUND:
                    break
                raise
            time.sleep(_POLL)


_NOT_FOUND: Final = 404


def _create(connection: ApiConnection, path: str, body: Mapping[str, Any]) -> str:
    """Create an object, and return the time at which the API server did."""
    answer = connection.send(ApiRequest("POST", path, body=body))
    return msgspec.json.decode(answer, type=_Created).metadata.creation_timestamp


class _CreatedMetadata(msgspec.Struct, rename="camel"):
    creation_timestamp: str


class _Created(msgspec.Struct):
    metadata: _CreatedMetadata


def _remove_old(
    connection: ApiConnection, now: str, own: Sequence[str], say: Callable[[str], None]
) -> None:
    """Remove the namespaces of walkthroughs that were killed, and say which others there are."""
    old, others = old_namespaces(connection, now, _LONGEST)
    for sentence in removed(connection, [each for each in old if each.namespace not in own]):
        say(sentence)
    for name in (each for each in others if each not in own):
        say(
            f"another walkthrough has namespace `{name}`: it runs, or was killed; "
            "`podwall verify --cleanup` removes it, and so does a later walkthrough"
        )


def _wait_for(connection: ApiConnection, namespace: str) -> None:
    """Wait until the backend is ready.

    Raises:
        SourceError: it does not start.
    """
    deadline = time.monotonic() + _READY_SECONDS
    why = ""
    while time.monotonic() < deadline:
        pods = listed(connection, RUNNING_PODS, namespace).items
        if any(each.is_ready for each in pods):
            return
        why = next((each.why for each in pods if each.why), why)
        if any(each.cannot_start or each.has_ended for each in pods):
            break
        time.sleep(_POLL)
    raise SourceError(
        f"the backend of the walkthrough does not start: {why or 'it is not known why'}",
        help="name an image that this cluster may pull, with --image",
        place=connection.place,
    )


def _attempts(
    connection: ApiConnection,
    step: Step,
    engine: Engine | str | None,
    how: ProbeRun,
    namespaces: _Namespaces,
) -> Iterator[ObservedAttempt]:
    """Yield what came of the three clients at a step."""
    show_progress(f"step {step}")
    found = walkthrough_step(step, engine, namespaces.own, namespaces.other)
    _put(connection, namespaces.own, policies_at(step, namespaces.own))
    ids = [f"{namespaces.of(each.namespace)}/{each.name}" for each in CLIENTS]
    backend = f"{namespaces.own}/backend"
    verdicts = [found.verdict(each, backend, IpProtocol.TCP, _PORT) for each in ids]
    probes = [
        ConnectionProbe(client, backend, _PORT, verdict)
        for client, verdict in zip(ids, verdicts, strict=True)
        if verdict is not Verdict.UNDETERMINED
    ]
    own_run = replace(how, run=f"{how.run}-{step.value}")
    made = run_probes(connection, found, probes, own_run)
    seen = {each.probe.client: each for each in made.results}
    for client, name, verdict in zip(CLIENTS, ids, verdicts, strict=True):
        yield ObservedAttempt(Attempt(step, client, verdict), seen.get(name))


def _put(connection: ApiConnection, namespace: str, policies: Iterable[NetworkPolicy]) -> None:
    """Leave no policies in a namespace but these."""
    path = POLICIES.path(namespace)
    for each in listed(connection, POLICIES, namespace).items:
        connection.send(ApiRequest("DELETE", f"{path}/{each.metadata.name}"))
    for policy in policies:
        _create(connection, path, policy.to_manifest())
