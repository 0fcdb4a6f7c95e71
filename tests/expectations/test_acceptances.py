"""What is accepted is read strictly, as expectations are; what is idle of it is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from podwall.change_review import Accepted, change_review
from podwall.policies.errors import InvalidValue, Place, PodwallError, Severity
from podwall.sources import source
from podwall.sources.expectations import acceptances_in, read_acceptances

ROOT = Path(__file__).resolve().parents[2]
BEFORE, AFTER = (source(str(ROOT / "examples" / name)) for name in ("shop-before", "shop"))


def one(**fields: Any) -> dict[str, Any]:
    """Return a document that accepts one opening."""
    full = {"from": "monitoring/prometheus", "to": "shop/api", "because": "metrics", **fields}
    return {"accepted": [{key: value for key, value in full.items() if value is not ...}]}


def test_the_example_is_read_with_its_line() -> None:
    (found,) = acceptances_in(str(ROOT / "examples" / "accepted" / "accepted.yaml"))
    assert (found.ports, found.until, found.place.line) == (("9090",), "2099-12-31", 3)


@pytest.mark.parametrize(
    ("document", "path", "problem"),
    [
        pytest.param(one(because=...), "accepted[0].because", "is missing", id="no reason"),
        pytest.param(
            one(because=" "), "accepted[0].because", "must not be empty", id="an empty one"
        ),
        pytest.param(one(to=...), "accepted[0].to", "is missing", id="one end"),
        pytest.param(one(ports=0), "accepted[0].ports", "must be at least 1", id="no port"),
        pytest.param(one(ports="80/tpc"), "accepted[0].ports", "is not a port", id="no protocol"),
        pytest.param(one(until="2027-02-30"), "accepted[0].until", "is not a day", id="no day"),
        pytest.param(one(until="20270101"), "accepted[0].until", "is not a day", id="another form"),
        pytest.param(one(til="2027-01-01"), "accepted[0].til", "there is no field", id="a typo"),
        pytest.param(one(to="shop"), "accepted[0].to", "is not an end", id="no end"),
    ],
)
def test_what_is_not_understood_is_refused_at_its_field(
    document: Any, path: str, problem: str
) -> None:
    with pytest.raises(InvalidValue, match=problem) as raised:
        read_acceptances(document, Place("accepted.yaml", 1))
    assert raised.value.place.path == path


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(PodwallError) as raised:
        acceptances_in("nowhere.yaml")
    assert raised.value.help == "give one file, which begins with `accepted:`"


@pytest.mark.parametrize(
    ("fields", "today", "found"),
    [
        pytest.param({}, "2027-01-01", {}, id="what opens"),
        pytest.param({"until": "2027-01-01"}, "2027-01-01", {}, id="on its last day"),
        pytest.param(
            {"until": "2027-01-01"},
            "2027-01-02",
            {"accepted-expired": Severity.WARNING},
            id="one day later",
        ),
        pytest.param(
            {"ports": 8080}, "2027-01-01", {"accepted-unused": Severity.WARNING}, id="nothing"
        ),
        pytest.param(
            {"from": "shop/web", "ports": 8080},
            "2027-01-01",
            {"accepted-unused": Severity.INFO},
            id="what was open before",
        ),
        pytest.param(
            {"from": "shop/wbe"},
            "2027-01-01",
            {"accepted-unused": Severity.WARNING},
            id="a workload that does not exist",
        ),
    ],
)
def test_what_accepts_nothing_of_the_change_is_found(
    tmp_path: Path, fields: dict[str, Any], today: str, found: dict[str, Severity]
) -> None:
    path = tmp_path / "accepted.yaml"
    path.write_text(yaml.safe_dump(one(**fields)), "utf-8")
    accepted = Accepted(acceptances_in(str(path)), today)
    idle = change_review(BEFORE, AFTER, accepted=accepted).idle
    assert {each.id: each.severity for each in idle} == found
    assert all((each.place.source, each.place.line) == (str(path), 2) for each in idle)
