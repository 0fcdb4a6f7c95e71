"""Moments of a deployment in which a policy is away, as real previews tell of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podwall.planners import source_of_preview
from podwall.review import review
from podwall.sources import source

RECORDED = Path(__file__).resolve().parents[1] / "data" / "engine"
Document = dict[str, Any]


def recorded(name: str) -> Document:
    document: Document = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return document


def found(folder: Path, document: Document) -> set[str]:
    """Return the ids of the findings about policies that are away, the same for both readers."""
    (folder / "preview.json").write_text(json.dumps(document), "utf-8")
    read = review(source(str(folder / "preview.json"))).source_findings
    planned = review(source_of_preview(document)).findings
    ids = {each.id for each in read if each.id.startswith("policy-")}
    assert ids == {each.id for each in planned if each.id in {"policy-away", "policy-lost"}}
    return ids


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        pytest.param("renamed", set(), id="another name: the new one is made first"),
        pytest.param("renamed-steps", set(), id="the same with every step shown"),
        pytest.param("renamed-first", {"policy-away"}, id="another name, deleted first"),
        pytest.param("renamed-first-steps", {"policy-away"}, id="the same with every step"),
        pytest.param("replaced-first", {"policy-away"}, id="the same name"),
        pytest.param("other-resource", {"policy-lost"}, id="the name is taken, then deleted"),
        pytest.param("allow", set(), id="a policy that is only added"),
        pytest.param("cilium", set(), id="a replaced cluster has no workload that stays"),
    ],
)
@pytest.mark.long(keep=1)
def test_a_policy_that_is_away_is_found(tmp_path: Path, name: str, ids: set[str]) -> None:
    assert found(tmp_path, recorded(name)) == ids


def test_the_finding_names_what_is_open_meanwhile_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "preview.json"
    path.write_text(json.dumps(recorded("replaced-first")), "utf-8")
    (finding,) = review(source(str(path))).source_findings
    assert "`shop/default-deny`" in finding.message
    assert "meanwhile `shop/api` reaches `shop/web` and 11 more connections" in finding.message
    assert finding.place.source == "__main__.py"
    assert finding.place.line


def test_the_old_policy_is_there_before_although_it_waits_to_be_deleted() -> None:
    before = source(str(RECORDED / "renamed.json")).as_deployed()
    assert before is not None
    assert [each.name for each in review(before).reading.snapshot.policies] == ["default-deny"]


def _another_default_deny(document: Document) -> None:
    """Let a second policy stay that denies the same."""
    (step,) = [each for each in document["steps"] if each["urn"].endswith("::deny")]
    stays = copy.deepcopy(step["oldState"])
    stays["urn"] = stays["urn"] + "-too"
    stays["inputs"]["metadata"]["name"] = "deny-too"
    document["steps"].append(
        {"op": "same", "urn": stays["urn"], "oldState": stays, "newState": stays}
    )


@pytest.mark.long
def test_two_policies_that_stand_in_for_each_other_may_be_away_at_once(tmp_path: Path) -> None:
    document = recorded("replaced-first")
    _another_default_deny(document)
    assert found(tmp_path, document) == set()
    document["steps"][-1]["op"] = "replace"
    assert found(tmp_path, document) == {"policy-away"}
    (finding,) = review(source(str(tmp_path / "preview.json"))).source_findings
    assert "policies `shop/default-deny`, `shop/deny-too` before they are" in finding.message


def _new_workloads(document: Document) -> None:
    """Let no workload have been there before."""
    for step in document["steps"]:
        if ":Pod::" in step["urn"]:
            step["op"] = "create"
            del step["oldState"]


def _open_afterwards(document: Document) -> None:
    """Let the new policy allow everything: what opens stays open."""
    (step,) = [each for each in document["steps"] if each["urn"].endswith("::deny")]
    step["newState"]["inputs"]["spec"] = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{}],
    }


def _before_allows(cidr: str) -> Callable[[Document], None]:
    """Let the old policy allow all pods, all of IPv6 and a range of IPv4; the new one does not."""

    def change(document: Document) -> None:
        (step,) = [each for each in document["steps"] if each["urn"].endswith("::deny")]
        blocks = [{"ipBlock": {"cidr": each}} for each in (cidr, "::/0")]
        step["oldState"]["inputs"]["spec"] = {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"namespaceSelector": {}}, *blocks]}],
        }

    return change


@pytest.mark.parametrize("cidr", ["0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/24"])
@pytest.mark.long(keep=1)
def test_a_range_that_was_open_in_part_is_opened_in_the_rest_for_a_while(
    tmp_path: Path, cidr: str
) -> None:
    document = recorded("replaced-first")
    _before_allows(cidr)(document)
    assert found(tmp_path, document) == {"policy-away"}


@pytest.mark.parametrize(
    "change",
    [_another_default_deny, _new_workloads, _open_afterwards, _before_allows("0.0.0.0/0")],
)
@pytest.mark.long(keep=1)
def test_nothing_is_said_where_nothing_opens_for_a_moment_only(
    tmp_path: Path, change: Callable[[Document], None]
) -> None:
    document = recorded("replaced-first")
    assert found(tmp_path, document) == {"policy-away"}
    change(document)
    assert found(tmp_path, document) == set()


def test_a_policy_that_is_made_in_another_cluster_takes_no_name_that_is_taken(
    tmp_path: Path,
) -> None:
    document = recorded("other-resource")
    (provider,) = [each for each in document["steps"] if ":providers:kubernetes::" in each["urn"]]
    provider["op"] = "replace"
    assert found(tmp_path, document) == set()


def test_another_engine_is_an_error_in_a_preview_whatever_engine_is_asked_for() -> None:
    findings = review(source_of_preview(recorded("cilium")), "spec").findings
    assert {"engine-changes", "cluster-replace"} <= {each.id for each in findings}


def test_the_first_engine_is_no_change_of_it() -> None:
    findings = (
        *review(source_of_preview(recorded("first"))).findings,
        *review(source(str(RECORDED / "first.json"))).findings,
    )
    assert "engine-changes" not in {each.id for each in findings}
