"""A pack as the Pulumi engine drives it: every resource first, then the stack."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from podwall.guardrails.pack import NAME, policies
from podwall.guardrails.rules.analysis import GROUPS, JUDGED_ELSEWHERE, KNOWN

__all__ = [
    "TODAY",
    "State",
    "Told",
    "cluster",
    "judged",
    "kubernetes",
    "messages",
    "objects",
    "recorded",
    "resource",
    "shared",
]

State = dict[str, Any]
TODAY = date(2026, 11, 23)
RECORDINGS = Path(__file__).parents[1] / "data" / "engine"
PREFIX = "urn:pulumi:dev::shop::"
LEVELS = {proto.ADVISORY: "advisory", proto.MANDATORY: "mandatory"}


class Told(NamedTuple):
    """What the engine is told: by which policy, how strictly, about what, in which words."""

    policy: str
    level: str
    name: str
    message: str


def resource(type_: str, name: str, inputs: Mapping[str, Any], **fields: Any) -> State:
    """Return the state of a resource that has no outputs yet."""
    return {"urn": f"{PREFIX}{type_}::{name}", "type": type_, "inputs": dict(inputs), **fields}


def cluster(profile: Mapping[str, Any] | None = None, **inputs: Any) -> State:
    """Return the state of a protected, private cluster on Cilium, or on what is given."""
    cilium = {
        "networkPlugin": "azure",
        "networkPluginMode": "overlay",
        "networkDataplane": "cilium",
        "networkPolicy": "cilium",
    }
    private = {"apiServerAccessProfile": {"enablePrivateCluster": True}}
    network = {"networkProfile": cilium if profile is None else dict(profile)}
    type_ = "azure-native:containerservice:ManagedCluster"
    return resource(type_, "aks", {**network, **private, **inputs}, protect=True)


def kubernetes(text: str, **fields: Any) -> State:
    """Return the state of a Kubernetes object that is given as YAML."""
    manifest = yaml.safe_load(text)
    group = "core/v1" if manifest["apiVersion"] == "v1" else manifest["apiVersion"]
    type_ = f"kubernetes:{group}:{manifest['kind']}"
    return resource(type_, manifest["metadata"]["name"], manifest, **fields)


def objects(*texts: str) -> list[State]:
    """Return the states of a protected cluster and of objects in it."""
    return [cluster(), *map(kubernetes, texts)]


def recorded(name: str) -> list[State]:
    """Return the resource states of a recorded preview or state."""
    document = json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
    if "steps" in document:
        return [step["newState"] for step in document["steps"] if step.get("newState")]
    found: list[State] = document["deployment"]["resources"]
    return found


def judged(
    states: Sequence[State],
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    remembered: bool = True,
) -> list[Told]:
    """Return what a new pack says; without `remembered`, it is shown only the outputs."""
    servicer: Any = _PolicyAnalyzerServicer(NAME, "0", policies(TODAY), EnforcementLevel.MANDATORY)
    servicer.Configure(_configuration(servicer, settings or {}), None)
    answers = [servicer.Analyze(_request(each), None) for each in states if remembered]
    answers.append(servicer.AnalyzeStack(_stack(states), None))
    return [_told(each) for answer in answers for each in answer.diagnostics]


def messages(found: Iterable[Told], policy: str) -> list[str]:
    """Return what one policy says: for each time the first line, after the description."""
    return [each.message.split("\n")[1] for each in found if each.policy == policy]


def shared(findings: Iterable[State]) -> Iterator[tuple[str, str]]:
    """Yield what the pack has to say of the findings of `podwall lint`: by which rule, and how.

    Of the deployment itself, as against its result, no pack is shown anything.
    """
    for finding in findings:
        rule = _rule(finding["id"], finding["severity"])
        of_deployment = finding["id"].startswith(("cluster-", "engine-changes", "policy-away"))
        if rule and not of_deployment:
            path = finding["place"].get("path")
            where = f"{path}: " if path else ""
            yield rule, f"{where}{finding['message']} [{finding['id']}]"


def _rule(id_: str, severity: str) -> str:
    """Return the rule that reports a finding of lint in lint's own words; empty for none."""
    groups = [group for group, ids in GROUPS.items() if id_ in ids]
    if groups or id_ in JUDGED_ELSEWHERE:
        return "".join(groups)
    refused = severity == "error" and id_ not in KNOWN
    return "object-refused" if refused else "lint" * (severity != "info")


def _told(diagnostic: Any) -> Told:
    name = diagnostic.urn.rpartition("::")[2]
    level = LEVELS[diagnostic.enforcementLevel]
    return Told(diagnostic.policyName, level, name, diagnostic.message)


def _configuration(servicer: Any, settings: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the configuration as the engine completes it: every policy with its level."""
    asked = proto.ConfigureAnalyzerRequest()
    for policy in servicer.GetAnalyzerInfo(None, None).policies:
        asked.policyConfig[policy.name].enforcementLevel = policy.enforcementLevel
    for name, values in settings.items():
        asked.policyConfig[name].properties.update(values)
    return asked


def _request(state: State) -> Any:
    request: Any = proto.AnalyzeRequest(**_identity(state))
    request.properties.update(_revealed(state.get("inputs", {})))
    return request


def _stack(states: Sequence[State]) -> Any:
    return proto.AnalyzeStackRequest(resources=[_shown(each) for each in states])


def _shown(state: State) -> Any:
    shown: Any = proto.AnalyzerResource(
        **_identity(state),
        parent=state.get("parent", ""),
        dependencies=state.get("dependencies", []),
    )
    shown.properties.update(_revealed(state.get("outputs", {})))
    for key, urns in (state.get("propertyDependencies") or {}).items():
        shown.propertyDependencies[key].urns.extend(urns)
    provider = state.get("provider", "").rpartition("::")[0]
    if provider:
        shown.provider.urn = provider
    return shown


def _identity(state: State) -> dict[str, Any]:
    return {
        "type": state["type"],
        "urn": state["urn"],
        "name": state["urn"].rpartition("::")[2],
        "options": proto.AnalyzerResourceOptions(protect=state.get("protect", False)),
    }


def _revealed(value: Any) -> Any:
    """Return properties without encrypted secrets: an engine decrypts them."""
    if isinstance(value, dict):
        return "a secret" if "ciphertext" in value else {k: _revealed(v) for k, v in value.items()}
    return [_revealed(each) for each in value] if isinstance(value, list) else value
