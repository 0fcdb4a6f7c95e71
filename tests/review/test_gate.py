"""What stops a pull request: each row of the table in docs/gate.md, tried.

The table says the least `--fail-on` that stops, which is `error` if nobody says anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from podwall.cli import main
from tests.sources import test_existence as existence

ROOT: Final = Path(__file__).resolve().parents[2]
DATA: Final = ROOT / "tests" / "data" / "engine"
SITUATIONS: Final = DATA / "situations"
LEVELS: Final = ("any", "warning", "error")

Words = list[str]
Situation = Callable[[Path], Words]


def manifest(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    """Return an object of namespace `shop`."""
    version = "networking.k8s.io/v1" if kind == "NetworkPolicy" else "v1"
    metadata = {"name": name, "namespace": "shop", **fields.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def pod(name: str) -> dict[str, Any]:
    return manifest("Pod", name, metadata={"labels": {"app": name}}, spec={"containers": []})


def policy(name: str, app: str = "", **spec: Any) -> dict[str, Any]:
    pods = {"matchLabels": {"app": app}} if app else {}
    return manifest("NetworkPolicy", name, spec={"podSelector": pods, **spec})


def from_app(app: str, port: int = 5432) -> dict[str, Any]:
    peer = {"podSelector": {"matchLabels": {"app": app}}}
    return {"from": [peer], "ports": [{"port": port}]}


WEB_TO_DB: Final = policy("db", "db", ingress=[from_app("web")])
CLOSED: Final = policy("closed", policyTypes=["Ingress"])
SHOP: Final = [pod("web"), pod("api"), pod("db"), CLOSED]
FROM_BATCH: Final = policy("db", "db", ingress=[from_app("batch")])
FROM_RANGE: Final = policy("db", "db", ingress=[{"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}])
LOCKED: Final = policy("locked", "web", policyTypes=["Egress"])
CILIUM: Final = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "extra", "namespace": "shop"},
    "spec": {"endpointSelector": {}, "ingress": [{"fromNodes": [{}]}]},
}

STATED: Final = {"name": "web reaches the db", "from": "shop/web", "to": "shop/db", "ports": 5432}
AGREED: Final = {"from": "shop/web", "to": "shop/db", "ports": 5432, "because": "orders"}


def change(
    old: list[Any],
    new: list[Any],
    *,
    expected: Mapping[str, Any] | None = None,
    accepted: Mapping[str, Any] | None = None,
) -> Situation:
    """Return a change of manifests, with what is expected and what is accepted."""

    def words(folder: Path) -> Words:
        files: dict[str, Any] = {"old": old, "new": new}
        for name, objects in files.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(objects), "utf-8")
        found = [str(folder / "old.yaml"), str(folder / "new.yaml")]
        for option, key, given in (
            ("--expectations", "expectations", expected),
            ("--accepted", "accepted", accepted),
        ):
            if given is not None:
                (folder / key).write_text(yaml.safe_dump({key: [dict(given)]}), "utf-8")
                found += [option, str(folder / key)]
        return found

    return words


def recorded(path: Path) -> Situation:
    """Return a preview that a real engine made."""
    return lambda _: [str(path)]


def situation(name: str) -> Situation:
    return recorded(SITUATIONS / f"{name}.json")


def steps(*found: existence.Step) -> Situation:
    """Return a preview of steps that are put together by hand."""

    def words(folder: Path) -> Words:
        (folder / "preview.json").write_text(json.dumps({"steps": found}), "utf-8")
        return [str(folder / "preview.json")]

    return words


LOST: Final = {**existence.WEB, "urn": f"{existence.PREFIX}{existence.POD}::front"}


def failed(folder: Path) -> Words:
    """Return a preview that broke off."""
    path = folder / "failed.json"
    diagnostics = [{"severity": "error", "message": "no such image"}]
    path.write_text(json.dumps({"steps": [], "diagnostics": diagnostics}), "utf-8")
    return [str(path)]


def nothing(folder: Path) -> Words:
    return [str(folder / "nowhere.yaml"), str(folder / "nowhere.yaml")]


OPENED: Final = [*SHOP, WEB_TO_DB]

#: By the first words of its row, each with what the table may only say of it.
ROWS: Final[Mapping[str, tuple[Situation, ...]]] = {
    "a connection opens": (
        change(SHOP, OPENED),
        change(SHOP, [*SHOP, FROM_BATCH]),
        change(SHOP, [*SHOP, FROM_RANGE]),
        change(OPENED, [each for each in OPENED if each is not CLOSED]),
    ),
    "it may open": (
        change(SHOP, [*SHOP, CILIUM]),
        change(SHOP, [*SHOP, CILIUM], expected={**STATED, "expect": "allowed"}),
    ),
    "an expectation states all that opens": (
        change(SHOP, OPENED, expected={**STATED, "expect": "allowed"}),
        change(SHOP, OPENED, expected={"name": "n", "only": "shop/web", "to": "shop/db"}),
    ),
    "it is accepted": (
        change(SHOP, OPENED, accepted=AGREED),
        change(SHOP, OPENED, accepted={**AGREED, "until": "9999-12-31"}),
        change(
            SHOP,
            [*SHOP, FROM_BATCH],
            accepted={**AGREED, "from": {"namespace": "shop", "labels": {"app": "batch"}}},
        ),
    ),
    "only a part of what opens is stated": (
        change(SHOP, OPENED, accepted={**AGREED, "ports": 22}),
        change(SHOP, [*SHOP, FROM_RANGE], accepted={**AGREED, "from": "192.0.2.0/25"}),
        change(SHOP, [*SHOP, FROM_BATCH], accepted=AGREED),
        change(SHOP, OPENED, accepted={**AGREED, "until": "2020-01-01"}),
        change(
            SHOP,
            OPENED,
            expected={"name": "n", "from": "shop/api", "to": "shop/db", "expect": "denied"},
        ),
    ),
    "a connection closes": (change(OPENED, SHOP), change(SHOP, [*SHOP, LOCKED])),
    "the connections of workloads that are new or gone": (
        change(SHOP, [*SHOP, pod("new")]),
        change([*SHOP, pod("new")], SHOP),
        change(SHOP[1:], OPENED),
    ),
    "what is accepted is expired": (
        change(OPENED, OPENED, accepted={**AGREED, "until": "2020-01-01"}),
    ),
    "nothing that it accepts": (change(SHOP, SHOP, accepted=AGREED),),
    "it was open before": (change(OPENED, OPENED, accepted=AGREED),),
    "the AKS cluster is replaced": (recorded(DATA / "cilium.json"),),
    "another network policy engine": (recorded(DATA / "cilium.json"),),
    "a policy is deleted before": (situation("replaced-delete-first"),),
    "a policy gets another resource name": (recorded(DATA / "other-resource.json"),),
    "a policy and the pods": (
        steps(
            *existence.same(existence.SHOP, existence.API),
            existence.MOVED,
            existence.RELABELLED,
        ),
    ),
    "another object is deleted": (
        steps(
            *existence.same(existence.SHOP, existence.API, existence.DENY),
            existence.step("create", None, LOST),
            existence.step("delete", existence.WEB),
        ),
    ),
    "a namespace is replaced": (situation("namespace-replaced"), situation("namespace-renamed")),
    "a namespace is deleted with all": (situation("deleted-with"),),
    "objects move to another cluster": (situation("another-cluster"),),
    "what the program drops stays": (situation("retained-dropped"),),
    "others deleted or changed": (situation("refresh-gone"), situation("refresh-opened")),
    "a stated expectation is broken": (
        change(SHOP, SHOP, expected={**STATED, "expect": "allowed"}),
        change(OPENED, OPENED, expected={**STATED, "expect": "denied"}),
    ),
    "a stated expectation may be broken": (
        change([*SHOP, CILIUM], [*SHOP, CILIUM], expected={**STATED, "expect": "denied"}),
    ),
    "the preview failed": (failed, situation("dropped.brief")),
    "there is nothing that could be judged": (nothing,),
}


def table() -> dict[str, tuple[str, str]]:
    """Return the rows of the guide: what happens, with its ids and what it stops at."""
    text = (ROOT / "docs" / "gate.md").read_text("utf-8")
    part = text.partition("## What stops the pull request")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {what: (ids, stops) for what, ids, stops in cells}


def wanted(stops: str, level: str) -> int:
    """Return how the command ends at a level, by what the table says."""
    if stops == "always, with exit code 2":
        return 2
    if stops == "never":
        return 0
    (least,) = re.findall(r"`(\w+)`", stops)
    return int(LEVELS.index(level) <= LEVELS.index(least))


def test_every_row_of_the_guide_is_tried() -> None:
    rows = [[key for key in ROWS if what.startswith(key)] for what in table()]
    assert sorted(rows) == [[key] for key in sorted(ROWS)]


@pytest.mark.parametrize(
    ("key", "number"), [(key, number) for key, each in ROWS.items() for number in range(len(each))]
)
@pytest.mark.long(keep=1)
def test_a_row_of_the_guide_is_true(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, number: int
) -> None:
    (what,) = (each for each in table() if each.startswith(key))
    ids, stops = table()[what]
    words = ROWS[key][number](tmp_path)
    codes = {level: main(["diff", *words, "--fail-on", level]) for level in LEVELS}
    assert codes == {level: wanted(stops, level) for level in LEVELS}
    assert main(["diff", *words]) == wanted(stops, "error")
    said = capsys.readouterr()
    named = re.findall(r"`([a-z-]+)`", ids)
    assert not named or any(f"[{each}]" in said.out + said.err for each in named)
