"""Read manifests that a test writes as YAML."""

from __future__ import annotations

from textwrap import dedent, indent

from podwall.model import Policy, Snapshot, SnapshotWorkload
from podwall.reading import SnapshotReading, snapshot
from podwall.sources.yaml_documents import parse_manifests


def read(text: str) -> SnapshotReading:
    return snapshot(parse_manifests(dedent(text).encode(), "test.yaml").documents)


def seen(text: str) -> Snapshot:
    """Return the snapshot of manifests about which there is nothing to say."""
    reading = read(text)
    assert reading.findings == ()
    return reading.snapshot


def policy(spec: str) -> Policy:
    """Return the one policy with this spec, in namespace `shop`."""
    reading = read(policy_text(spec))
    (found,) = reading.snapshot.policies
    return found


def policy_text(spec: str) -> str:
    head = """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: api, namespace: shop}
    spec:
    """
    return dedent(head) + indent(dedent(spec), "  ")


def workload(text: str) -> SnapshotWorkload:
    (found,) = seen(text).workloads
    return found


def ids(reading: SnapshotReading) -> list[str]:
    return [f"{finding.id} {finding.place.path}".strip() for finding in reading.findings]
