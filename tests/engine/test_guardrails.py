"""The policy pack under the real engine: before, during and after a deployment."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from podwall.guardrails.rules.analysis import LINT_RULES
from tests.engine.workspace import ROOT, Document, EngineFailed, Workspace
from tests.guardrails.packs import shared

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PACK = ("--policy-pack", str(ROOT / "podwall" / "guardrails"))
ADVISORY = '{"all": "advisory"}'


def told(lines: str) -> list[Document]:
    """Return what policies said, from the engine's events."""
    events = (json.loads(line) for line in lines.splitlines() if line.startswith("{"))
    return [event["policyEvent"] for event in events if event.get("policyEvent")]


def gently(workspace: Workspace) -> tuple[str, ...]:
    """Return the options for a pack that only advises."""
    settings = workspace.folder / "gently.json"
    settings.write_text(ADVISORY, encoding="utf-8")
    return (*PACK, "--policy-pack-config", str(settings))


def previewed(workspace: Workspace) -> list[Document]:
    stream = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    options = ("--json", "--stack", workspace.stack, *gently(workspace))
    return told(workspace.pulumi("preview", *options, **stream))


def names(found: list[Document], policy: str) -> set[str]:
    """Return the resources to which a policy objects."""
    return {
        each["resourceUrn"].rpartition("::")[2] for each in found if each["policyName"] == policy
    }


def test_a_first_preview_is_refused_for_what_it_opens(plain_new: Workspace) -> None:
    with pytest.raises(EngineFailed) as failed:
        plain_new.pulumi("preview", "--stack", "dev", "--diff", *PACK)
    assert "everyone may connect to" in failed.value.output
    assert "has no policy that denies ingress by default" in failed.value.output


def test_a_first_preview_is_judged_although_it_has_no_outputs(plain_new: Workspace) -> None:
    found = previewed(plain_new)
    assert names(found, "workload-open") == {"scan"}
    assert names(found, "namespace-without-default-deny") == {"tools"}
    assert names(found, "workload-before-policies") == {"web", "api"}
    assert names(found, "cluster-unprotected") == {"aks"}


def test_the_preview_of_an_update_is_judged_with_what_does_not_change(plain: Workspace) -> None:
    found = previewed(plain.configured({"allow": "true"}))
    assert names(found, "workload-open") == {"scan"}
    assert names(found, "workload-before-policies") == {"web", "api"}


def test_another_engine_is_a_replacement_or_undetermined(plain: Workspace, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps(plain.export()), encoding="utf-8")
    plain.configured({"engine": "cilium"})
    assert names(previewed(plain), "undetermined") >= {"aks"}
    settings = tmp_path / "settings.json"
    settings.write_text(
        json.dumps({"all": "advisory", "cluster-replaced": {"deployed": str(state)}}),
        encoding="utf-8",
    )
    options = ("--diff", "--stack", "dev", *PACK, "--policy-pack-config", str(settings))
    assert "replaces cluster `aks`" in plain.pulumi("preview", *options)


@pytest.mark.parametrize("stack", ["plain", "dev"])
def test_a_state_is_judged_as_the_command_line_judges_it(
    stack: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    workspace: Workspace = request.getfixturevalue(stack)
    state = tmp_path / "state.json"
    state.write_text(json.dumps(workspace.export()), encoding="utf-8")
    command = ("policy", "analyze", "--json", "--file", str(state), *gently(workspace))
    found = told(workspace.pulumi(*command))
    linted = json.loads(workspace.podwall("lint", str(state), "-o", "json").stdout)["findings"]
    ids = {rule.id for rule in LINT_RULES}
    said = [each for each in found if each["policyName"] in ids]
    expected = list(shared(linted))
    assert Counter(each["policyName"] for each in said) == Counter(rule for rule, _ in expected)
    for rule, text in expected:
        assert any(text in each["message"] for each in said if each["policyName"] == rule)
    assert {each["policyName"] for each in found} - ids


def test_the_dev_stack_passes_with_its_own_exemptions(dev_new: Workspace) -> None:
    settings = str(ROOT / "podwall" / "guardrails" / "walkthrough.json")
    options = ("--stack", "dev", *PACK, "--policy-pack-config", settings)
    assert "podwall-guardrails" in dev_new.pulumi("preview", *options)


def test_pulumi_refuses_an_exemption_without_a_reason(plain_new: Workspace) -> None:
    settings = plain_new.folder / "wrong.json"
    settings.write_text(
        json.dumps({"workload-open": {"exempt": [{"namespace": "tools"}]}}), encoding="utf-8"
    )
    options = ("--stack", "dev", *PACK, "--policy-pack-config", str(settings))
    with pytest.raises(EngineFailed, match="reason"):
        plain_new.pulumi("preview", *options)


def test_what_the_component_makes_is_accepted(dev_new: Workspace) -> None:
    found = previewed(dev_new)
    mandatory = {each["policyName"] for each in found} & {
        "cluster-without-engine",
        "cluster-network-misfit",
        "cluster-beyond-engine",
        "object-refused",
        "policy-not-enforced",
    }
    assert mandatory == set()
