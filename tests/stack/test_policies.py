"""The program's own policies say what the library foretells of them, and what the stack runs."""

from __future__ import annotations

import pytest

from components.applications import Images, shop
from podwall.policies import Step, walkthrough
from policies.shop import SHOP_POLICIES
from policies.walkthrough import backend_policies


@pytest.mark.parametrize("step", list(Step))
def test_the_backends_policies_are_those_that_podwall_walkthrough_foretells(step: Step) -> None:
    assert backend_policies(step) == walkthrough(step)


def test_every_policy_of_the_shop_selects_a_workload_of_the_shop() -> None:
    there = {(each.namespace, tuple(each.labels.items())) for each in shop(Images(), 2).workloads}
    selected = {
        (each.namespace, tuple(each.pod_selector.selector.match_labels.items()))
        for each in SHOP_POLICIES
    }
    assert selected == there
