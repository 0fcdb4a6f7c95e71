"""What the API server refuses of a ClusterNetworkPolicy or one of its predecessors.

A transcription of the schemas of their definitions; a value that is known only after deployment is
never refused.

https://github.com/kubernetes-sigs/network-policy-api/tree/main/config/crd/experimental
https://github.com/kubernetes-sigs/network-policy-api/tree/v0.1.7/config/crd/experimental
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from podwall.policies.addresses import CIDR_EXAMPLE, parse_cidr
from podwall.policies.errors import Finding, Unknown
from podwall.policies.syntax import dns_subdomain_problem
from podwall.policies.validation import check_metadata
from podwall.policies.validation.parts import (
    SELECTOR,
    Check,
    Findings,
    as_list,
    as_mapping,
    as_text,
    check_number,
    check_protocol,
    check_selector,
    error,
    fields_of,
    items_of,
    whole_number,
    wrong_type,
)
from podwall.policies.wording import did_you_mean, shown
from podwall.quick_dataclass import dataclass
from podwall.reading.metadata import ManifestObject
from podwall.reading.tier_policies import CLUSTER, PEERS, PORTS, PROTOCOLS

__all__ = ["tier_refusals"]

_DOC: Final = "https://network-policy-api.sigs.k8s.io/api-overview/"
_LAST_PRIORITY: Final = 1000
_LONGEST_NAME: Final = 100
_MOST_NETWORKS: Final = 25
_TIERS: Final = ("Admin", "Baseline")
_INGRESS_PEERS: Final = ("namespaces", "pods")


_FieldCheck = Callable[[str, object, str], Findings]


@dataclass(frozen=True, slots=True)
class _Schema:
    """In what the kinds differ: `most` rules, peers and ports of each list."""

    actions: tuple[str, ...]
    most: int
    ports_field: str
    has_priority: bool = True
    name: str = ""


_SCHEMAS: Final = {
    CLUSTER: _Schema(("Accept", "Deny", "Pass"), 25, "protocols"),
    "AdminNetworkPolicy": _Schema(("Allow", "Deny", "Pass"), 100, "ports"),
    "BaselineAdminNetworkPolicy": _Schema(
        ("Allow", "Deny"), 100, "ports", has_priority=False, name="default"
    ),
}


def tier_refusals(item: ManifestObject) -> Iterator[Finding]:
    """Yield what the API server would refuse of a policy with a tier."""
    schema = _SCHEMAS[item.kind]
    for finding in _of_parts(item.manifest, schema):
        yield replace(finding, place=item.place.at(finding.place.path), link=_DOC)


def _of_parts(manifest: Mapping[str, Any], schema: _Schema) -> Findings:
    metadata = partial(check_metadata, name_problem=dns_subdomain_problem)
    yield from as_mapping(manifest.get("metadata"), "metadata", None, metadata)
    name = fields_of(manifest.get("metadata")).get("name")
    if schema.name and isinstance(name, str) and name != schema.name:
        message = f"{shown(name)} is not `{schema.name}`, the only name that it may have"
        yield error("invalid-name", "metadata.name", message, f"name it `{schema.name}`")
    known = {"subject", "ingress", "egress"} | ({"priority"} if schema.has_priority else set())
    known |= {"tier"} if schema.ports_field == "protocols" else set()
    check = partial(_spec, schema)
    yield from as_mapping(manifest.get("spec"), "spec", frozenset(known), check)


def _spec(schema: _Schema, spec: Mapping[str, Any], path: str) -> Findings:
    if schema.ports_field == "protocols":
        yield from _word(spec.get("tier"), f"{path}.tier", _TIERS)
    if schema.has_priority:
        yield from _priority(spec.get("priority"), f"{path}.priority")
    yield from _one_of(spec.get("subject"), f"{path}.subject", _INGRESS_PEERS, _pods_of)
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        rules = spec.get(direction)
        yield from _at_most(rules, f"{path}.{direction}", schema.most)
        yield from as_list(rules, f"{path}.{direction}", partial(_rule, schema, peers))


def _word(value: object, path: str, words: Sequence[str]) -> Findings:
    """Check a text that is one of a few words, and has to be there."""
    if value in words or isinstance(value, Unknown):
        return
    field = path.rpartition(".")[2]
    if value is None:
        help_ = f"write one of {', '.join(words)}"
        yield error(f"{field}-required", path, f"`{field}` is missing", help_)
    else:
        message = f"{shown(value)} is none of {', '.join(words)}"
        yield error(f"invalid-{field}", path, message, did_you_mean(value, words))


def _priority(value: object, path: str) -> Findings:
    if isinstance(value, Unknown):
        return
    number = whole_number(value)
    if value is None:
        yield error("priority-required", path, "`priority` is missing", "the least comes first")
    elif number is None:
        yield wrong_type(value, path, "a whole number")
    elif not 0 <= number <= _LAST_PRIORITY:
        message = f"{shown(value)} is not within 0 to {_LAST_PRIORITY}"
        yield error("invalid-priority", path, message, "the least comes first")


def _at_most(value: object, path: str, most: int) -> Findings:
    if len(items_of(value)) > most:
        message = f"there are {len(items_of(value))} elements, and at most {most} may be"
        yield error("too-many", path, message, "make several policies of them")


def _one_of(value: object, path: str, fields: Sequence[str], check: _FieldCheck) -> Findings:
    """Check a mapping that has exactly one of some fields."""
    if isinstance(value, Unknown):
        return
    yield from as_mapping(value, path, frozenset(fields), partial(_only_field, fields, check))


def _only_field(
    fields: Sequence[str], check: _FieldCheck, node: Mapping[str, Any], path: str
) -> Findings:
    given = [name for name in fields if node.get(name) is not None]
    listed = " or ".join(f"`{name}`" for name in fields)
    if not given:
        yield error("empty-choice", path, f"it has no {listed}", "choose one of them")
    elif len(given) > 1 and not any(isinstance(node[name], Unknown) for name in given):
        both = f"`{given[0]}` and `{given[1]}` are given together"
        yield error("two-choices", path, both, "make them two elements of the list")
    for name in given:
        yield from check(name, node[name], f"{path}.{name}")


def _pods_of(name: str, value: object, path: str) -> Findings:
    """Check `namespaces`, `pods` or `nodes`."""
    if name == "pods":
        known = frozenset({"namespaceSelector", "podSelector"})
        yield from as_mapping(value, path, known, _pods_fields)
    else:
        yield from as_mapping(value, path, SELECTOR, check_selector)


def _pods_fields(pods: Mapping[str, Any], path: str) -> Findings:
    if pods.get("podSelector") is None:
        at = f"{path}.podSelector"
        yield error("selector-required", at, "`podSelector` is missing", "`{}` chooses every pod")
    for name in ("namespaceSelector", "podSelector"):
        yield from as_mapping(pods.get(name), f"{path}.{name}", SELECTOR, check_selector)


def _rule(schema: _Schema, peers: str, rule: object, path: str) -> Findings:
    known = frozenset({"name", "action", peers, schema.ports_field})
    yield from as_mapping(rule, path, known, partial(_rule_fields, schema, peers))


def _rule_fields(schema: _Schema, peers: str, rule: Mapping[str, Any], path: str) -> Findings:
    yield from _word(rule.get("action"), f"{path}.action", schema.actions)
    if rule.get("name") is not None:
        yield from as_text(rule["name"], f"{path}.name", _name_problem)
    yield from _peers(rule.get(peers), f"{path}.{peers}", schema, outgoing=peers == "to")
    yield from _ports(rule.get(schema.ports_field), f"{path}.{schema.ports_field}", schema)
    yield from _names_of_addresses(rule, path, schema)


def _name_problem(name: str) -> str | None:
    too_long = len(name) > _LONGEST_NAME
    return f"must have at most {_LONGEST_NAME} characters" if too_long else None


def _peers(value: object, path: str, schema: _Schema, *, outgoing: bool) -> Findings:
    if isinstance(value, Unknown):
        return
    if not items_of(value):
        all_pods = "`namespaces: {}` is every pod"
        yield error("peers-required", path, f"`{path.rpartition('.')[2]}` is empty", all_pods)
    yield from _at_most(value, path, schema.most)
    fields = tuple(sorted(PEERS)) if outgoing else _INGRESS_PEERS
    yield from as_list(value, path, partial(_peer, fields))


def _peer(fields: Sequence[str], peer: object, path: str) -> Findings:
    yield from _one_of(peer, path, fields, _peer_field)


def _peer_field(name: str, value: object, path: str) -> Findings:
    if name in {"networks", "domainNames"}:
        if not isinstance(value, Unknown) and not items_of(value):
            yield error(f"{name}-required", path, f"`{name}` is empty", "name at least one")
        yield from _at_most(value, path, _MOST_NETWORKS)
        yield from as_list(value, path, _network if name == "networks" else _domain)
    else:
        yield from _pods_of(name, value, path)


def _network(value: object, path: str) -> Findings:
    if isinstance(value, Unknown):
        return
    cidr = parse_cidr(value) if isinstance(value, str) else None
    if cidr is None:
        yield error("invalid-cidr", path, f"{shown(value)} is not a CIDR", CIDR_EXAMPLE)
    elif cidr.has_host_bits or not cidr.is_standard:
        message = f"{shown(value)} is not the beginning of its block"
        yield error("invalid-cidr", path, message, f"write `{cidr.network}`")


def _domain(value: object, path: str) -> Findings:
    yield from as_text(value, path, _domain_problem)


def _domain_problem(name: str) -> str | None:
    labels = name.removeprefix("*.").removesuffix(".").split(".")
    fine = len(labels) > 1 and all(each.replace("-", "a").replace("_", "a").isalnum()
                                   for each in labels)  # fmt: skip
    return None if fine else "must be a name such as `example.org` or `*.example.org`"


def _ports(value: object, path: str, schema: _Schema) -> Findings:
    if value is None or isinstance(value, Unknown):
        return
    if schema.ports_field == "protocols" and isinstance(value, list | tuple) and not value:
        yield error("protocols-required", path, "`protocols` is empty", "leave it out for all")
    yield from _at_most(value, path, schema.most)
    yield from as_list(value, path, _protocol if schema.ports_field == "protocols" else _port)


def _protocol(value: object, path: str) -> Findings:
    yield from _one_of(value, path, tuple(sorted(PROTOCOLS)), _protocol_field)


def _protocol_field(name: str, value: object, path: str) -> Findings:
    if name == "destinationNamedPort":
        yield from as_text(value, path, lambda _: None)
    else:
        yield from as_mapping(value, path, frozenset({"destinationPort"}), _transport)


def _transport(node: Mapping[str, Any], path: str) -> Findings:
    if not node:
        every = "the definition demands `destinationPort` here"
        yield error("empty-choice", path, every, "to match every port, use a range 1 to 65535")
    elif node.get("destinationPort") is not None:
        at = f"{path}.destinationPort"
        yield from _one_of(node["destinationPort"], at, ("number", "range"), _numbers)


def _numbers(name: str, value: object, path: str) -> Findings:
    if name == "number":
        yield from check_number(value, path)
    else:
        yield from as_mapping(value, path, frozenset({"start", "end"}), _range)


def _range(node: Mapping[str, Any], path: str) -> Findings:
    for name in ("start", "end"):
        if node.get(name) is None:
            yield error("range-incomplete", f"{path}.{name}", f"`{name}` is missing")
        elif not isinstance(node[name], Unknown):
            yield from check_number(node[name], f"{path}.{name}")
    start, end = (whole_number(node.get(name)) for name in ("start", "end"))
    if start is not None and end is not None and start >= end:
        message = f"the range `{start}` to `{end}` does not ascend"
        yield error("invalid-range", path, message, "write one port as a `number`")


def _port(value: object, path: str) -> Findings:
    yield from _one_of(value, path, tuple(sorted(PORTS)), _port_field)


def _port_field(name: str, value: object, path: str) -> Findings:
    if name == "namedPort":
        yield from as_text(value, path, lambda _: None)
        return
    numbers = {"port"} if name == "portNumber" else {"start", "end"}
    check: Check = _port_number if name == "portNumber" else _port_range
    yield from as_mapping(value, path, frozenset({"protocol", *numbers}), check)


def _port_number(node: Mapping[str, Any], path: str) -> Findings:
    yield from check_protocol(node.get("protocol"), f"{path}.protocol")
    if node.get("port") is None:
        yield error("port-required", f"{path}.port", "`port` is missing", "write its number")
    elif not isinstance(node["port"], Unknown):
        yield from check_number(node["port"], f"{path}.port")


def _port_range(node: Mapping[str, Any], path: str) -> Findings:
    yield from check_protocol(node.get("protocol"), f"{path}.protocol")
    yield from _range(node, path)


def _names_of_addresses(rule: Mapping[str, Any], path: str, schema: _Schema) -> Findings:
    """Yield a finding if a rule has both a name of ports and peers that name no port."""
    named = any(
        fields_of(each).get(key) is not None
        for each in items_of(rule.get(schema.ports_field))
        for key in ("destinationNamedPort", "namedPort")
    )
    addresses = ("networks", "nodes", "domainNames")
    peers = [fields_of(each) for each in items_of(rule.get("to"))]
    there = [key for each in peers for key in addresses if key in each]
    if named and there:
        message = f"`{there[0]}` name no ports, so that no rule may have both"
        yield error("port-name-of-addresses", path, message, "write the number of the port")
