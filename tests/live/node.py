"""A whole node for tests: etcd, the control plane, a kubelet with real pods, and an engine.

Everything runs in a network and a mount namespace of its own, which one process holds: no packet
leaves them, no rule of the machine's firewall changes, and with the last process of it both are
gone. What runs is found on PATH, or where `make test-live` keeps what it builds. Root is needed.

The engine is the Kubernetes project's own, kube-network-policies, which enforces by nfqueue. Where
the kernel has no `nft_queue` its nftables rules fail as a whole; rules of iptables that mean the
same are set then.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from podwall.live.connection import ApiConnection, ApiRequest, ClusterError, Patience
from podwall.live.kubeconfig import ClusterLogin, KubeCluster, KubeUser
from tests.live.certificates import write_certificates
from tests.live.image import write_image
from tests.live.lab import BUILT

__all__ = [
    "ADDRESS", "IMAGE", "LabNode", "is_apart", "missing_for_node", "podwall_started",
    "running_node",
]  # fmt: skip

IMAGE: Final = "lab.local/busybox:1"
"""The one image that the node has: the static busybox, which sleeps unless told otherwise."""

_PROGRAMS: Final = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet",
    "kube-proxy", "kube-network-policies", "containerd", "runc", "ctr", "iptables", "ip",
    "nsenter", "unshare", "openssl", "busybox", "conntrack", "sysctl",
)  # fmt: skip
_PLUGINS: Final = Path("/usr/lib/cni")
_USED: Final = ("bridge", "host-local", "portmap")
ADDRESS: Final = "10.200.0.1"
"""The node's own address."""
_PODS: Final = "10.244.0.0/24"
_QUEUE: Final = 100
_SECONDS: Final = 180
_ROOT: Final = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=str(BUILT))


def missing_for_node() -> tuple[str, ...]:
    """Return what is needed for a node and is not there, root among it."""
    missing = [each for each in _PROGRAMS if _program(each) is None]
    plugins = [each for each in _USED if not (_PLUGINS / each).exists()]
    busybox = _program("busybox")
    static = busybox is None or _is_static(Path(busybox))
    return (
        *([] if os.geteuid() == 0 else ["root"]),
        *missing,
        *(f"{_PLUGINS / each}" for each in plugins),
        *([] if static else ["a static busybox"]),
    )


def _is_static(program: Path) -> bool:
    """Return whether a program needs no loader, so that it runs in an empty image."""
    return b"/ld-" not in program.read_bytes()[:4096]


@dataclass
class LabNode:
    """A running node: where it keeps its files, the process that holds its namespaces."""

    folder: Path
    holder: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    by_iptables: bool = False

    def __post_init__(self) -> None:
        """Make the thread that is in the node's network, through which tests ask its server."""
        self._inside = ThreadPoolExecutor(1, initializer=_enter, initargs=(self.holder,))

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    def inside(self, *words: str) -> list[str]:
        """Return a command that runs in the node's namespaces."""
        nsenter = _program("nsenter") or "nsenter"
        return [nsenter, f"--target={self.holder}", "--net", "--mount", "--", *words]

    def ask(self, question: Callable[[ApiConnection], T]) -> T:
        """Return what a question to the API server gives."""

        def asked() -> T:
            cluster = KubeCluster(
                "https://127.0.0.1:6443", certificate_authority=str(self.folder / "ca.crt")
            )
            user = KubeUser(
                client_certificate=str(self.folder / "admin.crt"),
                client_key=str(self.folder / "admin.key"),
            )
            with ApiConnection(ClusterLogin("lab", cluster, user), Patience(attempts=2)) as found:
                return question(found)

        return self._inside.submit(asked).result()

    def start_podwall(self, *arguments: str, before: str = "") -> subprocess.Popen[str]:
        """Start podwall on the node's cluster; `before` is Python that runs first."""
        return podwall_started(self.inside, self.kubeconfig, *arguments, before=before)

    def podwall(self, *arguments: str, before: str = "") -> tuple[int, str, str]:
        """Run podwall on the node's cluster, and return how it ended and what it said."""
        process = self.start_podwall(*arguments, before=before)
        out, err = process.communicate(timeout=900)
        return process.returncode, out, err

    def start(self, name: str, words: Sequence[str], **environment: str) -> None:
        """Start a program in the node's namespaces."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.inside(*words), stdout=log, stderr=log, env={**os.environ, **environment}
            )

    def end(self, name: str) -> None:
        """End a program that was started, and wait for it."""
        process = self.processes.pop(name)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()  # nothing where it has ended
        process.wait()

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in the node's namespaces to its end."""
        return subprocess.run(
            self.inside(*words), check=True, capture_output=True, text=True, **options
        )

    def start_server(self) -> None:
        """Start the API server, and wait until it answers."""
        folder = self.folder
        self.start("kube-apiserver", [
            _program("kube-apiserver") or "",
            "--etcd-servers=http://127.0.0.1:2379",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--bind-address=0.0.0.0",
            "--secure-port=6443",
            f"--advertise-address={ADDRESS}",
            f"--tls-cert-file={folder}/server.crt",
            f"--tls-private-key-file={folder}/server.key",
            f"--client-ca-file={folder}/ca.crt",
            f"--service-account-key-file={folder}/accounts.key",
            f"--service-account-signing-key-file={folder}/accounts.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=Node,RBAC",
            f"--kubelet-client-certificate={folder}/admin.crt",
            f"--kubelet-client-key={folder}/admin.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--endpoint-reconciler-type=none",
        ])  # fmt: skip
        self.wait(lambda connection: connection.get("/readyz"))

    def start_engine(self) -> None:
        """Start the engine, and wait until it reads its queue."""
        token = self.ask(_token)
        (self.folder / "token").write_text(token, encoding="utf-8")
        accounts = "/run/secrets/kubernetes.io/serviceaccount"
        script = (
            f"mount -t tmpfs engine /run/secrets && mkdir -p {accounts} && "
            f'cp {self.folder}/token {self.folder}/ca.crt {accounts}/ && exec "$@"'
        )
        words = ["unshare", "-m", "sh", "-c", script, "sh", _program("kube-network-policies") or ""]
        flags = ["--hostname-override=lab", "--netfilter-bug-1766-fix=false",
                 "--metrics-bind-address=127.0.0.1:9080"]  # fmt: skip
        self.start(
            "engine",
            [*words, *flags],
            KUBERNETES_SERVICE_HOST="127.0.0.1",
            KUBERNETES_SERVICE_PORT="6443",
        )
        _until(self._reads_queue, "the engine does not read its queue", self.folder / "engine.log")
        time.sleep(3)
        log = (self.folder / "engine.log").read_text(encoding="utf-8", errors="replace")
        self.by_iptables = "syncing nftables rules" in log
        if self.by_iptables:
            self._queue_by_iptables("-A")

    def stop_engine(self) -> None:
        """End the engine, so that nothing enforces policies."""
        self.end("engine")
        if self.by_iptables:
            self._queue_by_iptables("-D")
        else:
            self.run("nft", "flush", "ruleset")  # of this namespace, where only the engine has some

    def _reads_queue(self) -> bool:
        with suppress(subprocess.CalledProcessError):
            queues = self.run("cat", "/proc/net/netfilter/nfnetlink_queue").stdout
            return any(line.split()[:1] == [str(_QUEUE)] for line in queues.splitlines())
        return False

    def _queue_by_iptables(self, action: str) -> None:
        table = ("iptables", "-t", "mangle", action, "POSTROUTING")
        self.run(*table, "-m", "owner", "--uid-owner", "0", "-j", "RETURN")
        established = ("--ctstate", "ESTABLISHED,RELATED")
        self.run(*table, "-m", "conntrack", *established, "-j", "RETURN")
        self.run(*table, "-j", "NFQUEUE", "--queue-num", str(_QUEUE))

    def wait(self, question: Callable[[ApiConnection], object]) -> None:
        """Wait until a question gets an answer that is not nothing."""

        def answered() -> bool:
            with suppress(ClusterError):
                return bool(self.ask(question))
            return False

        _until(answered, "the API server does not answer as expected", self.folder)

    def close(self) -> None:
        """End everything that was started, in the reverse order, and what runs for it."""
        self._inside.shutdown()
        for name in reversed(list(self.processes)):
            self.end(name)
        for pid in _of_folder(self.folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def podwall_started(
    where: Callable[..., list[str]], kubeconfig: Path, *arguments: str, before: str = ""
) -> subprocess.Popen[str]:
    """Start podwall somewhere on a cluster; `where` makes a command one that runs there."""
    code = f"{before}\nimport sys; from podwall.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, *arguments, "--kubeconfig", str(kubeconfig)]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "COLUMNS": "120"}
    out = subprocess.PIPE
    return subprocess.Popen(where(*words), stdout=out, stderr=out, text=True, env=environment)


def _enter(holder: int) -> None:
    """Put this thread into the network of a process; no other thread goes along."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{holder}/ns/net").open("rb") as space:
        if libc.setns(space.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "the node's network can't be entered")


def _of_folder(folder: Path) -> Iterator[int]:
    """Yield the processes that name a folder which only this node has: shims of its containers."""
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(folder).encode() in each.read_bytes() and int(each.parent.name) != os.getpid():
                yield int(each.parent.name)


def _until(done: Callable[[], bool], problem: str, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if done():
            return
        time.sleep(0.5)
    said = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.is_file() else str(log)
    raise AssertionError(f"{problem}:\n{said}")


@contextmanager
def running_node(folder: Path) -> Iterator[LabNode]:
    """Run a node with an engine, until the body ends."""
    with ExitStack() as stack:
        holder = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "infinity"])
        stack.callback(holder.wait)
        stack.callback(holder.kill)
        _until(lambda: is_apart(holder.pid), "no namespaces can be made", folder)
        node = LabNode(folder, holder.pid)
        stack.enter_context(_control_groups(folder))
        stack.callback(node.close)
        _prepare(node)
        write_certificates(folder)
        _control_plane(node)
        _containers(node)
        _kubelet(node)
        node.start_engine()
        yield node


def is_apart(pid: int) -> bool:
    """Return whether a process has a network of its own already."""
    own, other = (Path(f"/proc/{each}/ns/net").readlink() for each in ("self", str(pid)))
    return own != other


def _group(folder: Path) -> str:
    return f"podwall-{os.getpid()}-{folder.name}"


@contextmanager
def _control_groups(folder: Path) -> Iterator[None]:
    """Make the control groups in which the node's pods are, and remove them at the end."""
    root = Path("/sys/fs/cgroup")
    trees = [root] if (root / "cgroup.controllers").exists() else [*root.iterdir()]
    groups = [each / _group(folder) for each in trees if each.is_dir()]
    for each in groups:
        with suppress(OSError):
            each.mkdir()
    try:
        yield
    finally:
        deadline = time.monotonic() + _LEAVING
        while any(each.exists() for each in groups) and time.monotonic() < deadline:
            for each in groups:
                _remove_group(each)
            time.sleep(0.2)


_LEAVING: Final = 20
"""So many seconds processes have to leave their control groups."""


def _remove_group(group: Path) -> None:
    """End what still runs in a control group, the containers, and remove it if it is free."""
    for each in group.rglob("cgroup.procs"):
        with suppress(OSError):
            for pid in each.read_text(encoding="ascii").split():
                os.kill(int(pid), signal.SIGKILL)
    inner = [each for each in group.rglob("*") if each.is_dir()] if group.exists() else []
    for each in (*sorted(inner, key=lambda path: -len(path.parts)), group):
        with suppress(OSError):
            each.rmdir()


_HIDDEN: Final = (
    "/run/netns", "/run/containerd", "/run/secrets", "/var/lib/cni", "/var/log/pods",
    "/var/log/containers", "/run/xtables.lock.d",
)  # fmt: skip


def _prepare(node: LabNode) -> None:
    """Give the namespaces an address and folders of their own for what is always in one place."""
    folders = " ".join(_HIDDEN)
    node.run("sh", "-c", f"mkdir -p {folders}; for f in {folders}; do mount -t tmpfs lab $f; done")
    for words in (
        "link set lo up",
        "link add node0 type veth peer name node1",
        f"addr add {ADDRESS}/24 dev node0",
        "link set node0 up",
        "link set node1 up",
        "route add default dev node0",
    ):
        node.run("ip", *words.split())
    for setting in ("net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1"):
        with suppress(subprocess.CalledProcessError):
            node.run("sysctl", "-qw", setting)
    node.run("iptables", "-P", "FORWARD", "ACCEPT")


def _control_plane(node: LabNode) -> None:
    folder = node.folder
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    node.start("etcd", [
        _program("etcd") or "", f"--data-dir={folder}/etcd", f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}", "--unsafe-no-fsync",
    ])  # fmt: skip
    node.start_server()
    node.start("kube-controller-manager", [
        _program("kube-controller-manager") or "", f"--kubeconfig={node.kubeconfig}",
        f"--service-account-private-key-file={folder}/accounts.key",
        f"--root-ca-file={folder}/ca.crt", "--allocate-node-cidrs=true",
        "--cluster-cidr=10.244.0.0/16", "--service-cluster-ip-range=10.96.0.0/16",
        "--use-service-account-credentials=true", "--leader-elect=false",
    ])  # fmt: skip
    node.start("kube-scheduler", [
        _program("kube-scheduler") or "", f"--kubeconfig={node.kubeconfig}",
        "--leader-elect=false",
    ])  # fmt: skip
    node.wait(lambda found: found.get("/api/v1/namespaces/default/serviceaccounts/default"))


def _containers(node: LabNode) -> None:
    """Start what runs containers, with the one image."""
    folder = node.folder
    (folder / "cni").mkdir()
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": _PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "lab0", "isGateway": True, "ipMasq": True,
              "hairpinMode": True, "ipam": ipam}  # fmt: skip
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    network = {"cniVersion": "1.0.0", "name": "lab", "plugins": plugins}
    (folder / "cni" / "10-lab.conflist").write_text(json.dumps(network), encoding="utf-8")
    socket = folder / "containerd.sock"
    settings = _CONTAINERD.format(folder=folder, socket=socket, image=IMAGE, plugins=_PLUGINS)
    (folder / "containerd.toml").write_text(settings, encoding="utf-8")
    node.start("containerd", [_program("containerd") or "", "-c", f"{folder}/containerd.toml"])
    _until(socket.exists, "containerd does not start", folder / "containerd.log")
    write_image(folder / "image.tar", IMAGE, Path(_program("busybox") or "").resolve())
    node.run("ctr", "-a", str(socket), "-n", "k8s.io", "images", "import", f"{folder}/image.tar")


def _kubelet(node: LabNode) -> None:
    folder = node.folder
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": f"{folder}/ca.crt"},
        },
        "tlsCertFile": f"{folder}/kubelet.crt",
        "tlsPrivateKeyFile": f"{folder}/kubelet.key",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{_group(folder)}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "failCgroupV1": False,
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%"},
        "resolvConf": "/etc/resolv.conf",
    }
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    node.start("kubelet", [
        _program("kubelet") or "", f"--config={folder}/kubelet.yaml",
        f"--kubeconfig={node.kubeconfig}", "--hostname-override=lab",
        f"--root-dir={folder}/kubelet", f"--node-ip={ADDRESS}",
    ])  # fmt: skip
    node.wait(_is_node_ready)
    node.start("kube-proxy", [
        _program("kube-proxy") or "", f"--kubeconfig={node.kubeconfig}",
        "--hostname-override=lab", "--proxy-mode=iptables", f"--cluster-cidr={_PODS}",
        # Its settings of conntrack are the machine's, and stay as they are.
        "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    ])  # fmt: skip


_CONTAINERD: Final = """\
version = 2
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{image}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def _is_node_ready(connection: ApiConnection) -> bool:
    found = json.loads(connection.get("/api/v1/nodes/lab"))
    conditions = found["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _token(connection: ApiConnection) -> str:
    """Return a token of an account that may do everything, which the engine signs in with."""

    def post(path: str, body: Mapping[str, Any]) -> bytes:
        try:
            return connection.send(ApiRequest("POST", path, body=body))
        except ClusterError as problem:
            if problem.reason != "AlreadyExists":
                raise
            return b""

    accounts = "/api/v1/namespaces/kube-system/serviceaccounts"
    post(accounts, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "engine"}})
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": "engine", "namespace": "kube-system"}
    post(f"/apis/{group}/v1/clusterrolebindings", {
        "apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "engine"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [subject],
    })  # fmt: skip
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str(json.loads(post(f"{accounts}/engine/token", asked))["status"]["token"])
