"""The same documents in every form in which they can be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import yaml

__all__ = ["WRITERS"]

Json = dict[str, Any]


def _yaml(documents: list[Json]) -> bytes:
    return yaml.safe_dump_all(documents, sort_keys=False).encode()


def _flow_yaml(documents: list[Json]) -> bytes:
    return yaml.safe_dump_all(documents, default_flow_style=True, width=80).encode()


def _json_list(documents: list[Json]) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}, indent=1).encode()


def _json_lines(documents: list[Json]) -> bytes:
    return "\n".join(map(json.dumps, documents)).encode()


def _preview(documents: list[Json]) -> bytes:
    steps = [{"op": "create", "urn": s["urn"], "newState": s} for s in map(_state, documents)]
    return json.dumps({"steps": steps}).encode()


def _events(documents: list[Json]) -> bytes:
    events = (
        {
            "sequence": number,
            "timestamp": 1,
            "resourcePreEvent": {"metadata": {"op": "create", "new": _state(document)}},
        }
        for number, document in enumerate(documents)
    )
    return "\n".join(map(json.dumps, events)).encode()


def _export(documents: list[Json]) -> bytes:
    return json.dumps({"deployment": {"resources": list(map(_state, documents))}}).encode()


def _state(document: Json) -> Json:
    group, kind = str(document["apiVersion"]), document["kind"]
    type_ = f"kubernetes:{group if '/' in group else f'core/{group}'}:{kind}"
    metadata = document["metadata"]
    name = f"{metadata.get('namespace', '')}-{metadata['name']}"
    urn = f"urn:pulumi:dev::shop::{type_}::{name}"
    return {"urn": urn, "type": type_, "custom": True, "id": urn, "inputs": document}


WRITERS: dict[str, Callable[[list[Json]], bytes]] = {
    "block YAML": _yaml,
    "flow YAML": _flow_yaml,
    "a JSON list": _json_list,
    "JSON objects": _json_lines,
    "a preview": _preview,
    "engine events": _events,
    "an exported stack": _export,
}
