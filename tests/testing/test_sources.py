"""Where the reachability of a test comes from: programs of every kind, manifests, previews."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import pytest

from podwall.expectations import INTERNET, pods
from podwall.policies import tcp
from podwall.policies.errors import InvalidManifest, InvalidValue, SourceError
from podwall.testing import UnseenObjects, reach_of_program, reach_of_source
from tests.testing.programs import (
    COMPONENTS,
    FILES,
    FIRST_FILES,
    OPEN,
    RAW,
    project,
    with_policies,
)

PREVIEW = Path(__file__).resolve().parents[1] / "data" / "previews" / "first.json"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(RAW, id="plain objects"),
        pytest.param(FILES, id="a ConfigGroup of the second version"),
        pytest.param(FIRST_FILES, id="a ConfigFile of the first version"),
        pytest.param(COMPONENTS, id="podwall's components"),
    ],
)
def test_programs_of_every_kind_answer_alike(tmp_path: Path, program: str) -> None:
    reach = reach_of_program(project(tmp_path, program))
    assert reach.allows("shop/web", "shop/api", tcp(8080))
    assert reach.allows("shop/api", "shop/db", tcp("main"))
    assert reach.denies("shop/web", "shop/db")
    assert reach.denies(INTERNET, pods("shop"))
    reach.assert_only("shop/api", "shop/db", tcp(5432))
    reach.assert_isolated("shop/db")
    assert reach.plan is not None
    assert any(each.type.endswith(":NetworkPolicy") for each in reach.plan.resources)


def test_undetermined_is_neither_and_names_its_cause(tmp_path: Path) -> None:
    program = """
from pulumi_kubernetes.core.v1 import Namespace, Pod
from pulumi_kubernetes.networking.v1 import NetworkPolicy
shop = Namespace("shop", metadata={"name": "shop"})
for name in ("web", "db"):
    Pod(name, metadata={"name": name, "namespace": "shop", "labels": {"app": name}},
        spec={"containers": [{"name": "a", "image": "b"}]})
NetworkPolicy("db", metadata={"name": "db", "namespace": "shop"}, spec={
    "pod_selector": {"match_labels": {"app": shop.metadata.uid}}, "policy_types": ["Ingress"]})
"""
    reach = reach_of_program(project(tmp_path, program))
    for statement in (
        reach.allows("shop/web", "shop/db", tcp(5432)),
        reach.denies("shop/web", "shop/db", tcp(5432)),
        reach.denies("shop/web", "shop/db"),
    ):
        assert not statement
        assert repr(statement).startswith("<undetermined: shop/web perhaps reaches shop/db on ")
        assert "known only after deployment of Namespace `shop`" in str(statement)
    with pytest.raises(AssertionError, match="not certain that a policy isolates shop/db"):
        reach.assert_isolated("shop/db", "ingress")
    with pytest.raises(AssertionError, match="perhaps reaches shop/db"):
        reach.assert_only("203.0.113.7", "shop/db")


def test_a_preview_is_a_source_as_well() -> None:
    reach = reach_of_source(PREVIEW)
    assert reach.found.workloads
    ends = [each.id for each in reach.found.workloads]
    assert reach.allows(ends[0], ends[-1], tcp(80)) or reach.denies(ends[0], ends[-1], tcp(80))


def test_configuration_and_engine_are_chosen(tmp_path: Path) -> None:
    folder = project(tmp_path, RAW)
    reach = reach_of_program(folder, config={"client": "web"}, engine="calico")
    reach.assert_only("shop/web", "shop/db", tcp(5432))
    assert reach.found.engine.name == "calico"
    assert "engine calico" in str(reach.denies("shop/web", "shop/db"))
    reach_of_program(folder).assert_only("shop/api", "shop/db", tcp(5432))


def test_an_object_that_the_api_server_would_refuse_fails_every_test(tmp_path: Path) -> None:
    bad = OPEN.replace("[{}]", "[{from: [{ipBlock: {cidr: nonsense}}]}]")
    with pytest.raises(InvalidManifest, match="nonsense"):
        with_policies(tmp_path, bad)
    program = f"from pulumi_kubernetes.yaml.v2 import ConfigGroup\nConfigGroup('a', yaml={bad!r})"
    with pytest.raises(InvalidManifest, match="nonsense"):
        reach_of_program(project(tmp_path, program))


def test_objects_that_a_plan_cannot_show_are_warned_of(tmp_path: Path) -> None:
    program = RAW + ("from pulumi_kubernetes.helm.v4 import Chart\nChart('store', chart='store')\n")
    with pytest.warns(UnseenObjects, match="the objects of Chart `store` are not in the plan"):
        reach_of_program(project(tmp_path, program))


def test_a_program_that_fails_says_where(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"__main__\.py:1: the program raised `ZeroDivisionError`"
    ):
        reach_of_program(project(tmp_path, "1 / 0"))


def test_an_asynchronous_test_can_plan_too(tmp_path: Path) -> None:
    async def test() -> None:
        assert reach_of_program(project(tmp_path, RAW)).denies("shop/web", "shop/db")

    asyncio.run(test())


def test_the_findings_of_a_plan_are_those_of_the_preview(tmp_path: Path) -> None:
    reach = reach_of_program(project(tmp_path, RAW + LOST))
    with pytest.raises(AssertionError, match=r"error\[policy-without-pods\]"):
        reach.assert_no_findings("error")


LOST = """
NetworkPolicy("lost", metadata={"name": "lost", "namespace": "shop"}, spec={
    "pod_selector": {"match_labels": {"app": "nobody"}}, "policy_types": ["Ingress"]})
"""


def test_no_warning_is_given_where_everything_is_seen(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reach_of_program(project(tmp_path, FILES))


_POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: {name}}}}}\nspec: {{}}\n"
)
_DENY = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\n"
    "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"
)
_RELEASE = (
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
    "metadata: {name: ingress, namespace: shop}\nspec: {}\n"
)


def test_several_sources_are_one_cluster_in_the_namespace_that_is_said(tmp_path: Path) -> None:
    web, rest = tmp_path / "web.yaml", tmp_path / "rest.yaml"
    web.write_text(_POD.format(name="web"), "utf-8")
    rest.write_text(f"{_POD.format(name='db')}---\n{_DENY}", "utf-8")
    reach = reach_of_source(web, rest, namespace="shop", closed=True)
    assert reach.denies("shop/web", "shop/db")
    with pytest.raises(InvalidValue, match="no source is given"):
        reach_of_source()


def test_what_is_not_read_holds_no_statement_until_it_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    pods_ = "---\n".join(_POD.format(name=name) for name in ("web", "db"))
    file.write_text(f"{pods_}---\n{_DENY}---\n{_RELEASE}", "utf-8")
    with pytest.warns(UnseenObjects, match="HelmRelease"):
        reach = reach_of_source(file, namespace="shop")
    assert not reach.denies("shop/web", "shop/db")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        accepted = reach_of_source(file, namespace="shop", accept_unread=["HelmRelease"])
    assert accepted.denies("shop/web", "shop/db")
