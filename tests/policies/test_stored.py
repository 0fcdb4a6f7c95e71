"""The reader makes of every legal document what the API server makes of it."""

from __future__ import annotations

from hypothesis import given

from podwall.policies import Severity
from podwall.policies.policy import read
from tests.policies.documents import DOCUMENTS, Document
from tests.policies.stored import stored


@given(DOCUMENTS)
def test_what_is_read_is_what_kubernetes_stores(document: Document) -> None:
    reading = read(document)
    assert [each for each in reading.findings if each.severity is Severity.ERROR] == []
    assert reading.policy is not None
    assert stored(reading.policy.to_manifest()) == stored(document)
