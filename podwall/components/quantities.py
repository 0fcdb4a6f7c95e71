"""Processor and memory quantities, as Kubernetes writes and compares them.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from podwall.components.checks import refused
from podwall.policies.syntax import shown

__all__ = ["Resources", "amount"]

_QUANTITY = re.compile(r"(\d+|\d+\.\d*|\.\d+)(m|[kMGTPE]|[KMGTPE]i)?")
_BINARY = {f"{letter}i": Decimal(1024) ** (n + 1) for n, letter in enumerate("KMGTPE")}
_DECIMAL = {letter: Decimal(1000) ** (n + 1) for n, letter in enumerate("kMGTPE")}
_SUFFIXES = {"": Decimal(1), "m": Decimal("0.001"), **_DECIMAL, **_BINARY}


def amount(quantity: str, path: str = "quantity") -> Decimal:
    """Return a quantity in its base unit: processors, or bytes.

    >>> amount("100m"), amount("1Ki")
    (Decimal('0.100'), Decimal('1024'))
    >>> amount("100 MB")
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: quantity: `100 MB` is not a quantity
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise refused(path, f"{shown(quantity)} is not a quantity", "such as `100m` or `128Mi`")
    return Decimal(match[1]) * _SUFFIXES[match[2] or ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What each container is promised (requests) and may not exceed (limits).

    Requests below 100m and 100Mi are refused: deployment safeguards of AKS raise them behind the
    program's back, and every later preview would show a difference.
    Source: https://learn.microsoft.com/azure/aks/deployment-safeguards
    """

    cpu_request: str = "100m"
    memory_request: str = "128Mi"
    cpu_limit: str = "500m"
    memory_limit: str = "256Mi"

    def __post_init__(self) -> None:
        """Check that each request is enough and not above its limit."""
        _check_pair(self.cpu_request, self.cpu_limit, "cpu", least="100m")
        _check_pair(self.memory_request, self.memory_limit, "memory", least="100Mi")

    @property
    def requirements(self) -> dict[str, dict[str, str]]:
        """Return the `resources` of a container."""
        return {
            "requests": {"cpu": self.cpu_request, "memory": self.memory_request},
            "limits": {"cpu": self.cpu_limit, "memory": self.memory_limit},
        }


def _check_pair(request: str, limit: str, name: str, *, least: str) -> None:
    requested, allowed = amount(request, f"requests.{name}"), amount(limit, f"limits.{name}")
    if requested < amount(least):
        message = f"{shown(request)} is less than {shown(least)}"
        raise refused(f"requests.{name}", message, "safeguards of AKS would raise it")
    if requested > allowed:
        message = f"{shown(request)} is more than the limit {shown(limit)}"
        raise refused(f"requests.{name}", message, f"raise `limits.{name}` or request less")
