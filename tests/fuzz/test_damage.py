"""Documents that are damaged: never a traceback or a hang, and what is sound is still read.

`SOAK=1000 python -m pytest tests/fuzz` damages as many times more.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import pytest

from podwall.policies import Severity
from tests.fuzz.mutations import TOKENS, damaged
from tests.fuzz.reading import assert_survives, findings_and_snapshot

BATCHES: Final = max(1, int(os.environ.get("SOAK", "0")) // 10)
EACH: Final = 15
TESTS: Final = Path(__file__).parents[1]
SAMPLES: Final = {
    "recipes": TESTS / "judges/data/recipes/cluster.yaml",
    "boutique": TESTS / "judges/data/boutique/minimal/policies.yaml",
    "first preview": TESTS / "data/previews/first.json",
    "state": TESTS / "data/previews/state.json",
    "events": TESTS / "data/engine/allow.events.json",
}


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.timeout(40 * EACH)
@pytest.mark.long(keep=2)
def test_a_damaged_file_is_read_or_refused_in_one_line(
    sample: str, batch: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rng = Random(f"{sample} {batch}")
    text = SAMPLES[sample].read_bytes()
    for _ in range(EACH):
        assert_survives(tmp_path, damaged(rng, text))
    record_property("compared: damaged files read or refused", EACH)


@pytest.mark.parametrize("token", TOKENS, ids=repr)
@pytest.mark.long(keep=10)
def test_hostile_text_alone_is_read_or_refused_in_one_line(token: bytes, tmp_path: Path) -> None:
    assert_survives(tmp_path, token)
    assert_survives(tmp_path, b"apiVersion: " + token + b"\nkind: Pod\nmetadata: {name: web}\n")


POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop}\nspec: {containers: []}\n"
BROKEN = b"""\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from: [{namespaceSelector: {}}]
      ports:
        - {port: 80, protocol: TCP}
"""


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_documents_around_a_damaged_one_are_still_read(
    batch: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rng = Random(f"around {batch}")
    for _ in range(EACH):
        middle = damaged(rng, BROKEN)
        findings, snapshot = findings_and_snapshot(
            tmp_path, b"---\n".join((POD % b"first", middle + b"\n", POD % b"last"))
        )
        names = {each.name for each in snapshot.workloads}
        told = [each for each in findings if each.severity is Severity.ERROR]
        assert {"first", "last"} <= names, middle
        assert snapshot.policies or told or not _is_policy(middle), middle
    record_property("compared: documents beside a damaged one", 2 * EACH)


def _is_policy(text: bytes) -> bool:
    """Tell whether what is left of the policy still claims to be one."""
    return text.startswith(b"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n")
