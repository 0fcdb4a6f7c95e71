"""Podwall inside a cluster, as manifests: python deploy/manifests.py > deploy/podwall.yaml.

A Deployment follows the cluster and serves metrics. Three CronJobs work at night: one holds stated
intent against the cluster, one what was stored of it (drift), and one proves its predictions. All
may read what the guide's role says, and nothing else; the last one may also make temporary pods,
where somebody binds the role for that in a namespace, and waits for it: it is suspended. Their own
policies are made as any program's: nothing reaches them but Prometheus, and they reach the API
server and DNS.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from podwall.policies import (
    NetworkPolicy,
    allow_dns,
    allow_from,
    allow_to,
    default_deny,
    ip_block,
    namespace,
    pods,
    tcp,
)

NAMESPACE = "podwall"
ACCOUNT = "podwall"
VERIFIER = "podwall-verify"
IMAGE = "registry.example/podwall:0.1.0"
PROBE_IMAGE = "registry.example/busybox@sha256:" + "0" * 64
METRICS = 9797
GUIDE = Path(__file__).resolve().parents[1] / "docs"
Manifest = dict[str, Any]


def manifests() -> Iterator[Manifest]:
    """Yield every object, in an order in which they can be applied."""
    yield {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": NAMESPACE,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    for account in (ACCOUNT, VERIFIER):
        yield _object("v1", "ServiceAccount", account)
    for role in roles():
        yield role
        yield _binding(role)
    yield _verifier_role()
    yield from (each.to_manifest() for each in policies())
    yield _watch()
    yield _service()
    yield from _nightly()


def roles() -> list[Manifest]:
    """Return the roles in the guide, which are the ones that tests grant."""
    return _documents("live.md")


def _documents(page: str) -> list[Manifest]:
    """Return what the first block of YAML on a page of the guide holds."""
    text = (GUIDE / page).read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    return list(yaml.safe_load_all(text))


def _verifier_role() -> Manifest:
    """Return the guide's role for temporary pods as one that can be bound in any namespace."""
    (role,) = _documents("verify.md")
    return {
        "apiVersion": role["apiVersion"],
        "kind": "ClusterRole",
        "metadata": {"name": VERIFIER},
        "rules": role["rules"],
    }


def policies() -> Iterator[NetworkPolicy]:
    """Yield the policies of the namespace."""
    everywhere = [ip_block("0.0.0.0/0"), ip_block("::/0")]
    yield default_deny(NAMESPACE)
    yield allow_dns(NAMESPACE)
    yield NetworkPolicy(
        name="to-the-api-server",
        namespace=NAMESPACE,
        pod_selector=pods(app="podwall"),
        egress=[allow_to(*everywhere, ports=tcp(443) | tcp(6443))],
    )
    yield NetworkPolicy(
        name="from-prometheus",
        namespace=NAMESPACE,
        pod_selector=pods(app="podwall", part="watch"),
        ingress=[allow_from(namespace("monitoring"), ports=tcp(METRICS))],
    )


def _object(version: str, kind: str, name: str, **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _binding(role: Manifest) -> Manifest:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": f"{role['kind']}Binding",
        "metadata": role["metadata"],
        "roleRef": {"apiGroup": group, "kind": role["kind"], "name": role["metadata"]["name"]},
        "subjects": [
            {"kind": "ServiceAccount", "name": each, "namespace": NAMESPACE}
            for each in (ACCOUNT, VERIFIER)
        ],
    }


def _pod(part: str, words: list[str], account: str = ACCOUNT, **container: Any) -> Manifest:
    """Return the template of pods that may write nothing, and are nobody on their node."""
    return {
        "metadata": {"labels": {"app": "podwall", "part": part}},
        "spec": {
            "serviceAccountName": account,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": part,
                    "image": IMAGE,
                    "command": ["podwall", *words],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "256Mi"},
                        "limits": {"memory": "1Gi"},
                    },
                    **container,
                }
            ],
        },
    }


def _watch() -> Manifest:
    words = ["watch", "-o", "json", "--exporter", f"0.0.0.0:{METRICS}"]
    probe = {"httpGet": {"path": "/metrics", "port": METRICS}, "timeoutSeconds": 10}
    ports = [{"name": "metrics", "containerPort": METRICS}]
    template = _pod("watch", words, ports=ports, readinessProbe=probe)
    selector = {"matchLabels": {"app": "podwall", "part": "watch"}}
    spec = {"replicas": 1, "selector": selector, "template": template}
    return _object("apps/v1", "Deployment", "podwall-watch", spec=spec)


def _service() -> Manifest:
    ports = [{"name": "metrics", "port": METRICS, "targetPort": "metrics"}]
    spec = {"selector": {"app": "podwall", "part": "watch"}, "ports": ports}
    return _object("v1", "Service", "podwall-watch", spec=spec)


def _nightly() -> Iterator[Manifest]:
    """Yield what works at night: intent, drift, and proof."""
    intent = ["check", "cluster", "/given/expectations.yaml"]
    yield _job("podwall-nightly", "17 3 * * *", _given("nightly", intent, "podwall-intent"))
    drift = ["diff", "/given", "cluster", "--fail-on", "error"]
    yield _job("podwall-drift", "37 3 * * *", _given("drift", drift, "podwall-snapshot"))
    words = ["verify", "--image", PROBE_IMAGE, "-o", "json"]
    proof = _job("podwall-verify", "57 3 * * *", _pod("verify", words, VERIFIER), 1800)
    proof["spec"]["suspend"] = True
    yield proof


def _given(part: str, words: list[str], configuration: str) -> Manifest:
    """Return the template of pods that read the files of a ConfigMap."""
    mount = {"name": "given", "mountPath": "/given", "readOnly": True}
    template = _pod(part, words, volumeMounts=[mount])
    template["spec"]["volumes"] = [{"name": "given", "configMap": {"name": configuration}}]
    return template


def _job(name: str, schedule: str, template: Manifest, seconds: int = 600) -> Manifest:
    template["spec"]["restartPolicy"] = "Never"
    job = {"backoffLimit": 0, "activeDeadlineSeconds": seconds, "template": template}
    spec = {
        "schedule": schedule,
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": job},
    }
    return _object("batch/v1", "CronJob", name, spec=spec)


def text(objects: Iterator[Manifest] | list[Mapping[str, Any]]) -> str:
    """Return objects as YAML documents."""
    parts = (yaml.safe_dump(each, sort_keys=False, width=100) for each in objects)
    return "---\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(f"# Made by deploy/manifests.py.\n{text(manifests())}")
