"""The groups say what the list of all pairs says: expanded by nothing but the document."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import jsonschema
import pytest

from benchmarks.mix import random_mix
from podwall.cli import main
from podwall.engines import ENGINES, SPEC, Engine
from podwall.model import IpProtocol, Snapshot
from podwall.reachability import Connection, Reachability, reachability
from podwall.reports.findings.documents import ledger_fields
from podwall.reports.reach.documents import groups_stream
from tests.core.clusters import Size, addressed, exposed, random_cluster
from tests.core.obscured import obscured
from tests.core.tier_clusters import random_tier_policies, with_tier_policies

ROOT: Final = Path(__file__).resolve().parents[2]
SCHEMA: Final = json.loads((ROOT / "docs/schemas/reach-groups.schema.json").read_text("utf-8"))
READING: Final[dict[str, Any]] = {"findings": (), **ledger_fields(())}
SIZE: Final = Size(workloads=6, policies=6)

Port = tuple[str, int]
"""A protocol, and a port of it."""


def document(found: Reachability) -> Any:
    return json.loads("".join(groups_stream(found, **READING)))


def some_ports(ranges: list[Any]) -> set[Port]:
    """Return the first and last ports of ranges, and those beside them: they tell sets apart."""
    return {
        (each["protocol"], port)
        for each in ranges
        for span in each["ports"]
        for end in span
        for port in (end - 1, end, end + 1)
        if 1 <= port <= 65535
    }


def holds(ranges: list[Any], port: Port) -> bool:
    own = (each["ports"] for each in ranges if each["protocol"] == port[0])
    return any(first <= port[1] <= last for spans in own for first, last in spans)


def among(spans: list[list[int]], number: int) -> bool:
    return any(first <= number <= last for first, last in spans)


def verdict(groups: Any, source: int, destination: int, port: Port) -> str:
    """Return what a document says about one flow, as its schema describes it."""
    inside = len(groups["workloads"])
    if min(source, destination) >= inside:
        return "denied"
    if source == destination and among(groups["single_pods"], source):
        return "allowed"
    sides = []
    for side in ("egress", "ingress"):
        ports = [
            groups["ports"][each["ports"]]
            for each in groups[side]
            if among(groups["sets"][each["sources"]], source)
            and among(groups["sets"][each["destinations"]], destination)
        ]
        allowed = any(holds(each["allowed"], port) for each in ports)
        doubtful = any(holds(each["undetermined"], port) for each in ports)
        sides.append(2 if allowed else int(doubtful))
    return ("denied", "undetermined", "allowed")[min(sides)]


def differing(found: Reachability) -> Iterator[str]:
    """Yield the flows about which the groups and the list differ."""
    groups = document(found)
    jsonschema.validate(groups, SCHEMA)
    ends = [each["id"] for each in groups["workloads"]] + groups["externals"]
    assert ends == [each.id for each in found.endpoints]
    ports = {p for each in groups["ports"] for key in each for p in some_ports(each[key])}
    pairs: defaultdict[tuple[str, str], Connection | None] = defaultdict(lambda: None)
    pairs.update({(each.source_id, each.destination_id): each for each in found.connections()})
    for a, source in enumerate(ends):
        for b, destination in enumerate(ends):
            for port in sorted(ports):
                said, meant = verdict(groups, a, b, port), in_list(pairs[source, destination], port)
                if said != meant:
                    yield f"{source} -> {destination} on {port}: {said}, and listed {meant}"


def in_list(connection: Connection | None, port: Port) -> str:
    """Return what the list says about one flow: a pair that is not listed is denied."""
    if connection is None:
        return "denied"
    protocol = IpProtocol(port[0])
    if connection.allowed.contains(protocol, port[1]):
        return "allowed"
    doubtful = (each.ports.contains(protocol, port[1]) for each in connection.undetermined)
    return "undetermined" if any(doubtful) else "denied"


def plain(rng: Random) -> Snapshot:
    return exposed(rng, random_cluster(rng, SIZE))


def with_addresses(rng: Random) -> Snapshot:
    return addressed(rng, random_cluster(rng, Size(workloads=6, policies=6, hosts=False)))


def with_tiers(rng: Random) -> Snapshot:
    return with_tier_policies(random_cluster(rng, SIZE), random_tier_policies(rng))


def partly_unknown(rng: Random) -> Snapshot:
    return obscured(rng, random_cluster(rng, SIZE), 0.15)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda each: str(each.name))
@pytest.mark.parametrize("cluster", [plain, with_addresses, with_tiers, partly_unknown])
@pytest.mark.long(keep=1)
def test_groups_expand_to_the_list(cluster: Callable[[Random], Snapshot], engine: Engine) -> None:
    for seed in range(3):
        found = reachability(cluster(Random(f"groups {seed}")), engine)
        assert list(differing(found)) == []


def test_groups_are_as_many_as_what_is_written() -> None:
    groups = document(reachability(random_mix(400), SPEC))
    assert len(groups["egress"]) + len(groups["ingress"]) < 8 * len(groups["workloads"])


def test_sets_are_written_out_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reachability(random_mix(60), SPEC)
    at_once = document(found)
    monkeypatch.setattr("podwall.verdict_table._MOST_LISTED", 7)
    assert document(found) == at_once


def test_what_is_open_to_unseen_pods_is_among_the_groups(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["reach", str(ROOT / "examples/shop"), "-o", "groups"]) == 0
    groups = json.loads(capsys.readouterr().out)
    assert main(["reach", str(ROOT / "examples/shop"), "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    for key in ("engine", "closed", "workloads", "exposure", "unseen", "findings"):
        assert groups[key] == listed[key]


def test_groups_of_a_part_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["reach", str(ROOT / "examples/shop"), "-o", "groups", "--focus", "shop/api"]
    assert main(asked) == 2
    assert "`-o groups` is the whole answer" in capsys.readouterr().err
