"""The forms for other tools and for browsers, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from podwall.cli import main

ROOT = Path(__file__).resolve().parents[2]
SHOP = str(ROOT / "examples" / "shop")


def _printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main(list(words))
    return capsys.readouterr().out


def test_reach_prints_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    page = _printed(capsys, "reach", SHOP, "-o", "html")
    assert page.startswith("<!doctype html>")
    assert "10 of 14 connections between 4 workloads in 2 namespaces are open." in page
    assert 'class="findings"' in page


def test_reach_prints_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    root = ET.fromstring(_printed(capsys, "reach", SHOP, "-o", "svg"))  # noqa: S314 - our own picture
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_lint_prints_findings_at_their_lines_as_sarif(capsys: pytest.CaptureFixture[str]) -> None:
    run = json.loads(_printed(capsys, "lint", SHOP, "-o", "sarif"))["runs"][0]
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    assert any(each["artifactLocation"]["uri"].endswith("shop/policies.yaml") for each in places)
    assert all(each["region"]["startLine"] >= 1 for each in places)


def test_lint_prints_cases_as_junit(capsys: pytest.CaptureFixture[str]) -> None:
    root = ET.fromstring(_printed(capsys, "lint", SHOP, "-o", "junit"))  # noqa: S314 - our own document
    assert int(root.attrib["tests"]) == len(list(root.iter("testcase"))) > 0
