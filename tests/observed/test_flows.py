"""Observed flows beside predicted ones, from the command line on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from podwall.observed import comparing
from tests.cli.running import podwall
from tests.observed.records import WORLD, flow_record, lines, pod, table_row

SHOP = Path(__file__).parents[2] / "examples" / "shop"
WEB, API = pod("shop", "web", app="web"), pod("shop", "api", app="api")
DB = pod("shop", "db", "StatefulSet", "db-0", app="db")
DROPPED: dict[str, Any] = {
    "verdict": "DROPPED",
    "drop_reason_desc": "POLICY_DENIED",
    "is_reply": None,
}
LEFT: dict[str, Any] = {"traffic_direction": "EGRESS", "trace_observation_point": "TO_OVERLAY"}


def observed(folder: Path, *records: dict[str, Any] | str) -> dict[str, Any]:
    """Return what `podwall reach --flows` says of the shop as JSON."""
    (folder / "flows.jsonl").write_bytes(lines(*records))
    result = podwall(folder, "reach", str(SHOP), "--flows", "flows.jsonl", "-o", "json")
    found: dict[str, Any] = json.loads(result.out)
    return {**found, "code": result.code}


def verdicts(found: dict[str, Any]) -> dict[str, tuple[str, int]]:
    return {
        f"{each['source']} -> {each['destination']}:{each['port']}": (each["verdict"], each["seen"])
        for each in found["flows"]
    }


def test_what_is_in_use_and_denied_is_found(tmp_path: Path) -> None:
    found = observed(
        tmp_path, *[flow_record(WEB, API, 8080)] * 4, table_row(API, DB, 5432), flow_record(WEB, DB)
    )
    assert verdicts(found) == {
        "shop/web -> shop/api:8080": ("allowed", 4),
        "shop/api -> shop/db:5432": ("allowed", 1),
        "shop/web -> shop/db:80": ("denied", 1),
    }
    assert found["code"] == 1


def test_what_was_denied_already_is_not_in_use(tmp_path: Path) -> None:
    """A node lets it out, and the node of the server drops it: nothing has passed."""
    left = flow_record(WEB, DB, **LEFT)
    found = observed(tmp_path, left, flow_record(WEB, DB, **DROPPED), flow_record(WEB, API, 8080))
    assert verdicts(found)["shop/web -> shop/db:80"] == ("denied", 0)
    assert found["code"] == 0


def test_what_left_and_was_denied_nowhere_is_in_use(tmp_path: Path) -> None:
    found = observed(tmp_path, flow_record(WEB, DB, **LEFT))
    assert verdicts(found)["shop/web -> shop/db:80"] == ("denied", 1)


def test_what_is_open_and_not_seen_in_use_is_listed_by_ports(tmp_path: Path) -> None:
    found = observed(tmp_path, flow_record(WEB, API, 8080))
    pairs = {(each["source"], each["destination"]): each for each in found["never_used"]}
    assert ("shop/web", "shop/api") not in pairs
    assert pairs["shop/api", "shop/db"]["unused"] == [{"protocol": "TCP", "ports": [[5432, 5432]]}]


def test_an_end_that_is_not_known_is_never_judged(tmp_path: Path) -> None:
    ghost = pod("shop", "ghost", app="ghost")
    found = observed(tmp_path, flow_record(ghost, DB, 5432), flow_record(WEB, API, 8080))
    assert verdicts(found) == {"shop/web -> shop/api:8080": ("allowed", 1)}
    assert [each["records"] for each in found["not_judged"]] == [1]


def test_certainty_that_is_asked_for_needs_every_end(tmp_path: Path) -> None:
    ghost = flow_record(pod("shop", "ghost"), DB, 5432)
    (tmp_path / "flows.jsonl").write_bytes(lines(ghost, flow_record(WEB, API, 8080)))
    arguments = ("--flows", "flows.jsonl", "--fail-on", "undetermined")
    assert podwall(tmp_path, "reach", str(SHOP), *arguments).code == 3


def test_text_explains_what_would_break(tmp_path: Path) -> None:
    (tmp_path / "flows.jsonl").write_bytes(lines(flow_record(WEB, DB, 5432), "{"))
    result = podwall(tmp_path, "reach", str(SHOP), "--flows", "flows.jsonl")
    assert "in use, and denied: 1 flow\n  shop/web -> shop/db on TCP 5432" in result.out
    assert "it would match if the pod carried app=api" in result.out
    assert "! 1 line could not be read" in result.out
    assert "flows.jsonl:2: this line is no flow record" in result.err


@pytest.mark.parametrize("output", ["csv", "md", "html", "svg"])
def test_other_formats_are_refused(tmp_path: Path, output: str) -> None:
    (tmp_path / "flows.jsonl").write_bytes(lines(flow_record(WEB, DB)))
    result = podwall(tmp_path, "reach", str(SHOP), "--flows", "flows.jsonl", "-o", output)
    assert (result.code, "observed flows are not written as" in result.err) == (2, True)


def test_more_flows_than_can_be_kept_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "_MOST_FLOWS", 2)
    found = observed(tmp_path, *(flow_record(WEB, API, port) for port in range(8000, 8010)))
    assert len(found["flows"]) == 2
    assert found["records"]["beyond"] == 8


def suggested(folder: Path, *records: dict[str, Any] | str) -> tuple[str, str, int]:
    (folder / "flows.jsonl").write_bytes(lines(*records))
    workloads = str(SHOP / "workloads.yaml")
    result = podwall(folder, "suggest", workloads, "--from-flows", "flows.jsonl", "-o", "yaml")
    return result.out, result.err, result.code


def test_policies_keep_what_was_seen_and_no_more(tmp_path: Path) -> None:
    records = [
        *[flow_record(WEB, API, 8080)] * 40,
        flow_record(API, DB, 5432),
        flow_record(WORLD, WEB, 8080, addresses=("203.0.113.7", "10.0.0.1")),
        flow_record(WEB, DB, 5432, **DROPPED),
    ]
    out, err, code = suggested(tmp_path, *records)
    assert "3 expectations: all hold, and nothing else is open but name resolution" in err
    assert "rare, and kept: shop/api -> shop/db on TCP 5432, seen 1 time" in err
    assert "nothing was seen of monitoring/prometheus" in err
    assert code == 0
    (tmp_path / "policies.yaml").write_text(out)
    workloads = str(SHOP / "workloads.yaml")
    again = podwall(
        tmp_path, "reach", workloads, "policies.yaml", "--flows", "flows.jsonl", "-o", "json"
    )
    assert verdicts(json.loads(again.out)) == {
        "203.0.113.7/32 -> shop/web:8080": ("allowed", 1),
        "shop/api -> shop/db:5432": ("allowed", 1),
        "shop/web -> shop/api:8080": ("allowed", 40),
        "shop/web -> shop/db:5432": ("denied", 0),
    }


def test_what_no_policy_can_keep_is_said(tmp_path: Path) -> None:
    ping = flow_record(WEB, API, l4={"ICMPv4": {"type": 8}})
    node = flow_record({"identity": 6, "labels": ["reserved:remote-node"]}, WEB, 8080)
    _, err, code = suggested(tmp_path, flow_record(WEB, API, 8080), ping, node)
    assert "not kept, 1 record: ICMP" in err
    assert "a node that the source does not show" in err
    assert code == 3


def test_many_addresses_become_a_range_that_is_said(tmp_path: Path) -> None:
    many = (
        flow_record(WORLD, WEB, 8080, addresses=(f"203.0.113.{last}", "10.0.0.1"))
        for last in range(1, 40)
    )
    out, err, _ = suggested(tmp_path, *many)
    assert 'cidr: "0.0.0.0/0"' in out
    assert "kept as a range, since too many addresses were seen to write each" in err
