"""The reader makes of every legal document what the API server makes of it."""

from __future__ import annotations

from hypothesis import given

from policies import NetworkPolicy, Severity
from policies.manifest import read
from tests.policies.documents import DOCUMENTS, Document
from tests.policies.stored import stored


@given(DOCUMENTS)
def test_a_legal_document_is_read(document: Document) -> None:
    reading = read(document)
    assert [each for each in reading.findings if each.severity is Severity.ERROR] == []
    assert reading.policy is not None


@given(DOCUMENTS)
def test_writing_what_was_read_is_what_kubernetes_stores(document: Document) -> None:
    assert stored(NetworkPolicy.from_manifest(document).to_manifest()) == stored(document)


@given(DOCUMENTS, DOCUMENTS)
def test_documents_that_read_the_same_are_stored_the_same(one: Document, two: Document) -> None:
    if NetworkPolicy.from_manifest(one) == NetworkPolicy.from_manifest(two):
        assert stored(one) == stored(two)
