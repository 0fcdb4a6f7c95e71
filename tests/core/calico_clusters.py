"""Random policies of Calico's kinds, as manifests, in the vocabulary of the random clusters."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from podwall.model import Snapshot
from podwall.reading import Document, snapshot
from tests.core.clusters import BLOCKS, KEYS, NAMES, NAMESPACES, NUMBERS, VALUES

__all__ = ["random_calico", "with_calico"]

Manifest = dict[str, Any]


def random_calico(rng: Random, most: int = 4) -> list[Manifest]:
    """Return policies in one or several tiers, and sometimes a set of networks."""
    tiers = [_tier(rng, number) for number in range(rng.choice((0, 0, 1, 2)))]
    names = ["default", "default", *(each["metadata"]["name"] for each in tiers)]
    orders = rng.sample((1, 5, 10, 999, 1001, 2000, 5000), most)
    made = [
        _policy(rng, number, rng.choice(names), orders[number])
        for number in range(rng.randint(1, most))
    ]
    sets = [_set(rng)] if rng.random() < 0.4 else []
    return [*tiers, *sets, *made]


def with_calico(cluster: Snapshot, manifests: list[Manifest]) -> Snapshot:
    """Return a cluster with objects of Calico's, of which none is refused."""
    read = snapshot([Document(each) for each in manifests])
    assert [str(each) for each in read.findings] == []
    found = read.snapshot
    return replace(
        cluster,
        calico_policies=found.calico_policies,
        calico_tiers=found.calico_tiers,
        calico_sets=found.calico_sets,
    )


def _object(kind: str, name: str, spec: Manifest, **metadata: Any) -> Manifest:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def _tier(rng: Random, number: int) -> Manifest:
    spec: Manifest = {"defaultAction": rng.choice(("Deny", "Pass"))}
    if number or rng.random() < 0.8:
        spec["order"] = rng.choice((50, 2000, 900_000)) + number
    return _object("Tier", f"t{number}", spec)


def _set(rng: Random) -> Manifest:
    labels = {rng.choice(KEYS[:2]): rng.choice(VALUES)}
    spec = {"nets": rng.sample(BLOCKS[1:], rng.choice((1, 2)))}
    return _object("GlobalNetworkSet", "set", spec, labels=labels)


def _policy(rng: Random, number: int, tier: str, order: int) -> Manifest:
    wide = rng.random() < 0.5
    spec: Manifest = {"selector": _selector(rng), "tier": tier}
    if rng.random() < 0.9 or number:
        spec["order"] = order
    if wide and rng.random() < 0.4:
        spec["namespaceSelector"] = _spaces(rng)
    if rng.random() < 0.5:
        spec["types"] = rng.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
    actions = ("Allow", "Allow", "Deny", "Pass", "Log")
    for direction in ("ingress", "egress"):
        if rng.random() < 0.7:
            count = rng.randint(0, 3)
            spec[direction] = [
                _rule(rng, direction, rng.choice(actions), wide=wide) for _ in range(count)
            ]
    if rng.random() < 0.2:
        spec["types"] = ["Ingress", "Egress"]
    if wide:
        return _object("GlobalNetworkPolicy", f"p{number}", spec)
    return _object("NetworkPolicy", f"p{number}", spec, namespace=rng.choice(NAMESPACES))


def _rule(rng: Random, direction: str, action: str, *, wide: bool) -> Manifest:
    rule: Manifest = {"action": action}
    other = "source" if direction == "ingress" else "destination"
    end = _end(rng, wide=wide)
    if end:
        rule[other] = end
    if rng.random() < 0.5:
        rule["protocol"] = rng.choice(("TCP", "UDP", "SCTP"))
        if rng.random() < 0.8:
            key = "ports" if rng.random() < 0.8 else "notPorts"
            listed = [_port(rng, names=key == "ports") for _ in range(rng.choice((1, 2)))]
            rule["destination"] = {**rule.get("destination", {}), key: listed}
    elif rng.random() < 0.2:
        rule["notProtocol"] = rng.choice(("TCP", "UDP"))
    if rng.random() < 0.15:
        own = "destination" if direction == "ingress" else "source"
        key = rng.choice(("selector", "notSelector"))
        rule[own] = {**rule.get(own, {}), key: _selector(rng)}
    return rule


def _port(rng: Random, *, names: bool) -> int | str:
    if names and rng.random() < 0.3:
        return rng.choice(NAMES)
    first, last = sorted(rng.sample(NUMBERS, 2))
    return f"{first}:{last}" if rng.random() < 0.4 else first


def _end(rng: Random, *, wide: bool) -> Manifest:
    sort = rng.random()
    if sort < 0.15:
        return {}
    if sort < 0.3:
        return {rng.choice(("nets", "nets", "notNets")): rng.sample(BLOCKS, 1)}
    end: Manifest = {}
    if rng.random() < 0.7:
        end["selector"] = _selector(rng)
    if rng.random() < 0.3:
        end["notSelector"] = _selector(rng)
    if rng.random() < 0.5 or not end:
        end["namespaceSelector"] = "global()" if wide and rng.random() < 0.2 else _spaces(rng)
    return end


def _spaces(rng: Random) -> str:
    if rng.random() < 0.3:
        return "all()"
    key = rng.choice(("projectcalico.org/name", "kubernetes.io/metadata.name"))
    if rng.random() < 0.5:
        return f"{key} == '{rng.choice(NAMESPACES)}'"
    return f"{key} not in {{'x', 'y'}}" if rng.random() < 0.5 else _selector(rng)


def _selector(rng: Random, depth: int = 2) -> str:
    sort = rng.random()
    if depth and sort < 0.25:
        sign = rng.choice(("&&", "||"))
        return f"({_selector(rng, depth - 1)}) {sign} ({_selector(rng, depth - 1)})"
    if depth and sort < 0.35:
        return f"!({_selector(rng, depth - 1)})"
    key, value = rng.choice(KEYS[:2]), rng.choice(VALUES)
    both = ", ".join(f"'{each}'" for each in rng.sample(VALUES, 2))
    return rng.choice((
        "all()", f"{key} == '{value}'", f'{key} == "{value}"', f"{key} != '{value}'",
        f"has({key})", f"!has({key})", f"{key} in {{{both}}}", f"{key} not in {{{both}}}",
        f"{key} {rng.choice(('starts with', 'ends with', 'contains'))} '{value}'",
        f"{key} startswith '{value}'",
        f"projectcalico.org/namespace == '{rng.choice(NAMESPACES)}'",
        f"pcns.{key} == '{value}'",
    ))  # fmt: skip
