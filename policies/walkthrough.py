"""The backend's policy at each of the five steps of the walkthrough, and the pods it speaks of."""

from __future__ import annotations

from typing import Final, assert_never

from podwall.policies import (
    ALL_NAMESPACES,
    DENY_ALL,
    IngressRule,
    NetworkPolicy,
    Step,
    allow_from,
    namespace,
    pods,
    tcp,
)
from podwall.policies.rules import DenyAll

__all__ = ["STARWIND", "backend_policies"]

STARWIND: Final = namespace("starwind")

_FRONTEND: Final = {"app": "webapp", "role": "frontend"}
_HTTP: Final = tcp(80)


def backend_policies(step: Step) -> tuple[NetworkPolicy, ...]:
    """Return the backend's policies at a step: none while it is open, else one.

    >>> backend_policies(Step.OPEN)
    ()
    >>> [policy.name for policy in backend_policies(Step.DENY_ALL)]
    ['backend']
    """
    match step:
        case Step.OPEN:
            return ()
        case Step.DENY_ALL:
            return (_backend(DENY_ALL),)
        case Step.SAME_NAMESPACE:
            return (_backend([allow_from(pods(_FRONTEND), ports=_HTTP)]),)
        case Step.ANY_NAMESPACE:
            return (_backend([allow_from(ALL_NAMESPACES.pods(_FRONTEND), ports=_HTTP)]),)
        case Step.OWN_NAMESPACE:
            return (_backend([allow_from(STARWIND.pods(_FRONTEND), ports=_HTTP)]),)
        case _:
            assert_never(step)


def _backend(ingress: list[IngressRule] | DenyAll) -> NetworkPolicy:
    return NetworkPolicy(
        name="backend",
        namespace=STARWIND.name,
        pod_selector=pods(app="webapp", role="backend"),
        ingress=ingress,
    )
