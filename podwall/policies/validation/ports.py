"""Port entries of a rule, as the API server validates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podwall.policies.findings import Finding
from podwall.policies.ports import Protocol
from podwall.policies.syntax import port_name_help, port_name_problem
from podwall.policies.unknown import Unknown
from podwall.policies.validation.shapes import Findings, as_mapping, error, wrong_type
from podwall.policies.wording import did_you_mean, shown

__all__ = ["check_port", "whole_number"]

_PROTOCOLS: Final = tuple(str(protocol) for protocol in Protocol)
_PORT: Final = frozenset({"protocol", "port", "endPort"})
_LAST: Final = 65535


def check_port(entry: object, path: str) -> Findings:
    """Yield what is wrong with one element of `ports`."""
    yield from as_mapping(entry, path, _PORT, _check_fields)


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


def _check_fields(entry: Mapping[str, Any], path: str) -> Findings:
    protocol, port, end_port = entry.get("protocol"), entry.get("port"), entry.get("endPort")
    if protocol is not None and protocol not in _PROTOCOLS and not isinstance(protocol, Unknown):
        yield error(
            "invalid-protocol",
            f"{path}.protocol",
            f"{shown(protocol)} is not a protocol of a policy",
            did_you_mean(protocol, _PROTOCOLS),
        )
    if port is not None:
        yield from _check_port_value(port, f"{path}.port")
    if end_port is not None and not isinstance(end_port, Unknown):
        yield from _check_end(port, end_port, f"{path}.endPort")


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
        yield from _check_number(port, path)


def _check_number(value: object, path: str) -> Findings:
    number = whole_number(value)
    if number is None:
        yield wrong_type(value, path, "a whole number")
    elif not 1 <= number <= _LAST:
        every = "; for every port, leave `port` out" if number == 0 else ""
        yield error(
            "invalid-port",
            path,
            f"{shown(value)} is not a port number",
            f"port numbers are from 1 to {_LAST}{every}",
        )


def _check_end(port: object, end_port: object, path: str) -> Findings:
    yield from _check_number(end_port, path)
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
    said = "is missing" if port is None else "is a name"
    return error(
        "end-port-without-number",
        path,
        f"{shown(end_port)} ends a range whose `port` {said}",
        "begin the range with a number in `port`",
    )
