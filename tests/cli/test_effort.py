"""The bound of what a command may take, with small limits: what is larger is refused, and why."""

from __future__ import annotations

import json
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from podwall.cli import effort
from tests.cli.running import ROOT, podwall

SHOP = str(ROOT / "examples" / "shop")
COMMANDS: Sequence[Sequence[str]] = (
    ("reach", "in.json"),
    ("reach", "in.json", "-o", "html"),
    ("reach", "in.json", "--engine", "azure", "-o", "csv"),
    ("reach", "in.json", "--engine", "cilium", "-o", "groups"),
    ("lint", "in.json"),
    ("diff", "in.json", "new.json"),
    ("migrate", "in.json"),
    ("check", "in.json", "expectations.json"),
    ("suggest", "in.json", "expectations.json"),
    ("explain", "in.json", "n0/p0", "n1/p1"),
)


def block(choose: random.Random) -> str:
    return f"{choose.randrange(1, 223)}.{choose.randrange(256)}.{choose.randrange(256)}.0/24"


def network_policy(choose: random.Random, number: int) -> dict[str, Any]:
    """Return a policy of addresses times ranges of ports, all of them distinct."""
    starts = [choose.randrange(1, 60000) for _ in range(15)]
    ports = [
        {"protocol": "TCP", "port": each, "endPort": each + choose.randrange(5000)}
        for each in starts
    ]
    rule = {"from": [{"ipBlock": {"cidr": block(choose)}} for _ in range(15)], "ports": ports}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"q{number}", "namespace": f"n{number % 5}"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [rule]},
    }


def cilium_policy(choose: random.Random, number: int) -> dict[str, Any]:
    """Return a policy that denies what others allow."""
    ports = [{"port": str(choose.randrange(1, 60000)), "protocol": "TCP"} for _ in range(15)]
    rule = {"fromCIDR": [block(choose) for _ in range(15)], "toPorts": [{"ports": ports}]}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": f"q{number}", "namespace": f"n{number % 5}"},
        "spec": {"endpointSelector": {}, "ingress": [rule], "ingressDeny": [rule]},
    }


def calico_policy(choose: random.Random, number: int) -> dict[str, Any]:
    source = {"nets": [block(choose) for _ in range(15)]}
    ports = [choose.randrange(1, 60000) for _ in range(15)]
    rules = [
        {"action": action, "protocol": "TCP", "source": source, "destination": {"ports": ports}}
        for action in ("Deny", "Allow")
    ]
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"q{number}", "namespace": f"n{number % 5}"},
        "spec": {"selector": "all()", "types": ["Ingress"], "ingress": rules},
    }


KINDS = {
    "NetworkPolicy": network_policy,
    "CiliumNetworkPolicy": cilium_policy,
    "Calico": calico_policy,
}


def write_cluster(folder: Path, kind: str = "NetworkPolicy", policies: int = 60) -> None:
    """Write a cluster, what becomes of it, and what is expected of it."""
    choose = random.Random(policies)
    pods: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"p{number}", "namespace": f"n{number % 5}"},
        }
        for number in range(40)
    ]
    made = [KINDS[kind](choose, number) for number in range(policies)]
    for name, some in (("in", made), ("new", made[1:])):
        items = {"apiVersion": "v1", "kind": "List", "items": [*pods, *some]}
        (folder / f"{name}.json").write_text(json.dumps(items), "utf-8")
    stated = [
        {
            "name": f"{n}",
            "from": f"n{n % 5}/p{n}",
            "to": f"n{(n + 1) % 5}/p{n + 1}",
            "ports": ["80"],
        }
        for n in range(39)
    ]
    stated = [{**each, "expect": "allowed"} for each in stated]
    (folder / "expectations.json").write_text(json.dumps({"expectations": stated}), "utf-8")


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command work for a hundredth of a second."""
    monkeypatch.setattr(effort, "SECONDS", 0.01)


@pytest.mark.usefixtures("no_time")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.long(keep=3)
def test_every_command_ends_when_it_takes_too_long(tmp_path: Path, command: Sequence[str]) -> None:
    write_cluster(tmp_path)
    found = podwall(tmp_path, *command)
    assert found.code == 2
    assert found.err.startswith("error: it takes more than")
    assert "100 objects (60 NetworkPolicy, 40 Pod) with" in found.err
    assert "900 ports, 900 ip blocks" in found.err
    assert " help: read a part of it" in found.err
    assert effort.UNBOUNDED in found.err


@pytest.mark.usefixtures("no_time")
@pytest.mark.parametrize("kind", KINDS)
def test_policies_of_every_kind_are_bounded(tmp_path: Path, kind: str) -> None:
    write_cluster(tmp_path, kind)
    found = podwall(tmp_path, "reach", "in.json")
    assert found.code == 2
    assert "it takes more than" in found.err
    assert "900 ip blocks" in found.err or "1,800 ip blocks" in found.err


@pytest.mark.usefixtures("no_time")
def test_a_change_that_takes_too_long_says_so_in_its_comment(tmp_path: Path) -> None:
    write_cluster(tmp_path)
    assert podwall(tmp_path, "diff", "in.json", "new.json", "--out", "out").code == 2
    written = {each.name for each in (tmp_path / "out").iterdir()}
    assert written == {"comment.md", "outputs.txt"}
    assert "it takes more than" in (tmp_path / "out" / "comment.md").read_text("utf-8")


@pytest.mark.usefixtures("no_time")
@pytest.mark.parametrize("command", COMMANDS[2:5], ids=" ".join)
def test_what_ends_a_command_is_not_stopped_again(
    tmp_path: Path, command: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To give memory back takes longer than the time until the next signal."""
    monkeypatch.setattr(effort, "_AGAIN", 0.01)
    write_cluster(tmp_path)
    assert podwall(tmp_path, *command).code == 2
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGPROF) is signal.SIG_DFL


@pytest.mark.usefixtures("no_time")
@pytest.mark.long
def test_who_wants_the_whole_gets_it(tmp_path: Path) -> None:
    write_cluster(tmp_path, policies=6)
    assert podwall(tmp_path, "reach", "in.json", **{effort.UNBOUNDED: "1"}).code == 0


_WITHOUT_MEMORY = """
import sys
import numpy  # which a small source does not bring
from podwall.cli import effort, main
sys.argv.pop(0)
main([sys.argv[0], sys.argv.pop(1), *sys.argv[2:]])
effort.BYTES, effort.ROOM = 0, 1 << 20
sys.exit(main(sys.argv))
"""
"""Makes the page of a small source, which imports what it needs, and of another without room."""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not refuse memory")
@pytest.mark.long
def test_a_command_gets_no_more_memory_than_its_bound(tmp_path: Path) -> None:
    """In a process of its own: what other tests have given back would be room for this one."""
    write_cluster(tmp_path)
    words = (sys.executable, "-c", _WITHOUT_MEMORY, "reach", SHOP, "in.json", "-o", "html")
    found = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "it takes more memory than podwall gives it" in found.stderr
    assert "900 ip blocks" in found.stderr


def test_what_is_usual_is_far_from_the_bound_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    assert podwall(tmp_path, "reach", SHOP).code == 0
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGPROF) is signal.SIG_DFL
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_more_objects_may_take_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda _, seconds, *__: asked.append(seconds))
    with effort.within_bounds():
        effort.begun([{"kind": "List", "items": [{"kind": "Pod"}] * 2_000}])
        effort.begun([{"kind": "List", "items": [{"kind": "Pod"}] * 4_000}])
    assert asked == [effort.SECONDS, 2 * effort.SECONDS, 0]
