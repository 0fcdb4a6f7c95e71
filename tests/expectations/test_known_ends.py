"""What can be meant at most is found by an index: nobody whom a selection means is left out."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from podwall.expectations.expectation import (
    ANYTHING,
    Addresses,
    Internet,
    Outside,
    PodSelection,
    Selection,
    WorkloadId,
)
from podwall.expectations.selecting import KnownEnds, selected
from podwall.model import LabelMap, SnapshotWorkload, Unknown
from podwall.reachability.values import ExternalRange, WorkloadEndpoint


def end(namespace: str | Unknown, name: str) -> WorkloadEndpoint:
    workload = SnapshotWorkload(namespace, name, "Pod", LabelMap.of({"app": name}))
    return WorkloadEndpoint(f"{namespace}/{name}", workload)


ENDS = KnownEnds(
    [
        end("shop", "web"),
        end(Unknown("a setting"), "web"),
        end("bank", "web"),
        end("shop", "api"),
        ExternalRange(ip_network("203.0.113.0/24")),
    ]
)
WEB = (("app", "web"),)


@pytest.mark.parametrize(
    "selections",
    [
        [WorkloadId("shop/web")],
        [WorkloadId("shop/nobody")],
        [PodSelection("shop", WEB)],
        [PodSelection("elsewhere", WEB)],
        [PodSelection(None, WEB)],
        [WorkloadId("bank/web"), PodSelection("shop", ())],
        [WorkloadId("bank/web"), Outside("shop")],
        [Internet()],
        [Addresses(ip_network("203.0.113.0/25"))],
        [ANYTHING],
    ],
    ids=str,
)
def test_the_index_leaves_out_nobody_who_is_meant(selections: Sequence[Selection]) -> None:
    assert selected(selections, ENDS.meant_at_most(selections)) == selected(selections, ENDS.all)


def test_ends_come_in_their_order() -> None:
    found = [each.id for each in ENDS.with_ids(["shop/api", "shop/web", "nobody/there"])]
    assert found == ["shop/web", "shop/api"]
