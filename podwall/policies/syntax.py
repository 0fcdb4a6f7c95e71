"""The spellings that Kubernetes accepts: names, label keys, label values and port names.

Each function returns what is wrong with a text, or None where nothing is. The strict builder and
the transcription of the API server's validation ask the same functions, so that they cannot differ.
And the names that are taken: those of the cluster's own namespaces, in which a default deny would
break it.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/,
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set,
https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces and
https://learn.microsoft.com/azure/aks/managed-namespaces
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from podwall.policies.wording import shown

__all__ = [
    "SYSTEM_NAMESPACES",
    "digits",
    "dns_label_problem",
    "dns_subdomain_problem",
    "is_system_namespace",
    "label_key_problem",
    "label_value_problem",
    "port_name_help",
    "port_name_problem",
    "shown",
    "written_number",
]


_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_LABEL = re.compile(_LABEL)
_DNS_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

_LONGEST_LABEL = 63
_LONGEST_SUBDOMAIN = 253
_LONGEST_PORT_NAME = 15

_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def dns_label_problem(text: str) -> str | None:
    """Return why a text is not a DNS label (RFC 1123), as namespaces must be.

    >>> dns_label_problem("Shop")
    'must be lower case letters, digits and `-`, and begin and end with a letter or digit'
    """
    if not _DNS_LABEL.fullmatch(text):
        return (
            "must be lower case letters, digits and `-`, and begin and end with a letter or digit"
        )
    return _too_long(text, _LONGEST_LABEL)


@lru_cache(_REMEMBERED)
def dns_subdomain_problem(text: str) -> str | None:
    """Return why a text is not a DNS subdomain (RFC 1123), as the names of policies must be."""
    if not _DNS_SUBDOMAIN.fullmatch(text):
        return (
            "must be lower case letters, digits, `-` and `.`, "
            "and each part between dots must begin and end with a letter or digit"
        )
    return _too_long(text, _LONGEST_SUBDOMAIN)


@lru_cache(_REMEMBERED)
def label_key_problem(key: str) -> str | None:
    """Return why a text is not a label key: a name, or a DNS subdomain, `/` and a name.

    >>> label_key_problem("app.kubernetes.io/name")
    >>> label_key_problem("team/app/role")
    'must have at most one `/`'
    """
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        return "must have at most one `/`"
    if slash and (problem := dns_subdomain_problem(prefix)):
        return f"the prefix before `/` {problem}"
    return _qualified_problem(name)


@lru_cache(_REMEMBERED)
def label_value_problem(value: str) -> str | None:
    """Return why a text is not a label value. The empty text is one.

    >>> label_value_problem("")
    >>> label_value_problem("web server")
    'must be letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit'
    """
    return _qualified_problem(value) if value else None


def _qualified_problem(text: str) -> str | None:
    if not _QUALIFIED.fullmatch(text):
        return "must be letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit"
    return _too_long(text, _LONGEST_LABEL)


@lru_cache(_REMEMBERED)
def port_name_problem(name: str) -> str | None:
    """Return why a text is not a port name (RFC 6335): at most 15 characters, at least one letter.

    >>> port_name_problem("80")
    'must have at least one letter'
    """
    if name and name.isascii() and name.isdigit():
        return "must have at least one letter"
    if not _PORT_NAME.fullmatch(name):
        return (
            "must be lower case letters, digits and `-`, and begin and end with a letter or digit"
        )
    if "--" in name:
        return "must not have two `-` in a row"
    if not any(character.isalpha() for character in name):
        return "must have at least one letter"
    return _too_long(name, _LONGEST_PORT_NAME)


_LONGEST_NUMBER: Final = 18


def digits(text: str) -> int | None:
    """Return the number that a text of ASCII digits writes; None for other texts, and huge ones.

    Python refuses to read numbers of some thousand digits, and takes `²` for a digit.

    >>> digits("080"), digits("²"), digits("-1"), digits("9" * 5_000)
    (80, None, None, None)
    """
    is_number = text.isascii() and text.isdigit() and len(text.lstrip("0")) <= _LONGEST_NUMBER
    return int(text.lstrip("0") or "0") if is_number else None


def written_number(value: object) -> str:
    """Return a text, or a number as it is written, if it is not huge.

    >>> written_number(80), written_number("80"), written_number(10**5_000)
    ('80', '80', 'a huge number')
    """
    is_huge = isinstance(value, int) and abs(value) >= 10**_LONGEST_NUMBER
    return "a huge number" if is_huge else str(value)


def port_name_help(name: str) -> str:
    """Return the remedy for a port name that Kubernetes would refuse.

    >>> port_name_help("80"), port_name_help("HTTP")
    ('did you mean the number `80`, without quotes?', 'did you mean `http`?')
    """
    if name.isascii() and name.isdigit():
        return f"did you mean the number {shown(name)}, without quotes?"
    meant = name.lower().replace("_", "-")
    if port_name_problem(meant):
        return "name the port as the container does, such as `metrics`"
    return f"did you mean `{meant}`?"


def _too_long(text: str, longest: int) -> str | None:
    return f"must have at most {longest} characters" if len(text) > longest else None


_PREFIXES = ("kube-", "aks-istio-")
SYSTEM_NAMESPACES: Final = frozenset(
    {
        "aks-istio-egress",
        "aks-istio-ingress",
        "aks-istio-system",
        "app-routing-system",
        "azureml",
        "calico-system",
        "dapr-system",
        "dataprotection-microsoft",
        "flux-system",
        "gatekeeper-system",
        "istio-system",
        "kube-node-lease",
        "kube-public",
        "kube-system",
        "tigera-operator",
        "tigera-system",
    }
)
"""Those that are known by name, for readers that may not take a user's `kube-something` for one."""


def is_system_namespace(name: str) -> bool:
    """Return whether a namespace is of Kubernetes, of AKS or of one of its extensions.

    Also one that only begins as theirs do: Kubernetes reserves the prefix `kube-`.


    >>> is_system_namespace("kube-system"), is_system_namespace("shop")
    (True, False)
    """
    return name in SYSTEM_NAMESPACES or name.startswith(_PREFIXES)
