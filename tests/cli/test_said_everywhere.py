"""No report shows a denied pair that something unread or unseen could open without saying so.

Every command is asked for every format: about objects that are not read, about kinds of which
somebody says that this is known, and about pods that a policy admits and nobody shows.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from podwall.cli.commands import COMMANDS
from podwall.cli.parser import Command
from tests.cli.running import podwall

_SHOP = """\
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress: [{ports: [{port: 5432}], from: [{podSelector: {matchLabels: {app: web}}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: [{ports: [{port: 5432}], to: [{podSelector: {matchLabels: {app: db}}}]}]
"""
_UNREAD = _SHOP + (
    "---\n{apiVersion: example.org/v1, kind: Database, metadata: {name: orders, namespace: shop}}\n"
    "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
    "metadata: {name: ingress, namespace: flux}\n"
)
_EXPOSED = _SHOP.replace(
    "from: [{podSelector: {matchLabels: {app: web}}}]",
    "from: [{namespaceSelector: {matchLabels: {env: dev}}}]",
)
_EXPECTATIONS = """\
expectations:
- {name: n, from: shop/web, to: shop/db, ports: 5432, expect: allowed}
- {name: m, from: shop/db, to: shop/web, expect: denied}
"""

#: Every command that shows who can reach whom, or what follows from it, in every format.
REPORTS = [
    *(
        f"reach SOURCE -o {form}"
        for form in ("text", "json", "csv", "md", "html", "svg", "dot", "groups")
    ),
    "reach SOURCE -o json --format-version 1",
    *(f"explain SOURCE shop/db shop/web -o {form}" for form in ("text", "json", "md")),
    *(f"check SOURCE e.yaml -o {form}" for form in ("text", "json")),
    *(f"diff before.yaml SOURCE -o {form}" for form in ("text", "json", "csv", "md", "html")),
    *(f"lint SOURCE -o {form}" for form in ("text", "json", "sarif", "junit")),
    *(f"migrate SOURCE -o {form}" for form in ("text", "json", "yaml", "py")),
    *(f"suggest SOURCE e.yaml -o {form}" for form in ("py", "yaml")),
    "verify SOURCE --dry-run -o json",
]


def shown(folder: Path, words: str, source: str, *more: str) -> str:
    (folder / "a.yaml").write_text(source, "utf-8")
    (folder / "before.yaml").write_text(_SHOP, "utf-8")
    (folder / "e.yaml").write_text(_EXPECTATIONS, "utf-8")
    result = podwall(folder, *words.replace("SOURCE", "a.yaml").split(), *more)
    assert result.code in {0, 1, 3}, result.err
    return result.out


def offered(command: Command) -> set[str]:
    """Return the formats of a command's reports."""
    parser = ArgumentParser()
    command.declare(parser)
    choices = (each.choices for each in parser._actions if each.dest == "output")  # noqa: SLF001 - it has no public list
    return {str(form) for found in choices for form in found or ()}


#: Those that show no pair of a source given as files: of a plan, of five steps, of the settings.
_OTHERS = {"preview", "walkthrough", "config", "watch"}
#: Those of a verification show what was probed on a running cluster; without one, there is a plan.
_PROBED = {"verify": {"text", "junit", "sarif", "tap"}}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.name)
def test_no_format_of_a_command_is_forgotten(command: Command) -> None:
    words = (each for each in REPORTS if each.split()[0] == command.name)
    asked = {each.partition("-o ")[2].split()[0] for each in words}
    shown_elsewhere = _PROBED.get(command.name, set())
    assert asked == (set() if command.name in _OTHERS else offered(command) - shown_elsewhere)


@pytest.mark.parametrize("words", REPORTS)
@pytest.mark.long(keep=2)
def test_what_was_not_read_is_named_with_how_many(tmp_path: Path, words: str) -> None:
    text = shown(tmp_path, words, _UNREAD)
    assert "shop/orders" in text
    assert "flux/ingress" in text


def _thing(api: str, kind: str, namespace: str = "shop") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    return f"---\n{{apiVersion: {api}, kind: {kind}, metadata: {{name: zz{where}}}, spec: {{}}}}\n"


#: What is a policy, what brings one, what makes pods alone, and what changes objects.
_THINGS = {
    "a policy of another API": _thing("crd.antrea.io/v1beta1", "NetworkPolicy"),
    "one of the whole cluster": _thing("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", ""),
    "one that only forbids": _thing("security.istio.io/v1", "AuthorizationPolicy"),
    "what brings objects": _thing("argoproj.io/v1alpha1", "Application", "argocd"),
    "what makes pods alone": _thing("gateway.networking.k8s.io/v1", "Gateway"),
    "a kind that nobody knows": _thing("acme.example/v1", "Tenant"),
    "what changes others": _thing(
        "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", ""
    ),
}


@pytest.mark.parametrize("thing", _THINGS.values(), ids=_THINGS)
@pytest.mark.long
def test_each_sort_of_what_is_not_read_is_named_in_every_format(tmp_path: Path, thing: str) -> None:
    silent = [words for words in REPORTS if "zz" not in shown(tmp_path, words, _SHOP + thing)]
    assert silent == []


@pytest.mark.parametrize("words", REPORTS)
@pytest.mark.long(keep=2)
def test_a_kind_that_is_accepted_as_unread_is_repeated(tmp_path: Path, words: str) -> None:
    accept = ("--accept-unread", "Database", "--accept-unread", "HelmRelease")
    text = shown(tmp_path, words, _UNREAD, *accept)
    if "sarif" in words or "junit" in words:
        assert "unread-kind" not in text
    else:
        assert "Database" in text
        assert "HelmRelease" in text


@pytest.mark.parametrize("words", [each for each in REPORTS if each.startswith("reach")])
def test_pods_that_are_not_shown_and_may_connect_are_in_every_matrix(
    tmp_path: Path, words: str
) -> None:
    text = shown(tmp_path, words, _EXPOSED)
    if "--format-version 1" in words:
        assert "env" not in text, "the first version of the format has none, as its schema says"
    elif "svg" in words:
        assert "other pods" in text
    else:
        assert "env=dev" in text


@pytest.mark.parametrize("words", [each for each in REPORTS if each.startswith("diff")])
@pytest.mark.long(keep=1)
def test_pods_that_are_not_shown_and_may_connect_are_in_every_diff(
    tmp_path: Path, words: str
) -> None:
    assert "env=dev" in shown(tmp_path, words, _EXPOSED)


def test_a_check_of_what_such_pods_can_break_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_EXPOSED, "utf-8")
    only = "expectations: [{name: n, to: shop/db, expect: denied, from: anything}]\n"
    (tmp_path / "e.yaml").write_text(only, "utf-8")
    result = podwall(tmp_path, "check", "a.yaml", "e.yaml")
    assert result.code == 1
    assert "env=dev" in result.out


@pytest.mark.parametrize(
    "words", ["reach", "explain", "check", "diff", "lint", "migrate", "suggest"]
)
def test_a_policy_that_the_engine_leaves_idle_is_named(tmp_path: Path, words: str) -> None:
    idle = (
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
        "metadata: {name: guard, namespace: shop}\nspec: {endpointSelector: {}, ingress: [{}]}\n"
    )
    (tmp_path / "a.yaml").write_text(_SHOP + idle, "utf-8")
    (tmp_path / "e.yaml").write_text(_EXPECTATIONS, "utf-8")
    more = {"explain": ["shop/db", "shop/web"], "check": ["e.yaml"], "suggest": ["e.yaml"]}
    twice = ["a.yaml"] if words == "diff" else []
    engine = ["--from" if words == "migrate" else "--engine", "azure"]
    result = podwall(tmp_path, words, "a.yaml", *twice, *more.get(words, []), *engine)
    assert result.code in {0, 1, 3}, result.err
    assert "CiliumNetworkPolicy shop/guard is written, and idle under azure" in (
        result.out + result.err
    )


_OF_SHOP = _UNREAD.partition("---\n{apiVersion: example.org/v1")[0] + (
    "---\n{apiVersion: example.org/v1, kind: Database, metadata: {name: orders, namespace: shop}}\n"
)
#: What each report says of a pair that is closed, and may not say beside what could open it.
CLOSED = {
    "reach SOURCE -o svg": "1 namespace is open</title>",
    "explain SOURCE shop/db shop/web": "on all ports: denied",
    "check SOURCE e.yaml": "2 pass",
    "lint SOURCE": "may not ask for names",
    "diff SOURCE before.yaml": "no connection changes",
    "suggest SOURCE e.yaml": "2 expectations: all hold",
}


@pytest.mark.parametrize("words", CLOSED)
def test_no_report_calls_closed_what_something_unread_could_open(
    tmp_path: Path, words: str
) -> None:
    """Each says so of the shop alone, which shows that the words are those that it would say."""
    for source, is_said in ((_SHOP, True), (_OF_SHOP, False)):
        (tmp_path / "a.yaml").write_text(source, "utf-8")
        (tmp_path / "before.yaml").write_text(_SHOP, "utf-8")
        (tmp_path / "e.yaml").write_text(_EXPECTATIONS, "utf-8")
        result = podwall(tmp_path, *words.replace("SOURCE", "a.yaml").split())
        text = (result.out + result.err).lower()
        assert (CLOSED[words] in text) is is_said, text
        assert ("orders" in text) is not is_said


@pytest.mark.parametrize("closed", [(), ("--closed",)])
def test_a_source_is_not_closed_by_a_word_where_something_in_it_makes_pods(
    tmp_path: Path, closed: tuple[str, ...]
) -> None:
    text = shown(tmp_path, "reach SOURCE -o json", _EXPOSED + _UNREAD.removeprefix(_SHOP), *closed)
    assert '"closed": false' in text
    assert ("not-closed" in text) == bool(closed)


def test_with_all_kinds_accepted_it_is(tmp_path: Path) -> None:
    accept = ("--closed", "--accept-unread", "Database", "--accept-unread", "HelmRelease")
    text = shown(tmp_path, "reach SOURCE -o json", _UNREAD, *accept)
    assert '"closed": true' in text
