"""Keep each object once: the last of one name, and nothing that a controller here has made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from podwall.model import Unknown
from podwall.policies.findings import Finding, Severity
from podwall.reading.metadata import KubernetesObject
from podwall.reading.objects import Read

__all__ = ["last_of_each", "with_distinct_names", "without_owned"]

Identity = tuple[str, str, str | Unknown, str]


def with_distinct_names(objects: Iterable[KubernetesObject]) -> Iterator[KubernetesObject]:
    """Number the stand-ins of generated names, so that each object keeps a name of its own."""
    seen: dict[Identity, int] = {}
    for item in objects:
        if item.generated is None:
            yield item
            continue
        count = seen[_identity(item)] = seen.get(_identity(item), 0) + 1
        yield item if count == 1 else replace(item, name=f"{item.name}{count}")


def last_of_each(reads: Iterable[Read]) -> tuple[list[Read], list[Finding]]:
    """Return what stays when all are applied in turn, and a finding on each repetition."""
    last: dict[Identity, Read] = {}
    findings = []
    for read in reads:
        identity = _identity(read.item)
        if identity in last:
            findings.append(_repeated(last[identity], read))
        last[identity] = read
    return list(last.values()), findings


def without_owned(reads: Sequence[Read]) -> list[Read]:
    """Leave out what a controller made that is here itself, so that no pod counts twice."""
    present = {(read.item.kind, read.item.namespace, read.item.name) for read in reads}
    return [read for read in reads if _owner(read.item) not in present]


def _owner(item: KubernetesObject) -> tuple[str, str | Unknown, str] | None:
    return (item.owner.kind, item.namespace, item.owner.name) if item.owner else None


def _identity(item: KubernetesObject) -> Identity:
    namespace = item.namespace if item.is_in_a_namespace else ""
    return item.group, item.kind, namespace, item.name


def _repeated(first: Read, second: Read) -> Finding:
    item = second.item
    same = first.part == second.part
    return Finding(
        "duplicate-object",
        Severity.INFO if same else Severity.ERROR,
        f"{item} is written twice{'' if same else ', differently'}: first at {first.item.place}",
        item.place,
        "one object has one name; the last one written is taken",
    )
