"""What a connection does when a server is in trouble, and what it says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain, repeat

import pytest

from podwall.live.connection import ApiRequest, ClusterError
from podwall.live.kubeconfig import ExecCommand, ExecVariable, KubeUser
from podwall.policies.errors import SourceError
from tests.live.stand_in import Answer, Asked, refusal, serving

POD = "/api/v1/namespaces/shop/pods/web"


def _in_turn(*answers: Answer) -> Callable[[Asked], Answer]:
    """Return what answers with each in turn, and with the last from then on."""
    rest: Iterator[Answer] = chain(answers, repeat(answers[-1]))
    return lambda _asked: next(rest)


BUSY = refusal(429, "TooManyRequests", "too many requests")
TROUBLE = [
    pytest.param(BUSY, id="it has no time"),
    pytest.param(Answer({}, 503), id="it is starting"),
    pytest.param(Answer({}, 500), id="it failed"),
    pytest.param(Answer({}, 504), id="it waited too long"),
    pytest.param(Answer(closes=True), id="it hung up"),
    pytest.param(Answer(seconds=1), id="it is slow"),
]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_what_only_reads_is_asked_again(trouble: Answer) -> None:
    with serving(_in_turn(trouble, Answer({"fine": True}))) as server, server.connection() as found:
        assert found.get(POD) == b'{"fine": true}'
        assert len(server.asked) == 2


@pytest.mark.parametrize("trouble", TROUBLE[1:])
def test_what_changes_something_is_not_asked_again(trouble: Answer) -> None:
    with serving(_in_turn(trouble, Answer())) as server, server.connection() as found:
        with pytest.raises(ClusterError):
            found.send(ApiRequest("DELETE", POD))
        assert len(server.asked) == 1


def test_what_the_server_had_no_time_for_is_asked_again_whatever_it_is() -> None:
    with serving(_in_turn(BUSY, Answer())) as server, server.connection() as found:
        found.send(ApiRequest("POST", POD, body={"kind": "Pod"}))
        assert [each.body for each in server.asked] == [b'{"kind":"Pod"}'] * 2


def test_patience_ends() -> None:
    with serving(lambda _: BUSY) as server, server.connection() as found:
        with pytest.raises(ClusterError, match="too many requests") as problem:
            found.get(POD)
        assert (problem.value.code, len(server.asked)) == (429, 4)


REFUSALS = [
    pytest.param(refusal(401, "Unauthorized", "Unauthorized"), "sign in again", id="not known"),
    pytest.param(refusal(403, "Forbidden", "pods is forbidden"), "docs/live.md", id="not allowed"),
    pytest.param(Answer(b"<html>", 502), "", id="a proxy's page"),
]


@pytest.mark.parametrize(("answer", "remedy"), REFUSALS)
def test_a_refusal_says_what_was_asked_and_what_to_do(answer: Answer, remedy: str) -> None:
    with serving(lambda _: answer) as server, server.connection() as found:
        with pytest.raises(ClusterError) as problem:
            found.get(POD)
        assert f"GET {POD} is refused" in str(problem.value)
        assert remedy in problem.value.help
        assert problem.value.code == answer.code


def test_nobody_there_is_said_with_the_address() -> None:
    with serving(lambda _: Answer()) as server:
        found = server.connection()
    with pytest.raises(ClusterError, match="does not answer") as problem:
        found.get(POD)
    found.close()
    assert problem.value.code == 0


def test_a_redirect_is_not_followed() -> None:
    away = Answer({}, 302, {"Location": "http://192.0.2.1/"})
    with serving(lambda _: away) as server, server.connection() as found:
        refused = pytest.raises(ClusterError, match="it answers 302")
        with refused:
            found.get(POD)


def test_a_token_is_sent_and_never_said() -> None:
    token = "a-token-of-some-length"  # noqa: S105 - a test's own
    said = refusal(403, "Forbidden", f"no, {token}")
    user = KubeUser(token=token)
    refused = pytest.raises(ClusterError)
    with serving(lambda _: said) as server, server.connection(user) as found, refused as problem:
        found.get(POD)
    assert server.asked[0].headers["Authorization"] == f"Bearer {token}"
    assert token not in f"{problem.value} {problem.value!r} {user} {user!r}"


def _exec(program: str, version: str = "v1") -> KubeUser:
    command = ["-c", program]
    api = f"client.authentication.k8s.io/{version}"
    return KubeUser(exec=ExecCommand(api, sys.executable, command, [ExecVariable("ANSWER", "42")]))


PRINTS = """
import json, os
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert info["kind"] == "ExecCredential", info
print(json.dumps({"status": {"token": info["apiVersion"][-2:] + os.environ["ANSWER"] + "-token"}}))
"""


@pytest.mark.parametrize(("version", "token"), [("v1", "v142-token"), ("v1beta1", "a142-token")])
def test_a_command_signs_in(version: str, token: str) -> None:
    with serving(lambda _: Answer()) as server, server.connection(_exec(PRINTS, version)) as found:
        found.get(POD)
    wanted = token if version == "v1" else "a142-token"
    assert server.asked[0].headers["Authorization"].endswith(wanted[-9:])


def test_a_command_is_run_again_when_its_token_is_not_taken_any_more() -> None:
    answers = _in_turn(refusal(401, "Unauthorized", "Unauthorized"), Answer())
    with serving(answers) as server, server.connection(_exec(PRINTS)) as found:
        found.get(POD)
        assert len(server.asked) == 2


COMMANDS = [
    pytest.param("raise SystemExit(3)", "ended with 3", id="it fails"),
    pytest.param("print('hello')", "printed no credential", id="it prints something else"),
    pytest.param("print('{}')", "printed no credential", id="it prints nothing"),
]


@pytest.mark.parametrize(("program", "message"), COMMANDS)
def test_a_command_that_does_not_sign_in_is_named(program: str, message: str) -> None:
    with serving(lambda _: Answer()) as server, pytest.raises(SourceError, match=message):
        server.connection(_exec(program))


def test_a_command_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    run = ExecCommand("client.authentication.k8s.io/v1", "kubelogin-nowhere", install_hint="get it")
    with serving(lambda _: Answer()) as server, pytest.raises(SourceError) as problem:
        server.connection(KubeUser(exec=run))
    assert "kubelogin-nowhere" in problem.value.message
    assert problem.value.help == "get it"
    assert capsys.readouterr().out == ""


def test_what_a_command_says_to_people_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    program = f"import sys; print('enter \\x1b[2J the code 7', file=sys.stderr)\n{PRINTS}"
    with serving(lambda _: Answer()) as server, server.connection(_exec(program)):
        assert capsys.readouterr().err == "enter \\x1b[2J the code 7\n"
