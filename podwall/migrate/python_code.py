"""A policy of the model as typed Python of the `policies` language."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from podwall.model import IpPeer, Operator, PodPeer, PortRule, Rule, Unknown
from podwall.reachability.namespaces import NAME_LABEL

if TYPE_CHECKING:
    from podwall.model import Peer, Policy, Requirement, Selector

__all__ = ["imports", "python_code"]

_WORD: Final = re.compile(r"\b[A-Za-z_]+\b(?!=)")
_NAMES: Final = frozenset(
    {
        "ALL_NAMESPACES",
        "ALL_PODS",
        "ALL_PORTS",
        "ALL_SCTP_PORTS",
        "ALL_TCP_PORTS",
        "ALL_UDP_PORTS",
        "ANYWHERE",
        "DENY_ALL",
        "NetworkPolicy",
        "allow_from",
        "allow_to",
        "does_not_exist",
        "exists",
        "in_",
        "ip_block",
        "namespace",
        "namespaces",
        "not_in",
        "pods",
        "sctp",
        "tcp",
        "udp",
    }
)
_OPERATORS: Final = {
    Operator.IN: "in_",
    Operator.NOT_IN: "not_in",
    Operator.EXISTS: "exists",
    Operator.DOES_NOT_EXIST: "does_not_exist",
}


def python_code(policy: Policy) -> str:
    """Return the expression that makes a policy; parts that are not known yet are left out.

    >>> from podwall.model import Policy, Selector
    >>> print(python_code(Policy("shop", "deny", Selector(), ingress=())))
    NetworkPolicy(
        name="deny",
        namespace="shop",
        pod_selector=ALL_PODS,
        ingress=DENY_ALL,
    )
    """
    lines = [
        f"name={_text(policy.name)},",
        f"namespace={_text(str(policy.namespace))},",
        f"pod_selector={_pods(policy.pod_selector)},",
    ]
    for side, verb, rules in (
        ("ingress", "allow_from", policy.ingress),
        ("egress", "allow_to", policy.egress),
    ):
        if isinstance(rules, tuple):
            lines += _side(side, [_rule(each, verb) for each in rules if isinstance(each, Rule)])
    return "\n".join(["NetworkPolicy(", *(f"    {line}" for line in lines), ")"])


def imports(code: str) -> str:
    """Return the import statement of the names of the language that some code mentions.

    >>> imports('pods(app="web")')
    'from policies import pods'
    """
    without_texts = re.sub(r'"(\\.|[^"])*"', "", code)
    used = sorted(_NAMES & set(_WORD.findall(without_texts)))
    return f"from policies import {', '.join(used)}"


def _side(side: str, rules: list[str]) -> list[str]:
    if not rules:
        return [f"{side}=DENY_ALL,"]
    return [f"{side}=[", *(f"    {rule}," for rule in rules), "],"]


def _rule(rule: Rule, verb: str) -> str:
    peers = "ANYWHERE"
    if isinstance(rule.peers, tuple):
        peers = ", ".join(_peer(each) for each in rule.peers if not isinstance(each, Unknown))
    return f"{verb}({peers}, ports={_ports(rule)})"


def _peer(peer: Peer) -> str:
    if isinstance(peer, IpPeer):
        exceptions = ", ".join(_text(str(each)) for each in peer.exceptions)
        written = f", except_=[{exceptions}]" if exceptions else ""
        return f"ip_block({_text(str(peer.network))}{written})"
    assert isinstance(peer, PodPeer)
    if peer.namespaces is None:
        return _pods(peer.pods)
    there = _namespaces(peer.namespaces)
    return f"{there}.pods({_conditions(peer.pods)})" if peer.pods.requirements else there


def _namespaces(selector: Selector) -> str:
    match selector.requirements:
        case ():
            return "ALL_NAMESPACES"
        case (only,) if only.key == NAME_LABEL and _is_label(only):
            return f"namespace({_text(only.values[0])})"
        case _:
            return f"namespaces({_conditions(selector)})"


def _pods(selector: Selector) -> str:
    return f"pods({_conditions(selector)})" if selector.requirements else "ALL_PODS"


def _conditions(selector: Selector) -> str:
    labels: dict[str, str] = {}
    others: dict[str, None] = {}
    for each in selector.requirements:
        if _is_label(each) and labels.setdefault(each.key, each.values[0]) == each.values[0]:
            continue
        others[_requirement(each)] = None
    parts = list(others)
    if all(key.isidentifier() for key in labels):
        parts += [f"{key}={_text(value)}" for key, value in labels.items()]
    else:
        parts.insert(0, json.dumps(labels, ensure_ascii=False))
    return ", ".join(parts)


def _is_label(requirement: Requirement) -> bool:
    return requirement.operator is Operator.IN and len(requirement.values) == 1


def _requirement(requirement: Requirement) -> str:
    arguments = ", ".join(map(_text, (requirement.key, *requirement.values)))
    return f"{_OPERATORS[requirement.operator]}({arguments})"


def _ports(rule: Rule) -> str:
    if not isinstance(rule.ports, tuple):
        return "ALL_PORTS"
    return " | ".join(_port(each) for each in rule.ports if isinstance(each, PortRule))


def _port(entry: PortRule) -> str:
    protocol = str(entry.protocol)
    if entry.port is None:
        return f"ALL_{protocol}_PORTS"
    number = _text(entry.port) if isinstance(entry.port, str) else str(entry.port)
    last = f", end_port={entry.end_port}" if isinstance(entry.end_port, int) else ""
    return f"{protocol.lower()}({number}{last})"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
