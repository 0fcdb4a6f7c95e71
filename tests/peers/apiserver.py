"""A real kube-apiserver, asked whether it would accept an object, without storing it."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

VARIABLE = "PODWALL_APISERVER_KUBECONFIG"
_PLURALS = {"NetworkPolicy": "networkpolicies"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: `stored` is the object with its defaults, where it was accepted."""

    accepted: bool
    message: str
    stored: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ApiServer:
    """The server of a kubeconfig with client certificates."""

    url: str
    context: ssl.SSLContext

    @classmethod
    def of(cls, kubeconfig: Path) -> ApiServer:
        """Return the server that a kubeconfig's first cluster and user name."""
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile() as pem:
            for part in ("client-certificate-data", "client-key-data"):
                pem.write(base64.b64decode(user[part]) + b"\n")
            pem.flush()
            context.load_cert_chain(pem.name)
        return cls(cluster["server"], context)

    def would_store(self, document: dict[str, Any]) -> Answer:
        """Ask for a dry run of creating an object, in `default` if it is in a namespace."""
        request = urllib.request.Request(  # noqa: S310 - the URL is the kubeconfig's
            f"{self.url}{_path(document)}?dryRun=All",
            data=json.dumps(document).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, context=self.context) as response:  # noqa: S310 - likewise
                return Answer(accepted=True, message="", stored=json.load(response))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(False, str(json.load(refused).get("message")), {})


def _path(document: dict[str, Any]) -> str:
    version, kind = document["apiVersion"], document["kind"]
    root = f"/{'apis' if '/' in version else 'api'}/{version}"
    where = "" if kind == "Namespace" else "/namespaces/default"
    return f"{root}{where}/{_PLURALS.get(kind, f'{kind.lower()}s')}"
