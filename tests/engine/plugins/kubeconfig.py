"""The credentials that the Azure stand-in gives out, and how the Kubernetes stand-in reads them.

Every secret part carries the same word, so that a test finds it wherever it leaks to.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import yaml

from tests.engine.plugins.wire import Properties

__all__ = ["CANARY", "active_cluster", "credentials", "leaks"]

CANARY = "canary-that-no-document-may-show"


def credentials(cluster: str, form: str) -> Properties:
    """Return what `listManagedCluster...Credentials` answers for `cluster`.

    `form` "exec" gives a kubeconfig that asks kubelogin for a token, any other one with a token.
    """
    user: dict[str, Any] = {"token": CANARY}
    if form == "exec":
        user = {"exec": {"command": "kubelogin", "env": [{"name": "SESSION", "value": CANARY}]}}
    endpoint = {
        "server": f"https://{cluster}.example.test:443",
        "certificate-authority-data": _encoded(CANARY),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": endpoint}],
        "users": [{"name": "clusterUser", "user": user}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": "clusterUser"}}],
        "current-context": cluster,
    }
    return {"kubeconfigs": [{"name": "clusterUser", "value": _encoded(json.dumps(document))}]}


def active_cluster(kubeconfig: str) -> Any:
    """Return the entry of the cluster that the current context names, None where there is none."""
    document = yaml.safe_load(kubeconfig) or {}
    contexts = {one["name"]: one["context"] for one in document.get("contexts", [])}
    clusters = {one["name"]: one["cluster"] for one in document.get("clusters", [])}
    return clusters.get(contexts.get(document.get("current-context"), {}).get("cluster"))


def leaks(text: str) -> bool:
    """Return whether `text` shows some part of the credentials, in clear or as base64.

    >>> leaks(f"token: {CANARY}"), leaks(_encoded(f"user:{CANARY}")), leaks("token: [secret]")
    (True, True, False)
    """
    # Base64 has three alignments; the middle of each encoding does not depend on what surrounds it.
    aligned = (base64.b64encode(b"x" * pad + CANARY.encode()).decode()[4:-4] for pad in range(3))
    return CANARY in text or any(part in text for part in aligned)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
