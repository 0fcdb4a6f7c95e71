"""A machine beside a node, in a network of its own: what it connects to comes from outside."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.live.node import ADDRESS, IMAGE, LabNode, is_apart, podwall_started
from tests.live.objects import namespace, policy

__all__ = ["OutsideMachine", "exposed_objects", "machine_outside"]

_OWN: Final = "10.201.0.2"
_NODES: Final = "10.201.0.1"


@dataclass(frozen=True)
class OutsideMachine:
    """A process that holds the network, and how the node's API server is reached from there."""

    holder: int
    kubeconfig: Path

    def inside(self, *words: str) -> list[str]:
        """Return a command that runs in the machine's network."""
        return [shutil.which("nsenter") or "", f"--target={self.holder}", "--net", "--", *words]

    def podwall(self, *arguments: str) -> tuple[int, str, str]:
        """Run podwall on the node's cluster, and return how it ended and what it said."""
        process = podwall_started(self.inside, self.kubeconfig, *arguments)
        out, err = process.communicate(timeout=900)
        return process.returncode, out, err


@contextmanager
def machine_outside(node: LabNode) -> Iterator[OutsideMachine]:
    """Give a machine that has a cable to the node, and no address of it or of its pods."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        kubeconfig = node.folder / "kubeconfig-outside"
        text = node.kubeconfig.read_text(encoding="utf-8")
        kubeconfig.write_text(text.replace("127.0.0.1", ADDRESS), encoding="utf-8")
        machine = OutsideMachine(holder.pid, kubeconfig)
        _plug_in(node, machine)
        yield machine
    finally:
        holder.kill()
        holder.wait()  # with the network goes the cable


def _plug_in(node: LabNode, machine: OutsideMachine) -> None:
    """Lay a cable between a node and a machine, whose way to everything leads through the node."""
    while not is_apart(machine.holder):
        time.sleep(0.1)
    far = str(machine.holder)
    node.run("ip", *f"link add out0 type veth peer name out1 netns {far}".split())
    node.run("ip", *f"addr add {_NODES}/24 dev out0".split())
    node.run("ip", "link", "set", "out0", "up")
    for words in (
        "link set lo up",
        f"addr add {_OWN}/24 dev out1",
        "link set out1 up",
        f"route add default via {_NODES}",
    ):
        subprocess.run(machine.inside("ip", *words.split()), check=True, capture_output=True)


def exposed_objects(where: str) -> list[dict[str, Any]]:
    """Return a pod that is open and one that is shut from outside, each behind two node ports."""
    inside: list[dict[str, Any]] = [{"from": [{"podSelector": {}}]}]
    shut = {"podSelector": {"matchLabels": {"app": "shut"}}, "ingress": inside}
    names = ("open", "shut")
    services = [_exposing(where, each, seen) for each in names for seen in ("Local", "Cluster")]
    return [
        namespace(where),
        policy(where, "shut", shut),
        *(_serving(where, each) for each in names),
        *services,
    ]


def _serving(where: str, name: str) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["httpd", "-f", "-p", "8080", "-h", "/etc"],
    }
    meta = {"name": name, "namespace": where, "labels": {"app": name}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [container]},
    }


def _exposing(where: str, name: str, seen: str) -> dict[str, Any]:
    spec = {
        "type": "NodePort",
        "externalTrafficPolicy": seen,
        "selector": {"app": name},
        "ports": [{"port": 80, "targetPort": 8080}],
    }
    meta = {"name": f"{name}-{seen.lower()}", "namespace": where}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
