"""The situations of the Kubernetes end-to-end suite, each verdict as the suite expects it.

https://github.com/kubernetes/kubernetes/blob/v1.34.4/test/e2e/network/netpol/network_policy.go
"""

from __future__ import annotations

from fnmatch import fnmatch
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml

from podwall.model import IpProtocol
from podwall.reachability import reachability
from tests.judges.nine_pods import PODS, NinePods

CASES = yaml.safe_load((Path(__file__).parent / "data" / "upstream.yaml").read_text("utf-8"))
Table = dict[tuple[str, str], str]


def by_address(case: dict[str, Any]) -> bool:
    """Tell whether a case has an ip block."""
    return "ipBlock" in str(case)


def expected(but: list[str]) -> Table:
    """Return the suite's truth table: allowed, but for the lines, of which the last one counts."""
    table = dict.fromkeys(permutations(PODS, 2), "allowed")
    for line in but:
        source, _, destination, verdict = line.split()
        fits = [
            pair for pair in table if fnmatch(pair[0], source) and fnmatch(pair[1], destination)
        ]
        table.update(dict.fromkeys(fits, verdict))
    return table


def computed(pods: NinePods, port: str, engine: str) -> Table:
    """Return the verdicts of the analysis on a port such as `80/TCP`."""
    found = reachability(pods.snapshot(), engine)
    number, protocol = port.split("/")
    return {
        pair: str(found.verdict(*pair, IpProtocol(protocol), int(number)))
        for pair in permutations(PODS, 2)
    }


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=each["case"]) for each in CASES if not by_address(each)]
)
def test_the_suite_and_the_analysis_agree(case: dict[str, Any]) -> None:
    pods = NinePods()
    for step in case["steps"]:
        pods.changed(step)
        for port in step["ports"]:
            assert computed(pods, port, "spec") == expected(step.get("but", []))


@pytest.mark.parametrize("engine", ["azure", "calico"])
@pytest.mark.parametrize(
    "case", [pytest.param(each, id=each["case"]) for each in CASES if by_address(each)]
)
def test_where_ip_blocks_match_pods_the_suite_and_the_analysis_agree(
    case: dict[str, Any], engine: str
) -> None:
    pods = NinePods(running=True)
    for step in case["steps"]:
        pods.changed(step)
        for port in step["ports"]:
            assert computed(pods, port, engine) == expected(step.get("but", []))


@pytest.mark.parametrize("engine", ["spec", "azure", "calico"])
def test_where_a_pods_address_is_not_known_an_ip_block_settles_nothing(engine: str) -> None:
    pods = NinePods()
    pods.changed(next(each for each in CASES if by_address(each))["steps"][0])
    table = computed(pods, "80/TCP", engine)
    assert {table[pair] for pair in table if pair[0] == "x/a"} == {"undetermined"}
    assert {table[pair] for pair in table if pair[0] != "x/a"} == {"allowed"}


def test_every_case_of_the_suite_is_here_once() -> None:
    assert [int(each["case"].split()[0]) for each in CASES] == list(range(1, 49))
