"""Remember each resource's inputs, because a stack policy sees outputs only.

In a first preview a Kubernetes object has no outputs at all, while its inputs are complete. The
pack's process lives for the whole preview, and sees the inputs of a resource before the stack. What
Pulumi hands over are proxies that raise where a value is not known yet; they become plain values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi_policy import PolicyResource, ResourceValidationArgs, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from podwall.guardrails.deployment import Deployment, deployment_of
from podwall.guardrails.guardrail import UndeterminedJudgement
from podwall.plan import PlannedResource
from podwall.plan.values import UNKNOWN
from podwall.sources.pulumi_documents import ResourceState, planned_resource

__all__ = ["Memory", "plain"]


def plain(value: Any) -> Any:
    """Return a proxy as plain values, with Pulumi's own mark of an unknown where one is.

    An unknown that is read ends a whole policy, and with it the check of everything after it
    (https://github.com/pulumi/pulumi-policy/blob/main/sdk/python/lib/pulumi_policy/proxy.py).

    >>> from pulumi_policy.proxy import unknown_checking_proxy
    >>> plain(unknown_checking_proxy({"ports": [80.0, UNKNOWN]}))["ports"][1] == UNKNOWN
    True
    """
    if isinstance(value, Mapping):
        return {str(key): _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


COMPONENTS: Final = "kubernetes:yaml:"
"""What these types group are resources of their own."""


class Memory:
    """What a pack has seen of one stack, and what its rules can't tell until it is reported."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._inputs: dict[str, Mapping[str, Any]] = {}
        self._undetermined: dict[tuple[str, str], tuple[UndeterminedJudgement, ...]] = {}
        self._states: list[ResourceState] = []
        self._deployment = deployment_of([])

    def remember(self, args: ResourceValidationArgs) -> PlannedResource | None:
        """Remember the inputs of a resource, and return it as it is planned."""
        inputs = plain(args.props)
        self._inputs[args.urn] = inputs
        return planned_resource(
            ResourceState(args.urn, args.resource_type, inputs, protect=args.opts.protect)
        )

    def was_shown(self, urn: str) -> bool:
        """Return whether the program asked for a resource, as against what is only in the stack."""
        return urn in self._inputs

    def deployment(self, args: StackValidationArgs) -> Deployment:
        """Return what the stack will be, analysed once however many policies ask."""
        states = [self._state(each) for each in args.resources]
        if states != self._states:
            self._states = states
            self._deployment = deployment_of(states)
        return self._deployment

    def keep_undetermined(
        self, rule: str, urn: str, judgements: tuple[UndeterminedJudgement, ...]
    ) -> None:
        """Keep what a rule can't tell about a resource, or, without a URN, about the stack."""
        self._undetermined[rule, urn] = judgements

    def undetermined(self, urns: frozenset[str]) -> tuple[tuple[str, UndeterminedJudgement], ...]:
        """Return what rules can't tell of these resources and the stack, each with its rule."""
        return tuple(
            (rule, each)
            for (rule, urn), judgements in sorted(self._undetermined.items())
            if not urn or urn in urns
            for each in judgements
        )

    def _state(self, resource: PolicyResource) -> ResourceState:
        """Return a resource in the form in which Pulumi exports it."""
        outputs = plain(resource.props)
        dependencies = resource.property_dependencies
        return ResourceState(
            resource.urn,
            resource.resource_type,
            self._inputs.get(resource.urn, outputs),
            outputs,
            custom=not resource.resource_type.startswith(COMPONENTS),
            parent=resource.parent.urn if resource.parent else None,
            provider=f"{resource.provider.urn}::" if resource.provider else None,
            protect=resource.opts.protect,
            dependencies=[each.urn for each in resource.dependencies],
            property_dependencies={
                key: [each.urn for each in urns] for key, urns in dependencies.items()
            },
        )
