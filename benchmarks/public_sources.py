"""Read public manifests, kustomizations and charts, and print what became of each in Markdown.

    python -m benchmarks.public_sources FOLDER [WORD ...]

FOLDER holds clones: `git clone https://github.com/OWNER/NAME FOLDER/OWNER/NAME` for each repository
of `public_sources.tsv` beside this module, whose commits are read. Words choose the sources whose
line has one of them. kustomize, helm and np-guard's `netpol` are used where they are on PATH.

np-guard reads plain files: of a kustomization or a chart it gets what the tool makes of it.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from podwall.aks.limits import NEWEST_VERSION
from podwall.policies.errors import PodwallError
from podwall.portset import NO_PORTS, PortSet
from podwall.reading import ObjectStatus
from podwall.review import review
from podwall.sources import source
from tests.peers.netpol import connections_in, executable, ports_in

Pairs = dict[tuple[str, str], PortSet]

LIST: Final = Path(__file__).with_suffix(".tsv")
_BUILD: Final = {
    "kustomize": ("kustomize", "build"),
    "helm": (
        "helm",
        "template",
        "release-name",
        "--skip-tests",
        "--include-crds",
        f"--kube-version={NEWEST_VERSION}",
    ),
}
_STATUSES: Final = (ObjectStatus.READ, ObjectStatus.HARMLESS, ObjectStatus.UNREAD)
_HEAD: Final = (
    "source", "documents read", "harmless", "unread", "exit code", "connections",
    "np-guard's exit code", "its connections", "against ours",
)  # fmt: skip


class PublicSource(NamedTuple):
    """A folder or file of a commit; `folder` is the part of it that is read."""

    kind: str
    repository: str
    commit: str
    path: str
    folder: str

    def __str__(self) -> str:
        """Write repository, path and commit."""
        where = "/".join(part for part in (self.path, self.folder) if part != ".")
        return f"{self.repository} {where} {self.commit[:7]}".replace("  ", " ")


def main(words: Sequence[str]) -> None:
    """Print a table of each kind."""
    clones, chosen = Path(words[0]), words[1:]
    with LIST.open(encoding="utf-8", newline="") as lines:
        listed = [PublicSource(**row) for row in csv.DictReader(lines, delimiter="\t")]
    for kind in dict.fromkeys(each.kind for each in listed):
        print(f"\n| {' | '.join((kind, *_HEAD[1:]))} |\n{'|---' * len(_HEAD)}|")
        for each in listed:
            if each.kind == kind and (not chosen or any(word in f"{each}" for word in chosen)):
                with _checked_out(each, clones) as folder:
                    print(f"| {' | '.join((f'{each}', *_row(each, folder)))} |", flush=True)


@contextmanager
def _checked_out(each: PublicSource, clones: Path) -> Iterator[Path]:
    """Yield the folder that is read, in a temporary copy of what the commit has at the path."""
    tree = f"{each.commit}:{'' if each.path == '.' else each.path}"
    git = ("git", "-C", str(clones / each.repository))
    with tempfile.TemporaryDirectory() as name:
        if _output(*git, "cat-file", "-t", tree).strip() == b"blob":
            Path(name, Path(each.path).name).write_bytes(_output(*git, "show", tree))
        else:
            with tarfile.open(fileobj=io.BytesIO(_output(*git, "archive", tree))) as archive:
                archive.extractall(name, filter="tar")
        yield Path(name, each.folder)


def _output(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - ours


def _row(each: PublicSource, folder: Path) -> list[str]:
    ran = subprocess.run(  # noqa: S603 - podwall itself
        [sys.executable, "-m", "podwall", "reach", str(folder), "-o", "csv"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    ours = _between_workloads(ran.stdout)
    theirs, code = _of_np_guard(each, folder)
    compared = _compared(ours, theirs) if ran.returncode in {0, 1} and theirs is not None else ""
    shown = "" if theirs is None else f"{len(theirs):,}"
    return [*_ledger(folder), str(ran.returncode), f"{len(ours):,}", code, shown, compared]


def _ledger(folder: Path) -> list[str]:
    """Return how many documents were read, are harmless, and were not read."""
    try:
        count = Counter(entry.status for entry in review(source(str(folder))).ledger)
    except PodwallError as problem:
        return [problem.message.replace(str(folder), ".")[:80], "", ""]
    return [f"{count[each]:,}" for each in _STATUSES]


def _between_workloads(text: str) -> Pairs:
    """Return what podwall lists as open between different workloads that are shown."""
    rows = [(row["source"], row["destination"], row["allowed"]) for row in
            csv.DictReader(io.StringIO(text))]  # fmt: skip
    found: Pairs = {}
    for start, end, allowed in rows:
        if allowed and start != end and _is_workload(start) and _is_workload(end):
            pair = (_without_kind(start), _without_kind(end))
            found[pair] = found.get(pair, NO_PORTS) | ports_in(allowed.replace(", ", ","))
    return found


def _without_kind(workload: str) -> str:
    """Return `namespace/name`, as np-guard's names are compared, also where two kinds share it."""
    namespace, *_, name = workload.split("/")
    return f"{namespace}/{name}"


def _is_workload(end: object) -> bool:
    """Return whether an end is a workload that is shown, and no range of addresses."""
    return isinstance(end, str) and "/" in end and ":" not in end and not end[0].isdigit()


def _of_np_guard(each: PublicSource, folder: Path) -> tuple[Pairs | None, str]:
    tool = executable()
    if tool is None:
        return None, "not there"
    with tempfile.TemporaryDirectory() as name:
        given, output = folder, Path(name, "out.csv")
        if each.kind in _BUILD:
            built = subprocess.run(  # noqa: S603 - the tool that people use
                [*_BUILD[each.kind], str(folder)], check=False, capture_output=True
            )
            if built.returncode:
                return None, "not built"
            given = Path(name, "built")
            given.mkdir()
            Path(given, "all.yaml").write_bytes(built.stdout)
        options = ["-q", "--multiple-networks=false", "-o", "csv", "-f", str(output)]
        ran = subprocess.run(  # noqa: S603 - np-guard
            [tool, "list", *options, "--dirpath", str(given)], check=False, capture_output=True
        )
        if not output.is_file():
            return None, str(ran.returncode)
        ends = connections_in(output).items()
        pairs = {(str(a), str(b)): ports for (a, b), ports in ends
                 if a != b and _is_workload(a) and _is_workload(b)}  # fmt: skip
        return pairs, str(ran.returncode)


def _compared(ours: Pairs, theirs: Pairs) -> str:
    if ours == theirs:
        return "equal"
    more, fewer = len(ours.keys() - theirs.keys()), len(theirs.keys() - ours.keys())
    other = sum(ours[pair] != theirs[pair] for pair in ours.keys() & theirs.keys())
    parts = ((more, "only ours"), (fewer, "only its"), (other, "with other ports"))
    return ", ".join(f"{number:,} {what}" for number, what in parts if number)


if __name__ == "__main__":
    main(sys.argv[1:])
