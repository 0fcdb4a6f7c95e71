"""What every command says of its source on the standard error stream, beside its own answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise, zip_longest
from typing import TYPE_CHECKING, Any, Final

from podwall.policies.errors import Finding, Place, Severity
from podwall.reading import ObjectStatus
from podwall.reading.ledger import UNREAD_KIND
from podwall.reports.words import counted, left_out, listed, printable
from podwall.review import Review
from podwall.streams import shown_text, write_message, write_output

if TYPE_CHECKING:
    from podwall.change_review import ChangeReview  # it brings the diff, which few commands need
    from podwall.patches import Patch  # as above

__all__ = [
    "write_change_reading",
    "write_findings",
    "write_patch",
    "write_reading",
    "write_unmade_names",
    "write_unread",
]

_MOST_FINDINGS: Final = 10
_MOST_PLACES: Final = 5
_MOST_UNREAD: Final = 5
_UNENFORCED: Final = "no engine enforces policies here: they have no effect, and everything is open"


def write_reading(found: Review, least: Severity = Severity.INFO) -> None:
    """Say what was found while reading the source, what was not read, and if nobody enforces.

    Args:
        found: the review of the source.
        least: findings that are less severe are not worth an interruption.
    """
    severities = list(Severity)
    worth = severities[: severities.index(least) + 1]
    findings = (each for each in found.reading_findings if each.id != UNREAD_KIND)
    shown = [each for each in findings if each.severity in worth]
    write_findings(shown)
    write_unread(found, shown)
    if not found.reachability.engine.enforces:
        write_message(_UNENFORCED)
    services = [f"`{each}`" for each in found.uncertain_services]
    if services:
        write_message(
            f"what {listed(services)} may open to the outside is not certain, because no engine is "
            "named: name it with `--engine`"
        )


def write_change_reading(found: ChangeReview) -> None:
    """Say what was found of the state that comes, what was not read, and if nobody enforces."""
    write_findings([each for each in found.weighed if each.id != UNREAD_KIND])
    write_unread(found.after, found.weighed)
    if not found.difference.new.engine.enforces:
        write_message(_UNENFORCED)


def write_findings(findings: Sequence[Finding], most: int = _MOST_FINDINGS) -> None:
    """Say what was found: the first few, with what to do about them, and how many more there are.

    One that was found at several places is said once. What findings in a row have in common, their
    remedy, is said after the last of them.
    """
    alike: dict[Finding, list[Place]] = {}
    for each in findings:
        alike.setdefault(replace(each, place=Place()), []).append(each.place)
    shown = list(islice(alike.items(), most))
    for (finding, places), following in zip_longest(shown, shown[1:]):
        write_message(f"{replace(finding, place=places[0])}{_and_also_at(places)}")
        if finding.help and (following is None or following[0].help != finding.help):
            write_message(f"  help: {finding.help}")
    more = len(alike) - len(shown)
    if more:
        write_message(f"and {counted(more, 'more finding')}: see `podwall lint`")


def _and_also_at(places: Sequence[Place]) -> str:
    """Return the other places of one finding; file and field are not said again."""
    if not places[1:]:
        return ""
    pairs = list(pairwise(places[: _MOST_PLACES + 1]))
    named = [str(_changed(place, before)) for before, place in pairs]
    rest = len(places) - 1 - len(named)
    return f"; also at {listed([*named, *([f'{rest:,} more'] if rest else [])])}"


def _changed(place: Place, before: Place) -> Place:
    """Return a place without what it shares with the one before it, as long as there is a line."""
    if place.line is None or place.source != before.source or place.line == before.line:
        return place
    return Place("", place.line, "" if place.path == before.path else place.path)


def write_unmade_names(found: Review, manifests: Iterable[Mapping[str, Any]]) -> None:
    """Say which namespaces of policies that are written have another name in the cluster."""
    names = [f"`{each}`" for each in found.real_names.missing(manifests)]
    if names:
        write_message(
            f"{listed(names)}: Pulumi makes up the name in the cluster, so that these policies "
            "can't be applied as they are"
        )
        write_message(
            "  help: write them in the program, with the namespace's `metadata.name`, or give the "
            "namespace a name"
        )


def write_unread(found: Review, shown: Sequence[Finding]) -> None:
    """Say what was not read and may change the answer, apart from what is shown."""
    named = {(each.place.source, each.place.line) for each in shown if each.id != UNREAD_KIND}
    left = [each for each in found.unread if (each.place.source, each.place.line) not in named]
    if left:
        names = [printable(f"{each}") for each in left[:_MOST_UNREAD]]
        more = [f"{len(left) - len(names)} more"] if len(left) > len(names) else []
        write_message(f"not read, and may change who reaches whom: {listed([*names, *more])}")
    known = [each for each in found.not_read if each.status is ObjectStatus.ACKNOWLEDGED]
    for sentence in left_out(known):
        write_message(sentence)


def write_patch(patch: Patch) -> None:
    """Write a patch, and say what is left out; a file that can't be shown as it is has none."""
    from podwall.reports.files import unified_patch  # noqa: PLC0415 - few ask for a patch

    whole = {name: "".join(unified_patch({name: each})) for name, each in patch.files.items()}
    odd = [name for name, text in whole.items() if shown_text(text) != text]
    write_output(text for name, text in whole.items() if name not in odd)
    for each in (*patch.left_out, *(f"{name}: characters that can't be seen" for name in odd)):
        write_message(f"not in the patch: {each}")
    if not (whole or patch.left_out):
        write_message("nothing to edit of which it is certain what an edit does")
