"""The namespace of objects that name none, as a program and its configuration decide it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from podwall.model import Unknown
from podwall.plan.embedded import embedded_plan
from podwall.plan.model import Kubeconfig, Plan, PlannedResource, Secret
from podwall.plan.plan_json import plan_document
from podwall.plan.providers import PROVIDER, provider_clusters
from podwall.policies.errors import InvalidValue
from podwall.review import review
from podwall.sources import in_cluster, source, source_of_program
from podwall.sources.model import Source
from podwall.sources.stacks import clusters_of
from tests.plan.projects import project_in

PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes

shop = kubernetes.core.v1.Namespace("shop")
own = kubernetes.Provider("own", namespace=shop.metadata.name)
bare = kubernetes.Provider("bare")
for name, provider in {"web": None, "api": own, "db": bare}.items():
    opts = pulumi.ResourceOptions(provider=provider) if provider else None
    kubernetes.core.v1.Pod(name, metadata={"name": name}, spec={"containers": []}, opts=opts)
"""


def placed(folder: Path, **files: Mapping[str, Any]) -> set[str]:
    plan = embedded_plan(project_in(folder, PROGRAM, **files), "dev")
    found = review(source_of_program(plan, folder)).reading.snapshot
    return {each.full_name for each in found.workloads}


@pytest.mark.parametrize(
    ("files", "web"),
    [
        pytest.param({}, "default/web", id="nothing"),
        pytest.param({"config": {"kubernetes:namespace": "red"}}, "red/web", id="the stack"),
        pytest.param({"config": {"kubernetes:config:namespace": "red"}}, "red/web", id="old form"),
        pytest.param({"declared": {"kubernetes:namespace": "blue"}}, "blue/web", id="the project"),
        pytest.param(
            {"declared": {"kubernetes:namespace": {"value": "blue"}}}, "blue/web", id="its value"
        ),
        pytest.param(
            {
                "declared": {"kubernetes:namespace": {"default": "blue"}},
                "config": {"kubernetes:namespace": "red"},
            },
            "red/web",
            id="the stack first",
        ),
        pytest.param(
            {"config": {"kubernetes:namespace": {"secure": "AAABAA=="}}}, "?/web", id="encrypted"
        ),
    ],
)
@pytest.mark.long(keep=1)
def test_objects_without_a_namespace_are_in_that_of_their_provider(
    files: Mapping[str, Any], web: str, tmp_path: Path
) -> None:
    assert placed(tmp_path, **files) == {web, "shop/api", "default/db"}


def kubeconfig(server: str = "https://aks.example", namespace: str = "green") -> str:
    """Return a kubeconfig, with a token that may come out nowhere."""
    context = {"cluster": "aks", "user": "me", "namespace": namespace}
    return json.dumps(
        {
            "current-context": "aks",
            "contexts": [{"name": "aks", "context": context}],
            "clusters": [{"name": "aks", "cluster": {"server": server}}],
            "users": [{"name": "me", "user": {"token": "canary"}}],
        }
    )


TWO = """
import pulumi
import pulumi_kubernetes as kubernetes

for name, text in ONES.items():
    provider = kubernetes.Provider(name, kubeconfig=MADE(text))
    kubernetes.core.v1.Pod(
        f"{name}-web",
        metadata={"name": f"{name}-web"},
        spec={"containers": []},
        opts=pulumi.ResourceOptions(provider=provider),
    )
"""
PLAIN, SECRET = "str", "pulumi.Output.secret"


def two(folder: Path, made: str, **texts: str) -> Source:
    """Return what a program makes with a provider of each kubeconfig, which it holds as `made`."""
    program = TWO.replace("ONES", repr(texts)).replace("MADE", made)
    plan = embedded_plan(project_in(folder, program), "dev")
    return source_of_program(plan, folder)


@pytest.mark.parametrize("made", [PLAIN, SECRET])
def test_the_context_of_a_kubeconfig_names_a_namespace(made: str, tmp_path: Path) -> None:
    found = two(tmp_path, made, a=kubeconfig())
    assert [each.full_name for each in review(found).reading.snapshot.workloads] == ["green/a-web"]


@pytest.mark.parametrize("made", [PLAIN, SECRET])
@pytest.mark.parametrize(
    ("other", "clusters"),
    [
        pytest.param(kubeconfig(), 1, id="the same"),
        pytest.param(kubeconfig(namespace="red"), 1, id="another namespace"),
        pytest.param(kubeconfig("https://other.example"), 2, id="another server"),
    ],
)
@pytest.mark.long(keep=4)
def test_two_kubeconfigs_of_one_server_are_one_cluster(
    other: str, clusters: int, made: str, tmp_path: Path
) -> None:
    found = two(tmp_path, made, a=kubeconfig(), b=other)
    assert len(clusters_of(found)) == clusters
    assert found.plan is not None
    written = msgspec.json.encode(plan_document(found.plan))
    assert b"canary" not in written
    assert b"aks.example" not in written
    file = tmp_path / "plan.json"
    file.write_bytes(written)
    again = source(str(file))
    assert len(clusters_of(again)) == clusters
    assert again.planned.documents == found.planned.documents


@pytest.mark.parametrize("kind", ["preview", "state"])
def test_a_document_has_what_a_kubeconfig_says(kind: str, tmp_path: Path) -> None:
    prefix = "urn:pulumi:dev::shop::"
    pod, states = "kubernetes:core/v1:Pod", []
    for name in ("a", "b"):
        urn = f"{prefix}pulumi:providers:kubernetes::{name}"
        inputs: Mapping[str, Any] = {"kubeconfig": kubeconfig(namespace=name)}
        type_ = "pulumi:providers:kubernetes"
        states.append({"urn": urn, "type": type_, "custom": True, "inputs": inputs})
        inputs = {"metadata": {"name": "web"}, "spec": {}}
        about = {"custom": True, "inputs": inputs, "provider": f"{urn}::id"}
        states.append({"urn": f"{prefix}{pod}::{name}", "type": pod, **about})
    documents = {
        "preview": {"steps": [{"op": "create", "newState": each} for each in states]},
        "state": {"version": 3, "deployment": {"resources": states}},
    }
    file = tmp_path / "document.json"
    file.write_text(json.dumps(documents[kind]), encoding="utf-8")
    workloads = review(source(str(file))).reading.snapshot.workloads
    assert {each.full_name for each in workloads} == {"a/web", "b/web"}


def test_a_preview_says_its_configuration(tmp_path: Path) -> None:
    urn = "urn:pulumi:dev::shop::kubernetes:core/v1:Pod::web"
    inputs = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {}}
    state = {"urn": urn, "type": "kubernetes:core/v1:Pod", "custom": True, "inputs": inputs}
    for config, namespace in (({"kubernetes:namespace": "red"}, "red"), ({}, "default")):
        path = tmp_path / "preview.json"
        steps = [{"op": "create", "newState": state}]
        path.write_text(json.dumps({"config": config, "steps": steps}), encoding="utf-8")
        (web,) = review(source(str(path))).reading.snapshot.workloads
        assert web.namespace == namespace


def test_an_encrypted_namespace_is_undetermined_with_that_cause(tmp_path: Path) -> None:
    config = {"kubernetes:namespace": {"secure": "AAABAA=="}}
    plan = embedded_plan(project_in(tmp_path, PROGRAM, config), "dev")
    workloads = review(source_of_program(plan, tmp_path)).reading.snapshot.workloads
    web = next(each for each in workloads if each.name == "web")
    cause = "`kubernetes:namespace` of the stack's configuration is encrypted"
    assert web.namespace == Unknown(cause)


AKS = "urn:pulumi:dev::shop::azure-native:containerservice:ManagedCluster::{}"
COMMAND = "urn:pulumi:dev::shop::command:local:Command::{}"
ENCRYPTED: Mapping[str, Any] = {"kubeconfig": Secret.VALUE}


def provider(name: str, inputs: Mapping[str, Any], origin: str = "", server: str = "") -> Any:
    depends = {"kubeconfig": (origin,)} if origin else {}
    return PlannedResource(
        f"urn:pulumi:dev::shop::{PROVIDER}::{name}",
        PROVIDER,
        name,
        inputs,
        property_dependencies=depends,
        kubeconfig=Kubeconfig(server) if server else None,
    )


def other(urn: str) -> PlannedResource:
    kind, name = urn.split("::")[2:]
    return PlannedResource(urn, kind, name, {})


EAST, WEST = AKS.format("east"), AKS.format("west")
FETCHED, AGAIN = COMMAND.format("fetched"), COMMAND.format("again")


@pytest.mark.parametrize(
    ("one", "two", "told"),
    [
        pytest.param(({}, EAST), ({}, WEST), "apart", id="two clusters of the program"),
        pytest.param(({}, EAST), ({}, EAST), "one", id="one cluster of the program"),
        pytest.param(({}, "", "a"), ({}, "", "b"), "apart", id="two servers"),
        pytest.param(({}, "", "a"), ({}, "", "a"), "one", id="one server"),
        pytest.param((ENCRYPTED,), (ENCRYPTED,), "", id="two that are encrypted"),
        pytest.param((ENCRYPTED,), ({}, "", "a"), "", id="an encrypted one and a server"),
        pytest.param((ENCRYPTED,), ({}, EAST), "", id="an encrypted one and a cluster"),
        pytest.param(({}, FETCHED), ({}, AGAIN), "", id="two that commands fetch"),
        pytest.param(({}, FETCHED), ({}, EAST), "", id="one that a command fetches"),
        pytest.param(({"context": "a"},), ({"context": "b"},), "", id="two contexts"),
        pytest.param(({"context": "a"},), ({"context": "a"},), "one", id="one context"),
        pytest.param(({"context": "a"},), ({}, EAST), "", id="a context and a cluster"),
        pytest.param(
            ({"renderYamlToDirectory": "out"},), (ENCRYPTED,), "apart", id="a folder and any"
        ),
    ],
)
def test_two_providers_are_one_cluster_or_two_only_where_something_tells(
    one: tuple[Any, ...], two: tuple[Any, ...], told: str
) -> None:
    providers = [provider("one", *one), provider("two", *two)]
    pods = [
        PlannedResource(f"{each.urn}-pod", "kubernetes:core/v1:Pod", "web", {}, provider=each.urn)
        for each in providers
    ]
    plan = Plan("shop", "dev", (*map(other, (EAST, WEST, FETCHED, AGAIN)), *providers, *pods))
    found = provider_clusters(plan)
    if told == "one":
        assert len(found) == 1
        return
    assert [sorted(each.perhaps) for each in found] == (
        [[], []] if told == "apart" else [["two"], ["one"]]
    )


def test_who_asks_is_asked_whether_two_providers_speak_to_one_cluster(tmp_path: Path) -> None:
    program = """
    import pulumi
    import pulumi_kubernetes as kubernetes

    config = pulumi.Config()
    for name in ("one", "two"):
        at = kubernetes.Provider(name, kubeconfig=config.require_secret(name))
        opts = pulumi.ResourceOptions(provider=at)
        kubernetes.core.v1.Pod(name, metadata={"name": name}, spec={"containers": []}, opts=opts)
    """
    encrypted = {"secure": "AAABAA=="}
    folder = project_in(tmp_path, program, {"shop:one": encrypted, "shop:two": encrypted})
    found = source_of_program(embedded_plan(folder, "dev"), folder)
    with pytest.raises(InvalidValue) as caught:
        review(found)
    assert "nothing tells whether `one` and `two` are" in str(caught.value)
    assert "`--cluster one,two`" in caught.value.help
    together = review(in_cluster(found, "one,two"))
    assert {each.id for each in together.reachability.workloads} == {"default/one", "default/two"}
    assert together.source.notes == ()
    alone = review(in_cluster(found, "one"))
    assert {each.id for each in alone.reachability.workloads} == {"default/one"}
    assert "`two` speaks to another cluster" in " ".join(alone.source.notes)
