"""Speak to one API server, signed in as a kubeconfig says: with patience, and with clear errors.

The command, such as `kubelogin`, prints a token or a certificate. It may talk to people on the
standard error meanwhile ("open this page and enter this code"), which is passed on as it comes.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins

The kubeconfig's TLS and sign-in become a client by lightkube; what goes over it is read elsewhere,
into plain documents. A request that the server had no time for (429) is asked again when it says,
one that only reads also after a fault on the way. Nothing is followed elsewhere, and no message
says what signs in.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field
from threading import Lock, Thread, Timer
from typing import IO, Any, Final, Self

import msgspec

from podwall.live import KubeContext
from podwall.live.kubeconfig import (
    ClusterLogin,
    ExecCommand,
    KubeCluster,
    KubeUser,
    login,
)
from podwall.on_demand import needing
from podwall.policies.errors import Place, SourceError
from podwall.quick_dataclass import dataclass
from podwall.secret_words import SecretWords
from podwall.streams import hide, write_line

__all__ = [
    "signed_in",
]

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


with needing("live", "reading a cluster"):
    import httpx2
    from lightkube.config import client_adapter, models
    from lightkube.config.kubeconfig import SingleConfig

__all__ = ["ApiConnection", "ApiRequest", "ClusterError", "Patience", "connected"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for a server: seconds for an answer, and how often it is asked again.

    `pause` is the first pause in seconds, which doubles each time, up to `longest`.
    """

    answer: float = 30
    connect: float = 10
    attempts: int = 6
    pause: float = 0.5
    longest: float = 15


QueryValue = str | int | bool | None


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What is asked of a server; `body` is sent as JSON, and of the query None is left out."""

    method: str
    path: str
    query: Mapping[str, QueryValue] = field(default_factory=dict)
    body: object = None
    content_type: str = "application/json"
    accept: str = "application/json"

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing, so that it can be sent again."""
        return self.method == "GET"


class ClusterError(SourceError):
    """What a cluster refused, or that it did not answer.

    `status` is the server's answer, `code` the HTTP status in it, 0 where there was no answer, and
    `reason` Kubernetes' word for it, such as `Forbidden`, `Expired` or `NotFound`.
    """

    def __init__(
        self,
        message: str,
        *,
        help: str = "",  # noqa: A002 - the word users read
        place: Place | None = None,
        status: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep the server's answer beside the message, the help and the place."""
        super().__init__(message, help=help, place=place)
        self.status = status or {}
        code = self.status.get("code")
        self.code = code if isinstance(code, int) else 0
        self.reason = str(self.status.get("reason") or "")


def connected(choice: KubeContext, patience: Patience | None = None) -> ApiConnection:
    """Return a connection to the cluster that is meant.

    Raises:
        SourceError: there is no such cluster in the kubeconfig, or signing in fails.
        MissingExtra: `podwall[live]` is not installed.
    """
    return ApiConnection(login(choice), patience or Patience())


class ApiConnection:
    """A connection to one API server, which can be used by several threads.

    Paths are those of the API, such as `/api/v1/pods`; every method raises `ClusterError` where the
    server refuses or does not answer.
    """

    def __init__(self, cluster: ClusterLogin, patience: Patience) -> None:
        """Sign in; nothing is asked yet."""
        self.name = cluster.name
        self._login = cluster
        self._patience = patience
        self._secrets = SecretWords()
        self._signing = Lock()
        self._streaming: set[socket.socket] = set()
        self._former: list[httpx2.Client] = []
        self._client = self._signed_in()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        for each in (*self._former, self._client):
            each.close()

    @property
    def place(self) -> Place:
        """Where what the cluster says is from, for messages."""
        return Place(f"cluster {self.name}")

    def get(self, path: str, **query: QueryValue) -> bytes:
        """Return what the server answers to a request that only reads."""
        return self.send(ApiRequest("GET", path, query))

    def send(self, request: ApiRequest) -> bytes:
        """Return what the server answers to any request.

        What changes something is asked again only where the server says that it did nothing.
        """
        return self._patiently(request).content

    @contextmanager
    def stream(self, path: str, **query: QueryValue) -> Iterator[Iterator[str]]:
        """Give the lines of an answer that goes on, such as a watch or a log, as they come.

        A silence that is longer than the query's `timeoutSeconds`, and a patient wait for an
        answer, ends it with a `ClusterError` of code 0.
        """
        silence = (
            float(query.get("timeoutSeconds") or self._patience.answer) + self._patience.answer
        )
        timeout = httpx2.Timeout(self._patience.connect, read=silence)
        response = self._patiently(ApiRequest("GET", path, query), timeout)
        found = response.extensions["network_stream"].get_extra_info("socket")
        self._streaming.add(found)
        try:
            yield self._lines(response)
        finally:
            self._streaming.discard(found)
            response.close()

    @contextmanager
    def socket(self, path: str, protocol: str, query: Mapping[str, Any]) -> Iterator[Any]:
        """Give a WebSocket of a path, for what goes on in both directions."""
        try:
            with self._client.websocket(path, subprotocols=[protocol], params=query) as found:
                yield found
        except httpx2.HTTPError as problem:
            raise self._no_answer(problem) from None

    def interrupt(self) -> None:
        """End the answers that go on, for other threads that wait for their next line.

        Their sockets are shut down and not closed: a number of a file that is closed while a thread
        reads from it may already be that of another connection.
        """
        for each in tuple(self._streaming):
            with suppress(OSError):  # it has ended already
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _lines(self, response: httpx2.Response) -> Iterator[str]:
        try:
            yield from response.iter_lines()
        except httpx2.HTTPError as problem:
            raise self._no_answer(problem) from None

    def _patiently(
        self, request: ApiRequest, streaming: httpx2.Timeout | None = None
    ) -> httpx2.Response:
        """Return the answer to a request, asked again where that can help.

        `streaming` is how long is waited for the parts of an answer that goes on.
        """
        signed_again = False
        for attempt in range(1, self._patience.attempts + 1):
            last = attempt == self._patience.attempts
            client = self._client
            try:
                response = self._once(client, request, streaming)
            except httpx2.HTTPError as problem:
                if last or not request.only_reads or _is_certificate(problem):
                    raise self._no_answer(problem) from None
                self._pause(attempt, None)
                continue
            if response.is_success:
                return response
            if response.status_code == _UNAUTHORIZED and self._login.user.exec and not signed_again:
                response.close()
                self._sign_in_again(client)
                signed_again = True
            elif last or not _may_be_repeated(request, response):
                raise self._refusal(request, response)
            else:
                response.close()
                self._pause(attempt, response.headers.get("Retry-After"))
        raise AssertionError  # the last attempt returns or raises

    def _sign_in_again(self, client: httpx2.Client) -> None:
        """Replace a client whose sign-in has ended, unless another thread has done so."""
        with self._signing:
            if self._client is client:
                self._former.append(client)
                self._client = self._signed_in()

    def _once(
        self, client: httpx2.Client, request: ApiRequest, streaming: httpx2.Timeout | None
    ) -> httpx2.Response:
        name = self._login.cluster.tls_server_name
        headers = {"Accept": request.accept}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        sent = client.build_request(
            request.method,
            request.path,
            params={key: _written(each) for key, each in request.query.items() if each is not None},
            content=None if request.body is None else msgspec.json.encode(request.body),
            headers=headers,
            timeout=streaming or httpx2.USE_CLIENT_DEFAULT,
            extensions={"sni_hostname": name} if name else None,
        )
        return client.send(sent, stream=streaming is not None)

    def _pause(self, attempt: int, asked: str | None) -> None:
        """Wait as long as the server asks, else longer each time, never all at one moment."""
        patience = self._patience
        if asked and asked.isdecimal():
            seconds = min(float(asked), patience.longest)
        else:
            seconds = min(patience.pause * 2 ** (attempt - 1), patience.longest)
        time.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreads requests, hides nothing

    def _signed_in(self) -> httpx2.Client:
        user = signed_in(self._login)
        self._secrets.learn(user.secrets())
        patience = self._patience
        limits = httpx2.Timeout(patience.answer, connect=patience.connect)
        proxy = self._login.cluster.proxy_url or None
        settings = client_adapter.ConnectionParams(timeout=limits, proxy=proxy)
        try:
            return client_adapter.Client(_lightkube(self._login, user), settings)
        except (OSError, ValueError) as problem:
            # ssl raises an OSError, base64 a ValueError; neither says what is secret.
            raise SourceError(
                f"the certificates of context `{self.name}` can't be used: {problem}",
                help="sign in again, as with `az aks get-credentials`",
                place=Place(self._login.where),
            ) from None

    def _no_answer(self, problem: httpx2.HTTPError) -> ClusterError:
        server = self._login.cluster.server
        if _is_certificate(problem):
            message = f"`{server}` shows a certificate that is not the cluster's: {problem}"
            help_ = "the kubeconfig may be old, or a proxy in between; get it again"
        elif isinstance(problem, httpx2.TimeoutException):
            message = f"`{server}` does not answer in time"
            help_ = "is it behind a private network or an allowed range of addresses?"
        else:
            message = f"`{server}` does not answer: {problem}"
            help_ = "is the cluster running, and is this the right context (--context)?"
        return self._error(message, help_)

    def _refusal(self, request: ApiRequest, response: httpx2.Response) -> ClusterError:
        status = {**_status(response.read()), "code": response.status_code}
        words = str(status.get("message") or f"it answers {response.status_code}")
        message = f"{request.method} {request.path} is refused: {words}"
        return self._error(message, _REMEDIES.get(response.status_code, ""), status)

    def _error(
        self, message: str, help_: str, status: Mapping[str, Any] | None = None
    ) -> ClusterError:
        shown = self._secrets.masked(message)
        return ClusterError(shown, help=help_, place=self.place, status=status)


_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_FAULTS: Final = frozenset({500, 502, 503, 504})
_REMEDIES: Final = {
    _UNAUTHORIZED: "sign in again: the credentials of the kubeconfig are not accepted any more",
    403: "grant it: docs/live.md has the role that podwall needs, and no more",
    _TOO_MANY: "the server is busy: try again later",
}


def _written(value: QueryValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _may_be_repeated(request: ApiRequest, response: httpx2.Response) -> bool:
    """Return whether asking again changes nothing twice: a 429 was never worked on."""
    return response.status_code == _TOO_MANY or (
        request.only_reads and response.status_code in _FAULTS
    )


def _is_certificate(problem: Exception) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(problem)


def _status(body: bytes) -> Mapping[str, Any]:
    """Return the `Status` in an answer, nothing where a proxy answered instead."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return {}
    return found if isinstance(found, dict) else {}


def _lightkube(login: ClusterLogin, user: KubeUser) -> SingleConfig:
    cluster = login.cluster
    return SingleConfig(
        context_name=login.name,
        context=models.Context(cluster=login.name),
        cluster=models.Cluster(
            server=cluster.server.rstrip("/"),
            certificate_auth=cluster.certificate_authority or None,
            certificate_auth_data=cluster.certificate_authority_data or None,
            insecure=cluster.insecure_skip_tls_verify,
        ),
        user=models.User(
            username=user.username or None,
            password=user.password or None,
            token=user.token or None,
            token_file=user.token_file or None,
            client_cert=user.client_certificate or None,
            client_cert_data=user.client_certificate_data or None,
            client_key=user.client_key or None,
            client_key_data=user.client_key_data or None,
        ),
    )
