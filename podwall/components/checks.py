"""What names, counts and image references of Kubernetes objects must be, and which are refused.

A refusal names the Kubernetes field path, what is wrong and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.syntax import dns_label_problem, is_system_namespace, shown

__all__ = [
    "check_application_namespace",
    "check_at_least",
    "check_dns_label",
    "check_image",
    "check_no_system_namespace",
    "check_service_name",
    "refused",
]


_IMAGE = re.compile(
    r"[a-z0-9]([-a-z0-9._/:]*[a-z0-9])?"  # registry, its port, and repository
    r"(?P<tag>:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?"
    r"(?P<digest>@sha256:[0-9a-f]{64})?"
)


def refused(path: str, message: str, remedy: str = "") -> InvalidValue:
    """Return the refusal of an argument: its Kubernetes field path, what is wrong, what to do."""
    return InvalidValue(message, help=remedy, place=Place(path=path))


def check_dns_label(value: str, path: str) -> None:
    """Refuse what can't name a namespace or a container."""
    _check_name(value, path, dns_label_problem)


def check_service_name(value: str, path: str) -> None:
    """Refuse what can't name a Service: a DNS label that begins with a letter (RFC 1035)."""
    check_dns_label(value, path)
    if not value[0].isalpha():
        raise refused(path, f"{shown(value)} must begin with a letter", "a service has this name")


def check_at_least(value: int, least: int, path: str) -> None:
    """Refuse a count below `least`."""
    if value < least:
        raise refused(path, f"{shown(value)} is less than {least}")


def check_image(value: str, path: str) -> None:
    """Refuse an image reference that is malformed or may mean another image tomorrow.

    Source: https://kubernetes.io/docs/concepts/configuration/overview/#container-images

    >>> check_image("docker.io/library/busybox:1.37.0", "image")
    >>> check_image("busybox", "image")
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: image: `busybox` has neither a tag nor a digest
    """
    remedy = "name a version, such as `docker.io/library/busybox:1.37.0`, or better a digest"
    if not _IMAGE.fullmatch(value):
        raise refused(path, f"{shown(value)} is not an image reference", remedy)
    name, _, digest = value.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if not tag and not digest:
        raise refused(path, f"{shown(value)} has neither a tag nor a digest", remedy)
    if tag == "latest" and not digest:
        raise refused(path, f"{shown(value)} is another image with every release", remedy)


def _check_name(value: str, path: str, problem_of: Callable[[str], str | None]) -> None:
    if problem := problem_of(value):
        raise refused(path, f"{shown(value)} {problem}")


_REMEDY = "give each application a namespace of its own"


def check_application_namespace(name: str, path: str) -> None:
    """Refuse a namespace that is not an application's own: the system's, and `default`.

    >>> check_application_namespace("kube-system", "namespace")
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: namespace: `kube-system` is a namespace of the system
    """
    check_no_system_namespace(name, path)
    if name == "default":
        message = "`default` is there in every cluster and is for nobody's workloads"
        raise refused(path, message, _REMEDY)


def check_no_system_namespace(name: str, path: str) -> None:
    """Refuse a namespace of Kubernetes, of AKS or of one of its extensions."""
    check_dns_label(name, path)
    if is_system_namespace(name):
        raise refused(path, f"{shown(name)} is a namespace of the system", _REMEDY)
