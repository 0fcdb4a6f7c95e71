"""Every format of `reach` shows the same rows, those that are not denied, each of them whole."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from html import unescape
from random import Random
from typing import Any

import pytest

from podwall.engines import ENGINES
from podwall.reachability import Reachability, reachability
from podwall.reports.formats import json_text
from podwall.reports.reach.documents import reach_document, reach_stream
from podwall.reports.reach.rows import reach_csv, reach_markdown
from podwall.reports.reach.terminal import reach_lines
from podwall.reports.screen import Console
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured

Row = tuple[str, str, str, str, str]
Ports = dict[str, list[list[int]]]
OTHER = "other protocols"


@pytest.mark.parametrize("hidden", [0.0, 0.1], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=1)
def test_every_format_shows_the_same_rows(engine: str, hidden: float) -> None:
    for seed in range(8):
        rng = Random(f"rows {engine} {seed}")
        found = reachability(obscured(rng, random_cluster(rng, Size(6, 5)), hidden), engine)
        rows = _of_csv(found)
        assert _of_markdown(found) == rows
        assert _of_text(found) == list(map(_said, rows))
        assert json.loads("".join(reach_stream(found))) == json.loads(
            json_text(reach_document(found))
        )
        assert _of_json(found) == [_told(row) for row in rows]


def _of_csv(found: Reachability) -> list[Row]:
    _, *rows = csv.reader(io.StringIO("".join(reach_csv(found))))
    return [(one, other, may, perhaps, why) for one, other, may, perhaps, why in rows]


def _of_markdown(found: Reachability) -> list[Row]:
    _, _, *lines = reach_markdown(found)
    return [_cells(re.split(r"(?<!\\)\|", line)[1:-1]) for line in lines]


def _cells(written: list[str]) -> Row:
    one, other, may, perhaps, why = (_plain(each) for each in written)
    return one.strip(), other.strip(), may.strip(), perhaps.strip(), why.strip()


def _plain(cell: str) -> str:
    return unescape(re.sub(r"\\(.)", r"\1", cell.replace("<!-- -->", "")))


def _of_text(found: Reachability) -> list[str]:
    lines = reach_lines(found, Console(io.StringIO(), width=400))
    return [" ".join(line.split()) for line in lines if "  ->  " in line and "\n" in line[-1:]]


def _said(row: Row) -> str:
    """Return a row as a line of text, such as `x/a -> y/b TCP 80 perhaps UDP 53, why`."""
    unsure = f"perhaps {row[3]}, {row[4]}" if row[3] else ""
    return " ".join(f"{row[0]} -> {row[1]} {row[2]} {unsure}".split())


def _of_json(found: Reachability) -> list[tuple[str, str, Ports, list[Ports]]]:
    return [
        (each["source"], each["destination"], _ports(each["allowed"]), _parts(each["undetermined"]))
        for each in json.loads(json_text(reach_document(found)))["connections"]
    ]


def _ports(entries: list[dict[str, Any]]) -> Ports:
    return {each["protocol"]: each["ports"] for each in entries}


def _parts(entries: list[dict[str, Any]]) -> list[Ports]:
    """Return the undetermined ports, those with one cause together."""
    by_cause: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in entries:
        by_cause[each["because"]].append(each)
    return [_ports(each) for each in by_cause.values()]


def _told(row: Row) -> tuple[str, str, Ports, list[Ports]]:
    return row[0], row[1], _read(row[2]), list(filter(None, map(_read, row[3].split(" | "))))


def _read(text: str) -> Ports:
    """Read `TCP 80, 443-445; all UDP; other protocols`, of which JSON leaves out the last part."""
    if text == "all ports":
        text = "all TCP; all UDP; all SCTP"
    parts = (part.split(" ", 1) for part in text.split("; ") if part not in {"", OTHER})
    return dict(_of_protocol(*part) for part in parts)


def _of_protocol(first: str, rest: str) -> tuple[str, list[list[int]]]:
    if first == "all":
        return rest, [[1, 65535]]
    ends = (each.partition("-") for each in rest.split(", "))
    return first, [[int(low), int(high or low)] for low, _, high in ends]
