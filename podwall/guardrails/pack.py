"""The policies of the pack, in the order in which they judge. Importing this starts nothing.

How Pulumi policies are made of guardrails: they remember inputs, read the configuration, judge, and
report. In a first preview a Kubernetes object has no outputs at all, while its inputs are complete.
The pack's process lives for the whole preview, and sees the inputs of a resource before the stack.
What Pulumi hands over are proxies that raise where a value is not known yet; they become plain
values.

What no guardrail can tell yet is reported by one policy apart, because nothing of it is broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from podwall.aks.resource_types import (
    is_cluster,
    is_unrecognised_cluster,
    may_be_cluster,
    may_hide_cluster,
)
from podwall.guardrails.guardrail import (
    UNREAD,
    ClusterGuardrail,
    ClusterRuleSettings,
    Deployment,
    Judgement,
    NamespaceRuleSettings,
    SourceSettings,
    StackGuardrail,
    UndeterminedJudgement,
    deployment_of,
    read_settings,
    schema_of,
    undetermined_cluster,
)
from podwall.guardrails.rules import analysis, isolation, replacement
from podwall.guardrails.rules import clusters as cluster_rules
from podwall.plan import PlannedResource
from podwall.plan.cluster import clusters, planned_cluster, unrecognised_clusters
from podwall.plan.model import UNKNOWN, kind_of
from podwall.policies.errors import Finding, Place, PodwallError
from podwall.reading import DeclaredCluster
from podwall.sources.pulumi_documents import ResourceState, planned_resource
from podwall.streams import one_line, shown_text

__all__ = [
    "NAME",
    "Memory",
    "plain",
    "policies",
    "rules",
    "undetermined",
]


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
        self._settings = SourceSettings()

    def configure(self, settings: SourceSettings) -> None:
        """Take what is said of the cluster, before the stack is judged."""
        self._settings = settings

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
            self._deployment = deployment_of(states, self._settings)
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


def _remembering(memory: Memory) -> ResourceValidationPolicy:
    """Return the policy that looks at every resource and objects to none."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        memory.remember(args)
        try:
            memory.configure(read_settings(SourceSettings, args.get_config()))
        except PodwallError as problem:
            report(_problem(problem), args.urn)

    return ResourceValidationPolicy(
        "remember-inputs",
        "Remembers what the program asks for; without it, rules see only what is deployed.",
        validate,
        EnforcementLevel.ADVISORY,
        schema_of(SourceSettings),
    )


def _cluster_policy(rule: ClusterGuardrail[Any], memory: Memory) -> ResourceValidationPolicy:
    """Return the policy that judges every AKS cluster of a stack by one rule."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = memory.remember(args) if may_be_cluster(args.resource_type) else None
        if resource is None:
            return
        try:
            settings = read_settings(rule.settings, args.get_config())
            judgements = list(_of_cluster(rule, resource, settings))
        except PodwallError as problem:
            report(_problem(problem), args.urn)
            return
        for each in judgements:
            if isinstance(each, Finding):
                report(_violation_text(each, rule.id), args.urn)
        memory.keep_undetermined(rule.id, args.urn, _undetermined_of(judgements))

    return ResourceValidationPolicy(validate=validate, **_about(rule))


def _stack_policy(rule: StackGuardrail[Any], memory: Memory) -> StackValidationPolicy:
    """Return the policy that judges a whole stack by one rule."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        deployment = memory.deployment(args)
        try:
            settings = read_settings(rule.settings, args.get_config())
            parts = [(each, list(_of_stack(rule, each, settings))) for each in deployment.parts]
        except PodwallError as problem:
            report(_problem(problem), None)
            return
        for each in dict.fromkeys(kept for part in parts for kept in _kept(*part)):
            report(_violation_text(each, rule.id), _urn(each.place, deployment))
        judgements = dict.fromkeys(each for _, found in parts for each in found)
        memory.keep_undetermined(rule.id, "", _undetermined_of(judgements))

    return StackValidationPolicy(validate=validate, **_about(rule))


def _violation_text(finding: Finding, rule: str) -> str:
    """Return a finding as people read it under a rule: where, what, and what to do."""
    path = f"{finding.place.path}: " if finding.place.path else ""
    id_ = f" [{finding.id}]" if finding.id != rule else ""
    return _shown(f"{path}{finding.message}{id_}", finding.help)


def _about(rule: ClusterGuardrail[Any] | StackGuardrail[Any]) -> dict[str, Any]:
    return {
        "name": rule.id,
        "description": rule.description,
        "enforcement_level": rule.enforcement,
        "severity": rule.severity,
        "remediation_steps": rule.remediation,
        "url": rule.link,
        "config_schema": schema_of(rule.settings),
    }


def _of_cluster(
    rule: ClusterGuardrail[Any], cluster: PlannedResource, settings: ClusterRuleSettings
) -> Iterable[Judgement]:
    if any(each.cluster == cluster.name for each in settings.exempt):
        return ()
    hidden = may_hide_cluster(cluster.type, cluster.inputs)
    if hidden or is_unrecognised_cluster(cluster.type, cluster.inputs):
        return (undetermined_cluster(cluster),)
    return rule.judge(cluster, settings) if is_cluster(cluster.type) else ()


def _of_stack(
    rule: StackGuardrail[Any], deployment: Deployment, settings: Any
) -> Iterable[Judgement]:
    listed = settings.exempt if isinstance(settings, NamespaceRuleSettings) else ()
    exempt = {deployment.shown(each.namespace) for each in listed}
    for judgement in rule.judge(deployment, settings):
        if deployment.namespaces.get(judgement.place.source) not in exempt:
            yield judgement


def _kept(deployment: Deployment, judgements: Iterable[Judgement]) -> Iterable[Finding]:
    """Return the findings that no annotation in the stack silences, each once."""
    findings = [each for each in judgements if isinstance(each, Finding)]
    return deployment.kept(findings) if findings else ()


def _undetermined_of(judgements: Iterable[Judgement]) -> tuple[UndeterminedJudgement, ...]:
    return tuple(each for each in judgements if isinstance(each, UndeterminedJudgement))


def _urn(place: Place, deployment: Deployment) -> str | None:
    return place.source if place.source in deployment.resources else None


def _problem(problem: PodwallError) -> str:
    return _shown(str(problem), problem.help)


def _shown(text: str, help_: str) -> str:
    """Return a text and what to do, each on a line of its own, as the engine's log may have it."""
    lines = [one_line(text), *([f"help: {one_line(help_)}"] if help_ else [])]
    return shown_text("\n".join(lines))


_ID: Final = "undetermined"
LINTS: Final = frozenset(
    {
        "cluster-not-recognised",
        "engine-not-known",
        "known-only-after-deployment",
        "unseen-objects",
        *UNREAD,
    }
)


def undetermined(memory: Memory) -> StackValidationPolicy:
    """Return the policy that reports what no rule can tell yet; it has to come after them.

    It only advises, because a first preview knows little. Made mandatory, it refuses whatever can't
    be judged.
    """

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        deployment = memory.deployment(args)
        for rule, each in dict.fromkeys(_all_undetermined(memory, deployment)):
            path = f"{each.place.path}: " if each.place.path else ""
            report(f"{path}{each.because} [{rule}]", _urn(each.place, deployment))

    return StackValidationPolicy(
        _ID,
        "What depends on values that are not known yet is undetermined: neither kept nor broken.",
        validate,
        EnforcementLevel.ADVISORY,
        severity=Severity.LOW,
        remediation_steps="Write the value instead of an output, or judge again after deployment.",
        url="https://www.pulumi.com/docs/iac/concepts/inputs-outputs/",
    )


def _all_undetermined(
    memory: Memory, deployment: Deployment
) -> Iterator[tuple[str, UndeterminedJudgement]]:
    yield from memory.undetermined(frozenset(deployment.resources))
    for cluster in clusters(deployment.plan):
        if not memory.was_shown(cluster.urn):
            yield _ID, _not_shown(cluster)
    for one, other in deployment.unclear:
        yield (
            _ID,
            UndeterminedJudgement(
                f"whether the providers `{one}` and `{other}` speak to the same cluster is not "
                "known: each is judged as one of its own",
                Place(),
            ),
        )
    for part in deployment.parts:
        for finding in part.findings:
            if finding.id in LINTS:
                yield finding.id, UndeterminedJudgement(finding.message, finding.place)
        yield from ((_ID, each) for each in _limits_of_sight(part))


def _not_shown(cluster: PlannedResource) -> UndeterminedJudgement:
    return UndeterminedJudgement(
        f"the rules about one cluster are shown nothing of `{cluster.name}`: it is only read, or is"
        " not what this deployment is about",
        Place(cluster.urn),
    )


def _limits_of_sight(deployment: Deployment) -> Iterator[UndeterminedJudgement]:
    """Yield what keeps all rules from seeing."""
    for urn in sorted(deployment.unseen & deployment.resources.keys()):
        resource = deployment.resources[urn]
        title = f"{kind_of(resource.type)} `{resource.name}`"
        yield UndeterminedJudgement(
            f"nothing is known of {title}: no rule can judge it", Place(urn)
        )
    plan = deployment.plan
    count = sum(1 for _ in (*clusters(plan), *unrecognised_clusters(plan)))
    if count > 1 and planned_cluster(plan) == DeclaredCluster():
        yield UndeterminedJudgement(
            f"the objects of {count} clusters are judged as if they were in one", Place()
        )


NAME: Final = "podwall-guardrails"


def rules(today: date) -> tuple[ClusterGuardrail[Any] | StackGuardrail[Any], ...]:
    """Return all rules as they are on a day: those for clusters, then those for stacks."""
    end, limits = cluster_rules.lifetime_rules(today)
    return (
        *cluster_rules.ENGINE_RULES,
        *cluster_rules.ACCESS_RULES,
        end,
        limits,
        *replacement.REPLACEMENT_RULES,
        *analysis.EXPECTATION_RULES,
        *isolation.ISOLATION_RULES,
        *analysis.LINT_RULES,
        *isolation.ORDER_RULES,
    )


def policies(today: date | None = None) -> list[Policy]:
    """Return new policies that remember what they see together: one pack, one stack.

    Args:
        today: the day on which the end of support is judged; None is the computer's date.
    """
    memory = Memory()
    day = today or date.today()  # noqa: DTZ011 - an end of support is a day, whatever the zone
    return [
        _remembering(memory),
        *(_policy(each, memory) for each in rules(day)),
        undetermined(memory),
    ]


def _policy(rule: ClusterGuardrail[Any] | StackGuardrail[Any], memory: Memory) -> Policy:
    if isinstance(rule, ClusterGuardrail):
        return _cluster_policy(rule, memory)
    return _stack_policy(rule, memory)
