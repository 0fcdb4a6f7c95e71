"""The few numbers with which a report begins as a sentence, and on what they rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from podwall.engines import SPEC, Engine
from podwall.overview import ExposureGroup, Summary
from podwall.policies.rules import Direction
from podwall.reports.words import counted, listed

if TYPE_CHECKING:
    from podwall.focus import NarrowedAnswer  # few ask for a part

__all__ = ["MOST_KINDS", "engine_sentence", "headline", "narrowed_headline", "other_pods_words"]

MOST_KINDS: Final = 4
"""So many kinds of pods that are not shown are named below a table."""


def engine_sentence(engine: Engine) -> str:
    """Return on whose behaviour the verdicts rest, as a sentence.

    >>> from podwall.engines import CILIUM, NONE
    >>> engine_sentence(CILIUM)
    'Judged as Cilium enforces network policies.'
    >>> engine_sentence(NONE)
    'Judged without a network policy engine: policies have no effect.'
    """
    if engine == SPEC:
        return "Judged by the NetworkPolicy specification, as no engine was named."
    if not engine.enforces:
        return "Judged without a network policy engine: policies have no effect."
    return f"Judged as {engine.title} enforces network policies."


def headline(found: Summary) -> str:
    """Return the answer to who can reach whom, in a sentence.

    >>> print(headline(Summary(3, 2, 6, 2, 1, (), (), ())))
    2 of 6 connections between 3 workloads in 2 namespaces are open, 1 more is undetermined
    """
    workloads = counted(found.workloads, "workload")
    between = f"between {workloads} in {counted(found.namespaces, 'namespace')}"
    if found.connections == 0:
        return f"{workloads}, and no two pods to connect"
    if found.open == found.connections:
        return f"all {found.connections:,} connections {between} are open"
    opens = f"{found.open:,}" if found.open else "none"
    are = "is" if found.open == 1 else "are"
    open_ = f"{opens} of {found.connections:,} connections {between} {are} open"
    if not found.undetermined:
        return open_
    more = "is" if found.undetermined == 1 else "are"
    return f"{open_}, {found.undetermined:,} more {more} undetermined"


def narrowed_headline(answer: NarrowedAnswer) -> str:
    """Return how much is open of what is asked for, in a sentence."""
    rest = "what was asked for and is not listed is denied"
    if not answer.asked:
        return f"nothing between two workloads was asked for; {rest}"
    asked = counted(answer.asked, "connection")
    opens = "all" if answer.open == answer.asked else f"{answer.open:,}" if answer.open else "none"
    are = "is" if answer.open == 1 else "are"
    return f"{opens} of {asked} between workloads {are} open; {rest}"


def other_pods_words(exposure: Sequence[ExposureGroup]) -> str:
    """Return who the other pods of a table are, which are not shown; nothing where there are none.

    Where those that connect are others than those that are connected to, both are told apart.
    Of many kinds it says only how many: the list of connections names them one by one.
    """
    clients, servers = (_unseen_of(exposure, each) for each in Direction)
    if len({*clients, *servers}) > MOST_KINDS:
        return f"{len({*clients, *servers})} kinds of pods, as the connections name them"
    if clients == servers:
        return listed(clients)
    roles = (("clients", clients), ("servers", servers))
    return "; ".join(f"{listed(pods)} as {role}" for role, pods in roles if pods)


def _unseen_of(exposure: Sequence[ExposureGroup], direction: Direction) -> list[str]:
    groups = (each.pods for each in exposure if each.direction is direction)
    return list(dict.fromkeys(str(pods) for group in groups for pods in group))
