"""A real API server for tests: etcd and kube-apiserver on the loopback, and nothing else.

Both are found on PATH, or where `make test-live` has built them. Nothing runs pods: objects are
stored, defaulted, refused and listed as in any cluster.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import msgspec
import yaml

from podwall.live.connection import ApiConnection, ApiRequest, ClusterError, Patience
from podwall.live.kubeconfig import ClusterLogin, KubeCluster, KubeUser

__all__ = ["ADMIN", "BUILT", "LabServer", "missing_programs", "running_server"]

BUILT: Final = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "podwall/live"
"""Where `make test-live` builds what is not on PATH."""

ADMIN: Final = "admin"
_READER: Final = "reader"
_PROGRAMS: Final = ("etcd", "kube-apiserver", "openssl")
_SECONDS: Final = 300


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=str(BUILT))


def missing_programs() -> tuple[str, ...]:
    """Return the programs that are needed and not there."""
    return tuple(each for each in _PROGRAMS if _program(each) is None)


@dataclass(frozen=True)
class LabServer:
    """A running API server: its address, its users (their names are their tokens), its store."""

    url: str
    store: str
    folder: Path

    def login(self, user: str = ADMIN) -> ClusterLogin:
        """Return how a user signs in."""
        certificate = str(self.folder / "apiserver.crt")
        cluster = KubeCluster(self.url, certificate_authority=certificate)
        return ClusterLogin("lab", cluster, KubeUser(token=f"{user}-token"))

    def connection(self, user: str = ADMIN, patience: Patience | None = None) -> ApiConnection:
        """Return a connection of a user."""
        return ApiConnection(self.login(user), patience or Patience())

    def kubeconfig(self, folder: Path, user: str = ADMIN) -> Path:
        """Write a kubeconfig of a user, and return where."""
        cluster = {
            "server": self.url,
            "certificate-authority": str(self.folder / "apiserver.crt"),
        }
        document = {
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": f"{user}-token"}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
            "current-context": "lab",
        }
        path = folder / f"{user}.kubeconfig"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def forget(self) -> None:
        """Drop all versions of the store but the present one: pages and watches expire."""
        found = self._ask_store("/v3/kv/range", {"key": "Lw==", "limit": 1})
        revision = found["header"]["revision"]
        self._ask_store("/v3/kv/compaction", {"revision": revision, "physical": True})

    def _ask_store(self, path: str, body: object) -> Any:
        request = Request(f"{self.store}{path}", msgspec.json.encode(body))  # noqa: S310 - loopback
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return msgspec.json.decode(answer.read())


def created(connection: ApiConnection, objects: Sequence[Mapping[str, Any]]) -> None:
    """Create objects, each in its namespace; what is there already stays."""
    for each in objects:
        try:
            connection.send(ApiRequest("POST", path_of(each), body=each))
        except ClusterError as problem:
            if problem.reason != "AlreadyExists":
                raise


_PLURALS: Final = {"NetworkPolicy": "networkpolicies"}
_OF_THE_CLUSTER: Final = frozenset(
    {"Namespace", "Node", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
)


def path_of(found: Mapping[str, Any]) -> str:
    """Return where the API has the objects of a kind and a namespace."""
    version, kind, metadata = found["apiVersion"], found["kind"], found["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    if kind in _OF_THE_CLUSTER:
        return f"{root}/{plural}"
    return f"{root}/namespaces/{metadata.get('namespace', 'default')}/{plural}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running_server(folder: Path, *flags: str) -> Iterator[LabServer]:
    """Run etcd and an API server, until the body ends; `flags` are further ones of the server."""
    with ExitStack() as stack:
        store = _etcd(stack, folder)
        server = _api_server(stack, folder, store, flags)
        yield server


def _etcd(stack: ExitStack, folder: Path) -> str:
    client, peer = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
    words = [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    ]
    stack.enter_context(_running("etcd", words, folder))
    return client


def _api_server(stack: ExitStack, folder: Path, store: str, flags: Sequence[str]) -> LabServer:
    port = _free_port()
    key = folder / "accounts.key"
    openssl = _program("openssl") or "openssl"
    subprocess.run([openssl, "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    tokens = folder / "tokens.csv"
    users = [f"{ADMIN}-token,{ADMIN},1,system:masters", *(f"{u}-token,{u},{u}" for u in _USERS)]
    tokens.write_text("\n".join(users), encoding="utf-8")
    words = [
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--endpoint-reconciler-type=none",
        "--disable-admission-plugins=ServiceAccount",
        *flags,
    ]
    stack.enter_context(_running("kube-apiserver", words, folder))
    server = LabServer(f"https://127.0.0.1:{port}", store, folder)
    _wait_for(server)
    return server


_USERS: Final = (_READER, "developer", "stranger")


def _wait_for(server: LabServer) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if (server.folder / "apiserver.crt").exists():
            try:
                with server.connection(patience=Patience(attempts=1)) as connection:
                    connection.get("/readyz")
                    connection.get("/api/v1/namespaces/kube-system")
            except ClusterError:
                pass
            else:
                return
        time.sleep(0.3)
    log = (server.folder / "kube-apiserver.log").read_text(encoding="utf-8")
    raise AssertionError(f"the API server did not come up:\n{log[-2000:]}")


@contextmanager
def _running(name: str, words: Sequence[str], folder: Path) -> Iterator[None]:
    program = _program(name)
    assert program is not None
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
