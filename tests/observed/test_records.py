"""What each record of a flow means, and what is said of those that mean nothing."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from podwall.model import IpProtocol
from podwall.observed import Fate, FlowRecords, NotCounted, SeenFlow
from podwall.policies.errors import SourceError
from podwall.sources.flow_records import flows_in
from tests.observed.records import WORLD, flow_record, lines, pod, table_row

WEB, API = pod("shop", "web", app="web"), pod("shop", "api", app="api")


def read(tmp_path: Path, *records: dict[str, Any] | str) -> tuple[list[SeenFlow], FlowRecords]:
    """Return the flows of records, and what became of these."""
    file, told = tmp_path / "flows.jsonl", FlowRecords()
    file.write_bytes(lines(*records))
    return list(flows_in([str(file)], told)), told


@pytest.mark.parametrize(
    ("fields", "meaning"),
    [
        pytest.param({}, Fate.PASSED, id="arrived"),
        pytest.param({"verdict": "REDIRECTED"}, Fate.PASSED, id="to-a-proxy"),
        pytest.param({"verdict": "AUDIT"}, Fate.PASSED, id="passed-although-a-policy-would-deny"),
        pytest.param(
            {"traffic_direction": "EGRESS", "trace_observation_point": "TO_STACK"},
            Fate.LEFT,
            id="left-its-node-only",
        ),
        pytest.param(
            {"traffic_direction": "INGRESS", "trace_observation_point": None},
            Fate.PASSED,
            id="came-in",
        ),
        pytest.param(
            {"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "is_reply": None},
            Fate.DENIED,
            id="denied-by-no-rule",
        ),
        pytest.param(
            {"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENY", "is_reply": None},
            Fate.DENIED,
            id="denied-by-a-rule",
        ),
        pytest.param(
            {"verdict": "DROPPED", "drop_reason_desc": "STALE_OR_UNROUTABLE_IP"},
            NotCounted.OTHER_DROP,
            id="dropped-otherwise",
        ),
        pytest.param(
            {"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "Type": "L7"},
            NotCounted.OTHER_DROP,
            id="a-request-of-http-denied",
        ),
        pytest.param({"verdict": "TRACED"}, NotCounted.NO_VERDICT, id="traced"),
        pytest.param({"verdict": "ERROR"}, NotCounted.NO_VERDICT, id="error"),
        pytest.param({"verdict": None}, NotCounted.NO_VERDICT, id="verdict-left-out"),
        pytest.param({"Type": "SOCK"}, NotCounted.NO_VERDICT, id="of-a-socket"),
        pytest.param({"is_reply": None}, NotCounted.NO_DIRECTION, id="no-direction"),
        pytest.param({"l4": None}, NotCounted.NO_PORT, id="no-protocol"),
        pytest.param({"l4": {"TCP": {}}}, NotCounted.NO_PORT, id="no-port"),
        pytest.param(
            {"to": WORLD, "destination_service": {"name": "api", "namespace": "shop"}},
            NotCounted.BEFORE_SERVICE,
            id="to-the-address-of-a-service",
        ),
    ],
)
def test_meaning_of_a_record(tmp_path: Path, fields: dict[str, Any], meaning: object) -> None:
    others = {key: value for key, value in fields.items() if key != "to"}
    flows, told = read(tmp_path, flow_record(WEB, fields.get("to", API), 8080, **others))
    if isinstance(meaning, Fate):
        assert [(each.fate, each.port) for each in flows] == [(meaning, 8080)]
    else:
        assert flows == []
        assert list(told.not_counted) == [meaning]


@pytest.mark.parametrize(
    ("flags", "port"),
    [({"SYN": True}, 8080), ({"SYN": True, "ACK": True}, 50_000)],
    ids=["request", "reply"],
)
def test_flags_of_tcp_tell_the_direction_where_nothing_else_does(
    tmp_path: Path, flags: dict[str, bool], port: int
) -> None:
    l4 = {"TCP": {"source_port": 50_000, "destination_port": 8080, "flags": flags}}
    flows, _ = read(tmp_path, flow_record(WEB, API, is_reply=None, l4=l4))
    assert [each.port for each in flows] == [port]


def test_a_reply_proves_the_connection_that_it_answers(tmp_path: Path) -> None:
    l4 = {"TCP": {"source_port": 8080, "destination_port": 50_000}}
    flows, _ = read(tmp_path, flow_record(API, WEB, l4=l4, is_reply=True))
    assert [(each.source.workload, each.destination.workload, each.port) for each in flows] == [
        ("web", "api", 8080)
    ]


def test_icmp_has_no_port(tmp_path: Path) -> None:
    flows, _ = read(tmp_path, flow_record(WEB, API, l4={"ICMPv4": {"type": 8}}))
    assert [(each.protocol, each.port) for each in flows] == [(IpProtocol.OTHER, 0)]


def test_a_row_of_the_table_means_what_the_record_means_that_filled_it(tmp_path: Path) -> None:
    record, row = flow_record(WEB, API, 8080), table_row(WEB, API, 8080)
    flows, told = read(tmp_path, record, row, table_row(WEB, API, 8080, Reply="false"))
    assert len(flows) == 3
    assert len(set(flows)) == 1, flows
    assert told.first == told.last == "2026-11-30T08:15:00"


def test_a_row_stands_for_as_many_flows_as_it_says(tmp_path: Path) -> None:
    row = table_row(WEB, API, IngressFlowCount=30, EgressFlowCount=12)
    flows, _ = read(tmp_path, row, table_row(WEB, API))
    assert [each.times for each in flows] == [42, 1]


def test_identities_without_labels_are_known_by_their_numbers(tmp_path: Path) -> None:
    numbers = {2: "world", 1: "host", 7: "kube-apiserver", (1 << 24) + 5: "world"}
    ends = [{"identity": number} for number in numbers]
    flows, _ = read(tmp_path, *(flow_record(WEB, each) for each in ends))
    assert [each.destination.reserved for each in flows] == [{each} for each in numbers.values()]


def test_labels_are_those_of_the_pod(tmp_path: Path) -> None:
    flows, _ = read(tmp_path, flow_record(WEB, API))
    assert flows[0].source.labels == (("app", "web"),)


def test_the_flow_alone_is_read_as_well(tmp_path: Path) -> None:
    flows, _ = read(tmp_path, flow_record(WEB, API)["flow"])
    assert len(flows) == 1


def test_compressed_records_are_read(tmp_path: Path) -> None:
    file = tmp_path / "events.log.gz"
    file.write_bytes(gzip.compress(lines(flow_record(WEB, API))))
    assert len(list(flows_in([str(file)], FlowRecords()))) == 1


def test_lost_events_and_others_are_counted(tmp_path: Path) -> None:
    lost = {"lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": "17"}}
    agent = {"agent_event": {"type": "AGENT_STARTED"}}
    flows, told = read(tmp_path, flow_record(WEB, API), lost, agent)
    assert (len(flows), told.lost) == (1, 17)
    assert told.not_counted == {NotCounted.OTHER_EVENT: 2}


@pytest.mark.parametrize(
    "line",
    [
        "{broken",
        "[]",
        "17",
        '{"time": "2026-11-30T08:15:00Z"}',
        '{"flow": "forwarded"}',
        '{"flow": {"verdict": {}, "l4": {}}}',
        '{"Verdict": "FORWARDED", "Layer4": "{"}',
        "\udcff",
    ],
)
def test_a_line_that_is_no_record_is_named_with_its_place(tmp_path: Path, line: str) -> None:
    file, told = tmp_path / "flows.jsonl", FlowRecords()
    file.write_bytes(lines(flow_record(WEB, API)) + line.encode(errors="surrogateescape") + b"\n")
    assert len(list(flows_in([str(file)], told))) == 1
    assert told.unreadable == 1
    (finding,) = told.findings
    assert finding.id == "flow-record-not-read"
    assert (finding.place.source, finding.place.line) == (str(file), 2)


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    flows, told = read(tmp_path, "x" * 3_000_000, flow_record(WEB, API))
    assert (len(flows), told.unreadable) == (1, 1)
    assert "longer than" in told.findings[0].message


def test_findings_on_lines_are_bounded_and_counted(tmp_path: Path) -> None:
    _, told = read(tmp_path, flow_record(WEB, API), *["{"] * 500)
    assert (told.unreadable, len(told.findings)) == (500, 10)


def test_a_file_without_any_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no flow record") as caught:
        read(tmp_path, "kind: NetworkPolicy")
    assert "line 1" in caught.value.message


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "events.log.gz"
    file.write_bytes(gzip.compress(lines(*[flow_record(WEB, API)] * 500))[:-20])
    with pytest.raises(SourceError, match="to its end"):
        list(flows_in([str(file)], FlowRecords()))


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(SourceError, match="could not be read"):
        list(flows_in(["no-such-file.jsonl"], FlowRecords()))
