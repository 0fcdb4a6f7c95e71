"""What exists before, during and after a deployment, for steps put together by hand.

Each has the form that the engine gives it in the recorded situations; these are their siblings.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from podwall.change_review import ChangeReview, change_review, stages
from podwall.plan.documents import identity_of, is_object
from podwall.plan.model import Plan
from podwall.sources import source

Step = dict[str, Any]
PREFIX = "urn:pulumi:dev::shop::"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SPACE = "kubernetes:core/v1:Namespace"
POD = "kubernetes:core/v1:Pod"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CLOSED = {"podSelector": {}, "policyTypes": ["Ingress"]}


def state(type_: str, name: str, inputs: Any = None, **fields: Any) -> Step:
    urn = f"{PREFIX}{type_}::{name}"
    return {"urn": urn, "type": type_, "custom": True, "id": name, "inputs": inputs or {}, **fields}


def namespace(name: str = "shop", resource: str = "space", **fields: Any) -> Step:
    return state(SPACE, resource, {"metadata": {"name": name}}, **fields)


def policy(name: str = "closed", spec: Any = None, resource: str = "", **fields: Any) -> Step:
    metadata = {"name": name, "namespace": "shop"}
    return state(POLICY, resource or name, {"metadata": metadata, "spec": spec or CLOSED}, **fields)


def pod(name: str, **fields: Any) -> Step:
    labels = {"app": fields.pop("app", name)}
    metadata = {"name": name, "namespace": "shop", "labels": labels}
    spec = {"containers": [{"name": "main", "image": "main"}]}
    return state(POD, name, {"metadata": metadata, "spec": spec}, **fields)


def step(op: str, old: Step | None = None, new: Step | None = None) -> Step:
    return {"op": op, "urn": (new or old or {})["urn"], "oldState": old, "newState": new}


def same(*states: Step) -> list[Step]:
    return [step("same", each, each) for each in states]


def waiting(old: Step) -> Step:
    return {**old, "delete": True}


WEB, API, DENY, SHOP = pod("web"), pod("api"), policy(), namespace()


def compared(folder: Path, steps: Sequence[Step], **more: Any) -> ChangeReview:
    path = folder / "preview.json"
    path.write_text(json.dumps({"steps": steps, **more}), "utf-8")
    return change_review(*stages(source(str(path))))


def names(plan: Plan) -> set[str]:
    found = (identity_of(each) for each in plan.afterwards().resources if is_object(each))
    return {each.name for each in found if each is not None}


def ends(found: ChangeReview) -> tuple[set[str], set[str]]:
    existence = found.after.source.existence
    assert existence is not None
    return names(existence.before), names(existence.after)


def said(found: ChangeReview) -> dict[str, str]:
    return {each.id: each.message for each in found.weighed}


ALL = {"shop", "closed", "web", "api"}


@pytest.mark.parametrize(
    ("changes", "after", "id_", "severity"),
    [
        pytest.param(
            [step("replace", SHOP, SHOP), *same(WEB, API, DENY)],
            {"shop"},
            "namespace-replace",
            "error",
            id="a namespace that is deleted first leaves an empty one",
        ),
        pytest.param(
            [step("replace", SHOP, SHOP), *(step("replace", e, e) for e in (WEB, API, DENY))],
            ALL,
            "namespace-replace",
            "error",
            id="what is made again after it is there",
        ),
        pytest.param(
            [
                step("replace", waiting(SHOP), SHOP),
                *(step("replace", waiting(e), e) for e in (WEB, API, DENY)),
            ],
            set(),
            "namespace-replace",
            "error",
            id="what is made before its namespace is deleted is not",
        ),
        pytest.param(
            [*same(WEB, API, DENY), step("create", None, namespace("store", "other")),
             step("delete", SHOP)],
            {"store"},
            "namespace-delete",
            "error",
            id="another resource for another namespace",
        ),
        pytest.param(
            [*same(WEB, API, DENY), step("create", None, namespace("shop", "other")),
             step("delete", SHOP)],
            set(),
            "namespace-delete",
            "error",
            id="another resource for the same namespace",
        ),
        pytest.param(
            [*(step("delete", each) for each in (WEB, API, DENY, SHOP))],
            set(),
            "namespace-delete",
            "warning",
            id="everything is meant to go",
        ),
    ],
)  # fmt: skip
def test_a_namespace_takes_its_contents_with_it(
    tmp_path: Path, changes: list[Step], after: set[str], id_: str, severity: str
) -> None:
    found = compared(tmp_path, changes)
    assert ends(found) == (ALL, after)
    (finding,) = [each for each in found.weighed if each.id.startswith("namespace-")]
    assert (finding.id, str(finding.severity)) == (id_, severity)
    assert "`shop`" in finding.message


def test_a_namespace_that_is_retained_or_updated_takes_nothing(tmp_path: Path) -> None:
    kept = namespace(retainOnDelete=True)
    retained = compared(tmp_path, [*same(WEB, API, DENY), step("delete", kept)])
    assert ends(retained) == (ALL, ALL)
    assert set(said(retained)) == {"object-retained"}
    updated = compared(tmp_path, [step("update", SHOP, SHOP), *same(WEB, API, DENY)])
    assert (ends(updated), said(updated)) == ((ALL, ALL), {})


def test_another_namespace_keeps_its_contents(tmp_path: Path) -> None:
    other = namespace("store", "store")
    found = compared(tmp_path, [*same(WEB, API, DENY, SHOP), step("delete", other)])
    assert ends(found) == (ALL | {"store"}, ALL)


@pytest.mark.parametrize("op", ["delete", "replace"])
def test_what_is_deleted_with_another_goes_with_it_whatever_its_own_step(
    tmp_path: Path, op: str
) -> None:
    deny = policy(deletedWith=WEB["urn"])
    gone = step(op, WEB, WEB if op == "replace" else None)
    found = compared(tmp_path, [gone, *same(SHOP, API, deny)])
    assert "closed" not in ends(found)[1]
    assert "closed" in said(found)["deleted-with"]


def test_what_was_to_go_with_what_is_retained_stays(tmp_path: Path) -> None:
    kept, deny = namespace(retainOnDelete=True), policy(deletedWith=SHOP["urn"])
    found = compared(tmp_path, [*same(WEB, API), step("delete", deny), step("delete", kept)])
    assert ends(found) == (ALL, ALL)


def test_a_workload_that_is_made_under_a_name_that_is_taken_is_lost(tmp_path: Path) -> None:
    again = {**WEB, "urn": f"{PREFIX}{POD}::front"}
    found = compared(
        tmp_path, [*same(SHOP, API, DENY), step("create", None, again), step("delete", WEB)]
    )
    assert ends(found) == (ALL, ALL - {"web"})
    assert "Pod `shop/web`" in said(found)["object-lost"]


def test_steps_that_are_skipped_and_that_look_count_as_nothing(tmp_path: Path) -> None:
    skipped = {key: value for key, value in policy("later").items() if key != "id"}
    found = compared(tmp_path, same(SHOP, WEB, API, DENY, skipped))
    assert ends(found) == (ALL, ALL)
    looked = [step("refresh", each, each) for each in (SHOP, WEB, API, DENY)]
    summary = {"same": 3}
    refreshed = compared(tmp_path, [*looked, *same(SHOP, WEB, API)], changeSummary=summary)
    assert ends(refreshed) == (ALL - {"closed"}, ALL - {"closed"})
    assert set(said(refreshed)) == {"deleted-outside"}
    brief = compared(tmp_path, [*looked, *same(SHOP)], changeSummary=summary)
    assert ends(brief) == (ALL, ALL)
    assert set(said(brief)) == {"preview-without-sames"}


@pytest.mark.parametrize("op", ["discard", "discard-replaced"])
def test_what_is_no_longer_read_stays(tmp_path: Path, op: str) -> None:
    read = policy(external=True)
    found = compared(tmp_path, [*same(SHOP, WEB, API), step(op, read)])
    assert ends(found) == (ALL, ALL)


def test_what_is_gone_already_was_not_there_before(tmp_path: Path) -> None:
    gone = policy(pendingReplacement=True)
    steps = [
        *same(SHOP, WEB, API),
        step("remove-pending-replace", gone),
        step("create", None, DENY),
    ]
    assert ends(compared(tmp_path, steps)) == (ALL - {"closed"}, ALL)


EDITED = {"podSelector": {"matchLabels": {"app": "new"}}, "policyTypes": ["Ingress"]}
OF_WEB = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
OF_NOBODY = {"podSelector": {"matchLabels": {"app": "old"}}, "policyTypes": ["Ingress"]}


def updated(old: Step, new: Step) -> Step:
    return step("update", old, {key: value for key, value in new.items() if key != "id"})


MOVED = updated(policy(spec=OF_WEB), policy(spec=EDITED))
MOVED_LAST = updated(policy(spec=OF_WEB), policy(spec=EDITED, dependencies=[WEB["urn"]]))
RELABELLED = updated(WEB, pod("web", app="new"))


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        pytest.param([MOVED, RELABELLED], {"selection-gap"}, id="labels and selector"),
        pytest.param(
            [MOVED_LAST, RELABELLED],
            {"selection-gap"},
            id="the policy waits for the pods",
        ),
        pytest.param(
            [
                MOVED,
                updated(WEB, pod("web", app="new", dependencies=[MOVED["urn"]])),
            ],
            {"selection-gap"},
            id="the pods wait for the policy",
        ),
        pytest.param(
            [MOVED, RELABELLED, *same(policy("all"))], set(), id="another denies the same"
        ),
        pytest.param(
            [*same(policy(spec=CLOSED)), RELABELLED], set(), id="a label that no policy looks at"
        ),
        pytest.param([MOVED, *same(WEB)], set(), id="what opens stays open"),
        pytest.param(
            [
                updated(policy(spec=OF_WEB), policy(spec=EDITED)),
                *same(WEB),
                updated(policy("next", OF_NOBODY), policy("next", OF_WEB)),
            ],
            {"selection-gap"},
            id="one policy takes over from another",
        ),
        pytest.param(
            [
                updated(
                    policy(spec=OF_WEB),
                    policy(spec=EDITED, dependencies=[policy("next")["urn"]]),
                ),
                *same(WEB),
                step("create", None, policy("next", OF_WEB)),
            ],
            set(),
            id="one policy takes over from another that it waits for",
        ),
        pytest.param(
            [
                *same(WEB),
                updated(policy("next", OF_NOBODY), policy("next", OF_WEB)),
                step("delete", policy(spec=OF_WEB)),
            ],
            set(),
            id="what takes over is there before the other is deleted",
        ),
    ],
)  # fmt: skip
def test_a_policy_and_what_it_is_about_change_at_once(
    tmp_path: Path, changes: list[Step], ids: set[str]
) -> None:
    found = compared(tmp_path, [*same(SHOP, API), *changes])
    assert set(said(found)) == ids


AKS = state("azure-native:containerservice:ManagedCluster", "aks")
PROVIDER = state(
    "pulumi:providers:kubernetes",
    "k8s",
    {"kubeconfig": "[secret]"},
    dependencies=[AKS["urn"]],
    propertyDependencies={"kubeconfig": [AKS["urn"]]},
)
CONFIG = state("kubernetes:core/v1:ConfigMap", "map", {"metadata": {"name": "map"}})
SECOND = policy("b", deletedWith=CONFIG["urn"])
THIRD = policy("c", deletedWith=SECOND["urn"])


def there(each: Step) -> Step:
    return {**each, "provider": f"{PROVIDER['urn']}::id"}


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        pytest.param(
            [*same(SECOND, THIRD), step("delete", CONFIG)],
            set(),
            id="what goes with what goes with another",
        ),
        pytest.param(
            [*same(SECOND, THIRD), step("replace", CONFIG, CONFIG)],
            {"map"},
            id="the same where that is replaced",
        ),
        pytest.param(
            [step("replace", AKS, AKS), *same(PROVIDER), *same(there(policy()))],
            set(),
            id="a cluster that is replaced",
        ),
        pytest.param(
            [*same(AKS), step("replace", PROVIDER, PROVIDER), *same(there(policy()))],
            set(),
            id="a provider that is replaced",
        ),
        pytest.param(
            [
                step("replace", AKS, AKS),
                step("replace", PROVIDER, PROVIDER),
                step("replace", there(policy()), there(policy())),
            ],
            {"closed"},
            id="a cluster that is replaced with what is in it",
        ),
        pytest.param(
            [step("replace", policy(resource="old"), policy("other", resource="new"))],
            {"other"},
            id="another resource by an alias that is replaced",
        ),
        pytest.param(
            [
                step("create-replacement", policy(resource="old"), policy("b", resource="new")),
                step("replace", policy(resource="old"), policy("b", resource="new")),
                step("delete-replaced", policy(resource="old")),
            ],
            {"b"},
            id="the same in its steps",
        ),
        pytest.param(
            [step("refresh", policy(), None), step("create", None, policy())],
            {"closed"},
            id="what others deleted is made again",
        ),
        pytest.param(
            [step("remove-pending-replace", policy()), step("create", None, policy())],
            {"closed"},
            id="what an interrupted replacement deleted is made again",
        ),
    ],
)
def test_what_is_left_where_others_go(tmp_path: Path, steps: list[Step], left: set[str]) -> None:
    file = tmp_path / "preview.json"
    file.write_text(json.dumps({"steps": steps}), encoding="utf-8")
    found = source(str(file)).existence
    assert found is not None
    assert names(found.after) == left
