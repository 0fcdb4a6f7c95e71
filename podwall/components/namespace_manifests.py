"""The Kubernetes objects of a namespace, as documents: pure, so that tests can read them."""

from __future__ import annotations

from typing import Any

from podwall.components.namespace_args import NamespaceArgs

__all__ = ["limit_range", "namespace", "resource_quota"]

Manifest = dict[str, Any]


def namespace(args: NamespaceArgs) -> Manifest:
    """Return the namespace with its labels."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": args.name, "labels": args.all_labels},
    }


def resource_quota(args: NamespaceArgs) -> Manifest | None:
    """Return what all pods together may ask for; None where that is not limited."""
    if args.quota is None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": args.name},
        "spec": {"hard": args.quota.hard},
    }


def limit_range(args: NamespaceArgs) -> Manifest | None:
    """Return what containers get that ask for nothing; None where that is nothing."""
    if args.default_resources is None:
        return None
    asked = args.default_resources.requirements
    limits = {"type": "Container", "defaultRequest": asked["requests"], "default": asked["limits"]}
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "defaults", "namespace": args.name},
        "spec": {"limits": [limits]},
    }
