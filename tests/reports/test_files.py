"""The files that a preview leaves: manifests, the plan, all of them or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from podwall.plan import SECRET, Plan, PlannedResource, ResourceOptions
from podwall.plan.plan_json import plan_document
from podwall.policies.errors import Place, SourceError, Unknown
from podwall.reading import Document
from podwall.reports.files import Manifests, kubernetes_yaml, manifests, write_folder
from podwall.reports.formats import json_text

LATER = Unknown("it is known later")


def written(kind: str = "Pod", group: str = "v1", name: str = "web", **fields: Any) -> Manifests:
    metadata = {"name": name, "namespace": "shop", **fields.pop("metadata", {})}
    manifest = {"apiVersion": group, "kind": kind, "metadata": metadata, **fields}
    return manifests([Document(manifest)], {"tools-0c015392"})


keys = st.text(st.characters(exclude_categories=["C"]), min_size=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["C"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(keys, values, max_size=3))
def test_yaml_reads_back_the_same(manifest: dict[str, Any]) -> None:
    assert yaml.safe_load(kubernetes_yaml(manifest)) == manifest


@pytest.mark.parametrize("text", ["1e3", "0o17", "12e5", "y", "no", "0x1f", "1.36", ".5", "-", "~"])
def test_a_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    line = kubernetes_yaml({"value": text}).strip()
    assert line in {f'value: "{text}"', f"value: '{text}'"}


@pytest.mark.parametrize(
    ("kind", "group", "name"),
    [
        pytest.param("Namespace", "v1", "1-namespace-shop-web.yaml", id="first"),
        pytest.param(
            "NetworkPolicy",
            "networking.k8s.io/v1",
            "2-networkpolicy-shop-web.yaml",
            id="before pods",
        ),
        pytest.param("ConfigMap", "v1", "3-configmap-shop-web.yaml", id="in between"),
        pytest.param(
            "CiliumNetworkPolicy",
            "cilium.io/v2",
            "3-ciliumnetworkpolicy.cilium.io-shop-web.yaml",
            id="another group",
        ),
        pytest.param("Pod", "v1", "4-pod-shop-web.yaml", id="then pods"),
        pytest.param("Service", "v1", "5-service-shop-web.yaml", id="last"),
    ],
)
def test_names_sort_in_the_order_of_application(kind: str, group: str, name: str) -> None:
    assert list(written(kind, group).files) == [name]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"metadata": {"annotations": {"a": LATER, "b": "c"}}}, id="an annotation"),
        pytest.param({"data": {"a": LATER}}, id="data"),
        pytest.param({"stringData": LATER}, id="all data"),
        pytest.param(
            {"spec": {"containers": [{"name": "a", "env": [{"name": "A", "value": LATER}]}]}},
            id="a variable of the environment",
        ),
    ],
)
def test_a_value_that_decides_nothing_is_left_out_with_a_comment(fields: dict[str, Any]) -> None:
    (text,) = written(**fields).files.values()
    assert text.startswith("# left out: it is known later\napiVersion: v1\n")
    assert "Unknown" not in text


@pytest.mark.parametrize(
    ("fields", "because"),
    [
        pytest.param({"metadata": {"labels": {"a": LATER}}}, LATER.cause, id="a label"),
        pytest.param({"spec": {"x": [LATER]}}, LATER.cause, id="a part of the spec"),
        pytest.param({"metadata": {"namespace": LATER}}, LATER.cause, id="the namespace"),
        pytest.param(
            {"metadata": {"namespace": "tools-0c015392"}},
            "the name of its namespace is made up when it is deployed",
            id="a namespace that Pulumi names",
        ),
        pytest.param(
            {"metadata": {"labels": {"team": "of-tools-0c015392"}}},
            "it mentions a name that is made up when it is deployed",
            id="a label with the name of a namespace",
        ),
    ],
)
def test_an_object_that_would_mean_something_else_is_left_out(
    fields: dict[str, Any], because: str
) -> None:
    found = written(**fields)
    assert not found.files
    assert [each.because for each in found.left_out] == [because]


def test_an_object_without_a_name_is_left_out() -> None:
    document = Document({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "web-"}})
    (left_out,) = manifests([document]).left_out
    assert left_out.object == "Pod web-..."


RESOURCE = PlannedResource(
    urn="u",
    type="kubernetes:core/v1:Pod",
    name="web",
    inputs={"a": [SECRET, LATER, 80], "b": {"c.d/e": LATER}},
    parent="s",
    options=ResourceOptions(protect=True, deleted_with="c", ignore_changes=("spec",)),
    place=Place("__main__.py", 3),
)


def test_the_plan_masks_secrets_and_says_why_something_is_unknown() -> None:
    plan = Plan("shop", "dev", (RESOURCE,), {"kubeconfig": SECRET})
    document = json.loads(json_text(plan_document(plan)))
    assert document["outputs"] == {"kubeconfig": "[secret]"}
    assert document["resources"] == [
        {
            "type": "kubernetes:core/v1:Pod",
            "name": "web",
            "urn": "u",
            "parent": "s",
            "protect": True,
            "change": "create",
            "inputs": {"a": ["[secret]", "[unknown]", 80], "b": {"c.d/e": "[unknown]"}},
            "unknown": {"a[1]": LATER.cause, "b[c.d/e]": LATER.cause},
            "options": {"deletedWith": "c", "ignoreChanges": ["spec"]},
            "place": "__main__.py:3",
        }
    ]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "dev"
    write_folder(folder, {"a/b.txt": "one", "c.txt": "two"})
    write_folder(folder, {"c.txt": "three"})
    assert [path.name for path in folder.rglob("*")] == ["c.txt"]
    assert (folder / "c.txt").read_text(encoding="utf-8") == "three"
    assert [path.name for path in folder.parent.iterdir()] == ["dev"]


def test_a_folder_that_can_not_be_written_stays_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    write_folder(folder, {"a.txt": "one"})
    with pytest.raises(SourceError, match="can't be written"):
        write_folder(folder, {"a.txt": "two", "a.txt/b.txt": "three"})
    assert (folder / "a.txt").read_text(encoding="utf-8") == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["dev"]


@pytest.mark.parametrize(
    ("beside", "refused"),
    [("deploi", True), ("in", False), ("x", False), ("deploy-old", False), ("dep", False)],
)
def test_a_folder_of_nearly_that_name_is_asked_after_and_no_other(
    tmp_path: Path, beside: str, *, refused: bool
) -> None:
    (tmp_path / beside).mkdir()
    if refused:
        with pytest.raises(SourceError, match="no such folder"):
            write_folder(tmp_path / "deploy" / "dev", {"a": "b"})
    else:
        write_folder(tmp_path / "deploy" / "dev", {"a": "b"})
        assert (tmp_path / "deploy" / "dev" / "a").read_text() == "b"
