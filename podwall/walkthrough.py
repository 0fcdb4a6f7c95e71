"""The walkthrough: what each step's policy lets three clients do, as the analysis sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from podwall.engines import Engine
from podwall.model import IpProtocol
from podwall.policies.presets import Step
from podwall.policies.presets import walkthrough as policies_at
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, Verdict
from podwall.reading import Document
from podwall.review import review
from podwall.sources.model import Source, SourceKind, Stage

__all__ = [
    "BACKEND",
    "BACKEND_LABELS",
    "CLIENTS",
    "LABELS",
    "Attempt",
    "Client",
    "walkthrough",
    "walkthrough_step",
]

_OWN: Final = "starwind"
_OTHER: Final = "visitor"
_PORT: Final = 80

BACKEND: Final = f"{_OWN}/backend"
#: The labels that the policies name.
LABELS: Final[Mapping[str, str]] = MappingProxyType({"app": "webapp", "role": "frontend"})
BACKEND_LABELS: Final[Mapping[str, str]] = MappingProxyType({"app": "webapp", "role": "backend"})


@dataclass(frozen=True, slots=True)
class Client:
    """A pod that tries to reach the backend; a `labelled` one has `LABELS`."""

    name: str
    namespace: str
    labelled: bool

    @property
    def id(self) -> str:
        """The id of the pod in a reachability."""
        return f"{self.namespace}/{self.name}"


CLIENTS: Final = (
    Client("client-labelled", _OWN, labelled=True),
    Client("client-unlabelled", _OWN, labelled=False),
    Client("client-labelled", _OTHER, labelled=True),
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A client's attempt to reach the backend's page at a step, and how it ends."""

    step: Step
    client: Client
    verdict: Verdict


def walkthrough(engine: Engine | str | None = None) -> Iterator[Attempt]:
    """Yield the attempt of every client at every step, as `engine` decides it.

    The default engine is the specification.

    >>> [attempt.verdict.value for attempt in walkthrough()][-3:]
    ['allowed', 'denied', 'denied']
    """
    for step in Step:
        reach = walkthrough_step(step, engine)
        for client in CLIENTS:
            yield Attempt(step, client, reach.verdict(client.id, BACKEND, IpProtocol.TCP, _PORT))


def walkthrough_step(
    step: Step, engine: Engine | str | None = None, own: str = _OWN, other: str = _OTHER
) -> Reachability:
    """Return who reaches whom at a step, in the namespaces that stand for `starwind` and `visitor`.

    The default engine is the specification.
    """
    policies = (policy.to_manifest() for policy in policies_at(step, own))
    documents = tuple(Document(manifest) for manifest in (*_objects(own, other), *policies))
    source = Source(SourceKind.MANIFESTS, f"step {step}", Stage(documents))
    return review(source, engine).reachability


def _objects(own: str, other: str) -> Iterator[Mapping[str, Any]]:
    """Yield the namespaces, the backend and the clients."""
    for name in (own, other):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    yield _pod("backend", own, BACKEND_LABELS)
    for client in CLIENTS:
        labels = LABELS if client.labelled else {"app": "unknown"}
        namespace = own if client.namespace == _OWN else other
        yield _pod(client.name, namespace, labels)


def _pod(name: str, namespace: str, labels: Mapping[str, str]) -> Mapping[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
