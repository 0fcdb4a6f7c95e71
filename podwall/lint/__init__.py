"""What is worth knowing about network policies before they are deployed, one lint each.

>>> from podwall.model import LabelMap, Snapshot, SnapshotWorkload
>>> from podwall.reachability import reachability
>>> web = SnapshotWorkload("shop", "web", "Pod", LabelMap())
>>> for finding in lint(reachability(Snapshot(workloads=(web,)))):
...     print(finding)
info[no-policies]: there is 1 workload and no network policy

An object silences findings by the annotation `podwall.dev/ignore: "id: reason; other-id: reason"`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from podwall.on_demand import on_first_use
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.wording import did_you_mean
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reading import Document
from podwall.reading.ledger import single_objects

if TYPE_CHECKING:
    from podwall.lint.all_lints import LINTS
    from podwall.lint.context import Lint

__all__ = [
    "LINTS",
    "Lint",
    "SuppressedFinding",
    "TriagedFindings",
    "idle_kinds",
    "is_annotated",
    "lint",
    "ranked",
    "silenceable",
    "triaged",
]


_ANNOTATION: Final = "podwall.dev/ignore"
PATH: Final = f"metadata.annotations[{_ANNOTATION}]"


@dataclass(frozen=True, slots=True)
class SuppressedFinding:
    """A finding that an annotation silences, and the reason it gives."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class TriagedFindings:
    """The findings that stay, and those that are silenced."""

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[SuppressedFinding, ...] = ()


def is_annotated(documents: Iterable[Document]) -> bool:
    """Return whether any object silences a finding, or tries to."""
    return any(any(_entries(each.manifest)) for each in single_objects(documents))


def triaged(
    findings: Sequence[Finding],
    documents: Iterable[Document],
    known: frozenset[str],
    files: Container[str] | None = None,
) -> TriagedFindings:
    """Return the findings apart: what stays, and what an annotation silences.

    What the API server refuses can't be silenced, nor anything without a reason or by an id that is
    not among the `known` ones: these are findings of their own.

    Args:
        findings: in the order in which they are to stay.
        documents: the objects whose annotations count.
        known: the ids that an annotation can name.
        files: the sources of places that are files of manifests, in which an object has all lines
            up to the next one; None means all. In any other, such as a program, an object has the
            one line that makes it.
    """
    read, problems = _read(documents, known)
    index = _SuppressionIndex(read, files)
    paired = [(each, index.reason(each) if each.id in known else None) for each in findings]
    kept = [finding for finding, reason in paired if not reason]
    silenced = [SuppressedFinding(finding, reason) for finding, reason in paired if reason]
    return TriagedFindings((*kept, *problems), tuple(silenced))


@dataclass(frozen=True, slots=True)
class _Suppression:
    """The findings that one object silences: reasons by id."""

    place: Place
    reasons: Mapping[str, str]

    def is_about(self, path: str) -> bool:
        """Return whether a path is inside the object, which may be one of a list."""
        own = self.place.path
        return not own or path == own or path.startswith((f"{own}.", f"{own}["))


class _SuppressionIndex:
    """The objects that silence findings, found by where a finding is."""

    def __init__(self, suppressions: Iterable[_Suppression], files: Container[str] | None) -> None:
        self._files = files
        self._at: dict[str, dict[int, list[_Suppression]]] = defaultdict(lambda: defaultdict(list))
        for each in suppressions:
            self._at[each.place.source][each.place.line or 0].append(each)
        self._lines = {source: sorted(there) for source, there in self._at.items()}

    def reason(self, finding: Finding) -> str | None:
        """Return why a finding is silenced: every object that it may be about has to silence it."""
        place = finding.place
        here = self._at[place.source][self._line(place)] if place.source in self._at else []
        reasons = [each.reasons.get(finding.id) for each in here if each.is_about(place.path)]
        return None if None in reasons or not reasons else reasons[0]

    def _line(self, place: Place) -> int:
        """Return the line at which the objects begin that a place may be in."""
        line = place.line or 0
        if self._files is not None and place.source not in self._files:
            return line
        lines = self._lines[place.source]
        before = bisect_right(lines, line)
        return lines[before - 1] if before else line


def _read(
    documents: Iterable[Document], known: frozenset[str]
) -> tuple[list[_Suppression], list[Finding]]:
    """Return what the objects silence, and the findings on what can't be silenced."""
    suppressions, problems = [], []
    for document in single_objects(documents):
        reasons = dict(_entries(document.manifest))
        suppressions.append(_Suppression(document.place, reasons))
        found = (_problem(*entry, known, document.place) for entry in reasons.items())
        problems += [problem for problem in found if problem is not None]
    return suppressions, problems


def _entries(manifest: Any) -> Iterator[tuple[str, str]]:
    """Yield the ids and reasons in an object's annotation."""
    annotations = _field(_field(manifest, "metadata"), "annotations")
    written = _field(annotations, _ANNOTATION)
    for entry in written.split(";") if isinstance(written, str) else ():
        id_, _, reason = entry.partition(":")
        if entry.strip():
            yield id_.strip(), reason.strip()


def _field(node: Any, key: str) -> Any:
    return node.get(key) if isinstance(node, Mapping) else None


def _problem(id_: str, reason: str, known: frozenset[str], place: Place) -> Finding | None:
    if id_ not in known:
        message, help_ = f"there is no finding `{id_}` to ignore", did_you_mean(id_, sorted(known))
    elif not reason:
        message, help_ = f"`{id_}` is ignored without a reason", f"write `{id_}: the reason`"
    else:
        return None
    return Finding("ignore-without-effect", Severity.WARNING, message, place.at(PATH), help_)


# Who only asks who reaches whom waits for no lint.


__getattr__ = on_first_use(
    __name__, {"LINTS": "podwall.lint.all_lints", "Lint": "podwall.lint.context"}
)

RANKS: Final = list(Severity)
GUARDRAILS: Final = frozenset({"workload-before-policies", "workload-exposed", "workload-open"})
"""Findings that only the policy pack makes; objects that silence them are linted, too."""


def lint(reachability: Reachability) -> tuple[Finding, ...]:
    """Return everything that the lints find in a snapshot under an engine, most severe first."""
    from podwall.lint.all_lints import LINTS  # noqa: PLC0415 - as above
    from podwall.lint.context import LintContext  # noqa: PLC0415 - as above

    context = LintContext(reachability)
    return ranked(finding for each in LINTS for finding in each.findings(context))


def idle_kinds(reachability: Reachability) -> tuple[Finding, ...]:
    """Return the policies whose kind the engine does not enforce, or perhaps not.

    They are worth knowing wherever verdicts are shown, which are those without these policies.
    """
    snapshot = reachability.snapshot
    if not (snapshot.tier_policies or snapshot.cilium_policies or snapshot.calico_policies):
        return ()
    from podwall.lint.context import LintContext  # noqa: PLC0415 - as above
    from podwall.lint.tiers import IDLE_KINDS  # noqa: PLC0415 - as above

    return ranked(IDLE_KINDS.findings(LintContext(reachability)))


def silenceable(noted: Iterable[Finding]) -> frozenset[str]:
    """Return the ids that an annotation can silence, given what was noted while reading.

    An error of reading is not among them: the API server refuses the object, whatever it says.
    """
    from podwall.lint.all_lints import LINTS  # noqa: PLC0415 - as above

    read = {each.id for each in noted if each.severity is not Severity.ERROR}
    return frozenset(read | GUARDRAILS | {each.id for each in LINTS})


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by severity, then by place."""
    return tuple(sorted(findings, key=_rank))


def _rank(finding: Finding) -> tuple[int, str, int, str]:
    place = finding.place
    return RANKS.index(finding.severity), place.source, place.line or 0, finding.id
