"""What Azure says of its engines, in literals: a number that is changed by mistake is noticed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from podwall.aks.limits import FIRST_WITHOUT_WINDOWS_2022, SUPPORT_ENDS, WINDOWS_2022_ENDS
from podwall.aks.network_engine import (
    KUBENET_ENDS,
    REFUSED_COMBINATIONS,
    EngineLimits,
    NetworkEngine,
    declared_engine,
)
from podwall.policies.errors import Unknown

AZURE, CALICO, CILIUM = NetworkEngine.AZURE, NetworkEngine.CALICO, NetworkEngine.CILIUM


def test_how_far_and_how_long_each_engine_goes() -> None:
    assert {each: each.limits for each in NetworkEngine} == {
        AZURE: EngineLimits(nodes=250, pods=20_000),
        CALICO: EngineLimits(),
        CILIUM: EngineLimits(),
    }
    assert {each: each.support_ends for each in NetworkEngine} == {
        AZURE: date(2028, 9, 30),
        CALICO: None,
        CILIUM: None,
    }
    assert [each for each in NetworkEngine if each.without_windows is None] == [CALICO]
    assert [each for each in NetworkEngine if each.enforces_ipv6] == [CILIUM]
    assert [each for each in NetworkEngine if each.has_advanced_policies] == [CILIUM]


def test_the_ends_that_azure_has_announced() -> None:
    assert date(2028, 3, 31) == KUBENET_ENDS
    assert date(2027, 3, 15) == WINDOWS_2022_ENDS
    assert str(FIRST_WITHOUT_WINDOWS_2022) == "1.36"
    assert {
        "1.34": date(2026, 11, 30),
        "1.35": date(2027, 3, 31),
        "1.36": date(2027, 6, 30),
    } == SUPPORT_ENDS


@pytest.mark.parametrize(
    ("inputs", "engine"),
    [
        ({}, None),
        ({"networkProfile": {}}, None),
        ({"networkProfile": {"networkPolicy": "none"}}, None),
        ({"networkProfile": {"networkPolicy": "None"}}, None),
        ({"networkProfile": {"networkPlugin": "kubenet"}}, None),
        ({"networkProfile": {"networkPolicy": "azure"}}, AZURE),
        ({"networkProfile": {"networkPolicy": "Calico"}}, CALICO),
        ({"sku": {"name": "Automatic"}}, CILIUM),
        ({"sku": {"name": "automatic"}, "networkProfile": {"podCidr": "10.0.0.0/16"}}, CILIUM),
        ({"sku": {"name": "Base"}}, None),
    ],
)
def test_an_engine_is_declared_or_surely_is_not(
    inputs: dict[str, Any], engine: NetworkEngine | None
) -> None:
    assert declared_engine(inputs) == engine


@pytest.mark.parametrize(
    "inputs",
    [
        {"networkProfile": Unknown("later")},
        {"networkProfile": {"networkPolicy": Unknown("later")}},
        {"networkProfile": {"networkPolicy": "antrea"}},
        {"networkProfile": {"networkPolicy": object()}},
        {"networkProfile": {"networkPlugin": "None"}},
        {"networkProfile": {"networkPlugin": Unknown("later"), "networkPolicy": "none"}},
        {"sku": {"name": Unknown("later")}},
        {"sku": Unknown("later"), "networkProfile": {"networkPlugin": "azure"}},
    ],
)
def test_an_engine_that_the_inputs_do_not_tell_is_unknown(inputs: dict[str, Any]) -> None:
    assert isinstance(declared_engine(inputs), Unknown)


def test_what_every_engine_sets_goes_together() -> None:
    for engine in NetworkEngine:
        profile = {
            "networkPlugin": engine.plugin,
            "networkPolicy": engine.policy,
            "networkDataplane": engine.dataplane,
            "networkPluginMode": "overlay",
            "ipFamilies": ["IPv4"],
        }
        assert not any(each.is_in({"networkProfile": profile}) for each in REFUSED_COMBINATIONS)
