"""Which namespaces are an application's own: not the system's, and not `default`."""

from __future__ import annotations

from podwall.components.checks import check_dns_label, refused
from podwall.policies.syntax import shown
from podwall.policies.system_namespaces import is_system_namespace

__all__ = ["check_application_namespace", "check_no_system_namespace"]

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
