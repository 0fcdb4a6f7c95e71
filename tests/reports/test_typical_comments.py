"""The comments on seven typical changes, as a reviewer reads them: each is a file, read aloud.

A change of the wording shows in the files: write them anew with
`python -m tests.reports.test_typical_comments`, and read them as somebody who has one minute.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest
import yaml

from podwall.change_review import Accepted, change_review, stages
from podwall.expectations import Expectation
from podwall.reports.change_files import report_of, with_links
from podwall.reports.comment import comment
from podwall.sources import Source, source
from podwall.sources.expectations import acceptances_in, expectations_in
from tests.review import test_gate as gate

ROOT: Final = Path(__file__).resolve().parents[2]
COMMENTS: Final = ROOT / "tests" / "data" / "comments"
SHOP: Final = "examples/shop"
LINK: Final = "https://git.example/shop/blob/c0ffee/{path}#L{line}"

Pair = tuple[Source, Source]


def opens(folder: Path) -> Pair:
    """Let every pod of the shop reach the database, those that are not shown included."""
    return _manifests(folder, gate.SHOP, [*gate.SHOP, _everybody()])


def closes(folder: Path) -> Pair:
    return _manifests(folder, gate.OPENED, [*gate.SHOP, gate.policy("db", "db", ingress=[])])


def unread(folder: Path) -> Pair:
    """Add a policy of another API, which is not read."""
    return _manifests(folder, gate.SHOP, [*gate.SHOP, gate.CILIUM])


def unread_chart(folder: Path) -> Pair:
    """Let Flux install a chart beside the shop, which nobody renders here."""
    spec = {"chart": {"spec": {"chart": "redis", "version": "20.1.0"}}}
    release = {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "cache", "namespace": "shop"},
        "spec": spec,
    }
    return _manifests(folder, gate.SHOP, [*gate.SHOP, release])


def exposed(folder: Path) -> Pair:
    """Let pods be reached that nobody has made yet."""
    return _manifests(folder, gate.SHOP, [*gate.SHOP, gate.FROM_BATCH])


def accepted(_: Path) -> Pair:
    return source("examples/shop-before"), source(SHOP)


def replaced(_: Path) -> Pair:
    return stages(source("tests/data/engine/cilium.json"))


def _everybody() -> object:
    return gate.policy("db", "db", ingress=[{"from": [{"podSelector": {}}]}])


def _manifests(folder: Path, old: object, new: object) -> Pair:
    found = []
    for name, objects in (("old", old), ("new", new)):
        (folder / name).mkdir()
        path = folder / name / "shop.yaml"
        path.write_text(yaml.safe_dump_all(objects), "utf-8")  # type: ignore[call-overload] # a list
        found.append(source(str(path)))
    return found[0], found[1]


CHANGES: Final[Mapping[str, Callable[[Path], Pair]]] = {
    "opens": opens,
    "closes": closes,
    "replaced-cluster": replaced,
    "unread-policy": unread,
    "unread-chart": unread_chart,
    "exposed-to-unseen-pods": exposed,
    "accepted": accepted,
}


def written(name: str, folder: Path) -> str:
    """Return the comment on a change, as seen from a folder of any name."""
    before, after = CHANGES[name](folder)
    found = change_review(before, after, expectations=_expected(name), accepted=_accepted(name))
    report = with_links(report_of(found, "the shop"), LINK)
    return comment(report).replace(str(folder), "…")


def _expected(name: str) -> tuple[Expectation, ...]:
    return expectations_in(f"{SHOP}/expectations.yaml") if name == "accepted" else ()


def _accepted(name: str) -> Accepted:
    path = "examples/accepted/accepted.yaml"
    return Accepted(acceptances_in(path) if name == "accepted" else (), "2027-01-01")


@pytest.mark.parametrize("name", CHANGES)
def test_the_comment_is_the_one_that_was_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert written(name, tmp_path) == (COMMENTS / f"{name}.md").read_text("utf-8")


if __name__ == "__main__":
    for each in CHANGES:
        with tempfile.TemporaryDirectory() as made:
            (COMMENTS / f"{each}.md").write_text(written(each, Path(made)), "utf-8")
