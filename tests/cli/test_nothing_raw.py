"""Nothing printed is raw: whatever a stranger wrote, no stream has a command or an escape of it.

Hostile texts stand in names, labels, values, file names, expectations and arguments. Every command
and format is run on them, and every character of both streams is looked at.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import unicodedata
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from podwall.cli.arguments import csv_writer
from podwall.reports.formats import csv_line, raw_csv_line
from podwall.streams import shown_json, shown_markup, shown_text
from tests.cli.running import podwall

HOSTILE = (
    "##vso[task.setvariable variable=a]b",
    "###vso[task.complete]",
    "##[error]x",
    "##teamcity[x]",
    "::error::x",
    "::ERROR file=a::x",
    "a\n::set-output name=a::b",
    "a\r\n##[group]x",
    "\x1b[2J\x1b]8;;http://x\x07",
    "\x9b31m\x7f\x00",
    "a\u2028::error::b\u202ec\u200b",
    "\ud800",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
)
COMMANDS: Sequence[Sequence[str]] = (
    *(("reach", "in.json", "-o", each) for each in ("text", "json", "csv", "md", "html", "svg")),
    *(("lint", "in.json", "-o", each) for each in ("text", "json", "sarif", "junit")),
    *(("diff", "in.json", "new.json", "-o", e) for e in ("text", "json", "csv", "md", "html")),
    *(("migrate", "in.json", "-o", each) for each in ("text", "json", "yaml", "py")),
    *(("check", "in.json", "expectations.json", "-o", each) for each in ("text", "json")),
    *(("suggest", "in.json", "expectations.json", "-o", each) for each in ("py", "yaml")),
    *(
        ("explain", "in.json", "shop/web", "shop/api", "-o", each)
        for each in ("text", "json", "md")
    ),
    ("import", "in.json"),
)
RAW = re.compile(
    r"##\w*\[|::(?:error|warning|set-output|group)\b|^\s*::(?![\d/])", re.IGNORECASE | re.MULTILINE
)


def assert_not_raw(text: str) -> None:
    """Assert that no agent finds a command, and that everything can be seen."""
    assert RAW.search(text) is None, RAW.search(text)
    hidden = {
        each
        for each in set(text)
        if each != "\n" and unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }
    assert hidden == set()


def manifests(choose: random.Random) -> str:
    """Return objects with hostile texts in whatever place takes a text."""

    def some(plain: str) -> str:
        return choose.choice([plain, choose.choice(HOSTILE), f"{plain}{choose.choice(HOSTILE)}"])

    def pod(name: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": some("shop"), "labels": {some("app"): some("web")}}
        ports = [{"name": some("http"), "containerPort": choose.choice([80, some("80")])}]
        containers = [{"name": some("main"), "ports": ports}, some("x")][: choose.choice([1, 2])]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": containers},
        }

    peers = [{"podSelector": {"matchLabels": {some("app"): some("web")}}}]
    rule = {"from": peers, "ports": [{"port": some("http")}], some("extra"): some("x")}
    policy = {
        "apiVersion": some("networking.k8s.io/v1")
        if choose.random() < 0.2
        else "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": some("p"), "namespace": "shop", "annotations": {some("a"): some("b")}},
        "spec": {"podSelector": {}, "policyTypes": [some("Ingress")], "ingress": [rule]},
    }
    unread = {"apiVersion": some("x/v1"), "kind": some("Thing"), "metadata": {"name": some("y")}}
    plain: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
    }  # fmt: skip
    items = [plain, plain | {"metadata": {"name": "api", "namespace": "shop"}}]
    items += [pod(some("web")), pod(some("db")), policy, unread]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.long(keep=1)
def test_no_command_prints_what_a_stranger_wrote_as_it_is(tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)
    for name in ("in.json", "new.json"):
        (tmp_path / name).write_text(manifests(choose), "utf-8")
    hostile = choose.choice(HOSTILE)
    expectation = {"name": f"a {hostile}", "from": "shop/web", "to": "shop/api", "expect": "denied"}
    (tmp_path / "expectations.json").write_text(
        json.dumps({"expectations": [expectation]}), "utf-8"
    )
    for command in COMMANDS:
        found = podwall(tmp_path, *command)
        assert "defect of podwall" not in found.err
        assert_not_raw(found.err)
        assert_not_raw(found.out)
        if found.out and command[-1] in {"json", "sarif"}:
            json.loads(found.out)
        if found.out and command[-1] in {"junit", "svg"}:
            ET.fromstring(found.out)  # noqa: S314 - podwall wrote it


@pytest.mark.parametrize(
    "hostile", [each for each in HOSTILE if each.isascii() and "\0" not in each]
)
def test_no_argument_is_said_as_it_is(tmp_path: Path, hostile: str) -> None:
    for command in (
        ("reach", hostile),
        (hostile,),
        ("reach", "-o", hostile),
        ("lint", ".", f"--{hostile}"),
    ):
        found = podwall(tmp_path, *command, "--debug")
        assert_not_raw(f"{found.out}{found.err}")


CLOSED = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "closed", "namespace": "shop"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
TYPED = tuple(each for each in HOSTILE if "\0" not in each and "\ud800" not in each)


def _shop(*further: dict[str, Any]) -> str:
    pods: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}}
        for name in ("web", "api")
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*pods, *further]})


@pytest.mark.parametrize("hostile", TYPED)
@pytest.mark.long(keep=1)
def test_no_option_stands_in_a_file_of_a_change_as_it_is(tmp_path: Path, hostile: str) -> None:
    new, old, accepted = (
        f"{each} {hostile}.json".replace("/", "_") for each in ("new", "old", "accepted")
    )
    (tmp_path / old).write_text(_shop(CLOSED), "utf-8")
    (tmp_path / new).write_text(_shop(), "utf-8")
    stated = {"from": "shop/web", "to": "shop/api", "because": hostile}
    (tmp_path / accepted).write_text(json.dumps({"accepted": [stated]}), "utf-8")
    words = ("--subject", hostile, "--accepted", accepted, "--namespace", "shop", "--out", "out")
    found = podwall(tmp_path, "diff", old, new, *words)
    assert_not_raw(f"{found.out}{found.err}")
    assert found.code in {0, 1}, found.err
    written = {each.name: each for each in (tmp_path / "out").iterdir()}
    for name in written.keys() - {"github-annotations.txt", "azure-annotations.txt"}:
        assert_not_raw(written[name].read_text("utf-8"))


ADDRESS = "https://example.com/acme/_build/results?buildId=7&view=logs#L3"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com/x",
        "build 7",
        "https://",
        "https://example.com/a b",
        "https://example.com/a)\n\n@everyone [x](https://example.com",
        "https://example.com/a\n##[error]x",
        "https://example.com/##vso[task.complete]",
        "https://example.com/##[error]x",
        "https://example.com/x::error::y",
        "https://example.com/\x1b[2J",
        "https://example.com/\u202e",
        "https://example.com/<script>",
        "https://example.com/`x`",
    ],
)
@pytest.mark.parametrize("option", ["--link", "--line-link"])
def test_an_address_that_is_more_than_one_is_refused(
    tmp_path: Path, option: str, address: str
) -> None:
    (tmp_path / "in.json").write_text(_shop(), "utf-8")
    given = f"{address}{{path}}" if option == "--line-link" else address
    found = podwall(tmp_path, "diff", "in.json", "in.json", option, given, "--out", "out")
    assert found.code == 2
    assert option in found.err
    assert "begins with https:// or http://" in found.err
    assert_not_raw(found.err)
    assert not (tmp_path / "out").exists()


def test_the_settings_of_a_folder_are_refused_the_same_address(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(_shop(), "utf-8")
    (tmp_path / "podwall.toml").write_text('[diff]\nlink = "https://x/##vso[x]"\n', "utf-8")
    found = podwall(tmp_path, "diff", "in.json", "in.json", "--out", "out")
    assert found.code == 2
    assert not (tmp_path / "out").exists()


def test_a_usual_address_stands_in_the_comment_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(_shop(), "utf-8")
    found = podwall(tmp_path, "diff", "in.json", "in.json", "-o", "md", "--link", ADDRESS)
    assert f"]({ADDRESS})" in found.out


@pytest.mark.parametrize("hostile", HOSTILE)
def test_json_means_the_same_as_before(hostile: str) -> None:
    shown = shown_json(json.dumps({hostile: [hostile]}, ensure_ascii=False))
    assert json.loads(shown) == {hostile: [hostile]}
    assert_not_raw(shown)


def test_markup_means_the_same_as_before() -> None:
    shown = shown_markup("<p a='##vso[x]'>::error::y</p>")
    assert_not_raw(shown)
    read = ET.fromstring(shown)  # noqa: S314 - written above
    assert (read.get("a"), read.text) == ("##vso[x]", "::error::y")


@pytest.mark.parametrize(
    "text", ["::/0 -> shop/api", "::1,shop/api", "fd00::1 -> 2001:db8::/32", "a # b"]
)
def test_an_address_is_no_command(text: str) -> None:
    assert shown_text(text) == text


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", " =1", "\uff1d1"])
def test_no_spreadsheet_runs_a_cell(cell: str) -> None:
    assert next(csv.reader(io.StringIO(csv_line(("a", cell))))) == ["a", f"'{cell}"]
    assert next(csv.reader(io.StringIO(raw_csv_line(("a", cell))))) == ["a", cell]


@pytest.mark.parametrize(("raw", "written"), [(False, "'=1\n"), (True, "=1\n")])
def test_raw_cells_are_an_option(raw: bool, written: str) -> None:  # noqa: FBT001 - as the option is
    assert csv_writer(Namespace(raw_cells=raw))(["=1"]).rstrip("\r\n") == written.rstrip()
