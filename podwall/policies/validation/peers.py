"""Peers of a rule, as the API server validates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podwall.policies.cidrs import Cidr, parsed
from podwall.policies.unknown import Unknown
from podwall.policies.validation.selectors import SELECTOR, check_selector
from podwall.policies.validation.shapes import (
    Findings,
    as_list,
    as_mapping,
    error,
    note,
    wrong_type,
)
from podwall.policies.wording import shown

__all__ = ["check_peer"]

_SELECTORS: Final = ("podSelector", "namespaceSelector")
_PEER: Final = frozenset({"podSelector", "namespaceSelector", "ipBlock"})
_BLOCK: Final = frozenset({"cidr", "except"})
_EXAMPLE: Final = "write an address and a prefix length, such as `10.0.0.0/8` or `2001:db8::/32`"


def check_peer(peer: object, path: str) -> Findings:
    """Yield what is wrong with one element of `from` or `to`."""
    yield from as_mapping(peer, path, _PEER, _check_fields)


def _check_fields(peer: Mapping[str, Any], path: str) -> Findings:
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
    # A selector that deployment will tell may turn out to be absent.
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
        yield error("cidr-required", f"{path}.cidr", "`cidr` is missing", _EXAMPLE)
    else:
        yield from _check_cidr(cidr, f"{path}.cidr")
    exceptions = block.get("except")
    yield from as_list(exceptions, f"{path}.except", _check_cidr)
    outer = parsed(cidr) if isinstance(cidr, str) else None
    if outer is None or not isinstance(exceptions, list | tuple):
        return
    for index, exception in enumerate(exceptions):
        inner = parsed(exception) if isinstance(exception, str) else None
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
            yield wrong_type(text, path, "a CIDR", _EXAMPLE)
        return
    cidr = parsed(text)
    if cidr is None:
        yield error("invalid-cidr", path, f"{shown(text)} is not a CIDR", _EXAMPLE)
    elif cidr.has_host_bits or not cidr.is_standard:
        yield from _masked(text, cidr, path)


def _masked(text: str, cidr: Cidr, path: str) -> Findings:
    if cidr.has_host_bits:
        yield note(
            "cidr-host-bits",
            path,
            f"{shown(text)} has host bits set, and is read as `{cidr.network}`",
            f"write `{cidr.network}`: engines have disagreed on what host bits mean",
        )
    if not cidr.is_standard:
        yield note(
            "cidr-not-standard",
            path,
            f"{shown(text)} is not written as addresses are, and is read as `{cidr.network}`",
            f"write `{cidr.network}`: a future Kubernetes will refuse the other spelling",
        )
