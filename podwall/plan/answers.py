"""Answer the functions that a program calls on a provider, without a provider.

Only what can be known without an account is answered. Everything else is unknown, as it is in a
preview that has to wait for a resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

from podwall.plan.wire import UNKNOWN
from podwall.plan.yaml_file import PlainLoader

__all__ = ["answer"]


def answer(token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what the function `token` answers, or None where only the cloud can tell.

    >>> answer("kubernetes:yaml:decode", {"text": "kind: Pod"})
    {'result': [{'kind': 'Pod'}]}
    """
    known = _KNOWN.get(token)
    return known(arguments) if known else None


def _unknown_fields(names: Iterable[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return an answer of texts that are unknown wherever the program puts them.

    The direct form of a function has to return something. These texts hold the protocol's mark of
    an unknown without being it: the SDK passes them on, and the plan recognises them.
    """
    texts = {name: f"{UNKNOWN}-{name}" for name in names}
    return lambda _arguments: texts


def _decoded(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Decode YAML, as the Kubernetes provider does for `ConfigFile` and `ConfigGroup`."""
    documents = yaml.load_all(arguments.get("text", ""), PlainLoader)
    return {"result": [document for document in documents if document]}


_KNOWN: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "azure-native:authorization:getClientConfig": _unknown_fields(
        ("clientId", "objectId", "subscriptionId", "tenantId")
    ),
    "azure-native:authorization:getClientToken": _unknown_fields(("token",)),
    "kubernetes:yaml:decode": _decoded,
}
