"""Read what Pulumi hands to policies: proxies that raise where a value is not known yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy.proxy import UnknownValueError

from podwall.plan.wire import UNKNOWN

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """Return a proxy as plain values, with Pulumi's own mark of an unknown where one is.

    An unknown that is read ends a whole policy, and with it the check of everything after it
    (https://github.com/pulumi/pulumi-policy/blob/main/sdk/python/lib/pulumi_policy/proxy.py).

    >>> from pulumi_policy.proxy import unknown_checking_proxy
    >>> plain(unknown_checking_proxy({"ports": [80.0, UNKNOWN]}))["ports"][1] == UNKNOWN
    True
    """
    if isinstance(value, Mapping):
        return {str(key): _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
