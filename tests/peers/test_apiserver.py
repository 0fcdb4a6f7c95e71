"""The transcriptions of the API server's rules, against a real API server.

PODWALL_APISERVER_KUBECONFIG=kubeconfig .venv/bin/python -m pytest tests/peers/test_apiserver.py
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podwall.model import Policy
from podwall.policies import Place, Severity
from podwall.policies.validation import violations
from podwall.reading import Document, snapshot
from tests.peers.apiserver import VARIABLE, ApiServer
from tests.peers.mutations import other_object, policy

DOCUMENTS = max(3_000, 25 * int(os.environ.get("SOAK", "0")))


@pytest.fixture(scope="module")
def server() -> ApiServer:
    kubeconfig = os.environ.get(VARIABLE)
    if not kubeconfig:
        pytest.skip(f"no API server to ask: set {VARIABLE}")
    return ApiServer.of(Path(kubeconfig))


@pytest.mark.timeout(3600)
def test_the_transcription_refuses_exactly_what_the_server_refuses(
    server: ApiServer, record_property: Callable[[str, object], None]
) -> None:
    differences = []
    for seed in range(DOCUMENTS):
        document = policy(random.Random(seed))
        ours = [str(f) for f in violations(document) if f.severity is Severity.ERROR]
        theirs = server.would_store(document)
        if theirs.accepted == bool(ours):
            differences.append((seed, ours, theirs.message, document["spec"]))
    assert differences == []
    record_property("compared: documents with the API server", DOCUMENTS)


@pytest.mark.timeout(3600)
def test_other_objects_are_refused_exactly_where_the_server_refuses_them(
    server: ApiServer, record_property: Callable[[str, object], None]
) -> None:
    differences = []
    for seed in range(DOCUMENTS):
        document = other_object(random.Random(seed))
        ours = snapshot([Document(document, Place())]).findings
        errors = [str(each) for each in ours if each.severity is Severity.ERROR]
        theirs = server.would_store(document)
        if theirs.accepted == bool(errors):
            differences.append((seed, errors, theirs.message, document))
    assert differences == []
    record_property("compared: other documents with the API server", DOCUMENTS)


@pytest.mark.timeout(3600)
def test_defaults_are_read_as_the_server_writes_them(
    server: ApiServer, record_property: Callable[[str, object], None]
) -> None:
    differences = []
    for seed in range(DOCUMENTS):
        document = policy(random.Random(seed))
        theirs = server.would_store(document)
        if theirs.accepted and _meaning(document) != _meaning(theirs.stored):
            differences.append((seed, document["spec"], theirs.stored["spec"]))
    assert differences == []
    record_property("compared: documents with the API server", DOCUMENTS)


def _meaning(document: dict[str, Any]) -> tuple[Policy, ...]:
    return snapshot([Document(document, Place())]).snapshot.policies
