"""Peers of a rule, as the API server validates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from policies.cidrs import parsed
from policies.unknown import Unknown
from policies.validation.selectors import check_selector
from policies.validation.shapes import Findings, as_list, as_mapping, error, wrong_type
from policies.wording import shown

__all__ = ["check_peer"]

_SELECTORS: Final = ("podSelector", "namespaceSelector")
_EXAMPLE: Final = "write an address and a prefix length, such as `10.0.0.0/8` or `2001:db8::/32`"


def check_peer(peer: object, path: str) -> Findings:
    """Yield what is wrong with one element of `from` or `to`."""
    yield from as_mapping(peer, path, _check_fields)


def _check_fields(peer: Mapping[str, Any], path: str) -> Findings:
    selectors = [name for name in _SELECTORS if peer.get(name) is not None]
    block = peer.get("ipBlock")
    for name in selectors:
        yield from as_mapping(peer[name], f"{path}.{name}", check_selector)
    if block is not None:
        yield from as_mapping(block, f"{path}.ipBlock", _check_block)
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


def _check_cidr(cidr: object, path: str) -> Findings:
    if isinstance(cidr, str):
        if parsed(cidr) is None:
            yield error("invalid-cidr", path, f"{shown(cidr)} is not a CIDR", _EXAMPLE)
    elif not isinstance(cidr, Unknown):
        yield wrong_type(cidr, path, "a CIDR", _EXAMPLE)
