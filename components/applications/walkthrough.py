"""The walkthrough: one backend, three clients, and a policy that grows step by step."""

from __future__ import annotations

from collections.abc import Mapping

from components.applications.application import Application, Images
from podwall.components.namespace_args import NamespaceArgs
from podwall.components.workload_args import ContainerPort, WorkloadArgs, WorkloadKind
from podwall.policies.presets import Step
from policies.walkthrough import STARWIND, backend_policies

__all__ = ["walkthrough"]

_OWN = STARWIND.name
_OTHER = "visitor"
_BACKEND = {"app": "webapp", "role": "backend"}
_LABELLED = {"app": "webapp", "role": "frontend"}
_UNLABELLED = {"app": "unknown"}

# Ends at once when it is told to, so that deleting a client takes no grace period.
_WAIT = "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"


def walkthrough(step: Step, images: Images) -> Application:
    """Return the walkthrough at a step: what the backend's policy lets the three clients do.

    Its namespaces deny nothing by themselves, or the step `open` would not be open.

    >>> [workload.id for workload in walkthrough(Step.OPEN, Images()).workloads]
    ... # doctest: +NORMALIZE_WHITESPACE
    ['starwind/backend', 'starwind/client-labelled', 'starwind/client-unlabelled',
     'visitor/client-labelled']
    """
    return Application(
        namespaces=(_open(_OWN), _open(_OTHER)),
        workloads=(
            _backend(images.backend),
            _client(_OWN, "client-labelled", _LABELLED, images.client),
            _client(_OWN, "client-unlabelled", _UNLABELLED, images.client),
            _client(_OTHER, "client-labelled", _LABELLED, images.client),
        ),
        policies=backend_policies(step),
    )


def _open(name: str) -> NamespaceArgs:
    return NamespaceArgs(name=name, deny_ingress=False, deny_egress=False)


def _backend(image: str) -> WorkloadArgs:
    return WorkloadArgs(
        name="backend",
        namespace=_OWN,
        labels=_BACKEND,
        image=image,
        kind=WorkloadKind.POD,
        ports=(ContainerPort(name="http", number=80),),
    )


def _client(namespace: str, name: str, labels: Mapping[str, str], image: str) -> WorkloadArgs:
    return WorkloadArgs(
        name=name,
        namespace=namespace,
        labels=labels,
        image=image,
        kind=WorkloadKind.POD,
        command=("sh", "-c", _WAIT),
    )
