"""What changes, in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from podwall.diff import ChangeKind
from podwall.reports.comment.grouping import ORDER
from podwall.reports.comment.values import ChangeReport
from podwall.reports.words import listed

__all__ = ["change_sentence", "outside_sentence"]

_GAPS: Final = {"preview-failed", "preview-without-sames"}
_VERBS: Final = {
    ChangeKind.ADDED: ("opens", "open"),
    ChangeKind.WIDENED: ("gains ports", "gain ports"),
    ChangeKind.CHANGED: ("changes", "change"),
    ChangeKind.NARROWED: ("loses some ports", "lose some ports"),
    ChangeKind.REMOVED: ("closes", "close"),
}


def change_sentence(report: ChangeReport) -> str:
    """Return how many connections change, between workloads if any, else with what is outside.

    Nothing is said of a change that cannot be seen, because its preview failed.

    >>> change_sentence(ChangeReport("stack dev"))
    'no connection opens or closes'
    """
    inside, outside = _counted(report)
    said = _counts(inside) or _with_outside(outside)
    if any(each.id in _GAPS for each in report.findings):
        seen = f"; as far as it came, {said}" if said else ""
        return f"the preview is not whole, so nobody knows what opens or closes{seen}"
    said = said or "no connection opens or closes"
    return f"more than {said}" if report.partial else said


def outside_sentence(report: ChangeReport) -> str:
    """Return how many connections change with what is outside, if `change_sentence` does not.

    All addresses outside count as one for each workload and direction, however many ranges it takes
    to write them.
    """
    inside, outside = _counted(report)
    return _with_outside(outside) if inside else ""


def _with_outside(count: Counter[ChangeKind]) -> str:
    return f"{_counts(count)} from or to outside the cluster" if count else ""


def _counted(report: ChangeReport) -> tuple[Counter[ChangeKind], Counter[ChangeKind]]:
    inside: Counter[ChangeKind] = Counter()
    outside = set()
    for each in report.connections:
        if each.source in report.ranges:
            outside.add((each.kind, "from", each.destination))
        elif each.destination in report.ranges:
            outside.add((each.kind, "to", each.source))
        else:
            inside[each.kind] += 1
    return inside, Counter(kind for kind, _, _ in outside)


def _counts(count: Counter[ChangeKind]) -> str:
    """Return the counts, the most open kind first; the noun stands with the first."""
    kinds: Iterable[ChangeKind] = [kind for kind in ORDER if count[kind]]
    parts = [(count[kind], _VERBS[kind][count[kind] > 1]) for kind in kinds]
    if not parts:
        return ""
    first, verb = parts[0]
    noun = "connection" if first == 1 else "connections"
    return listed([f"{first:,} {noun} {verb}", *(f"{n:,} {each}" for n, each in parts[1:])])
