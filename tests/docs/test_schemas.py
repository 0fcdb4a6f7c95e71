"""What podwall writes as JSON follows the schemas in docs/schemas, which refuse anything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from podwall.diff import diff
from podwall.expectations import ANYTHING, check, denied
from podwall.explain import answers
from podwall.lint import SuppressedFinding, lint
from podwall.migrate import migrate
from podwall.model import IpProtocol
from podwall.observed import ComparedFlows, FlowRecords, ObservedFlows, SeenEnd, SeenFlow
from podwall.plan.plan_json import plan_document
from podwall.planners import source_of_preview
from podwall.policies import Place
from podwall.reachability import Reachability, reachability
from podwall.reading import Document
from podwall.reports.changes import changes_document, migration_document
from podwall.reports.expectations import checks_document, observed_document
from podwall.reports.explanation import explanations_document
from podwall.reports.findings.documents import lint_document, reading_fields
from podwall.reports.formats import json_text
from podwall.reports.preview import preview_document
from podwall.reports.reach.documents import reach_document, reach_stream
from podwall.reports.verification import walkthrough_document
from podwall.review import review
from podwall.schemas import SCHEMAS, schema_text
from podwall.sources import Source, SourceKind, Stage, source
from podwall.sources.flow_records import flows_in
from podwall.walkthrough import walkthrough
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "docs" / "schemas"
PREVIEWS = ROOT / "tests" / "data" / "previews"


@cache
def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FILES / f"{name}.schema.json").read_text("utf-8"))
    return schema


def _problems(name: str, document: Any) -> list[str]:
    written = json.loads(json_text(document))
    found = Draft202012Validator(_schema(name)).iter_errors(written)
    return [f"{each.json_path}: {each.message}" for each in found]


def _random(seed: str, engine: str = "spec") -> Reachability:
    rng = Random(seed)
    return reachability(obscured(rng, random_cluster(rng, Size(workloads=5)), 0.2), engine)


def _document(kind: str, name: str, group: str = "", **fields: Any) -> Document:
    version = f"{group}/v1".removeprefix("/")
    metadata = {"name": name, "namespace": "shop"}
    manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
    return Document(manifest, Place("shop.yaml", 1))


_MANIFESTS = (
    _document("Pod", "web"),
    _document("Rollout", "api", "argoproj.io"),
    _document("Pod", "broken", spec=1),
    _document("NetworkPolicy", "p", "networking.k8s.io", spec={"podSelector": 1}),
)


@cache
def _documents() -> dict[str, Any]:
    """Return a document of each format, in which every part occurs."""
    found = _random("documents")
    findings = lint(found)
    ends = [each.id for each in found.endpoints]
    silenced = [SuppressedFinding(each, "agreed") for each in findings[:1]]
    read = review(source_of_preview(json.loads((PREVIEWS / "first.json").read_text("utf-8"))))
    partly = review(Source(SourceKind.MANIFESTS, "shop", Stage(_MANIFESTS)))
    fields, engine = reading_fields(partly), found.engine.name
    flows = answers(found, ends[0], ends[1], None)
    held = check(found, [denied("closed", ANYTHING, ANYTHING)])
    migration = migrate(partly.reading.snapshot, "azure", "cilium")
    changed = diff(_random("before"), _random("after"))
    return {
        "reach": json.loads("".join(reach_stream(found, **fields))),
        "lint": lint_document(found.engine, findings, silenced, partly.unread),
        "explain": explanations_document(engine, flows, lambda place: place, **fields),
        "check": checks_document(engine, held, lambda place: place, **fields),
        "migrate": migration_document(migration, partly),
        "walkthrough": walkthrough_document(walkthrough()),
        "plan": plan_document(read.plan),
        "preview": preview_document(read),
        "diff": changes_document(changed, findings, partly.unread),
        "observed": observed_document(_observed(), **fields),
    }


def _observed() -> ComparedFlows:
    """Return the example's flows beside the policies of the shop, and one end that is not known."""
    shop = review(source(str(ROOT / "examples" / "shop"))).reachability
    observed, records = ObservedFlows(shop), FlowRecords()
    for each in flows_in([str(ROOT / "examples" / "observed" / "flows.jsonl")], records):
        observed.add(each)
    observed.add(SeenFlow(SeenEnd("10.0.0.9"), SeenEnd("10.0.0.8"), IpProtocol.TCP, 80))
    return ComparedFlows.of(observed, records)


FORMATS = (
    "reach",
    "lint",
    "explain",
    "check",
    "migrate",
    "walkthrough",
    "plan",
    "preview",
    "diff",
    "observed",
)


@pytest.mark.parametrize("path", sorted(FILES.glob("*.json")), ids=lambda path: path.name)
@pytest.mark.long(keep=14)
def test_every_schema_is_a_schema_and_says_what_it_is_for(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"].endswith(".")


def test_schemas_are_made_from_the_types_that_read_and_write_the_documents() -> None:
    """`make schemas` writes them again."""
    made = {f"{name}.schema.json": schema_text(name) for name in SCHEMAS}
    assert made == {path.name: path.read_text("utf-8") for path in FILES.glob("*")}


@pytest.mark.parametrize("name", FORMATS)
def test_documents_follow_their_schema(name: str) -> None:
    assert _problems(name, _documents()[name]) == []


@pytest.mark.parametrize("engine", ["spec", "azure", "calico", "cilium", "none"])
@pytest.mark.long(keep=1)
def test_random_clusters_follow_their_schemas(engine: str) -> None:
    for seed in range(10):
        found = _random(f"{engine} {seed}", engine)
        assert _problems("reach", reach_document(found)) == []
        assert _problems("lint", lint_document(found.engine, lint(found))) == []


def _crippled(value: Any) -> Iterator[Any]:
    """Yield the value with one thing wrong: a part missing, a part too many, another type."""
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            for part in _crippled(value[key]):
                yield {**value, key: part}
        yield {**value, "unheard-of": 1}
    elif isinstance(value, list):
        for number, item in enumerate(value[:2]):
            for part in _crippled(item):
                yield [*value[:number], part, *value[number + 1 :]]
    else:
        yield [["another type"]]


MOST = 400
MAY_BE_LEFT_OUT = {"findings", "unread", "acknowledged"}


@pytest.mark.parametrize("name", ["reach", "explain", "walkthrough"])
@pytest.mark.long(keep=1)
def test_a_document_with_one_thing_wrong_is_refused(name: str) -> None:
    written = json.loads(json_text(_documents()[name]))
    document = written
    if isinstance(written, dict):
        # These may be left out, and of a finding much may.
        document = {key: written[key] for key in written if key not in MAY_BE_LEFT_OUT}
    wrong = [each for _, each in zip(range(MOST), _crippled(deepcopy(document)), strict=False)]
    assert len(wrong) > 20
    accepted = [each for each in wrong if not _problems(name, each)]
    # Labels are free: any may be there or not.
    assert all(_without_labels(each) == _without_labels(document) for each in accepted)


def _without_labels(value: Any) -> Any:
    match value:
        case dict():
            return {k: _without_labels(v) for k, v in value.items() if k != "labels"}
        case list():
            return [_without_labels(each) for each in value]
        case _:
            return value
