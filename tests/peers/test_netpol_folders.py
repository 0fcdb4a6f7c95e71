"""np-guard's opinion on the folders of manifests in its own test-suite; skipped without them.

PODWALL_NETPOL_FOLDERS=netpol-analyzer/tests python -m pytest tests/peers/test_netpol_folders.py

Read as np-guard reads them: pods of a controller that is not there are one workload, and no pod is
on the host network. Left out are folders with kinds that one of the two does not read, and those
that it refuses. https://github.com/np-guard/netpol-analyzer
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest

from podwall.model import Snapshot, SnapshotWorkload
from podwall.policies import Severity
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import reachability
from podwall.reading.ledger import single_objects
from podwall.review import Review, review
from podwall.sources import Source, source
from tests.peers.netpol import Connections, End, executable, listed
from tests.peers.test_netpol import compared, connections

FOLDERS = os.environ.get("PODWALL_NETPOL_FOLDERS", "")
ONLY_THERE = re.compile(
    r"\b(NetworkAttachmentDefinition"
    r"|(Cluster)?UserDefinedNetwork|VirtualMachine(Instance)?)\b"
    r"|(?m:^[ -]*(networks|nodes):)"  # there networks never mean pods, and nodes are manifests
)
ENDED = re.compile(r"""\bphase"?: *"?(Succeeded|Failed)\b""")  # pods that we leave out
INGRESS_CONTROLLER = "{ingress-controller}"


@pytest.fixture(scope="module")
def tool() -> str:
    found = executable()
    if found is None or not FOLDERS:
        pytest.skip("no folders of np-guard: name them in PODWALL_NETPOL_FOLDERS, netpol on PATH")
    return found


@pytest.mark.timeout(3600)
def test_np_guard_lists_the_same_of_its_own_folders(
    tool: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for folder, read in readable(Path(FOLDERS)):
        theirs = opinion(tool, folder, tmp_path)
        if theirs is None:
            continue
        owners = dict(owned(read))
        ours = ours_of(on_the_pod_network(review(read).reading.snapshot), owners)
        assert compared(ours, theirs) == compared(theirs, ours), folder.name
        record_property("compared: folders with np-guard", 1)
        record_property("compared: connections of folders with np-guard", len(ours))


def readable(folders: Path) -> Iterator[tuple[Path, Source]]:
    """Yield the folders of which both read everything."""
    for folder in sorted(each for each in folders.iterdir() if each.is_dir()):
        files = (each for each in folder.rglob("*") if each.suffix in {".yaml", ".yml", ".json"})
        texts = [each.read_text("utf-8", "replace") for each in files]
        if any(ONLY_THERE.search(each) or ENDED.search(each) for each in texts):
            continue
        read = source(str(folder))
        if is_whole(review(read)):
            yield folder, read


def is_whole(found: Review) -> bool:
    """Say whether nothing was left out, and no two objects have one name."""
    return all(each.severity is not Severity.ERROR for each in found.reading_findings)


def opinion(tool: str, folder: Path, scratch: Path) -> Connections | None:
    """Return what np-guard lists, without its stand-in for an ingress controller; or nothing."""
    manifests = scratch / folder.name
    for file in (each for each in folder.rglob("*") if each.is_file()):
        copy = manifests / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text("utf-8", "replace")
        copy.write_text(re.sub(r'(hostNetwork"?: *)true', r"\1false", text), "utf-8")
    try:
        found = listed(tool, manifests)
    except CalledProcessError:
        return None
    return {pair: ports for pair, ports in found.items() if INGRESS_CONTROLLER not in pair}


def owned(read: Source) -> Iterator[tuple[str, str]]:
    """Yield each pod with the controller that np-guard sees in its place."""
    for each in single_objects(read.planned.documents):
        manifest: Any = each.manifest
        if manifest.get("kind") == "Pod":
            metadata = manifest["metadata"]
            where = metadata.get("namespace", "default")
            for owner in metadata.get("ownerReferences") or ():
                if owner.get("kind") != "Node":
                    yield f"{where}/{metadata['name']}", f"{where}/{owner['name']}"


def on_the_pod_network(snapshot: Snapshot) -> Snapshot:
    """Return the cluster as np-guard sees it, to which services open nothing."""
    return replace(snapshot, workloads=tuple(map(_off_the_host, snapshot.workloads)), services=())


def _off_the_host(workload: SnapshotWorkload) -> SnapshotWorkload:
    return replace(workload, host_network=False, addresses=())


def ours_of(snapshot: Snapshot, owners: dict[str, str]) -> Connections:
    """Return our own list, the pods of one controller taken together."""
    joined: dict[tuple[End, End], list[PortSet]] = {}
    for (one, other), ports in connections(reachability(snapshot)):
        pair = _owner(one, owners), _owner(other, owners)
        if pair[0] != pair[1]:
            joined.setdefault(pair, []).append(ports)
    return {pair: reduce(PortSet.__or__, each, NO_PORTS) for pair, each in joined.items()}


def _owner(end: End, owners: dict[str, str]) -> End:
    return owners.get(end, end) if isinstance(end, str) else end
