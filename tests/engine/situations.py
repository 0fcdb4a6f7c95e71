"""Situations that a preview, a state or a deployment can be in, each small and by itself.

Every one starts from the same shop: a namespace with a web, an api, and a default deny. It says
what is deployed, what the program is then, what others did to the cluster, and what the engine is
asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

__all__ = ["SITUATIONS", "Kind", "Program", "Situation"]

Program = Mapping[str, Mapping[str, Any]]
"""What `resources.json` of the program `listed` holds: type, inputs and options, by name."""


class Kind(StrEnum):
    """What the engine is asked to write, by the end of the name of the file that keeps it."""

    PREVIEW = ".json"
    BRIEF = ".brief.json"
    EVENTS = ".events.json"
    DEPLOYMENT = ".up.events.json"
    REFRESH = ".refresh.json"
    DESTRUCTION = ".destroy.json"


@dataclass(frozen=True, slots=True)
class Situation:
    """One situation. `before` is deployed, then `after` is previewed with `asked`, as `kinds` say.

    `outside` is what others did in between, by `Kind namespace/name`. Where `fails` is set, `after`
    is deployed too and the API server refuses that (`create deny`); where `stalls` is set, the
    deployment is ended from outside while it makes that object. Both leave a state behind, from
    which the preview starts.
    """

    name: str
    before: Program
    after: Program
    asked: tuple[str, ...] = ()
    outside: Mapping[str, Any] | None = None
    fails: str = ""
    stalls: str = ""
    kinds: tuple[Kind, ...] = (Kind.PREVIEW,)


def _kubeconfig(server: str) -> str:
    cluster = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {}}],
    }
    return json.dumps(cluster)


def _provider(server: str = "https://127.0.0.1:1") -> dict[str, Any]:
    return {
        "type": "pulumi:providers:kubernetes",
        "inputs": {"kubeconfig": _kubeconfig(server)},
    }


def _object(token: str, manifest: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    version, _, kind = token.rpartition(":")
    identity = {"apiVersion": version.removeprefix("core/"), "kind": kind}
    return {
        "type": f"kubernetes:{token}",
        "inputs": {**identity, **manifest},
        "options": {"provider": "k8s", **options},
    }


def _namespace(name: str = "shop", **options: Any) -> dict[str, Any]:
    return _object("core/v1:Namespace", {"metadata": {"name": name}}, **options)


def _policy(name: str = "default-deny", **options: Any) -> dict[str, Any]:
    """Return a default deny; `spec` and `namespace` among the options replace its own."""
    spec = options.pop("spec", {"podSelector": {}, "policyTypes": ["Ingress"]})
    metadata = {"name": name, "namespace": options.pop("namespace", "shop")}
    token = "networking.k8s.io/v1:NetworkPolicy"  # noqa: S105 - a type token, no secret
    return _object(token, {"metadata": metadata, "spec": spec}, **options)


def _pod(app: str, **options: Any) -> dict[str, Any]:
    labels = options.pop("labels", {"app": app})
    metadata = {"name": app, "namespace": options.pop("namespace", "shop"), "labels": labels}
    spec = {"containers": [{"name": "main", "image": f"example.test/{app}:1"}]}
    return _object("core/v1:Pod", {"metadata": metadata, "spec": spec}, **options)


def _shop(**changed: Mapping[str, Any] | None) -> Program:
    """Return the shop with resources changed or added, or left out where they are None."""
    usual: dict[str, Any] = {
        "k8s": _provider(),
        "shop": _namespace(),
        "deny": _policy(),
        "web": _pod("web"),
        "api": _pod("api"),
    }
    listed = {**usual, **changed}
    return {name: resource for name, resource in listed.items() if resource is not None}


def _inside(**options: Any) -> dict[str, Any]:
    """Return the policy and the pods of the shop, all with the same options."""
    return {
        "deny": _policy(**options),
        "web": _pod("web", **options),
        "api": _pod("api", **options),
    }


_SPEC_WEB: Final = {
    "podSelector": {"matchLabels": {"app": "api"}},
    "policyTypes": ["Ingress"],
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}],
}
_SPEC_ALL: Final = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
_SHOP: Final = _shop()
_ALLOWED: Final = _shop(allow=_policy("allow-web", spec=_SPEC_WEB))
_DENY: Final = "NetworkPolicy shop/default-deny"
_ALLOW: Final = "NetworkPolicy shop/allow-web"
_FOUND: Final = {_ALLOW: _policy("allow-web", spec=_SPEC_WEB)["inputs"]}
_OPENED: Final = {_DENY: _policy(spec=_SPEC_ALL)["inputs"]}
_FIRST: Final = {"delete_before_replace": True}
_READ: Final = {
    "type": "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "options": {"provider": "k8s", "id": "shop/allow-web"},
}

_EVERY_FORM: Final = (Kind.PREVIEW, Kind.BRIEF, Kind.EVENTS, Kind.DEPLOYMENT)
_WITH_EVENTS: Final = (Kind.PREVIEW, Kind.EVENTS)

SITUATIONS: Final = (
    # What the program no longer lists, or asks for in another way.
    Situation("dropped", _SHOP, _shop(deny=None), kinds=_EVERY_FORM),
    Situation("dropped-all", _SHOP, {}, kinds=(Kind.PREVIEW, Kind.DESTRUCTION)),
    Situation(
        "ignored-change", _shop(), _shop(deny=_policy(spec=_SPEC_ALL, ignore_changes=["spec"]))
    ),
    Situation(
        "alias",
        _SHOP,
        _shop(
            deny=None,
            everything=_policy(
                aliases=[
                    "urn:pulumi:dev::listed::kubernetes:networking.k8s.io/v1:NetworkPolicy::deny"
                ]
            ),
        ),
    ),
    Situation(
        "selector-and-labels",
        _shop(allow=_policy("allow-web", spec=_SPEC_WEB)),
        _shop(
            allow=_policy(
                "allow-web", spec={**_SPEC_WEB, "podSelector": {"matchLabels": {"app": "orders"}}}
            ),
            api=_pod("api", labels={"app": "orders"}),
        ),
    ),
    # What others did, found by a refresh.
    Situation(
        "refresh-gone",
        _SHOP,
        _SHOP,
        ("--refresh",),
        outside={_DENY: None},
        kinds=(Kind.PREVIEW, Kind.BRIEF, Kind.EVENTS, Kind.REFRESH),
    ),
    Situation("refresh-opened", _SHOP, _SHOP, ("--refresh",), outside=_OPENED),
    Situation(
        "refresh-opened-and-dropped",
        _SHOP,
        _shop(deny=None),
        ("--refresh",),
        outside=_OPENED,
        kinds=_WITH_EVENTS,
    ),
    Situation(
        "refresh-gone-and-dropped",
        _SHOP,
        _shop(deny=None),
        ("--refresh",),
        outside={_DENY: None},
        kinds=_WITH_EVENTS,
    ),
    Situation("refresh-dropped", _SHOP, _shop(deny=None), ("--refresh",)),
    # A part of the program only.
    Situation(
        "target-other",
        _SHOP,
        _shop(deny=None, allow=_policy("allow-web", spec=_SPEC_WEB)),
        ("--target", "**::web"),
        kinds=_WITH_EVENTS,
    ),
    Situation(
        "target-created",
        _SHOP,
        _shop(deny=None, allow=_policy("allow-web", spec=_SPEC_WEB)),
        ("--target", "**::allow"),
    ),
    Situation(
        "exclude",
        _SHOP,
        _shop(deny=_policy(spec=_SPEC_ALL), allow=_policy("allow-web", spec=_SPEC_WEB)),
        ("--exclude", "**::deny", "--exclude", "**::allow"),
    ),
    # Replaced.
    Situation("replaced-create-first", _SHOP, _shop(deny=_policy("deny-all")), kinds=_EVERY_FORM),
    Situation("replaced-delete-first", _SHOP, _shop(deny=_policy("deny-all", **_FIRST))),
    Situation(
        "replaced-steps", _SHOP, _shop(deny=_policy("deny-all")), ("--show-replacement-steps",)
    ),
    Situation("namespace-replaced", _SHOP, _SHOP, ("--replace", "**::shop")),
    Situation(
        "namespace-replaced-steps",
        _SHOP,
        _SHOP,
        ("--replace", "**::shop", "--show-replacement-steps"),
    ),
    Situation(
        "namespace-renamed",
        _shop(**_inside(depends_on=["shop"])),
        _shop(shop=_namespace("store"), **_inside(depends_on=["shop"], namespace="store")),
    ),
    Situation("namespace-renamed-alone", _SHOP, _shop(shop=_namespace("store"))),
    Situation("namespace-dropped", _SHOP, _shop(shop=None)),
    Situation("another-cluster", _SHOP, _shop(k8s=_provider("https://127.0.0.1:2"))),
    # What stays, or goes with something else.
    Situation("retained-dropped", _shop(deny=_policy(retain_on_delete=True)), _shop(deny=None)),
    Situation(
        "retained-replaced",
        _shop(deny=_policy(retain_on_delete=True)),
        _shop(deny=_policy("deny-all", retain_on_delete=True)),
    ),
    Situation("deleted-with", _shop(**_inside(deleted_with="shop")), {"k8s": _provider()}),
    Situation(
        "deleted-with-replaced",
        _shop(**_inside(deleted_with="shop")),
        _shop(**_inside(deleted_with="shop")),
        ("--replace", "**::shop"),
    ),
    # Taken over, or only read.
    Situation(
        "imported",
        _SHOP,
        _shop(allow=_policy("allow-web", spec=_SPEC_WEB, import_="shop/allow-web")),
        outside=_FOUND,
    ),
    Situation("read", _SHOP, _shop(allow=_READ), outside=_FOUND, kinds=_WITH_EVENTS),
    Situation("read-again", _shop(allow=_READ), _shop(allow=_READ), outside=_FOUND),
    Situation("read-dropped", _shop(allow=_READ), _SHOP, outside=_FOUND),
    Situation("read-taken-over", _shop(allow=_READ), _ALLOWED, outside=_FOUND),
    # Left behind by a deployment that did not come to its end.
    Situation(
        "pending-replacement", _SHOP, _shop(deny=_policy("deny-all", **_FIRST)), fails="create deny"
    ),
    Situation("left-to-delete", _SHOP, _shop(deny=_policy("deny-all")), fails="delete deny"),
    Situation("interrupted", _SHOP, _ALLOWED, stalls="allow"),
)
