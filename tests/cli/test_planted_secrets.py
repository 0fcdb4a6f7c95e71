"""Fifty secrets in every place a program can put one, and none in any byte that is written."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.cli.running import Result, process
from tests.plan.projects import project_in

SECRET = re.compile(r"planted-\d\d-word")
NUMBERS = count(10)

# `@` is a secret of its own, each time that it stands there.
PROGRAM = """
import base64, json, logging, os, sys, warnings
import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.core.v1 import ConfigMap, Pod, Secret

def encoded(text):
    return base64.b64encode(text.encode()).decode()

config = pulumi.Config()
secret = pulumi.Output.secret
LAST = "kubectl.kubernetes.io/last-applied-configuration"
KUBECONFIG = '''
apiVersion: v1
kind: Config
users: [{name: me, user: {token: @, client-key-data: @}}]
'''
k8s.Provider("plain", kubeconfig=KUBECONFIG)
k8s.Provider("json", kubeconfig=json.dumps({"users": [{"user": {"password": "@"}}]}))
k8s.Provider("hidden", kubeconfig=secret("@"))
Secret("a", metadata={"name": "a"}, string_data={"k": "@"}, data={"k": encoded("@")})
Secret("b", metadata={"name": "b", "annotations": {LAST: json.dumps({"data": "@"})}})
k8s.core.v1.SecretList("list", items=[
    {"metadata": {"name": "c"}, "stringData": {"k": "@"}, "data": {"k": encoded("@")}},
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "d"}, "stringData": {"k": "@"}},
])
TEXT = '''
apiVersion: v1
kind: Secret
metadata: {name: e}
stringData: {k: @}
data: {k: @}
---
apiVersion: v1
kind: SecretList
metadata: {}
items:
- {apiVersion: v1, kind: Secret, metadata: {name: f}, stringData: {k: @}}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: g}, stringData: {k: @}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: e, annotations: {kubectl.kubernetes.io/last-applied-configuration: "@"}}
data: {password: @, url: "postgres://me:@@db/x"}
# a comment: @
'''
k8s.yaml.v2.ConfigGroup("texts", yaml=TEXT)
k8s.yaml.ConfigGroup("texts-1", yaml=[TEXT.replace("name: ", "name: one-")])
k8s.yaml.v2.ConfigGroup("objects", objs=[
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "h"}, "stringData": {"k": "@"}},
    {"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "i"}, "data": {"k": "@"}},
    ]},
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "i"}, "spec": {"containers": [
        {"name": "a", "image": "a", "env": [{"name": "K", "value": "@"}]},
    ]}},
])
k8s.yaml.v2.ConfigFile("far", file="https://me:@@example.com/all.yaml?token=@&sig=@")
ConfigMap("j", metadata={"name": "j"}, data={
    "password": "@",
    "client-secret": "@",
    "dsn": "amqp://me:@@queue/x",
    "link": "https://store.example/a?sv=1&sig=@",
    "key.pem": "-----BEGIN RSA PRIVATE KEY-----\\n@\\n-----END RSA PRIVATE KEY-----",
    "header": "Authorization: Bearer @",
    "repeated": config.get("known") or "",
    "inside": f"{config.get('known')} and more",
    "environment": os.environ["SHOP_ACCESS_TOKEN"],
    "options": "host=db password=@ port=1",
})
containers = [{
    "name": "a",
    "image": "nginx",
    "env": [
        {"name": "PLAIN", "value": "@"},
        {"name": "SHOWN", "value": secret("@")},
        {"name": "URL", "value": "redis://:@@cache"},
    ],
    "args": ["--url=https://me:@@example.com", "--password=@"],
    "command": ["curl", "https://example.com/?access_token=@"],
}]
annotations = {LAST: '{"env": "@"}', "hook": "https://hook.example/?token=@", "api-token": "@"}
Pod("web", metadata={"name": "web", "annotations": annotations},
    spec={"containers": containers, "initContainers": [{**containers[0], "name": "b"}]})
template = {"metadata": {"labels": {"app": "x"}, "annotations": {LAST: "@"}},
            "spec": {"containers": containers}}
k8s.apps.v1.Deployment("x", metadata={"name": "x"},
    spec={"selector": {"matchLabels": {"app": "x"}}, "template": template})
k8s.helm.v3.Release("chart", chart="redis", repository_opts={"repo": "https://u:@@charts.example",
    "username": "u", "password": "@"}, values={"auth": {"password": "@", "existing": "a"}})
pulumi.export("password", "@")
pulumi.export("url", "https://me:@@example.com")
pulumi.export("hidden", secret("@"))
pulumi.export("map", {"token": "@", "plain": "p"})
print("printed", config.get("known"), "@@".join(["https://me:@", "example.com"]))
sys.stderr.write("said " + config.get("known") + chr(10))
logging.getLogger("shop").warning("logged %s", config.get("known"))
pulumi.log.warn("signs in at https://me:@@example.com with " + config.get("known"))
pulumi.log.info("made " + os.environ["SHOP_ACCESS_TOKEN"])
warnings.warn("warned of " + config.get("known"))
"""
RAISED = """
made = "@"
Secret("last", metadata={"name": "last"}, string_data={"k": made})

async def later():
    raise ValueError(f"{made} is not the password of https://me:@@example.com, nor is "
        f"{config.get('known')}")
pulumi.export("x", pulumi.Output.from_input(1).apply(lambda _: later()))
"""
KNOWN = "planted-98-word"
FROM_ENVIRONMENT = "planted-99-word"


def planted(program: str) -> str:
    """Return a program with a secret of its own for each `@`; two of them mean the sign itself."""
    doubled = program.replace("@@", "@\0")
    return re.sub("@", lambda _: f"planted-{next(NUMBERS) % 88 + 10}-word", doubled).replace(
        "\0", "@"
    )


def encoded(text: str) -> str:
    """Return a text as the data of a Secret has it."""
    return b64encode(text.encode()).decode()


def written(result: Result, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield all that a run has said and written, by name."""
    yield "stdout", result.out.encode()
    yield "stderr", result.err.encode()
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.name, file.read_bytes()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.long
def test_none_of_fifty_secrets_comes_out(tmp_path: Path, form: str) -> None:
    program = planted(PROGRAM)
    assert len(set(SECRET.findall(program))) >= 50
    declared = {"known": {"type": "string", "secret": True}}
    project = project_in(tmp_path / "in", program, {"shop:known": KNOWN}, declared)
    out = tmp_path / "out"
    result = process(
        project,
        "preview",
        "--debug",
        "-o",
        form,
        "--out",
        str(out),
        SHOP_ACCESS_TOKEN=FROM_ENVIRONMENT,
    )
    assert result.code in {0, 1}, result.err
    for name, data in written(result, out):
        text = data.decode(errors="replace")
        assert not [each for each in SECRET.findall(program) if each in text], name
        assert not [each for each in SECRET.findall(program) if encoded(each) in text], name
    assert "printed [secret]" in result.err
    assert "said [secret]" in result.err


@pytest.mark.long
def test_none_comes_out_of_a_program_that_fails(tmp_path: Path) -> None:
    declared = {"known": {"type": "string", "secret": True}}
    program = planted(PROGRAM + RAISED)
    project = project_in(tmp_path / "in", program, {"shop:known": KNOWN}, declared)
    arguments = ("preview", "--debug", "--out", str(tmp_path / "out"))
    result = process(project, *arguments, SHOP_ACCESS_TOKEN=FROM_ENVIRONMENT)
    assert result.code == 2
    assert "Traceback" in result.err
    assert "[secret] is not the password" in result.err
    found = [line for line in result.err.splitlines() if SECRET.search(line)]
    assert not found
