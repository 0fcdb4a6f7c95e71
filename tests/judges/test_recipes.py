"""The situations of the network policy recipes, each verdict as their author tells it.

https://github.com/ahmetb/kubernetes-network-policy-recipes
"""

from __future__ import annotations

import pytest

from podwall.model import IpProtocol
from podwall.reachability import Reachability
from tests.judges.manifests import DATA, reach

WORLD = "0.0.0.0/0"
NOBODY, MONITOR, FOO = "default/nobody", "default/monitor", "default/foo"
WEB, APISERVER, DB = "default/web:80", "default/apiserver", "default/db:6379"
DNS = "kube-system/kube-dns:53"

TOLD = [
    pytest.param("deny-an-application", NOBODY, WEB, "denied", id="1 nobody reaches a closed pod"),
    pytest.param(
        "limit-an-application", NOBODY, "default/api:80", "denied", id="2 a stranger is kept out"
    ),
    pytest.param(
        "limit-an-application",
        "default/frontend",
        "default/api:80",
        "allowed",
        id="2 another pod of the application is let in",
    ),
    pytest.param(
        "deny-an-application open-an-application",
        NOBODY,
        WEB,
        "allowed",
        id="2a a rule for everyone makes the denial void",
    ),
    pytest.param(
        "open-an-application", "dev/guest", WEB, "allowed", id="2a also for other namespaces"
    ),
    pytest.param("deny-a-namespace", NOBODY, WEB, "denied", id="3 pods of a closed namespace"),
    pytest.param("deny-a-namespace", "dev/guest", WEB, "denied", id="3 and those of others"),
    pytest.param("deny-other-namespaces", "dev/guest", WEB, "denied", id="4 others are kept out"),
    pytest.param("deny-other-namespaces", NOBODY, WEB, "allowed", id="4 neighbours are let in"),
    pytest.param("open-to-all-namespaces", "dev/guest", WEB, "allowed", id="5 any namespace"),
    pytest.param("open-to-all-namespaces", NOBODY, WEB, "allowed", id="5 the own one as well"),
    pytest.param("open-to-a-namespace", "dev/guest", WEB, "denied", id="6 testing is kept out"),
    pytest.param("open-to-a-namespace", "prod/guest", WEB, "allowed", id="6 production is let in"),
    pytest.param("open-to-pods-elsewhere", NOBODY, WEB, "denied", id="7 neither label"),
    pytest.param("open-to-pods-elsewhere", MONITOR, WEB, "denied", id="7 the pod's label alone"),
    pytest.param(
        "open-to-pods-elsewhere", "other/guest", WEB, "denied", id="7 the namespace's label alone"
    ),
    pytest.param("open-to-pods-elsewhere", "other/monitor", WEB, "allowed", id="7 both labels"),
    pytest.param("open-to-either", "other/guest", WEB, "allowed", id="7 or: a namespace's label"),
    pytest.param("open-to-either", MONITOR, WEB, "allowed", id="7 or: a neighbour's label"),
    pytest.param("open-to-either", NOBODY, WEB, "denied", id="7 or: neither label"),
    pytest.param(
        "deny-a-namespace open-to-the-world", WORLD, WEB, "allowed", id="8 the internet is let in"
    ),
    pytest.param("deny-a-namespace", WORLD, WEB, "denied", id="8 which it was not before"),
    pytest.param("open-to-the-world-on-a-port", WORLD, WEB, "allowed", id="8 on port 80"),
    pytest.param(
        "open-to-the-world-on-a-port", WORLD, "default/web:81", "denied", id="8 and no other port"
    ),
    *(
        pytest.param(policy, who, f"{APISERVER}:{port}", verdict, id=f"9 {policy}: {title}")
        for policy in ("open-a-port", "open-a-named-port")
        for who, port, verdict, title in (
            (NOBODY, 8000, "denied", "a stranger gets no page"),
            (NOBODY, 5000, "denied", "a stranger gets no metrics"),
            (MONITOR, 8000, "denied", "the monitor gets no page"),
            (MONITOR, 5000, "allowed", "the monitor gets metrics"),
        )
    ),
    pytest.param("open-to-several", "default/catalog", DB, "allowed", id="10 catalog is listed"),
    pytest.param("open-to-several", "default/search", DB, "allowed", id="10 search is listed"),
    pytest.param("open-to-several", "default/api", DB, "allowed", id="10 api is listed"),
    pytest.param("open-to-several", NOBODY, DB, "denied", id="10 another pod is not"),
    pytest.param("deny-what-an-application-sends", FOO, WEB, "denied", id="11 no neighbour"),
    pytest.param("deny-what-an-application-sends", FOO, DNS, "denied", id="11 no name server"),
    pytest.param("deny-all-but-names", FOO, DNS, "allowed", id="11 names over TCP"),
    pytest.param("deny-all-but-names", FOO, f"{DNS}/UDP", "allowed", id="11 names over UDP"),
    pytest.param("deny-all-but-names", FOO, WEB, "denied", id="11 names, but no neighbour"),
    pytest.param("deny-all-but-names", FOO, f"{WORLD}:80", "denied", id="11 nor the internet"),
    pytest.param("deny-what-a-namespace-sends", NOBODY, DNS, "denied", id="12 no name server"),
    pytest.param("deny-what-a-namespace-sends", NOBODY, f"{WORLD}:80", "denied", id="12 no site"),
    pytest.param("deny-what-a-namespace-sends", "dev/guest", WEB, "allowed", id="12 one direction"),
    pytest.param("stay-in-the-cluster", FOO, WEB, "allowed", id="14 the cluster is reached"),
    pytest.param("stay-in-the-cluster", FOO, DNS, "allowed", id="14 its name server too"),
    pytest.param("stay-in-the-cluster", FOO, f"{WORLD}:80", "denied", id="14 the internet is not"),
]
"""The number is that of the recipe. Recipe 14 tells that pods of the cluster are reached, which its
manifest (that of recipe 11) does not allow any more; ours says what it tells."""


@pytest.mark.parametrize(("policies", "source", "destination", "verdict"), TOLD)
def test_the_recipe_and_the_analysis_agree(
    policies: str, source: str, destination: str, verdict: str
) -> None:
    files = [f"recipes/{name}.yaml" for name in ("cluster", *policies.split())]
    assert _verdict(reach(*files), source, destination) == verdict


def test_without_a_recipe_everything_passes() -> None:
    found = reach("recipes/cluster.yaml")
    told = {_verdict(found, each.values[1], each.values[2]) for each in TOLD}  # type: ignore[arg-type]  # strings
    assert told == {"allowed"}


def test_every_recipe_is_told() -> None:
    told = {name for each in TOLD for name in str(each.values[0]).split()}
    assert {"cluster", *told} == {file.stem for file in (DATA / "recipes").iterdir()}


def _verdict(found: Reachability, source: str, destination: str) -> str:
    """Return the verdict on a destination such as `default/web:80/TCP`, TCP if not told."""
    name, _, port = destination.rpartition(":")
    number, _, protocol = port.partition("/")
    return str(found.verdict(source, name, IpProtocol(protocol or "TCP"), int(number)))
