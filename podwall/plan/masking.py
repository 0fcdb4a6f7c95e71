"""Take what is secret out of a plan, whoever planned it and wherever its program put it.

A secret that the program marks is masked where values are read (`podwall.plan.model`). This pass
takes out what nobody marked: what Kubernetes keeps as a secret wherever it is written (in a list,
in the text or the objects of a `ConfigGroup`, in what `kubectl apply` noted), the kubeconfig of a
provider, the environment of a container, what a key calls a password, a text with a token in an
address, and every known secret that a text repeats. Names, labels and selectors stay: they are
shown by every cluster, and who reaches whom depends on them.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from podwall.plan.model import SECRET, SECRET_MARK, Plan, PlannedResource, Secret, is_secret
from podwall.policies.errors import Finding
from podwall.secret_words import SecretWords

__all__ = ["marked_secrets", "masked", "masked_manifest", "secret_texts"]


#: The last words of keys whose texts are secret, without case, hyphens and underscores.
_SECRET_KEYS: Final = (
    "accesskey",
    "accountkey",
    "apikey",
    "clientkeydata",
    "connectionstring",
    "credentials",
    "kubeconfig",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "sharedkey",
    "token",
)
#: What decides who reaches whom, or only names it: nothing in these is masked.
_IDENTITY: Final = frozenset(
    {
        "apiVersion",
        "cidr",
        "kind",
        "labels",
        "matchExpressions",
        "matchLabels",
        "name",
        "namespace",
        "namespaceSelector",
        "podSelector",
        "selector",
    }
)
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_PRIVATE: Final = MappingProxyType(
    {"Secret": frozenset({"data", "stringData"}), "SecretList": frozenset({"items"})}
)
_FILES: Final = "kubernetes:yaml"


def masked(plan: Plan, words: SecretWords | None = None) -> Plan:
    """Return a plan without what is secret in it; `words` are secrets that its texts may repeat."""
    chosen = words or SecretWords()
    default = plan.default_provider
    return replace(
        plan,
        default_provider=None if default is None else _resource(default, chosen),
        resources=tuple(_resource(each, chosen) for each in plan.resources),
        outputs=MappingProxyType(_mapping(plan.outputs, chosen)),
        warnings=tuple(_finding(each, chosen) for each in plan.warnings),
    )


def masked_manifest(manifest: Mapping[str, Any], words: SecretWords) -> dict[str, Any]:
    """Return an object with the engine's mark of a secret in place of texts that repeat one."""
    found: dict[str, Any] = _marked(_mapping(manifest, words))
    return found


def _marked(value: Any) -> Any:
    match value:
        case Secret():
            return {**SECRET_MARK, "value": str(value)}
        case Mapping():
            return {key: _marked(each) for key, each in value.items()}
        case list() | tuple():
            return [_marked(each) for each in value]
        case _:
            return value


def _finding(finding: Finding, words: SecretWords) -> Finding:
    message, link = words.masked(finding.message), words.masked(finding.link)
    return replace(finding, message=message, link=link)


def _resource(resource: PlannedResource, words: SecretWords) -> PlannedResource:
    inputs = _mapping(resource.inputs, words)
    if resource.type.startswith(_FILES) and "yaml" in inputs:
        inputs["yaml"] = SECRET
    unseen = tuple(map(words.masked, resource.unseen))
    if inputs == resource.inputs and unseen == resource.unseen:
        return resource
    return replace(resource, inputs=MappingProxyType(inputs), unseen=unseen)


def _mapping(value: Mapping[str, Any], words: SecretWords) -> dict[str, Any]:
    private = _private_keys(value)
    return {
        key: SECRET if key in private and each is not None else _entry(key, each, words)
        for key, each in value.items()
    }


def _private_keys(value: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of an object whose values Kubernetes keeps secret; of a list, its items."""
    return _PRIVATE.get(str(value.get("kind")), frozenset())


def _entry(key: str, value: Any, words: SecretWords) -> Any:
    if key in _IDENTITY:
        return value
    if key == "env" and isinstance(value, (list, tuple)):
        return [_variable(each, words) for each in value]
    if key == _LAST_APPLIED or (isinstance(value, str) and _is_secret(key)):
        return SECRET
    return _value(value, words)


@cache
def _is_secret(key: str) -> bool:
    return key.lower().replace("-", "").replace("_", "").endswith(_SECRET_KEYS)


def _variable(value: Any, words: SecretWords) -> Any:
    """Return a variable of a container without its value."""
    if isinstance(value, Mapping) and isinstance(value.get("value"), str):
        return {**value, "value": SECRET}
    return _value(value, words)


def _value(value: Any, words: SecretWords) -> Any:
    match value:
        case str():
            return SECRET if words.found_in(value) else value
        case Mapping():
            return _mapping(value, words)
        case list() | tuple():
            return [_value(each, words) for each in value]
        case _:
            return value


def marked_secrets(value: Any) -> Iterator[str]:
    """Yield the texts in a request that are marked as secret, and those in a Secret of Kubernetes.

    They are what the program may repeat in a message.
    """
    match value:
        case Mapping() if is_secret(value):
            yield from secret_texts(value.get("value"))
        case Mapping():
            private = _private_keys(value)
            for key, each in value.items():
                yield from (secret_texts if key in private else marked_secrets)(each)
        case list() | tuple():
            for each in value:
                yield from marked_secrets(each)
        case _:
            return


def secret_texts(value: Any) -> Iterator[str]:
    """Yield the texts inside a secret value; of one in base64, also what it stands for."""
    match value:
        case str():
            yield value
            yield from _decoded(value)
        case Mapping():
            for each in value.values():
                yield from secret_texts(each)
        case list() | tuple():
            for each in value:
                yield from secret_texts(each)
        case _:
            return


def _decoded(text: str) -> Iterator[str]:
    try:
        yield b64decode(text, validate=True).decode()
    except (NotBase64, UnicodeDecodeError, ValueError):
        return
