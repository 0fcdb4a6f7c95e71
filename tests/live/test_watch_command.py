"""`podwall watch`: what opens and closes in a running cluster, by whose change, and as metrics."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from podwall.change_review import ChangeReview, WatchedChange, WatchedCluster
from podwall.cli import main
from podwall.cli.watch import exported
from podwall.live import KubeContext
from podwall.live.connection import ApiRequest
from podwall.live.watching import ClusterWatch
from podwall.policies.errors import PodwallError
from podwall.reading import Document
from podwall.reports.change_files import watch_text
from podwall.review import review
from podwall.sources import ManifestOptions, Source, SourceKind, Stage, source
from tests.live.lab import LabServer, created, path_of
from tests.live.objects import namespace, pod, policy


class _Watching:
    """A `podwall watch` that runs beside the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def said(self, words: str) -> str:
        """Return the next line on the standard error that has some words."""
        assert self._process.stderr is not None
        return next(line for line in self._process.stderr if words in line)

    def line(self) -> str:
        """Return the next line on the standard output."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def _watching(lab: LabServer, folder: Path, *words: str) -> Iterator[_Watching]:
    kubeconfig = str(lab.kubeconfig(folder))
    command = [sys.executable, "-m", "podwall", "watch", "--kubeconfig", kubeconfig, *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield _Watching(process)
        finally:
            process.terminate()


def _put(lab: LabServer, found: dict[str, Any], manager: str) -> None:
    with lab.connection() as admin:
        path = f"{path_of(found)}/{found['metadata']['name']}"
        content = "application/apply-patch+yaml"
        query: dict[str, str | int | bool | None] = {"fieldManager": manager, "force": True}
        admin.send(ApiRequest("PATCH", path, query, found, content_type=content))


@pytest.mark.long
def test_it_says_what_opens_and_closes_and_who_did_it(lab: LabServer, tmp_path: Path) -> None:
    closed = policy("followed", "closed")
    with lab.connection() as admin:
        created(admin, [namespace("followed"), closed])
        created(admin, [pod("followed", each, app=each) for each in ("web", "api")])
    words = ["--namespace", "followed", "--engine", "calico", "-o", "json"]
    with _watching(lab, tmp_path, *words) as watching:
        watching.said("following it")
        _put(lab, policy("followed", "open", {"podSelector": {}, "ingress": [{}]}), "kim")
        found = json.loads(watching.line())
    assert found["format"] == "podwall/watch/v1"
    (changed,) = found["objects"]
    assert {key: changed[key] for key in ("kind", "name", "event", "manager")} == {
        "kind": "NetworkPolicy",
        "name": "followed/open",
        "event": "added",
        "manager": "kim",
    }
    pairs = {(each["source"], each["destination"]) for each in found["changes"]["changes"]}
    assert ("followed/web", "followed/api") in pairs


@pytest.mark.long
def test_metrics_are_those_of_now(lab: LabServer, tmp_path: Path) -> None:
    with lab.connection() as admin:
        created(admin, [namespace("metered"), pod("metered", "web", app="web")])
    words = ["--namespace", "metered", "--engine", "cilium", "--exporter", "127.0.0.1:0"]
    proof = tmp_path / "verified.json"
    words += ["--verified", str(proof)]
    with _watching(lab, tmp_path, *words) as watching:
        url = watching.said("metrics are at").split()[-1]
        watching.said("following it")
        before = _metrics(url)
        results = [{"agreement": each} for each in ("agrees", "disagrees", "disagrees")]
        proof.write_text(json.dumps({"format": "podwall/verify/v1", "results": results}))
        with lab.connection() as admin:
            created(admin, [policy("metered", "closed")])
        assert watching.line()
        after = _metrics(url)
        with pytest.raises(HTTPError, match="404"):
            _metrics(url.replace("metrics", "other"))
    assert url.startswith("http://127.0.0.1:")
    assert before['podwall_policies{read="yes"}'] == 0
    assert after['podwall_policies{read="yes"}'] == 1
    assert before['podwall_open_workloads{direction="ingress"}'] == 1
    assert after['podwall_open_workloads{direction="ingress"}'] == 0
    assert not [each for each in before if each.startswith("podwall_verify")]
    assert after['podwall_verify_probes{agreement="disagrees"}'] == 2
    assert after['podwall_verify_probes{agreement="not observed"}'] == 0
    assert 0 <= after["podwall_verify_age_seconds"] < 600
    assert (after["podwall_changes_total"], after["podwall_silent_watches"]) == (1, 0)
    assert after["podwall_full_analyses_total"] == 1  # what is outside of the namespace is not seen


def test_of_many_connections_the_first_are_listed_and_the_others_counted() -> None:
    pods = tuple(
        Document({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{number}"}})
        for number in range(12)
    )
    closed = Document(policy("default", "closed"))
    before, after = (
        review(Source(SourceKind.MANIFESTS, "shop", Stage(each)), "cilium")
        for each in (pods, (*pods, closed))
    )
    changed = WatchedChange((), ChangeReview(before, after))
    every = len(list(changed.review.difference.port_changes()))
    lines = list(watch_text(changed, "09:41:07"))
    assert sum(" => " in each for each in lines) == 100
    assert lines[-1] == f"  and {every - 100} more connections that differ\n"


def _metrics(url: str) -> dict[str, float]:
    with urlopen(url, timeout=300) as answer:  # noqa: S310 - what was just served
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_what_is_followed_equals_what_is_read_anew(lab: LabServer, tmp_path: Path) -> None:
    kubeconfig = str(lab.kubeconfig(tmp_path))
    with lab.connection() as admin:
        created(admin, [namespace("equal")])
        with ClusterWatch(admin, "equal") as watch:
            followed = WatchedCluster(watch, "calico")
            for step in _steps():
                admin.send(step)
            deadline = time.monotonic() + 300  # that of a hang: a busy machine is none
            while time.monotonic() < deadline and _state(followed) != _anew(kubeconfig):
                list(followed.changes(0.5))
    assert _state(followed) == _anew(kubeconfig)


def _steps() -> Iterator[ApiRequest]:
    """Yield changes of every form: what comes, changes, goes, and comes again."""
    web, api = (pod("equal", each, app=each) for each in ("web", "api"))
    closed = policy("equal", "closed")
    for each in (web, api, closed):
        yield ApiRequest("POST", path_of(each), body=each)
    yield ApiRequest("DELETE", f"{path_of(web)}/web", body={"gracePeriodSeconds": 0})
    yield ApiRequest("POST", path_of(web), body={**web, "metadata": _relabelled(web)})
    narrowed = {"spec": {"podSelector": {"matchLabels": {"app": "api"}}}}
    content = "application/merge-patch+json"
    yield ApiRequest("PATCH", f"{path_of(closed)}/closed", body=narrowed, content_type=content)


def _relabelled(found: dict[str, Any]) -> dict[str, Any]:
    return {**found["metadata"], "labels": {"app": "other"}}


def _state(found: WatchedCluster) -> set[Any]:
    return _facts(found.review.reading.snapshot)


def _anew(kubeconfig: str) -> set[Any]:
    options = ManifestOptions("equal", cluster=KubeContext(kubeconfig))
    return _facts(review(source("cluster", options), "calico").reading.snapshot)


def _facts(snapshot: Any) -> set[Any]:
    parts = (snapshot.workloads, snapshot.policies, snapshot.services, snapshot.namespaces)
    return {each for part in parts for each in part}


@pytest.mark.parametrize("address", ["here", "127.0.0.1", "192.0.2.1:80"])
def test_an_address_at_which_nothing_can_be_served_is_refused(address: str) -> None:
    with pytest.raises(PodwallError) as problem, exported(address, str):
        pass
    assert address in problem.value.message


def test_a_cluster_that_is_not_there_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "--kubeconfig", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
