"""Sign in by the command that a kubeconfig names, as kubectl does.

The command, such as `kubelogin`, prints a token or a certificate. It may talk to people on the
standard error meanwhile ("open this page and enter this code"), which is passed on as it comes.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from threading import Thread, Timer
from typing import IO, Any, Final

import msgspec

from podwall.live.kubeconfig import ClusterLogin, ExecCommand, KubeCluster, KubeUser
from podwall.policies.errors import Place, SourceError
from podwall.streams import hide, write_line

__all__ = ["signed_in"]

_LONGEST: Final = 300
"""How many seconds a command may take: people enter codes meanwhile."""

_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


class _Status(msgspec.Struct, rename="camel"):
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""


class _Credential(msgspec.Struct):
    status: _Status | None = None


def signed_in(login: ClusterLogin) -> KubeUser:
    """Return how the user signs in, with what their command prints where they have one.

    What it returns is hidden from every message from now on.

    Raises:
        SourceError: the command is not there, fails, or prints no credential.
    """
    user = login.user
    if user.auth_provider is not None:
        raise SourceError(
            "the kubeconfig signs in by `auth-provider`, which Kubernetes has removed",
            help="convert it, as with `kubelogin convert-kubeconfig`",
            place=Place(login.where),
        )
    if user.exec is not None and not user.token:
        user = _from_command(user.exec, login)
    hide(user.secrets())
    return user


def _from_command(run: ExecCommand, login: ClusterLogin) -> KubeUser:
    if run.api_version not in _VERSIONS:
        message = f"the kubeconfig signs in by `{run.api_version}`, which is not known"
        raise SourceError(message, help=f"{_VERSIONS[0]} is", place=Place(login.where))
    try:
        status = msgspec.json.decode(_printed(run, login), type=_Credential).status or _Status()
    except msgspec.MsgspecError:
        status = _Status()
    if not status.token and not status.client_certificate_data:
        raise _failed(run, login, "printed no credential")
    # The API has PEM here; a kubeconfig has it in base64.
    return KubeUser(
        token=status.token,
        client_certificate_data=_base64(status.client_certificate_data),
        client_key_data=_base64(status.client_key_data),
    )


def _base64(pem: str) -> str:
    return b64encode(pem.encode()).decode()


def _printed(run: ExecCommand, login: ClusterLogin) -> bytes:
    """Return what the command prints, and pass on what it says."""
    words = [run.command, *(run.args or ())]
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own kubeconfig names it
            words, env=_environment(run, login), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as problem:
        why = (problem.strerror or "it can't be run").lower()
        raise _failed(run, login, f"could not be run: {why}") from None
    clock = Timer(_LONGEST, process.kill)
    clock.start()
    with process:
        talk = Thread(target=_pass_on, args=(process.stderr,), daemon=True)
        talk.start()
        printed = process.stdout.read() if process.stdout else b""
        talk.join()
    if not clock.is_alive():
        raise _failed(run, login, f"took more than {_LONGEST} s")
    clock.cancel()
    if process.returncode:
        raise _failed(run, login, f"ended with {process.returncode}")
    return printed


def _pass_on(stream: IO[bytes] | None) -> None:
    for line in stream or ():
        write_line(line.decode(errors="backslashreplace").rstrip())


def _environment(run: ExecCommand, login: ClusterLogin) -> Mapping[str, str]:
    info = {"apiVersion": run.api_version, "kind": "ExecCredential", "spec": _spec(run, login)}
    given = {each.name: each.value for each in run.env or ()}
    return {**os.environ, **given, "KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode()}


def _spec(run: ExecCommand, login: ClusterLogin) -> Mapping[str, Any]:
    talks = {"interactive": False}
    return {**talks, "cluster": _info(login.cluster)} if run.provide_cluster_info else talks


def _info(cluster: KubeCluster) -> Mapping[str, Any]:
    found = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "certificate-authority-data": cluster.certificate_authority_data,
        "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
        "proxy-url": cluster.proxy_url,
    }
    return {key: value for key, value in found.items() if value}


def _failed(run: ExecCommand, login: ClusterLogin, what: str) -> SourceError:
    return SourceError(
        f"`{run.command}`, which signs in to the cluster, {what}",
        help=run.install_hint or "run it by itself, or sign in again (`kubelogin`, `az login`)",
        place=Place(login.where),
    )
