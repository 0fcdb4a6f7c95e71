"""A verification, as every format shows it: nothing that was not observed passes anywhere."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree as ET

import msgspec
import pytest
import yaml

from podwall.exit_code import ExitCode
from podwall.policies.errors import Place, Severity
from podwall.reachability import Reachability
from podwall.reports.findings.junit import junit_text
from podwall.reports.screen import Console
from podwall.reports.verification import (
    netassert_text,
    print_plan,
    print_verification,
    probe_plan_document,
    verification_document,
    verification_findings,
    verification_suite,
    verification_tap,
)
from podwall.verify import (
    ConnectionProbe,
    MadeProbes,
    Observation,
    ProbeOutcome,
    Verification,
    boundary_probes,
    compared,
    verification,
)
from tests.verify.test_choosing import shop

FOUND: Reachability = shop()
FINE = Observation(ProbeOutcome.CONNECTED, 1, controlled=True)
SHUT = Observation(ProbeOutcome.TIMED_OUT, 2, controlled=True)
PLAN = boundary_probes(FOUND)


def _as_predicted(probe: ConnectionProbe) -> Observation:
    return FINE if probe.should_pass else SHUT


def _verification(*wrong: int, unseen: int | None = None, unpinned: str = "") -> Verification:
    seen = {each: _as_predicted(each) for each in PLAN.probes}
    for number in wrong:
        probe = PLAN.probes[number]
        seen[probe] = SHUT if probe.should_pass else FINE
    if unseen is not None:
        seen[PLAN.probes[unseen]] = Observation(reason="the image can't be pulled")
    results = tuple(compared(*each) for each in seen.items())
    made = MadeProbes(results, ("one label was borrowed",), unpinned)
    return verification("lab", FOUND, made, PLAN.left_out)


def _here(place: Place) -> Place:
    return place


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (_verification(), ExitCode.FINE),
        (_verification(0), ExitCode.FOUND),
        (_verification(0, unseen=1), ExitCode.FOUND),
        (_verification(unseen=1), ExitCode.UNDETERMINED),
        (verification("lab", FOUND, MadeProbes(())), ExitCode.UNDETERMINED),
    ],
    ids=["agrees", "disagrees", "disagrees-and-unseen", "unseen", "nothing"],
)
def test_how_the_command_ends(found: Verification, code: ExitCode) -> None:
    assert found.exit_code is code


def _screen(found: Verification) -> str:
    stream = io.StringIO()
    print_verification(found, _here, Console(stream))
    return stream.getvalue()


def test_the_table_has_each_probe_and_the_reason_of_what_disagrees() -> None:
    denied = next(n for n, each in enumerate(PLAN.probes) if not each.should_pass)
    text = _screen(_verification(denied, unseen=(denied + 1) % len(PLAN.probes)))
    assert "declared but not enforced" in text
    assert "policy shop/api" in text
    assert "the image can't be pulled" in text
    assert "one label was borrowed" in text
    assert "1 not as predicted, 1 not observed" in text
    for each in PLAN.probes:
        assert each.client in text


def test_junit_fails_what_disagrees_and_skips_what_was_not_observed() -> None:
    text = junit_text([verification_suite(_verification(0, unseen=1))])
    root = ET.fromstring(text)  # noqa: S314 - our own document
    assert (root.get("failures"), len(list(root.iter("skipped")))) == ("1", 1)
    assert root.get("tests") == str(len(PLAN.probes))


def test_tap_has_ok_only_where_it_agrees() -> None:
    lines = list(verification_tap(_verification(0, unseen=1)))
    assert lines[1] == f"1..{len(PLAN.probes)}\n"
    assert [line.startswith("ok") for line in lines[2:]].count(False) == 2


def test_json_has_what_was_seen_and_why() -> None:
    document = json.loads(msgspec.json.encode(verification_document(_verification(0), _here)))
    assert document["format"] == "podwall/verify/v1"
    first = document["results"][0]
    assert first["agreement"] == "disagrees"
    assert first["explanation"]["verdict"] == first["predicted"]
    assert document["notes"] == ["one label was borrowed"]
    assert {each["agreement"] for each in document["results"][1:]} == {"agrees"}


def test_a_plan_lists_what_would_be_probed() -> None:
    stream = io.StringIO()
    print_plan(PLAN, Console(stream))
    assert f"{len(PLAN.probes)} probes from 2 temporary pods, nothing was made" in stream.getvalue()
    document = json.loads(msgspec.json.encode(probe_plan_document(PLAN)))
    assert len(document["probes"]) == len(PLAN.probes)


def test_findings_are_errors_where_they_disagree_and_warnings_where_nothing_was_seen() -> None:
    number = next(n for n, each in enumerate(PLAN.probes) if not each.should_pass)
    other = (number + 1) % len(PLAN.probes)
    findings = list(verification_findings(_verification(number, unseen=other)))
    found = {each.id: (each.severity, each.message) for each in findings}
    assert found["prediction-not-enforced"][0] is Severity.ERROR
    assert str(PLAN.probes[number]) in found["prediction-not-enforced"][1]
    assert found["prediction-not-observed"][0] is Severity.WARNING
    assert len(findings) == 2


def test_what_agrees_is_no_finding() -> None:
    assert list(verification_findings(_verification())) == []


def test_a_plan_as_tests_of_netassert() -> None:
    text = "".join(netassert_text(PLAN, FOUND))
    cases = yaml.safe_load(text)
    names = [each["name"] for each in cases]
    assert len(set(names)) == len(names) > 0
    verdicts = {(each.client, each.server, each.port): each for each in PLAN.probes}
    for each in cases:
        client, server = (
            "{namespace}/{name}".format(**each[side]["k8sResource"]) for side in ("src", "dst")
        )
        probe = verdicts[client, server, each["targetPort"]]
        assert each["exitCode"] == (0 if probe.should_pass else 1)
        assert each["protocol"] == "tcp"
        declared = [port.number for port in FOUND.endpoint(server).workload.ports]  # type: ignore[union-attr]  # a workload
        assert not probe.should_pass or each["targetPort"] in declared


def test_an_image_by_its_tag_is_a_finding_and_a_note() -> None:
    said = "`busybox:1` is a tag; these probes ran `sha256:0`"
    found = _verification(unpinned=said)
    (finding,) = verification_findings(found)
    assert (finding.id, finding.severity) == ("probe-image-by-tag", Severity.WARNING)
    assert finding.message == said
    assert said in verification_document(found, _here).notes
    assert list(verification_findings(_verification())) == []
