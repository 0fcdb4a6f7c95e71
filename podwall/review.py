"""One path for all: a source and an engine become one value, which every command and report uses.

    source x engine  ->  what was read          reading, ledger
                         what it means          reachability
                         what is worth knowing  reading_findings, findings, suppressed
                         how a command ends     exit_code

Nothing else joins these parts, so that a finding that an annotation silences is silent everywhere,
stands at the same line everywhere, and decides everywhere alike. Each part is made when it is first
asked for: what only wants the snapshot pays for no analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from podwall.engines import SPEC, Engine
from podwall.exit_code import ExitCode, FailOn, exit_code
from podwall.lint import (
    SuppressedFinding,
    TriagedFindings,
    idle_kinds,
    is_annotated,
    lint,
    ranked,
    silenceable,
    triaged,
)
from podwall.model import Policy
from podwall.overview import uncertain_services
from podwall.policies.errors import Finding, Place, Severity
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, reachability
from podwall.reading import KeptReadings, LedgerEntry, ObjectStatus, SnapshotReading, snapshot
from podwall.reading.ledger import (
    ACCEPTABLE,
    NOT_BUILT,
    accepts_nothing,
    not_closed,
    unknown_kinds,
)
from podwall.sources.model import Source, SourceKind, Stage

# What reads plans is imported where there is one, which no folder of manifests has.
if TYPE_CHECKING:
    from podwall.plan.model import Plan
    from podwall.plan.real_names import RealNames
    from podwall.sources.existence import Existence
    from podwall.sources.yaml_lines import FieldLines

__all__ = ["NAMES_NOTHING", "Review", "SuppressedFinding", "review"]

#: The lints that mean, in a program, that a policy is written for labels that nothing carries.
NAMES_NOTHING: Final = frozenset({"policy-without-pods", "peer-without-pods"})


def review(source: Source, engine: Engine | str | None = None) -> Review:
    """Return what a source means under an engine.

    Args:
        source: what was opened or planned.
        engine: who enforces the policies; None means the one that the source declares, else the
            specification.

    Raises:
        InvalidValue: its objects go to several clusters, each of which is reviewed by itself.

    >>> from podwall.reading import Document
    >>> web = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
    >>> other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}}
    >>> documents = (Document(web), Document(other))
    >>> found = review(Source(SourceKind.MANIFESTS, "shop", Stage(documents)))
    >>> [each.id for each in found.reachability.workloads]
    ['default/web']
    >>> [f"{each.status}: {each}" for each in found.ledger]
    ['read: Pod web', 'harmless: ConfigMap words']
    >>> [each.id for each in found.findings]
    ['no-policies']
    """
    if source.plan is not None:
        from podwall.sources.stacks import single_cluster  # noqa: PLC0415 - as above

        single_cluster(source)
    return Review(source, engine)


@dataclass(frozen=True, eq=False)
class Review:
    """What a source means under an engine; `None` is the engine that the source declares."""

    source: Source
    engine: Engine | str | None = None

    @cached_property
    def reading(self) -> SnapshotReading:
        """The snapshot of what there will be, with the findings as the reader leaves them."""
        return self._read(self.source.planned, self.source.kept)

    @cached_property
    def reachability(self) -> Reachability:
        """Who can reach whom.

        Raises:
            InvalidValue: there is no such engine.
        """
        return reachability(self.reading.snapshot, self.engine)

    @cached_property
    def reading_findings(self) -> tuple[Finding, ...]:
        """What was found before anything was judged, without what an annotation silences.

        It is about what could not be read, what is legal and means something else, and what the
        deployment does on its way. The most severe come first, each at the line of its field.
        """
        return self._shown(self.triaged(self.noted).findings)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that is worth knowing, lints included, without what is silenced."""
        return self._shown(self._all.findings)

    @cached_property
    def suppressed(self) -> tuple[SuppressedFinding, ...]:
        """What an annotation silences, each finding at its line and with the reason for it."""
        silenced = self._all.suppressed
        at_lines = self._at_lines([each.finding for each in silenced])
        pairs = zip(silenced, at_lines, strict=True)
        return tuple(replace(each, finding=finding) for each, finding in pairs)

    @property
    def plan(self) -> Plan:
        """The planned resources; none where the source is not what Pulumi manages."""
        from podwall.plan.model import Plan  # noqa: PLC0415 - as above

        return self.source.plan or Plan("", "")

    @cached_property
    def uncertain_services(self) -> tuple[str, ...]:
        """The services whose openings are not certain only because nobody named an engine."""
        is_named = self.engine is not None or self.reachability.engine.name != SPEC.name
        return () if is_named else uncertain_services(self.reachability)

    @cached_property
    def real_names(self) -> RealNames:
        """The names that namespaces have in the cluster, where Pulumi makes these up."""
        from podwall.plan.real_names import real_names  # noqa: PLC0415 - as above

        return real_names(self.plan)

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The errors that name something which is missing from the snapshot.

        The API server would refuse it, or it could not be read: a verdict may depend on it.
        """
        errors = _errors((*self.source.findings, *self.reading.findings))
        return ranked(self._at_lines(errors))

    @cached_property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        """What became of everything in the source: read, harmless, or unread with the reason."""
        entries = (
            *self.reading.ledger,
            *self.source.others,
            *map(_unparsed, self._left_unread()),
            *self._unseen_entries(),
        )
        return tuple(map(self._weighed, entries))

    def _left_unread(self) -> Iterator[Finding]:
        """Yield the errors that leave something unread; those of a cluster are of its engine."""
        if self.source.kind is not SourceKind.CLUSTER:
            yield from (each for each in _errors(self.source.findings) if each.id != NOT_BUILT)

    @cached_property
    def unread(self) -> tuple[LedgerEntry, ...]:
        """What was not read and may change who reaches whom."""
        return tuple(each for each in self.ledger if each.status is ObjectStatus.UNREAD)

    @cached_property
    def not_read(self) -> tuple[LedgerEntry, ...]:
        """What was not read, also of kinds of which a user says that this is known."""
        known = (each for each in self.ledger if each.status is ObjectStatus.ACKNOWLEDGED)
        return (*self.unread, *known)

    def triaged(self, findings: Sequence[Finding]) -> TriagedFindings:
        """Return the findings apart: what stays, and what an annotation of the source silences.

        An error of reading always stays: the API server refuses the object, whatever it says.
        """
        errors = dict.fromkeys(_errors(self.noted))
        fixed = [each for each in findings if each in errors]
        others = [each for each in findings if each not in errors]
        files = self.source.texts.keys()
        documents = self.source.planned.documents
        if not self._is_annotated:
            return TriagedFindings((*fixed, *others))
        result = triaged(others, documents, silenceable(self.noted), files)
        return replace(result, findings=(*fixed, *result.findings))

    def kept(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Return those of the findings that no annotation silences, each once."""
        given = dict.fromkeys(findings)
        stay = dict.fromkeys(self.triaged(tuple(given)).findings)
        return tuple(each for each in given if each in stay)

    def located(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Return findings by severity and place, each at the line of the field it is about."""
        return ranked(self._at_lines(findings))

    def locate(self, place: Place) -> Place:
        """Return where a field is: at its own line, in a file that is known.

        What Pulumi makes has the line of the program that makes the whole object, which says
        nothing of a field of it: of such a place only the path is left.
        """
        if self.source.plan is not None and place.source not in self.source.texts:
            return Place(path=place.path)
        return self._field_lines.exact(place)

    def with_policies(
        self, policies: Iterable[Policy], engine: Engine | str | None = None
    ) -> Reachability:
        """Return who would reach whom if the NetworkPolicies were others."""
        snapshot = replace(self.reading.snapshot, policies=tuple(policies))
        return reachability(snapshot, engine or self.engine)

    def without_policies(self) -> Reachability:
        """Return who would reach whom if there were no policy at all."""
        snapshot = replace(
            self.reading.snapshot,
            policies=(),
            tier_policies=(),
            cilium_policies=(),
            calico_policies=(),
            unread_policies=(),
        )
        return reachability(snapshot, self.engine)

    def as_deployed(self, engine: Engine | str | None = None) -> Review | None:
        """Return the review of what there is before the deployment, None where nobody knows."""
        before = self.source.as_deployed()
        return None if before is None else Review(before, engine or self.engine)

    def exit_code(self, fail_on: FailOn, findings: Iterable[Finding]) -> ExitCode:
        """Return how a command ends that shows these findings and who reaches whom.

        It is 2 where a program names labels that nothing carries: its input is wrong.
        """
        shown = tuple(findings)
        if self._is_program and any(each.id in NAMES_NOTHING for each in _errors(shown)):
            return ExitCode.BAD_INPUT
        return exit_code(fail_on, shown, certain=self.reachability.is_certain)

    @cached_property
    def _is_annotated(self) -> bool:
        """Whether any object silences a finding; the names of all are needed only then."""
        return is_annotated(self.source.planned.documents)

    @property
    def _is_program(self) -> bool:
        return self.source.kind is SourceKind.PROGRAM

    @cached_property
    def source_findings(self) -> tuple[Finding, ...]:
        """What could not be read, and what the deployment does on its way: nothing of objects."""
        return (*self.source.findings, *self._about_plan())

    @cached_property
    def noted(self) -> tuple[Finding, ...]:
        """What the source, the plan and the reader found, each at the place that they know."""
        found = (*self.source_findings, *self.reading.findings)
        left = {each.place for each in self.ledger if each.status is ObjectStatus.ACKNOWLEDGED}
        kept = (each for each in found if not (each.id in ACCEPTABLE and each.place in left))
        idle = idle_kinds(self.reachability)
        unused = accepts_nothing(self.source.acknowledged, self.ledger)
        return (*kept, *self._not_closed(), *unknown_kinds(self.unread), *unused, *idle)

    def _not_closed(self) -> Iterator[Finding]:
        if self.source.closed and not self.reading.snapshot.complete:
            yield not_closed([each for each in self.unread if each.may_make_pods])

    @cached_property
    def _all(self) -> TriagedFindings:
        return self.triaged(tuple(dict.fromkeys((*self.noted, *lint(self.reachability)))))

    def _shown(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return self.located([_as_input(each) if self._is_program else each for each in findings])

    @cached_property
    def _field_lines(self) -> FieldLines:
        from podwall.sources.yaml_lines import FieldLines  # noqa: PLC0415 - few ask for a field

        return FieldLines(self.source.texts)

    def _at_lines(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        if not findings:
            return iter(())
        from podwall.sources.yaml_lines import at_their_lines  # noqa: PLC0415 - often there are none

        return at_their_lines(findings, self.source.texts)

    def _unseen_entries(self) -> Iterator[LedgerEntry]:
        if self.source.plan is not None:
            from podwall.plan.documents import unseen_entries  # noqa: PLC0415 - as above

            yield from unseen_entries(self.plan.afterwards())

    def _about_plan(self) -> Iterator[Finding]:
        """Yield what a deployment does on its way, and what of the stack is not seen as it is."""
        if self.source.plan is None:
            return
        from podwall.plan.cluster import (  # noqa: PLC0415 - as above
            engine_changes,
            replaced_clusters,
            unclear_clusters,
        )
        from podwall.plan.documents import unseen_objects  # noqa: PLC0415 - as above
        from podwall.sources.existence import existence_findings  # noqa: PLC0415 - as above

        after = self.plan.afterwards()
        yield from self.plan.warnings
        yield from replaced_clusters(self.plan)
        if self.source.existence is not None:
            yield from engine_changes(self.source.existence.before, after)
            yield from existence_findings(self.source.existence)
            yield from self._meanwhile(self.source.existence)
        yield from unseen_objects(after)
        yield from unclear_clusters(after)

    def _meanwhile(self, existence: Existence) -> Iterator[Finding]:
        """Yield what is open for a while, of which only a deployment in steps has anything."""
        # Imported only here: both compare, which no folder of manifests has any need of.
        from podwall.temporary_openings import (  # noqa: PLC0415 - as above
            selection_gaps,
            temporary_openings,
        )

        yield from temporary_openings(existence, self._of_plan)
        yield from selection_gaps(existence, self._of_plan)

    def _of_plan(self, plan: Plan) -> Reachability:
        from podwall.sources.stacks import stage_of  # noqa: PLC0415 - as above

        return reachability(self._read(stage_of(plan)).snapshot, self.engine)

    def _read(self, stage: Stage, kept: KeptReadings | None = None) -> SnapshotReading:
        found = snapshot(
            stage.documents,
            complete=self.source.complete,
            cluster=stage.cluster,
            kinds=self.source.pod_kinds,
            kept=kept,
        )
        policies = (*found.snapshot.unread_policies, *stage.brought)
        left = tuple(each for each in policies if each.kind not in self.source.acknowledged)
        read = replace(found.snapshot, unread_policies=left)
        brought = any(each.brings for each in left)
        may_make = brought or any(map(self._may_make_pods, found.ledger))
        closed = self.source.closed and not may_make
        return replace(found, snapshot=read.whole() if closed else read)

    def _may_make_pods(self, entry: LedgerEntry) -> bool:
        """Return whether a controller may make pods of something that nobody accepts as unread."""
        return entry.may_make_pods and self._weighed(entry).status is ObjectStatus.UNREAD

    def _weighed(self, entry: LedgerEntry) -> LedgerEntry:
        """Return what became of something, where a user says that it is known not to be read."""
        unread = entry.status is ObjectStatus.UNREAD and entry.kind in self.source.acknowledged
        return replace(entry, status=ObjectStatus.ACKNOWLEDGED) if unread else entry


def _errors(findings: Iterable[Finding]) -> list[Finding]:
    return [each for each in findings if each.severity is Severity.ERROR]


def _as_input(finding: Finding) -> Finding:
    """Return the finding, an error where a program's policy names a label that nothing carries.

    In files that may be a part of something; a program says what its pods are called.
    """
    doubted = finding.severity is Severity.WARNING and finding.id in NAMES_NOTHING
    return replace(finding, severity=Severity.ERROR) if doubted else finding


def _unparsed(finding: Finding) -> LedgerEntry:
    return LedgerEntry("", "", finding.place, ObjectStatus.UNREAD, finding.message)
