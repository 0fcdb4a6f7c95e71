"""The parts of a document, as the API server validates them: shapes, label selectors, ports, peers.

A mapping, a list or a text may be known only later. Every check is a generator of findings and
never raises. Paths are relative to the document.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final

from podwall.policies.addresses import CIDR_EXAMPLE, Cidr, parse_cidr
from podwall.policies.errors import Finding, Place, Severity, Unknown
from podwall.policies.labels import Operator
from podwall.policies.ports import FIRST_PORT, LAST_PORT, Protocol
from podwall.policies.syntax import (
    label_key_problem,
    label_value_problem,
    port_name_help,
    port_name_problem,
)
from podwall.policies.wording import did_you_mean, shown

__all__ = [
    "SELECTOR",
    "Check",
    "Findings",
    "as_list",
    "as_mapping",
    "as_text",
    "check_labels",
    "check_number",
    "check_peer",
    "check_port",
    "check_protocol",
    "check_selector",
    "entry",
    "error",
    "fields_of",
    "items_of",
    "note",
    "repeated",
    "whole_number",
    "wrong_type",
]


#: No peer and no port is nested deeper; below, a document is junk that must not exhaust the stack.
_DEEPEST: Final = 6
_ATOMS: Final = (str, int, float, type(None))


def repeated(items: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Yield the index of every element that is there before, with the index of the first.

    >>> list(repeated(["a", {"b": [1]}, "a", {"b": [1]}]))
    [(2, 0), (3, 1)]
    """
    seen: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        first = seen.setdefault(_hashable(item), index)
        if first != index:
            yield index, first


def _hashable(value: object, depth: int = _DEEPEST) -> Hashable:
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, dict) and depth:
        return frozenset([(key, _hashable(each, depth - 1)) for key, each in value.items()])
    if isinstance(value, list) and depth:
        return tuple([_hashable(each, depth - 1) for each in value])
    # Two values that are not known yet need not be the same, even with one cause.
    return id(value)


Findings = Iterator[Finding]
Check = Callable[[Any, str], Findings]

#: The common type comes first: asking the abstract one is slow.
_MAPPINGS: Final = (dict, Mapping)
_LISTS: Final = (list, tuple)
_REFERENCE: Final = (
    "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/"
)


def error(id_: str, path: str, message: str, help_: str = "") -> Finding:
    """Return a finding that the API server refuses the document for."""
    return Finding(id_, Severity.ERROR, message, Place(path=path), help_, _REFERENCE)


def note(
    id_: str, path: str, message: str, help_: str = "", severity: Severity = Severity.WARNING
) -> Finding:
    """Return a finding about something legal that is easily misread."""
    return Finding(id_, severity, message, Place(path=path), help_, _REFERENCE)


def wrong_type(value: object, path: str, wanted: str, help_: str = "") -> Finding:
    """Return the finding that a value is of another type than the field."""
    return error("wrong-type", path, f"{shown(value)} is not {wanted}", help_)


def as_mapping(
    value: object,
    path: str,
    known: frozenset[str] | None,
    check: Callable[[Mapping[str, Any], str], Findings],
) -> Findings:
    """Check a mapping and its fields; null and a missing value are an empty one.

    `known` are the fields that Kubernetes knows; None where keys are free, as in labels.
    """
    if isinstance(value, _MAPPINGS):
        if known is not None and not value.keys() <= known:
            yield from _unknown_fields(value, path, known)
        yield from check(value, path)
    elif value is None:
        yield from check({}, path)
    elif not isinstance(value, Unknown):
        yield wrong_type(value, path, "a mapping")


def as_list(value: object, path: str, check: Check) -> Findings:
    """Check every element of a list; null and a missing value are an empty one."""
    if isinstance(value, _LISTS):
        for index, item in enumerate(value):
            yield from check(item, f"{path}[{index}]")
        if len(value) > 1:
            yield from _repetitions(value, path)
    elif value is not None and not isinstance(value, Unknown):
        yield wrong_type(value, path, "a list", "begin each element with `- `")


def as_text(value: object, path: str, problem_of: Callable[[str], str | None]) -> Findings:
    """Check the spelling of a text."""
    if isinstance(value, str):
        if problem := problem_of(value):
            yield error("invalid-text", path, f"{shown(value)} {problem}")
    elif not isinstance(value, Unknown):
        yield wrong_type(value, path, "a text", _quotes(value))


def fields_of(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and anything else as an empty one."""
    return value if isinstance(value, _MAPPINGS) else {}


def items_of(value: object) -> Sequence[Any]:
    """Return a list as it is, and anything else as an empty one."""
    return value if isinstance(value, _LISTS) else ()


def entry(path: str, key: object) -> str:
    """Return the path of a mapping's entry, whatever its key is."""
    return f"{path}[{shown(key)[1:-1]}]"


def _quotes(value: object) -> str:
    return f"did you mean {shown(value)} in quotes?" if isinstance(value, int | float) else ""


def _unknown_fields(given: Mapping[str, Any], path: str, known: frozenset[str]) -> Findings:
    for name in given:
        # Pulumi keeps its own fields, such as `__fieldManager`, beside those of Kubernetes.
        if name not in known and not str(name).startswith("__"):
            yield note(
                "unknown-field",
                f"{path}.{shown(name)[1:-1]}".strip("."),
                f"Kubernetes does not know the field {shown(name)} and ignores it",
                did_you_mean(name, sorted(known)),
            )


def _repetitions(items: Sequence[object], path: str) -> Findings:
    for index, first in repeated(items):
        yield note(
            "repetition",
            f"{path}[{index}]",
            f"the same is already in `{path}[{first}]`",
            "remove one of the two",
            Severity.INFO,
        )


#: The fields of a label selector.
SELECTOR: Final = frozenset({"matchLabels", "matchExpressions"})
_REQUIREMENT: Final = frozenset({"key", "operator", "values"})
_OPERATORS: Final = tuple(str(operator) for operator in Operator)
_WITH_VALUES: Final = (Operator.IN, Operator.NOT_IN)
_WITHOUT_VALUES: Final = (Operator.EXISTS, Operator.DOES_NOT_EXIST)


def check_selector(selector: Mapping[str, Any], path: str) -> Findings:
    """Yield what is wrong with a label selector."""
    if (labels := selector.get("matchLabels")) is not None:
        yield from as_mapping(labels, f"{path}.matchLabels", None, check_labels)
    if (requirements := selector.get("matchExpressions")) is not None:
        yield from as_list(requirements, f"{path}.matchExpressions", _check_requirement)


def check_labels(labels: Mapping[Any, Any], path: str) -> Findings:
    """Yield what is wrong with labels."""
    for key, value in labels.items():
        if not (isinstance(key, str) and label_key_problem(key) is None):
            yield from as_text(key, path, label_key_problem)
        if not (value is None or (isinstance(value, str) and label_value_problem(value) is None)):
            yield from as_text(value, entry(path, key), label_value_problem)


def _check_requirement(requirement: object, path: str) -> Findings:
    yield from as_mapping(requirement, path, _REQUIREMENT, _check_requirement_fields)


def _check_requirement_fields(requirement: Mapping[str, Any], path: str) -> Findings:
    yield from as_text(requirement.get("key") or "", f"{path}.key", label_key_problem)
    operator = requirement.get("operator")
    values = requirement.get("values")
    if operator not in _OPERATORS and not isinstance(operator, Unknown):
        yield _bad_operator(operator, f"{path}.operator")
    if operator in _WITH_VALUES and not (values or isinstance(values, Unknown)):
        yield _values_missing(f"{path}.values")
    if operator in _WITHOUT_VALUES and values and not isinstance(values, Unknown):
        yield _values_forbidden(operator, f"{path}.values")
    yield from as_list(values, f"{path}.values", _check_value)


def _bad_operator(operator: object, path: str) -> Finding:
    problem = "is missing" if operator is None else f"{shown(operator)} is not an operator"
    return error("invalid-operator", path, problem, did_you_mean(operator, _OPERATORS))


def _values_missing(path: str) -> Finding:
    return error(
        "values-required",
        path,
        "`In` and `NotIn` need at least one value",
        "to ask only whether the label is there, use `Exists` or `DoesNotExist`",
    )


def _values_forbidden(operator: object, path: str) -> Finding:
    return error(
        "values-forbidden",
        path,
        f"{shown(operator)} takes no values",
        "to compare values, use `In` or `NotIn`",
    )


def _check_value(value: object, path: str) -> Findings:
    if value is not None:
        yield from as_text(value, path, label_value_problem)


_PROTOCOLS: Final = tuple(str(protocol) for protocol in Protocol)
_PORT: Final = frozenset({"protocol", "port", "endPort"})


def check_port(entry: object, path: str) -> Findings:
    """Yield what is wrong with one element of `ports`."""
    yield from as_mapping(entry, path, _PORT, _check_port_fields)


def whole_number(value: object) -> int | None:
    """Return the number that JSON means, also where it is written as `80.0`; None for all else.

    >>> whole_number(80.0), whole_number(True), whole_number("80")
    (80, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


def _check_port_fields(entry: Mapping[str, Any], path: str) -> Findings:
    port, end_port = entry.get("port"), entry.get("endPort")
    yield from check_protocol(entry.get("protocol"), f"{path}.protocol")
    if port is not None:
        yield from _check_port_value(port, f"{path}.port")
    if end_port is not None and not isinstance(end_port, Unknown):
        yield from _check_end(port, end_port, f"{path}.endPort")


def check_protocol(protocol: object, path: str) -> Findings:
    """Yield a finding if a protocol is none that ports have; one that is left out is TCP."""
    if protocol is not None and protocol not in _PROTOCOLS and not isinstance(protocol, Unknown):
        yield error(
            "invalid-protocol",
            path,
            f"{shown(protocol)} is not a protocol of ports",
            did_you_mean(protocol, _PROTOCOLS),
        )


def _check_port_value(port: object, path: str) -> Findings:
    if isinstance(port, str):
        if problem := port_name_problem(port):
            yield error(
                "invalid-port-name",
                path,
                f"{shown(port)} is not a port name: it {problem}",
                port_name_help(port),
            )
    elif not isinstance(port, Unknown):
        yield from check_number(port, path)


def check_number(value: object, path: str) -> Findings:
    """Yield a finding if a value is no port number."""
    if isinstance(value, Unknown):
        return
    number = whole_number(value)
    if number is None:
        yield wrong_type(value, path, "a whole number")
    elif not FIRST_PORT <= number <= LAST_PORT:
        every = "; for every port, leave `port` out" if number == 0 else ""
        yield error(
            "invalid-port",
            path,
            f"{shown(value)} is not a port number",
            f"port numbers are from {FIRST_PORT} to {LAST_PORT}{every}",
        )


def _check_end(port: object, end_port: object, path: str) -> Findings:
    yield from check_number(end_port, path)
    first, last = whole_number(port), whole_number(end_port)
    if port is None or isinstance(port, str):
        yield _end_without_number(port, end_port, path)
    elif first is not None and last is not None and last < first:
        yield error(
            "reversed-range",
            path,
            f"{shown(end_port)} is below `port`, which is {shown(port)}",
            "swap the two",
        )


def _end_without_number(port: object, end_port: object, path: str) -> Finding:
    problem = "is missing" if port is None else "is a name"
    return error(
        "end-port-without-number",
        path,
        f"{shown(end_port)} ends a range whose `port` {problem}",
        "begin the range with a number in `port`",
    )


_SELECTORS: Final = ("podSelector", "namespaceSelector")
_PEER: Final = frozenset({"podSelector", "namespaceSelector", "ipBlock"})
_BLOCK: Final = frozenset({"cidr", "except"})


def check_peer(peer: object, path: str) -> Findings:
    """Yield what is wrong with one element of `from` or `to`."""
    yield from as_mapping(peer, path, _PEER, _check_peer_fields)


def _check_peer_fields(peer: Mapping[str, Any], path: str) -> Findings:
    selectors = [name for name in _SELECTORS if peer.get(name) is not None]
    block = peer.get("ipBlock")
    for name in selectors:
        yield from as_mapping(peer[name], f"{path}.{name}", SELECTOR, check_selector)
    if block is not None:
        yield from as_mapping(block, f"{path}.ipBlock", _BLOCK, _check_block)
    elif not selectors:
        yield error(
            "empty-peer",
            path,
            "the peer has no `podSelector`, no `namespaceSelector` and no `ipBlock`",
            "for every pod of every namespace, write `namespaceSelector: {}`",
        )
    # A selector that is known only after deployment may turn out to be absent.
    known = [name for name in selectors if not isinstance(peer[name], Unknown)]
    if known and block is not None and not isinstance(block, Unknown):
        yield error(
            "block-with-selector",
            path,
            f"`ipBlock` and `{known[0]}` are given together",
            "make them two elements of the list",
        )


def _check_block(block: Mapping[str, Any], path: str) -> Findings:
    cidr = block.get("cidr")
    if cidr is None or cidr == "":
        yield error("cidr-required", f"{path}.cidr", "`cidr` is missing", CIDR_EXAMPLE)
    else:
        yield from _check_cidr(cidr, f"{path}.cidr")
    exceptions = block.get("except")
    yield from as_list(exceptions, f"{path}.except", _check_cidr)
    outer = parse_cidr(cidr) if isinstance(cidr, str) else None
    if outer is None or not isinstance(exceptions, list | tuple):
        return
    for index, exception in enumerate(exceptions):
        inner = parse_cidr(exception) if isinstance(exception, str) else None
        if inner and not inner.is_except_of(outer):
            yield error(
                "except-outside",
                f"{path}.except[{index}]",
                f"{shown(exception)} is not strictly inside {shown(cidr)}",
                "an exception is a smaller block inside the CIDR",
            )


def _check_cidr(text: object, path: str) -> Findings:
    if not isinstance(text, str):
        if not isinstance(text, Unknown):
            yield wrong_type(text, path, "a CIDR", CIDR_EXAMPLE)
        return
    cidr = parse_cidr(text)
    if cidr is None:
        yield error("invalid-cidr", path, f"{shown(text)} is not a CIDR", CIDR_EXAMPLE)
    elif cidr.has_host_bits or not cidr.is_standard:
        yield from _masked(text, cidr, path)


#: `StrictIPCIDRValidation`; a stored policy keeps its CIDRs until an update changes them.
#: https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
_REFUSED_WHEN_NEW: Final = "Kubernetes from 1.36 on refuses it in a new policy"


def _masked(text: str, cidr: Cidr, path: str) -> Findings:
    if cidr.has_host_bits:
        yield note(
            "cidr-host-bits",
            path,
            f"{shown(text)} has host bits set, and is read as `{cidr.network}`; "
            f"{_REFUSED_WHEN_NEW}",
            f"write `{cidr.network}`: engines have disagreed on what host bits mean",
        )
    if not cidr.is_standard:
        yield note(
            "cidr-not-standard",
            path,
            f"{shown(text)} is not written as addresses are, and is read as `{cidr.network}`; "
            f"{_REFUSED_WHEN_NEW}",
            f"write `{cidr.network}`",
        )
