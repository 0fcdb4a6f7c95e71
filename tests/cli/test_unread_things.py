"""What is not read, object by object: it opens and closes nothing for certain, and says so.

Each kind is put beside a closed namespace, and every command that a pipeline asks is asked: a
statement that it could break does not hold, and a diff in which it comes or goes is not silent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.cli.running import podwall

_SHOP: Final = """\
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""
_OPEN: Final = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, ingress: [{}], egress: [{}], policyTypes: [Ingress, Egress]}
"""
_DENIED: Final = "expectations: [{name: n, from: shop/web, to: shop/db, expect: denied}]\n"
_ALLOWED: Final = (
    "expectations: [{name: n, from: shop/web, to: shop/db, ports: 80, expect: allowed}]\n"
)


def _object(api: str, kind: str, namespace: str = "shop", spec: str = "{size: 3}") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    return f"---\n{{apiVersion: {api}, kind: {kind}, metadata: {{name: x{where}}}, spec: {spec}}}\n"


#: What may bring a policy that opens, or is one that may.
_OPENING: Final = {
    "a kind that nobody knows": _object("acme.example.com/v1", "Thing"),
    "one that shows an image": _object("acme.example.com/v1", "Thing", spec="{image: web}"),
    "one that is in no namespace": _object("acme.example.com/v1", "Thing", ""),
    "a release of flux": _object("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    "an application": _object("argoproj.io/v1alpha1", "Application", "argocd"),
    "a policy of another engine": _object("crd.projectcalico.org/v1", "NetworkPolicy"),
}
#: What may only close.
_CLOSING: Final = {
    "a permission of kuma": _object("kuma.io/v1alpha1", "MeshTrafficPermission"),
    "one for the whole mesh": _object("kuma.io/v1alpha1", "MeshTrafficPermission", "kuma-system"),
    "intentions of consul": _object("consul.hashicorp.com/v1alpha1", "ServiceIntentions", "other"),
    "a target of smi": _object("access.smi-spec.io/v1alpha2", "TrafficTarget"),
    "groups of a cloud": _object("vpcresources.k8s.aws/v1beta1", "SecurityGroupPolicy"),
}


def _checked(folder: Path, source: str, statement: str, *more: str) -> tuple[int, str]:
    (folder / "a.yaml").write_text(source, "utf-8")
    (folder / "e.yaml").write_text(statement, "utf-8")
    result = podwall(folder, "check", "a.yaml", "e.yaml", *more)
    return result.code, result.out + result.err


def test_without_it_both_statements_hold(tmp_path: Path) -> None:
    assert _checked(tmp_path, _SHOP, _DENIED)[0] == 0
    assert _checked(tmp_path, _SHOP + _OPEN, _ALLOWED)[0] == 0


@pytest.mark.parametrize("unread", _OPENING.values(), ids=_OPENING)
def test_what_it_could_open_is_not_denied(tmp_path: Path, unread: str) -> None:
    code, said = _checked(tmp_path, _SHOP + unread, _DENIED)
    assert code == 3
    assert "is not read" in said


@pytest.mark.parametrize("unread", [*_OPENING.values(), *_CLOSING.values()])
def test_what_it_could_close_is_not_allowed(tmp_path: Path, unread: str) -> None:
    code, said = _checked(tmp_path, _SHOP + _OPEN + unread, _ALLOWED)
    assert code == 3
    assert "is not read" in said


@pytest.mark.parametrize("unread", _CLOSING.values(), ids=_CLOSING)
def test_what_can_only_close_opens_nothing(tmp_path: Path, unread: str) -> None:
    assert _checked(tmp_path, _SHOP + unread, _DENIED)[0] == 0


@pytest.mark.parametrize("unread", [*_OPENING.values(), *_CLOSING.values()])
@pytest.mark.parametrize("comes", [True, False], ids=["comes", "goes"])
@pytest.mark.long(keep=2)
def test_a_diff_in_which_it_comes_or_goes_is_not_silent(
    tmp_path: Path, unread: str, *, comes: bool
) -> None:
    base = _SHOP + _OPEN
    texts = (base, base + unread) if comes else (base + unread, base)
    for name, text in zip(("a.yaml", "b.yaml"), texts, strict=True):
        (tmp_path / name).write_text(text, "utf-8")
    found = podwall(tmp_path, "diff", "a.yaml", "b.yaml")
    assert "no connection changes" not in found.out.lower()


def test_one_that_comes_to_a_closed_namespace_may_open_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_SHOP, "utf-8")
    (tmp_path / "b.yaml").write_text(_SHOP + _OPENING["a kind that nobody knows"], "utf-8")
    found = podwall(tmp_path, "diff", "a.yaml", "b.yaml")
    assert found.code == 1
    assert "Thing `shop/x` is not read" in found.out


def test_an_object_says_nothing_about_another_namespace(tmp_path: Path) -> None:
    elsewhere = _object("acme.example.com/v1", "Thing", "other")
    assert _checked(tmp_path, _SHOP + elsewhere, _DENIED)[0] == 0


@pytest.mark.parametrize(("scope", "code"), [("Namespaced", 0), ("Cluster", 3)])
def test_a_definition_says_whether_objects_are_in_namespaces(
    tmp_path: Path, scope: str, code: int
) -> None:
    definition = (
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: things.acme.example.com}\n"
        f"spec: {{group: acme.example.com, names: {{kind: Thing}}, scope: {scope}}}\n"
    )
    text = _SHOP + definition + _OPENING["one that is in no namespace"]
    assert _checked(tmp_path, text, _DENIED)[0] == code


def test_a_kind_that_is_accepted_changes_nothing_and_is_repeated(tmp_path: Path) -> None:
    text = _SHOP + _OPENING["a kind that nobody knows"]
    code, said = _checked(tmp_path, text, _DENIED, "--accept-unread", "Thing")
    assert code == 0
    assert "accepted without being read: 1 Thing" in said


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("gateway.networking.k8s.io/v1", "Gateway"),
        ("cert-manager.io/v1", "Issuer"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("caching.internal.knative.dev/v1alpha1", "Image"),
        ("containerservice.azure.com/v1", "ManagedCluster"),
        ("security.istio.io/v1", "RequestAuthentication"),
        ("cilium.io/v2", "CiliumLoadBalancerIPPool"),
    ],
)
def test_what_is_known_to_make_no_policy_changes_no_verdict(
    tmp_path: Path, api: str, kind: str
) -> None:
    assert _checked(tmp_path, _SHOP + _object(api, kind), _DENIED)[0] == 0


#: Objects that pods are made of; each makes `--closed` a question of what is accepted.
_PODS: Final = {
    "a gateway": (_object("gateway.networking.k8s.io/v1", "Gateway"), "Gateway"),
    "a kind that nobody knows": (_object("acme.example.com/v1", "Thing", "other"), "Thing"),
}
_INTO_DB: Final = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {role: admin}}}]}]
"""
_NOBODY: Final = "expectations: [{name: n, from: anything, to: shop/db, expect: denied}]\n"


@pytest.mark.parametrize(("made", "kind"), _PODS.values(), ids=_PODS)
def test_a_source_is_not_closed_beside_what_pods_may_be_made_of(
    tmp_path: Path, made: str, kind: str
) -> None:
    text = _SHOP + _INTO_DB
    assert _checked(tmp_path, text, _NOBODY, "--closed")[0] == 0
    code, said = _checked(tmp_path, text + made, _NOBODY, "--closed")
    assert code == 1
    assert "not closed" in said
    assert _checked(tmp_path, text + made, _NOBODY, "--closed", "--accept-unread", kind)[0] == 0


#: Controllers whose pods carry labels that the object shows, or says nothing of.
_RUNS: Final = {
    "a workflow": (
        "argoproj.io/v1alpha1",
        "Workflow",
        "{templates: [{name: t, metadata: {labels: {role: admin}}}]}",
    ),
    "a workflow by the hour": (
        "argoproj.io/v1alpha1",
        "CronWorkflow",
        "{workflowSpec: {podMetadata: {labels: {role: admin}}, templates: [{name: t}]}}",
    ),
    "a workflow of a template": (
        "argoproj.io/v1alpha1",
        "Workflow",
        "{workflowTemplateRef: {name: t}}",
    ),
    "a task": ("tekton.dev/v1", "TaskRun", "{taskRef: {name: t}}"),
    "a pipeline": ("tekton.dev/v1", "PipelineRun", "{pipelineRef: {name: t}}"),
    "a rollout of a deployment": (
        "argoproj.io/v1alpha1",
        "Rollout",
        "{workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}",
    ),
}


@pytest.mark.parametrize(("api", "kind", "spec"), _RUNS.values(), ids=_RUNS)
def test_pods_that_run_to_their_end_are_pods(
    tmp_path: Path, api: str, kind: str, spec: str
) -> None:
    """Nobody may reach db but pods of admins; such a one may be among those that are made."""
    text = _SHOP + _INTO_DB + _object(api, kind, "other", spec)
    code, said = _checked(tmp_path, text, _NOBODY, "--closed")
    assert code in {1, 3}
    assert "other/" in said


#: Kind, specification, and whether nothing but what is shown to people can come of it.
_UNKNOWN: Final = {
    "a dashboard with its panels": ("Dashboard", "{title: Sales, panels: [{image: x}]}", True),
    "one of a product": ("AcmeDashboard", "{json: '{}', folder: shop}", True),
    "rules for alarms": ("AlertRule", "{expr: up == 0, severity: page, labels: {a: b}}", True),
    "a dashboard that is installed": ("Dashboard", "{title: Sales, host: x.example.com}", False),
    "one that says how big": ("Dashboard", "{panels: [orders], storage: 1Gi}", False),
    "one that says nothing": ("Dashboard", "{}", False),
    "one without a specification": ("Dashboard", "null", False),
    "panels of what is no dashboard": ("Thing", "{panels: [orders]}", False),
    "a tenant": ("Tenant", "{isolation: strict}", False),
    "a tenant of one word": ("Tenant", "{owner: alice}", False),
    "a firewall": ("Firewall", "{mode: open}", False),
    "an environment": ("Environment", "{stage: prod}", False),
    "an application by its image": ("App", "{image: web}", False),
    "one by its number": ("App", "{replicas: 3}", False),
    "one by its repository": ("App", "{repo: https://x.example/y}", False),
    "one by its chart": ("App", "{chart: web}", False),
    "a database of one word": ("Database", "{storage: 1Gi}", False),
    "an operator's settings": ("Broker", "{enabled: true}", False),
    "one that is empty": ("Broker", "{}", False),
    "one that is text": ("Broker", "web", False),
}


@pytest.mark.parametrize(("kind", "spec", "certain"), _UNKNOWN.values(), ids=_UNKNOWN)
def test_of_an_unknown_kind_only_what_is_shown_to_people_disturbs_no_verdict(
    tmp_path: Path, kind: str, spec: str, *, certain: bool
) -> None:
    thing = _object("acme.example.com/v1", kind, spec=spec)
    code, said = _checked(tmp_path, _SHOP + thing, _DENIED)
    assert code == (0 if certain else 3)
    assert kind in said


#: Where else an object of an unknown kind says that it acts.
_ELSEWHERE: Final = {
    "a namespace": ("{targetNamespace: shop}", 3),
    "a list of them": ("{watch: {namespaces: [other, shop]}}", 3),
    "a list of objects": ("{namespaces: [{name: shop}]}", 3),
    "a selector of them": ("{namespaceSelector: {matchLabels: {a: b}}}", 3),
    "a pattern": ("{namespaces: ['sh*']}", 3),
    "labels of them": ("{namespaceLabels: shop}", 3),
    "another namespace": ("{targetNamespace: third}", 0),
    "what is no namespace": ("{createNamespace: true, name: shop}", 0),
}


@pytest.mark.parametrize(("spec", "code"), _ELSEWHERE.values(), ids=_ELSEWHERE)
def test_an_object_may_act_in_a_namespace_that_it_names(
    tmp_path: Path, spec: str, code: int
) -> None:
    elsewhere = _object("acme.example.com/v1", "Thing", "other", spec)
    assert _checked(tmp_path, _SHOP + elsewhere, _DENIED)[0] == code


#: What is accepted beside a Thing and a Pod, the words that are said of it, and the remedy.
_NOTHING: Final = {
    "Thng": ("no object is of this kind", "did you mean `Thing`?"),
    "Other": ("no object is of this kind", "leave it out"),
    "Pod": ("all objects of this kind are read", "leave it out"),
}


@pytest.mark.parametrize("kind", _NOTHING)
def test_what_is_accepted_for_nothing_is_said(tmp_path: Path, kind: str) -> None:
    why, remedy = _NOTHING[kind]
    path = _written(tmp_path / "shop.yaml", _SHOP + _object("acme.example.com/v1", "Thing"))
    told = podwall(tmp_path, "lint", path, "--accept-unread", kind).out
    assert f"`--accept-unread {kind}` accepts nothing: {why}\n    help: {remedy}\n" in told
    assert "accepts nothing" not in podwall(tmp_path, "lint", path, "--accept-unread", "Thing").out


def test_a_diff_says_it_where_neither_side_has_such_an_object(tmp_path: Path) -> None:
    with_thing = _SHOP + _object("acme.example.com/v1", "Thing")
    old, new = _written(tmp_path / "old.yaml", _SHOP), _written(tmp_path / "new.yaml", with_thing)
    for before, after in ((old, new), (new, old)):
        asked = ("diff", before, after, "-o", "md", "--accept-unread")
        assert "accepts nothing" in podwall(tmp_path, *asked, "Other").out
        assert "accepts nothing" not in podwall(tmp_path, *asked, "Thing").out


def _written(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)
