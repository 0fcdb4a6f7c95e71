"""Policies of Cilium's and Calico's kinds in previews, states and planned programs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from podwall.model import IpProtocol
from podwall.reachability import Verdict
from podwall.review import review
from podwall.sources import source, source_of_program
from tests.plan.projects import plan_of
from tests.sources.test_custom_resources import FORMS, Form, State

WEB: Final = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "front"},
}
DB: Final = {**WEB, "metadata": {"name": "db", "namespace": "shop", "labels": {"app": "db"}}}
SHOP: Final = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
OF_DB: Final = {"matchLabels": {"app": "db"}}
OF_WEB: Final = {"matchLabels": {"app": "web"}}


def policy(api: str, kind: str, spec: State, **metadata: str) -> State:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "p", **metadata}, "spec": spec}


CILIUM: Final = policy(
    "cilium.io/v2",
    "CiliumNetworkPolicy",
    {
        "endpointSelector": OF_DB,
        "ingressDeny": [{"fromEndpoints": [{"matchLabels": {"app": "web"}}]}],
    },
    namespace="shop",
)
WIDE: Final = policy(
    "cilium.io/v2",
    "CiliumClusterwideNetworkPolicy",
    {"endpointSelector": OF_DB, "ingress": [{"fromEntities": ["world"]}]},
)
CALICO: Final = policy(
    "crd.projectcalico.org/v1",
    "NetworkPolicy",
    {"selector": "app == 'db'", "types": ["Ingress"],
     "ingress": [{"action": "Deny", "source": {"serviceAccounts": {"names": ["front"]}}}]},
    namespace="shop",
)  # fmt: skip
GLOBAL: Final = policy(
    "projectcalico.org/v3",
    "GlobalNetworkPolicy",
    {"selector": "app == 'db'", "ingress": [{"action": "Deny"}]},
)
KINDS: Final = ((CILIUM, "cilium"), (WIDE, "cilium"), (CALICO, "calico"), (GLOBAL, "calico"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("written", "engine"), KINDS, ids=lambda each: str(each)[:60])
def test_a_policy_decides_in_every_form(
    form: Form, written: State, engine: str, tmp_path: Path
) -> None:
    found = review(source(str(form(tmp_path, SHOP, WEB, DB, written))), engine)
    reach = found.reachability
    assert reach.verdict("shop/web", "shop/db", IpProtocol.TCP, 80) is Verdict.DENIED
    assert reach.verdict("shop/db", "shop/web", IpProtocol.TCP, 80) is Verdict.ALLOWED
    assert reach.snapshot.unread_policies == ()


PROGRAM: Final = """
from pulumi_kubernetes.apiextensions import CustomResource
import pulumi

Namespace("shop", metadata={"name": "shop"})
pod("web", labels={"app": "web"})
pod("db", labels={"app": "db"})
"""
#: As `pulumi_kubernetes` has an object of any kind.
BY_CUSTOM_RESOURCE: Final = """
CustomResource(
    "p",
    api_version="cilium.io/v2",
    kind="CiliumNetworkPolicy",
    metadata={"name": "p", "namespace": "shop"},
    spec={
        "endpointSelector": {"matchLabels": {"app": "db"}},
        "ingressDeny": [{"fromEndpoints": [{"matchLabels": {"app": ROLE}}]}],
        "enableDefaultDeny": {"ingress": False},
    },
)
"""
#: As crd2pulumi makes classes of definitions.
BY_A_CLASS: Final = """
class GlobalNetworkPolicy(pulumi.CustomResource):
    def __init__(self, name, metadata, spec):
        super().__init__(
            "kubernetes:crd.projectcalico.org/v1:GlobalNetworkPolicy",
            name,
            {
                "apiVersion": "crd.projectcalico.org/v1",
                "kind": "GlobalNetworkPolicy",
                "metadata": metadata,
                "spec": spec,
            },
        )

source = {"selector": pulumi.Output.concat("app == '", ROLE, "'")}
GlobalNetworkPolicy(
    "p",
    {"name": "p"},
    {
        "selector": pulumi.Output.concat("app == '", "db", "'"),
        "types": ["Ingress"],
        "ingress": [{"action": "Deny", "source": source}, {"action": "Allow"}],
    },
)
"""


@pytest.mark.parametrize(
    ("made", "engine"), [(BY_CUSTOM_RESOURCE, "cilium"), (BY_A_CLASS, "calico")]
)
@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("'web'", Verdict.DENIED),
        ("'api'", Verdict.ALLOWED),
        ("Pod('x').metadata.uid", Verdict.UNDETERMINED),
    ],
    ids=["the label that is denied", "another one", "one that is not known yet"],
)
@pytest.mark.long(keep=3)
def test_a_program_that_makes_one(
    made: str, engine: str, role: str, expected: Verdict, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, PROGRAM + made.replace("ROLE", role))
    found = review(source_of_program(plan, Path()), engine)
    verdict = found.reachability.verdict("shop/web", "shop/db", IpProtocol.TCP, 80)
    assert verdict is expected
