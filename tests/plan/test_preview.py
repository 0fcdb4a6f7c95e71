"""From a plan to what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.model import IpProtocol
from podwall.plan import Operation, Plan, PlannedResource
from podwall.policies.errors import Severity, Unknown
from podwall.reachability import Verdict
from podwall.review import Review, review
from podwall.sources import source_of_program
from tests.plan.projects import plan_of

POLICY = """
from pulumi_kubernetes.networking.v1 import NetworkPolicy

Namespace("shop", metadata={"name": "shop"})
pod("web", labels={"role": ROLE})
pod("db", labels={"role": "db"})
NetworkPolicy(
    "db",
    metadata={"name": "db", "namespace": "shop"},
    spec={
        "pod_selector": {"match_labels": {"role": "db"}},
        "policy_types": ["Ingress"],
        "ingress": [
            {
                "from_": [{"pod_selector": {"match_labels": {"role": "web"}}}],
                "ports": [{"port": 5432}],
            }
        ],
    },
)
"""
CLUSTER = "azure-native:containerservice:ManagedCluster"


def preview(plan: Plan, engine: str | None = None) -> Review:
    return review(source_of_program(plan, Path()), engine)


def verdict(folder: Path, role: str, setup: str = "") -> Verdict:
    seen = preview(plan_of(folder, f"{setup}{POLICY.replace('ROLE', role)}"))
    return seen.reachability.verdict("shop/web", "shop/db", IpProtocol.TCP, 5432)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param("'web'", Verdict.ALLOWED, id="the label that the policy names"),
        pytest.param("'api'", Verdict.DENIED, id="another one"),
        pytest.param("Pod('x').metadata.uid", Verdict.UNDETERMINED, id="one that is not known yet"),
        pytest.param("Output.secret('web')", Verdict.UNDETERMINED, id="a secret one"),
    ],
)
def test_a_label_decides(tmp_path: Path, role: str, expected: Verdict) -> None:
    assert verdict(tmp_path, role) is expected


def test_what_is_undetermined_says_why(tmp_path: Path) -> None:
    program = POLICY.replace("ROLE", "Pod('x').metadata.uid")
    reach = preview(plan_of(tmp_path, program)).reachability
    (part,) = reach.connection("shop/web", "shop/db").undetermined
    assert "`metadata.labels.role` of Pod `web` is known only after deployment" in part.because


def test_the_engine_is_the_planned_clusters_unless_another_is_named() -> None:
    inputs = {"networkProfile": {"networkPolicy": "cilium"}}
    plan = Plan("shop", "dev", (PlannedResource("u", CLUSTER, "aks", inputs),))
    assert preview(plan).reachability.engine.name == "cilium"
    assert preview(plan, "calico").reachability.engine.name == "calico"


@pytest.mark.parametrize(
    ("change", "replaced_by", "message"),
    [
        pytest.param(
            Operation.REPLACE,
            ("networkProfile.networkPolicy",),
            "the deployment replaces the AKS cluster `aks`, with everything that runs in it, "
            "because of `networkProfile.networkPolicy`",
            id="a replacement",
        ),
        pytest.param(
            Operation.DELETE,
            (),
            "the deployment deletes the AKS cluster `aks`, with everything that runs in it",
            id="a deletion",
        ),
    ],
)
def test_a_cluster_that_does_not_survive_is_the_first_error(
    change: Operation, replaced_by: tuple[str, ...], message: str
) -> None:
    cluster = PlannedResource("u", CLUSTER, "aks", {}, change=change, replaced_by=replaced_by)
    pod = PlannedResource("p", "kubernetes:core/v1:Pod", "web", {"metadata": Unknown("later")})
    finding, *_ = preview(Plan("shop", "dev", (pod, cluster))).findings
    assert (finding.severity, finding.message) == (Severity.ERROR, message)


def test_warnings_of_the_program_are_findings_at_the_resources_line(tmp_path: Path) -> None:
    program = """
        import warnings
        web = pod("web")
        pulumi.log.warn("mind the gap (https://example.com/gap)", web)
        pulumi.log.info("just so you know")
        warnings.warn("old news")
    """
    everything = preview(plan_of(tmp_path, program)).findings
    findings = [each for each in everything if each.id.startswith("program-")]
    assert [(each.severity, each.message, each.link) for each in findings] == [
        (Severity.WARNING, "mind the gap", "https://example.com/gap"),
        (Severity.WARNING, "old news", ""),
        (Severity.INFO, "just so you know", ""),
    ]
    assert [each.place.source for each in findings] == ["__main__.py", "__main__.py", ""]
    assert findings[1].place.line == 14


def test_a_label_that_nothing_carries_is_an_error_with_its_place_and_a_remedy(
    tmp_path: Path,
) -> None:
    findings = preview(plan_of(tmp_path, POLICY.replace("ROLE", "'wbe'"))).findings
    (stranger,) = [each for each in findings if "role=web" in each.message]
    assert stranger.severity is Severity.ERROR
    assert stranger.place.source == "__main__.py"
    assert "`role=wbe`" in stranger.help


def test_an_annotation_silences_a_lint(tmp_path: Path) -> None:
    silenced = "annotations={'podwall.dev/ignore': 'workload-not-isolated: it serves everyone'}"
    program = f"Namespace('shop', metadata={{'name': 'shop'}})\npod('web', {silenced})"
    ids = [each.id for each in preview(plan_of(tmp_path, program)).findings]
    assert "workload-not-isolated" not in ids


def test_severe_findings_come_first(tmp_path: Path) -> None:
    note = "pulumi.log.info('well')"
    plan = plan_of(tmp_path, f"{note}\n{POLICY.replace('ROLE', repr('wbe'))}")
    severities = [each.severity for each in preview(plan).findings]
    assert severities == sorted(severities, key=list(Severity).index)
    assert {Severity.WARNING, Severity.INFO} <= set(severities)
