"""What Cilium's rules mean by names: services, groups of CIDRs, and service accounts.

https://docs.cilium.io/en/stable/security/policy/language/#services-based
https://docs.cilium.io/en/stable/security/policy/kubernetes/#serviceaccounts
"""

from __future__ import annotations

import pytest

from podwall.model import IpProtocol
from podwall.reachability import ExternalRange, Verdict, reachability
from podwall.reading import Document, snapshot
from tests.core.test_cilium import (
    WORLD,
    Manifest,
    ccnp,
    cluster,
    cnp,
    denied,
    labels,
    out_of,
    pod,
    ports,
)

ACCOUNT = "io.cilium.k8s.policy.serviceaccount"


def service(**spec: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "ops"},
            "spec": {"ports": [{"port": 80}], **spec}}  # fmt: skip


def group(name: str, *cidrs: str, **own: str) -> Manifest:
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumCIDRGroup",
        "metadata": {"name": name, "labels": own},
        "spec": {"externalCIDRs": list(cidrs)},
    }


def to_services(**more: object) -> Manifest:
    named = {"k8sService": {"serviceName": "s", "namespace": "ops"}}
    return cnp("web", egress=[{"toServices": [named], **more}])


def to_group(**asked: object) -> Manifest:
    return cnp("web", egress=[{"toCIDRSet": [asked]}])


PARTNERS = group("partners", WORLD, who="us")
NOWHERE = group("nowhere", "203.0.113.0/24", who="them")


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([to_services(), service(selector={"app": "mon"})], out_of("shop/web", "ops/mon")),
        (
            [to_services(toPorts=ports("80")), service(selector={"app": "mon"})],
            out_of("shop/web", "ops/mon"),
        ),
        ([to_services(toPorts=ports("81")), service(selector={"app": "mon"})], out_of("shop/web")),
        ([to_services(), service()], f"{out_of('shop/web', WORLD)} ?shop/web>{WORLD}"),
        ([to_services()], out_of("shop/web")),
        ([to_group(cidrGroupRef="partners"), PARTNERS], out_of("shop/web", WORLD)),
        ([to_group(cidrGroupRef="others"), PARTNERS], out_of("shop/web")),
        (
            [to_group(cidrGroupSelector={"matchLabels": {"who": "us"}}), PARTNERS, NOWHERE],
            out_of("shop/web", WORLD),
        ),
        (
            [to_group(cidrGroupSelector={"matchLabels": {"who": "you"}}), PARTNERS],
            out_of("shop/web"),
        ),
        (
            [ccnp("web", egressDeny=[{"toCIDRSet": [{"cidrGroupRef": "partners"}]}],
                  enableDefaultDeny={"egress": False}), PARTNERS],
            f"shop/web>{WORLD}",
        ),
        (
            [to_group(cidrGroupRef="partners", **{"except": ["203.0.113.0/24"]}), PARTNERS],
            f"{out_of('shop/web', WORLD)} ?shop/web>{WORLD}",
        ),
    ],
    ids=[
        "a service means the pods that it selects", "on their own ports", "and on no others",
        "one that selects nobody has endpoints elsewhere", "one that is not there means nobody",
        "a group means its networks", "one that is not there means nobody, and isolates",
        "groups by labels", "of which there may be none", "a group that is denied",
        "exceptions beside a group are not understood",
    ],
)  # fmt: skip
def test_whom_names_mean(objects: list[Manifest], expected: str) -> None:
    found = reachability(cluster(*objects), "cilium")
    said = {each for each in denied(found).split() if "203.0.113" not in each}
    assert said == set(expected.split())


@pytest.mark.parametrize("rule", [to_services(), to_group(cidrGroupRef="partners")])
def test_what_may_be_elsewhere_is_undetermined(rule: Manifest) -> None:
    read = snapshot([Document(each) for each in (pod("shop/web", 1), rule)]).snapshot
    found = reachability(read, "cilium")
    outside = next(each.id for each in found.endpoints if isinstance(each, ExternalRange))
    verdict = found.verdict("shop/web", outside, IpProtocol.TCP, 80)
    assert verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (cnp(None, ingressDeny=[{"fromEndpoints": [labels("ops", **{ACCOUNT: "watcher"})]}],
             enableDefaultDeny={"ingress": False}), "ops/mon>shop/db ops/mon>shop/web"),
        (cnp(None, ingressDeny=[{"fromEndpoints": [labels("ops", **{ACCOUNT: "default"})]}],
             enableDefaultDeny={"ingress": False}), ""),
        (ccnp(None, enableDefaultDeny={"egress": False}, egressDeny=[{"toEntities": ["world"]}])
         | {"spec": {"endpointSelector": labels(**{f"k8s:{ACCOUNT}": "watcher"}),
                     "egressDeny": [{"toEntities": ["world"]}],
                     "enableDefaultDeny": {"egress": False}}}, f"ops/mon>{WORLD}"),
    ],
    ids=["as a peer", "the default one is another", "as a subject"],
)  # fmt: skip
def test_service_accounts_are_labels_of_their_pods(policy: Manifest, expected: str) -> None:
    watcher = pod("ops/mon", 4, serviceAccountName="watcher")
    found = reachability(cluster(watcher, policy), "cilium")
    assert denied(found) == expected
