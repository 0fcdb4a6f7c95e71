"""Which cluster a command is about, and how to sign in to it: a kubeconfig, read as kubectl does.

A file that is named comes first, then those that `KUBECONFIG` names, then `~/.kube/config`, and
without any of them the service account of the pod that this runs in. Of several files the first one
that has an entry decides.
https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml

from podwall.live import KubeContext
from podwall.policies.errors import Place, SourceError
from podwall.policies.wording import guess, listed
from podwall.quick_dataclass import dataclass

__all__ = ["ClusterLogin", "ExecCommand", "KubeCluster", "KubeUser", "login"]


class _Named(msgspec.Struct):
    name: str


class KubeCluster(msgspec.Struct, rename="kebab"):
    """Where an API server is, and how it shows that it is the right one."""

    server: str
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class ExecVariable(msgspec.Struct):
    """A variable for the environment of a command."""

    name: str
    value: str


class ExecCommand(msgspec.Struct, rename="camel"):
    """A command that signs in, such as `kubelogin`.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """

    api_version: str
    command: str
    args: list[str] | None = None
    env: list[ExecVariable] | None = None
    install_hint: str = ""
    provide_cluster_info: bool = False


class KubeUser(msgspec.Struct, rename="kebab"):
    """How somebody signs in; the values of some fields are secret, and none is ever shown."""

    token: str = ""
    token_file: str = msgspec.field(name="tokenFile", default="")
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    username: str = ""
    password: str = ""
    exec: ExecCommand | None = None
    auth_provider: Any = None

    def __repr__(self) -> str:
        """Write nothing that is secret."""
        return f"{type(self).__name__}(...)"

    def secrets(self) -> tuple[str, ...]:
        """Return what no message may show."""
        return tuple(filter(None, (self.token, self.password, self.client_key_data)))


class _Context(msgspec.Struct):
    cluster: str
    user: str = ""
    namespace: str = ""


class _NamedCluster(_Named):
    cluster: KubeCluster


class _NamedUser(_Named):
    user: KubeUser


class _NamedContext(_Named):
    context: _Context


class _Kubeconfig(msgspec.Struct, rename="kebab"):
    clusters: list[_NamedCluster] | None = None
    contexts: list[_NamedContext] | None = None
    users: list[_NamedUser] | None = None
    current_context: str = ""


@dataclass(frozen=True, slots=True)
class ClusterLogin:
    """How to reach one cluster.

    `name` is what people call it, the name of its context. Paths in `cluster` and `user` are
    absolute. `where` is the file that names it.
    """

    name: str
    cluster: KubeCluster
    user: KubeUser = field(default_factory=KubeUser)
    where: str = ""


_WHERE: Final = "KUBECONFIG"
_HOME: Final = "~/.kube/config"
_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_GIVE: Final = "name a kubeconfig with --kubeconfig, as `az aks get-credentials` writes one"


def login(choice: KubeContext, account: str = _ACCOUNT) -> ClusterLogin:
    """Return how to sign in to the cluster that is meant.

    Args:
        choice: what the user says of it.
        account: the folder in which a pod has its service account.

    Raises:
        SourceError: there is no kubeconfig, it is malformed, or it has no such context.
    """
    paths = [path for path in _paths(choice) if choice.kubeconfig or path.is_file()]
    if not paths:
        return _service_account(Path(account))
    files = [(path, _read(path)) for path in paths]
    name = choice.context or next((each.current_context for _, each in files), "")
    if not name:
        raise SourceError(
            "the kubeconfig has no current context",
            help=f"name one with --context: {listed(_contexts(files))}",
            place=Place(str(paths[0])),
        )
    return _login(files, name)


def _paths(choice: KubeContext) -> Iterator[Path]:
    if choice.kubeconfig:
        yield Path(choice.kubeconfig).expanduser()
    elif written := os.environ.get(_WHERE):
        yield from (Path(each) for each in written.split(os.pathsep) if each)
    else:
        yield Path(_HOME).expanduser()


_Files = list[tuple[Path, _Kubeconfig]]


def _login(files: _Files, name: str) -> ClusterLogin:
    found = _first(name, ((path, each.contexts) for path, each in files))
    if found is None:
        known = _contexts(files)
        raise SourceError(
            f"there is no context `{name}`",
            help=guess(name, known) or f"there is {listed([f'`{each}`' for each in known])}",
            place=Place(str(files[0][0])),
        )
    where, context = found[0], found[1].context
    cluster = _first(context.cluster, ((path, each.clusters) for path, each in files))
    user = _first(context.user, ((path, each.users) for path, each in files))
    if cluster is None or (user is None and context.user):
        lacks = f"user `{context.user}`" if cluster else f"cluster `{context.cluster}`"
        raise SourceError(
            f"context `{name}` names {lacks}, which is not there",
            help=_GIVE,
            place=Place(f"{where}"),
        )
    return ClusterLogin(
        name,
        _cluster_from(cluster[0].parent, cluster[1].cluster),
        _user_from(user[0].parent, user[1].user) if user else KubeUser(),
        str(where),
    )


N = TypeVar("N", bound=_Named)


def _first(name: str, lists: Iterable[tuple[Path, list[N] | None]]) -> tuple[Path, N] | None:
    entries = ((path, each) for path, found in lists for each in found or ())
    return next((entry for entry in entries if entry[1].name == name), None)


def _contexts(files: _Files) -> list[str]:
    return [each.name for _, file in files for each in file.contexts or ()]


def _cluster_from(folder: Path, cluster: KubeCluster) -> KubeCluster:
    return msgspec.structs.replace(
        cluster, certificate_authority=_absolute(folder, cluster.certificate_authority)
    )


def _user_from(folder: Path, user: KubeUser) -> KubeUser:
    run = user.exec
    if run is not None and os.sep in run.command:
        run = msgspec.structs.replace(run, command=_absolute(folder, run.command))
    return msgspec.structs.replace(
        user,
        token_file=_absolute(folder, user.token_file),
        client_certificate=_absolute(folder, user.client_certificate),
        client_key=_absolute(folder, user.client_key),
        exec=run,
    )


def _absolute(folder: Path, path: str) -> str:
    return str(folder.absolute() / path) if path else ""


def _read(path: Path) -> _Kubeconfig:
    try:
        return msgspec.convert(yaml.safe_load(path.read_bytes()), _Kubeconfig)
    except OSError as problem:
        reason = (problem.strerror or "it can't be read").lower()
        raise SourceError(
            f"could not be read: {reason}", help=_GIVE, place=Place(f"{path}")
        ) from None
    except yaml.YAMLError:
        raise SourceError("is not YAML", help=_GIVE, place=Place(str(path))) from None
    except msgspec.ValidationError as problem:
        message = f"is no kubeconfig: {_refusal(str(problem))}"
        raise SourceError(message, help=_GIVE, place=Place(str(path))) from None


_REFUSED: Final = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


def _refusal(problem: str) -> str:
    """Return what msgspec refuses, whose words name types and fields and never a value.

    >>> _refusal("Expected `str`, got `int` - at `$.users[0].user.token`")
    'users[0].user.token: expected `str`, got `int`'
    """
    found = _REFUSED.fullmatch(problem)
    what, path = (found["what"], found["path"]) if found else (problem, "")
    return f"{path}: {what[:1].lower()}{what[1:]}" if path else f"{what[:1].lower()}{what[1:]}"


def _service_account(folder: Path) -> ClusterLogin:
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if not host or not (folder / "token").is_file():
        raise SourceError("no kubeconfig was found", help=_GIVE)
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return ClusterLogin(
        "in-cluster",
        KubeCluster(server, certificate_authority=str(folder / "ca.crt")),
        KubeUser(token_file=str(folder / "token")),
    )
