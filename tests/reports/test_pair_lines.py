"""Lines written for many sources at once are those that each pair would be given by itself."""

from __future__ import annotations

import csv
import io
import json
from random import Random

import pytest

from podwall.plan.plan_json import PlaceDocument
from podwall.reachability import Reachability, reachability
from podwall.reports.findings.documents import LedgerDocument, UnreadDocument
from podwall.reports.formats import document_text, json_text
from podwall.reports.reach.documents import reach_document, reach_stream
from podwall.reports.reach.rows import REACH_HEADER, reach_csv, reach_rows
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured

ENGINES = ("spec", "azure", "calico", "cilium")


def _random(seed: int) -> Reachability:
    rng = Random(f"pair lines {seed}")
    cluster = random_cluster(rng, Size(workloads=12))
    return reachability(obscured(rng, cluster, rng.choice((0, 0.2))), ENGINES[seed % 4])


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=14)
def test_csv_has_the_header_and_the_rows(seed: int) -> None:
    found = _random(seed)
    text = "".join(reach_csv(found))
    assert list(csv.reader(io.StringIO(text))) == [
        list(each) for each in (REACH_HEADER, *reach_rows(found))
    ]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=8)
def test_the_stream_is_the_document(seed: int) -> None:
    found = _random(seed)
    document = reach_document(found)
    assert json.loads("".join(reach_stream(found))) == json.loads(json_text(document))
    assert document_text(document) == json_text(document)


@pytest.mark.parametrize("word", ["\x07\x1b", '"\\', "##vso[x]", "pod \u2028", "\ud800", "\x7f"])
def test_a_document_that_is_written_quickly_has_the_same_text(word: str) -> None:
    document = LedgerDocument(unread=(UnreadDocument(PlaceDocument(word), word),))
    assert document_text(document) == json_text(document)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=8)
def test_connections_are_told_by_source_then_destination_and_each_once(seed: int) -> None:
    found = _random(seed)
    place = {each.id: number for number, each in enumerate(found.endpoints)}
    told = [(place[each.source_id], place[each.destination_id]) for each in found.connections()]
    assert told == sorted(set(told))


@pytest.mark.long
def test_small_blocks_tell_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ["".join(reach_csv(_random(seed))) for seed in range(20)]
    monkeypatch.setattr("podwall.reachability.result._MOST_PAIRS", 7)
    assert ["".join(reach_csv(_random(seed))) for seed in range(20)] == whole
