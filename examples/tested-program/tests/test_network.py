"""Who may reach whom in the shop, held before anything is deployed.

`reach` and `reach_of` are fixtures that podwall brings: they plan ../__main__.py.
"""

from collections.abc import Callable

import pytest

from podwall.policies import tcp
from podwall.testing import Reach


def test_web_reaches_the_interface(reach: Reach) -> None:
    assert reach.allows("shop/web", "shop/api", tcp("http"))


def test_web_does_not_reach_the_database(reach: Reach) -> None:
    assert reach.denies("shop/web", "shop/db")


def test_only_the_interface_reaches_the_database(reach: Reach) -> None:
    reach.assert_only("shop/api", "shop/db", tcp(5432))


def test_nothing_outside_reaches_the_shop(reach: Reach) -> None:
    assert reach.denies("outside shop", ["shop/web", "shop/api", "shop/db"])


@pytest.mark.parametrize("name", ["shop/web", "shop/api", "shop/db"])
def test_everything_in_the_shop_is_isolated(reach: Reach, name: str) -> None:
    reach.assert_isolated(name)


@pytest.mark.podwall(stack="prod")
def test_prometheus_reads_the_metrics_in_production(reach: Reach) -> None:
    assert reach.allows("monitoring/prometheus", "shop/web", tcp("http"))


def test_monitoring_is_all_that_differs_between_the_stacks(
    reach_of: Callable[..., Reach],
) -> None:
    for stack in ("dev", "prod"):
        reach_of(stack=stack).assert_only("shop/web", "shop/api", tcp("http"))
    assert reach_of(config={"monitored": False}).denies("monitoring/prometheus", "shop/web")


def test_what_is_expected_holds_under_every_engine(reach_of: Callable[..., Reach]) -> None:
    for engine in ("azure", "calico", "cilium"):
        reach_of(engine=engine).assert_expectations("expectations.yaml")


def test_nothing_in_the_plan_is_doubtful(reach: Reach) -> None:
    reach.assert_no_findings("error")


def test_the_plan_has_the_resources_too(reach: Reach) -> None:
    deployments = [each for each in reach.plan.resources if each.type.endswith(":Deployment")]
    assert {each.name for each in deployments} == {"web", "api", "db", "prometheus"}
