"""What podwall makes of each situation that a real engine was brought into.

A table says what of the shop exists before and after, what opens and closes, what is said beside
it, and how `podwall diff` ends. The shop is a namespace with two pods, `web` and `api`, and a
default deny; `allow` lets the web connect to the api.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from podwall.change_review import ChangeReview, change_review, stages
from podwall.exit_code import FailOn
from podwall.plan.documents import identity_of, is_object
from podwall.plan.model import Plan
from podwall.review import review
from podwall.sources import source

SITUATIONS: Final = Path(__file__).resolve().parents[1] / "data" / "engine" / "situations"

SHOP: Final = frozenset({"shop", "shop/web", "shop/api"})
DENIED: Final = SHOP | {"shop/default-deny"}
ALLOWED: Final = DENIED | {"shop/allow-web"}
DENIED_ANEW: Final = SHOP | {"shop/deny-all"}
NOTHING: Final[frozenset[str]] = frozenset()
STORE: Final = frozenset(each.replace("shop", "store") for each in DENIED)

EVERYTHING: Final = frozenset(
    {
        "shop/web -> shop/api",
        "shop/api -> shop/web",
        *(
            f"{outside} -> shop/{pod}"
            for outside in ("0.0.0.0/0", "::/0")
            for pod in ("web", "api")
        ),
    }
)
WEB_TO_API: Final = frozenset({"shop/web -> shop/api"})


@dataclass(frozen=True, slots=True)
class Expected:
    """What there is, what changes of the workloads that stay, what is said, and the exit code."""

    before: frozenset[str]
    after: frozenset[str]
    opens: frozenset[str] = NOTHING
    closes: frozenset[str] = NOTHING
    ids: frozenset[str] = NOTHING
    code: int = 0


def kept(there: frozenset[str], ids: str = "", code: int = 0) -> Expected:
    """Return that nothing changes."""
    return Expected(there, there, ids=frozenset(ids.split()), code=code)


def gone(ids: str, code: int, after: frozenset[str] = NOTHING) -> Expected:
    """Return that the whole shop goes, and nothing of what stays changes."""
    return Expected(DENIED, after, ids=frozenset(ids.split()), code=code)


OPENED: Final = Expected(DENIED, SHOP, opens=EVERYTHING, code=1)
RENAMED: Final = Expected(DENIED, DENIED_ANEW)
AWAY: Final = Expected(DENIED, DENIED_ANEW, ids=frozenset({"policy-away"}), code=1)
RESTORED: Final = Expected(SHOP, DENIED, closes=EVERYTHING, ids=frozenset({"deleted-outside"}))
LOOKED_ALREADY: Final = Expected(DENIED, SHOP, ids=frozenset({"changed-outside"}))
BRIEF: Final = frozenset({"preview-without-sames"})

EXPECTED: Final = {
    "alias": kept(DENIED),
    "another-cluster": kept(DENIED, "provider-replace", 1),
    "deleted-with": gone("namespace-delete", 0),
    "deleted-with-replaced": gone("namespace-replace", 1),
    "dropped": OPENED,
    "dropped.brief": Expected(frozenset({"shop/default-deny"}), NOTHING, ids=BRIEF, code=1),
    "dropped.events": OPENED,
    "dropped.up.events": OPENED,
    "dropped-all": gone("namespace-delete", 0),
    "dropped-all.destroy": gone("namespace-delete", 0),
    "exclude": kept(DENIED),
    "ignored-change": kept(DENIED),
    "imported": kept(ALLOWED),
    "interrupted": Expected(DENIED, ALLOWED, opens=WEB_TO_API, code=1),
    "left-to-delete": kept(DENIED_ANEW),
    "namespace-dropped": gone("namespace-delete", 1),
    "namespace-renamed": gone("namespace-replace", 1, STORE),
    "namespace-renamed-alone": gone("namespace-replace", 1, frozenset({"store"})),
    "namespace-replaced": gone("namespace-replace", 1),
    "namespace-replaced-steps": gone("namespace-replace", 1),
    # The preview is the same as that of `replaced-delete-first`, to the letter.
    "pending-replacement": AWAY,
    "read": kept(ALLOWED),
    "read.events": kept(ALLOWED),
    "read-again": kept(ALLOWED),
    "read-dropped": kept(ALLOWED),
    "read-taken-over": kept(ALLOWED),
    "refresh-dropped": OPENED,
    "refresh-gone": RESTORED,
    "refresh-gone.brief": Expected(
        SHOP, DENIED, closes=EVERYTHING, ids=BRIEF | {"deleted-outside"}, code=1
    ),
    "refresh-gone.events": RESTORED,
    "refresh-gone.refresh": OPENED,
    "refresh-gone-and-dropped": kept(SHOP, "deleted-outside"),
    "refresh-gone-and-dropped.events": kept(SHOP, "deleted-outside"),
    "refresh-opened": Expected(
        DENIED, DENIED, closes=EVERYTHING, ids=frozenset({"changed-outside"})
    ),
    # What others have opened is open before the policy goes, too.
    "refresh-opened-and-dropped": LOOKED_ALREADY,
    "refresh-opened-and-dropped.events": LOOKED_ALREADY,
    "replaced-create-first": RENAMED,
    "replaced-create-first.brief": Expected(
        frozenset({"shop/default-deny"}), frozenset({"shop/deny-all"}), ids=BRIEF, code=1
    ),
    "replaced-create-first.events": RENAMED,
    "replaced-create-first.up.events": RENAMED,
    "replaced-delete-first": AWAY,
    "replaced-steps": RENAMED,
    "retained-dropped": kept(DENIED, "object-retained"),
    "retained-replaced": Expected(
        DENIED, DENIED | {"shop/deny-all"}, ids=frozenset({"object-retained"})
    ),
    "selector-and-labels": kept(ALLOWED),
    "target-created": Expected(DENIED, ALLOWED, opens=WEB_TO_API, code=1),
    "target-other": kept(DENIED),
    "target-other.events": kept(DENIED),
}


def names(plan: Plan) -> frozenset[str]:
    """Return what exists, as `namespace/name`."""
    found = (identity_of(each) for each in plan.afterwards().resources if is_object(each))
    return frozenset("/".join(filter(None, (each.namespace, each.name))) for each in found if each)


def compared(name: str) -> ChangeReview:
    return change_review(*stages(source(str(SITUATIONS / f"{name}.json"))))


def changed(found: ChangeReview, *, opened: bool) -> frozenset[str]:
    """Return the connections that open or close between workloads that stay."""
    both = {each.id for each in found.difference.old.workloads} & {
        each.id for each in found.difference.new.workloads
    }
    outside = {"0.0.0.0/0", "::/0"}
    return frozenset(
        f"{each.source.id} -> {each.destination.id}"
        for each in found.difference.port_changes()
        if {each.source.id, each.destination.id} <= both | outside
        and bool(each.opened) is opened
        and not outside >= {each.source.id, each.destination.id}
        and {each.source.id, each.destination.id} & both
    )


def test_every_preview_of_a_situation_is_in_the_table() -> None:
    recorded = {path.name.removesuffix(".json") for path in SITUATIONS.glob("*.json")}
    assert recorded - set(EXPECTED) == {
        "interrupted.state",
        "left-to-delete.state",
        "pending-replacement.state",
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_a_situation(name: str) -> None:
    expected, found = EXPECTED[name], compared(name)
    existence = found.after.source.existence
    assert existence is not None
    assert names(existence.before) == expected.before
    assert names(existence.after) == expected.after
    assert changed(found, opened=True) == expected.opens
    assert changed(found, opened=False) == expected.closes
    assert {each.id for each in found.weighed} == expected.ids
    assert found.exit_code(FailOn.ERROR) == expected.code


def test_what_is_read_and_not_shown_leaves_verdicts_open_both_times() -> None:
    for found in (compared("read").before, compared("read").after):
        pairs = {
            (each.source.id, each.destination.id): each.undetermined
            for each in found.reachability.connections()
        }
        assert pairs["shop/web", "shop/api"]


def test_what_was_read_is_known_where_the_document_shows_it() -> None:
    for name in ("read-again", "read-dropped", "read-taken-over", "read.events"):
        reach = compared(name).after.reachability
        allowed = {(each.source.id, each.destination.id): each for each in reach.connections()}
        assert allowed["shop/web", "shop/api"].allowed
        assert ("shop/api", "shop/web") not in allowed


def state(name: str) -> tuple[frozenset[str], set[str]]:
    """Return what a state says that exists, and the ids of what is said about the state."""
    found = review(source(str(SITUATIONS / f"{name}.state.json")))
    return names(found.plan), {each.id for each in found.source_findings}


def test_a_state_says_what_was_left_behind() -> None:
    assert state("pending-replacement") == (SHOP, {"not-made-again"})
    assert state("left-to-delete") == (DENIED_ANEW | {"shop/default-deny"}, {"left-to-delete"})
    assert state("interrupted") == (ALLOWED, {"operation-pending"})


def test_an_interrupted_creation_may_have_made_the_object() -> None:
    found = review(source(str(SITUATIONS / "interrupted.state.json")))
    pairs = {
        (each.source.id, each.destination.id): each for each in found.reachability.connections()
    }
    assert pairs["shop/web", "shop/api"].undetermined
    assert not pairs["shop/web", "shop/api"].allowed


def test_each_finding_names_what_it_is_about() -> None:
    document = json.loads((SITUATIONS / "namespace-replaced.json").read_text("utf-8"))
    assert document["steps"]
    (finding,) = compared("namespace-replaced").weighed
    assert finding.message == (
        "the deployment replaces Namespace `shop`, with everything in it: NetworkPolicy "
        "`shop/default-deny`, Pod `shop/api`, Pod `shop/web` are not made again"
    )
