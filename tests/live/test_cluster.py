"""A cluster that a real API server holds, read as a source."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from podwall.cli import main
from podwall.live import KubeContext
from podwall.live.cluster import read_connection
from podwall.live.connection import ApiConnection, ApiRequest, ClusterError
from podwall.live.listing import PODS, listed
from podwall.review import review
from podwall.sources import ManifestOptions, source
from tests.house.test_size import ROOT
from tests.live.lab import LabServer, created, path_of
from tests.live.objects import controller, namespace, node, pod, policy

SHOP = [
    namespace("shop", team="shop"),
    pod("shop", "web", app="web"),
    pod("shop", "api", app="api"),
    controller("Deployment", "shop", "db"),
    policy("shop", "closed"),
    policy(
        "shop",
        "web-to-api",
        {
            "podSelector": {"matchLabels": {"app": "api"}},
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}],
        },
    ),
]


@pytest.fixture
def admin(lab: LabServer) -> Iterator[ApiConnection]:
    with lab.connection() as connection:
        yield connection


def _no_policies(admin: ApiConnection) -> None:
    """Remove the policies that tests in other files have left in the server they share."""
    path = "/apis/networking.k8s.io/v1"
    for each in json.loads(admin.get(f"{path}/networkpolicies"))["items"]:
        where, name = each["metadata"]["namespace"], each["metadata"]["name"]
        admin.send(ApiRequest("DELETE", f"{path}/namespaces/{where}/networkpolicies/{name}"))


@pytest.fixture
def shop(admin: ApiConnection) -> Iterator[None]:
    _no_policies(admin)
    created(admin, SHOP)
    yield
    for each in SHOP[1:]:
        name = f"{path_of(each)}/{each['metadata']['name']}"
        admin.send(ApiRequest("DELETE", name, {"gracePeriodSeconds": 0}))


@pytest.fixture
def kubeconfig(lab: LabServer, tmp_path: Path) -> str:
    return str(lab.kubeconfig(tmp_path))


def _options(kubeconfig: str, only: str | None = None) -> ManifestOptions:
    return ManifestOptions(only, cluster=KubeContext(kubeconfig))


@pytest.mark.usefixtures("shop")
def test_a_cluster_is_a_closed_source(kubeconfig: str) -> None:
    found = review(source("cluster", _options(kubeconfig)), "calico")
    ids = {each.id for each in found.reachability.workloads}
    assert {"shop/web", "shop/api", "shop/db"} <= ids
    assert found.reading.snapshot.complete
    assert found.reading.snapshot.kubernetes_version == "1.34"
    assert "hunter2" not in repr(found.source)
    assert {str(each.status) for each in found.ledger} <= {"read", "harmless"}


@pytest.mark.usefixtures("shop")
def test_policies_without_an_engine_are_an_error(
    kubeconfig: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lint", "cluster", "--kubeconfig", kubeconfig, "-o", "json"]) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out)["findings"]
    assert {each["id"] for each in found if each["severity"] == "error"} == {"engine-missing"}
    first = printed.err.splitlines()[0]
    says = (
        r"cluster `lab`: Kubernetes 1\.\d+\.\d+, no network policy engine; \d+ pods, \d+ policies"
    )
    assert re.fullmatch(says, first)


@pytest.mark.usefixtures("shop")
def test_every_command_takes_the_cluster(
    kubeconfig: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--kubeconfig", kubeconfig, "--context", "lab"]
    engine = ["--engine", "cilium"]
    assert main(["explain", "cluster", "shop/web", "shop/api", "8080", *where, *engine]) == 0
    assert "allowed" in capsys.readouterr().out
    assert main(["explain", "cluster", "shop/db", "shop/api", *where, *engine]) == 0
    assert "denied" in capsys.readouterr().out
    stated = tmp_path / "expectations.yaml"
    one = {"name": "web", "from": "shop/web", "to": "shop/api", "ports": 8080, "expect": "allowed"}
    stated.write_text(json.dumps({"expectations": [one]}), encoding="utf-8")
    assert main(["check", "cluster", str(stated), *where, *engine]) == 0
    assert main(["migrate", "cluster", "--from", "azure", "--to", "cilium", *where]) == 0
    assert main(["reach", "cluster", *where, *engine, "-o", "csv"]) == 0
    assert "shop/web,shop/api" in capsys.readouterr().out


@pytest.mark.usefixtures("shop")
def test_a_diff_with_what_is_deployed_tells_drift(
    kubeconfig: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    wanted = [each for each in SHOP if each["metadata"]["name"] != "web-to-api"]
    (folder / "all.yaml").write_text(yaml.safe_dump_all(wanted), encoding="utf-8")
    words = ["--kubeconfig", kubeconfig, "--engine", "calico", "--closed", "-o", "json"]
    assert main(["diff", "cluster", str(folder), *words, "--namespace", "shop"]) == 0
    changes = json.loads(capsys.readouterr().out)["changes"]
    found = [(each["change"], each["source"], each["destination"]) for each in changes]
    assert found == [("removed", "shop/web", "shop/api")]


@pytest.mark.usefixtures("shop")
def test_a_diff_with_a_program_tells_drift(
    kubeconfig: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program = str(ROOT / "examples" / "first-program")
    words = ["--kubeconfig", kubeconfig, "--namespace", "shop", "-o", "json"]
    assert main(["diff", program, "cluster", *words]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["engine"] == {"before": "cilium", "after": "none"}
    assert "engine-changes" in {each["id"] for each in found["findings"]}
    assert [each["id"] for each in found["workloads"]["added"]] == ["shop/db"]
    assert main(["diff", program, "cluster", *words, "--engine", "cilium"]) in {0, 1}
    policies = json.loads(capsys.readouterr().out)["policies"]
    beyond = {each["policy"] for each in policies if each["change"] == "added"}
    assert {"shop/closed", "shop/web-to-api"} <= beyond


@pytest.mark.long
def test_pages_of_a_real_server_are_one_list(admin: ApiConnection) -> None:
    created(admin, [namespace("many")])
    created(admin, [pod("many", f"p{n:04}", app="many") for n in range(1, 1052)])
    told: list[tuple[int, int | None]] = []
    found = listed(admin, PODS, "many", progress=lambda done, left: told.append((done, left)))
    assert (len(found.items), found.mixed) == (1051, False)
    assert [done for done, _ in told] == [500, 1000, 1051]
    assert told[0][1] == 551


@pytest.mark.long
def test_a_page_that_expires_on_a_real_server_is_read_on(
    admin: ApiConnection, lab: LabServer
) -> None:
    created(admin, [namespace("many")])
    created(admin, [pod("many", f"p{n:04}", app="many") for n in range(1, 1052)])
    done: list[int] = []

    def note(count: int, _left: int | None) -> None:
        done.append(count)
        if len(done) == 1:
            created(admin, [pod("many", "p9999", app="many")])
            lab.forget()

    found = listed(admin, PODS, "many", progress=note)
    names = {each.metadata.name for each in found.items}
    assert found.mixed
    assert {"p0001", "p1051", "p9999"} <= names
    admin.send(ApiRequest("DELETE", "/api/v1/namespaces/many/pods/p9999"))


def test_lists_are_of_one_moment(admin: ApiConnection) -> None:
    created(admin, [namespace("moment")])
    before = listed(admin, PODS, "moment")
    created(admin, [pod("moment", "late", app="late")])
    again = listed(admin, PODS, "moment", version=before.version)
    assert ([each.metadata.name for each in again.items], again.mixed) == ([], False)
    now = listed(admin, PODS, "moment")
    assert [each.metadata.name for each in now.items] == ["late"]


def test_a_moment_that_a_real_server_forgot_is_the_present_one(
    admin: ApiConnection, lab: LabServer
) -> None:
    created(admin, [namespace("forgotten")])
    before = listed(admin, PODS, "forgotten")
    created(admin, [pod("forgotten", each, app="late") for each in ("late", "later")])
    lab.forget()
    again = listed(admin, PODS, "forgotten", version=before.version)
    assert again.mixed
    assert [each.metadata.name for each in again.items] == ["late", "later"]


def _role() -> list[dict[str, Any]]:
    """Return the roles in the guide, which are the ones that users take."""
    text = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    block = text.partition("```yaml\n")[2].partition("```")[0]
    return list(yaml.safe_load_all(block))


def _bound(role: dict[str, Any], user: str) -> dict[str, Any]:
    return {
        **role,
        "kind": f"{role['kind']}Binding",
        # Other tests bind the same roles to others, on the same server.
        "metadata": {**role["metadata"], "name": f"{role['metadata']['name']}-{user}"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": role["kind"],
            "name": role["metadata"]["name"],
        },
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }


def _granted(admin: ApiConnection, user: str) -> None:
    for role in _role():
        bound = _bound(role, user)
        bound.pop("rules")
        created(admin, [role, bound])


@pytest.mark.usefixtures("shop")
def test_the_documented_role_is_enough(admin: ApiConnection, lab: LabServer) -> None:
    _granted(admin, "reader")
    with lab.connection("reader") as reader:
        found = read_connection(reader)
        refused = ("/api/v1/secrets", "/api/v1/configmaps", "/api/v1/namespaces/shop/pods/web/log")
        for path in refused:
            with pytest.raises(ClusterError, match="forbidden") as problem:
                reader.get(path)
            assert problem.value.code == 403
    assert found.whole
    assert found.findings == ()


@pytest.mark.usefixtures("shop")
def test_the_documented_role_reads_the_policies_that_others_have_added(
    admin: ApiConnection, lab: LabServer
) -> None:
    _granted(admin, "reader")
    kind = _policy_kind()
    created(admin, [kind])
    one = {"apiVersion": f"{_GROUP}/v1alpha1", "kind": "AdminNetworkPolicy"}
    body = {**one, "metadata": {"name": "first"}, "spec": {"priority": 7}}
    path = f"/apis/{_GROUP}/v1alpha1/adminnetworkpolicies"
    try:
        _until_served(admin, path)
        admin.send(ApiRequest("POST", path, body=body))
        with lab.connection("reader") as reader:
            found = read_connection(reader)
    finally:
        admin.send(ApiRequest("DELETE", f"{path_of(kind)}/{kind['metadata']['name']}"))
    (seen,) = (each for each in found.documents if each.manifest["kind"] == one["kind"])
    assert seen.manifest["spec"] == {"priority": 7}
    assert str(seen.place) == "cluster://lab/AdminNetworkPolicy/first"


_GROUP = "policy.networking.k8s.io"


def _until_served(admin: ApiConnection, path: str) -> None:
    deadline = time.monotonic() + 300  # that of a hang: a busy machine is none
    while time.monotonic() < deadline:
        try:
            admin.get(path)
        except ClusterError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(path)


def test_whoever_may_do_less_is_told_all_that_is_missing(
    lab: LabServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lab.kubeconfig(tmp_path, "stranger")
    assert main(["reach", "cluster", "--kubeconfig", str(path)]) == 2
    error, help_ = capsys.readouterr().err.splitlines()
    assert (
        "this user may not list `namespaces`, `networkpolicies.networking.k8s.io`, `pods`" in error
    )
    assert "endpointslices.discovery.k8s.io" in error
    assert "docs/live.md" in help_
    assert "stranger-token" not in error


@pytest.mark.usefixtures("shop")
def test_whoever_may_read_one_namespace_reads_that_one(
    admin: ApiConnection, lab: LabServer
) -> None:
    cluster_role = _role()[0]
    wanted = [{**each, "verbs": ["list"]} for each in cluster_role["rules"]]
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
    role = {**head, "metadata": {"name": "one", "namespace": "shop"}, "rules": wanted}
    bound = _bound(role, "developer")
    bound.pop("rules")
    created(admin, [role, bound])
    with lab.connection("developer") as developer:
        found = read_connection(developer, "shop")
    assert not found.whole
    assert (found.cluster.engine, [each.id for each in found.findings]) == (
        None,
        ["engine-not-seen"],
    )
    kinds = {each.manifest["kind"] for each in found.documents}
    assert {"Pod", "NetworkPolicy", "Deployment"} <= kinds


def _policy_kind() -> dict[str, Any]:
    """Return a kind of policies that clusters have where somebody has added it."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"adminnetworkpolicies.{_GROUP}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
        "spec": {
            "group": _GROUP,
            "scope": "Cluster",
            "names": {
                "kind": "AdminNetworkPolicy",
                "plural": "adminnetworkpolicies",
                "singular": "adminnetworkpolicy",
            },
            "versions": [version],
        },
    }


def test_nodes_tell_the_ranges_of_pods_and_their_own_addresses(
    admin: ApiConnection, kubeconfig: str
) -> None:
    nodes = [
        node("one", "10.244.0.0/24", "192.0.2.1"),
        node("two", "10.244.1.0/24", "192.0.2.2"),
    ]
    created(admin, nodes)
    for each in nodes:
        path = f"{path_of(each)}/{each['metadata']['name']}/status"
        content = "application/merge-patch+json"
        admin.send(ApiRequest("PATCH", path, body=each, content_type=content))
    found = review(source("cluster", _options(kubeconfig))).reading.snapshot
    for each in nodes:
        admin.send(ApiRequest("DELETE", f"{path_of(each)}/{each['metadata']['name']}"))
    assert [str(each) for each in found.pod_cidrs] == ["10.244.0.0/23"]
    assert [(each.name, *map(str, each.addresses)) for each in found.nodes] == [
        ("one", "192.0.2.1"),
        ("two", "192.0.2.2"),
    ]
