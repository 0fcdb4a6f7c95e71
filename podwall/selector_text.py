"""Label selectors as kubectl writes them: `app=web,tier in (a, b),env notin (dev),role,!legacy`.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from podwall.model import Operator, Selector, SelectorRequirement
from podwall.policies.errors import InvalidValue

__all__ = ["read_selector", "selector_text"]


def selector_text(selector: Selector) -> str:
    """Return a selector as kubectl writes one; the empty one as ``.

    >>> from podwall.model import SelectorRequirement, Selector
    >>> selector_text(Selector((SelectorRequirement("app", Operator.NOT_IN, ("a", "b")),)))
    'app notin (a, b)'
    """
    parts = [_requirement_text(each) for each in selector.requirements]
    return ",".join([*parts, *(["…"] if selector.unknown else [])])


def _requirement_text(requirement: SelectorRequirement) -> str:
    key = requirement.key
    values = [*requirement.values, *(["…"] if requirement.unknown else [])]
    match requirement.operator:
        case Operator.IN if len(values) == 1:
            return f"{key}={values[0]}"
        case Operator.IN:
            return f"{key} in ({', '.join(values)})"
        case Operator.NOT_IN:
            return f"{key} notin ({', '.join(values)})"
        case Operator.EXISTS:
            return key
        case Operator.DOES_NOT_EXIST:
            return f"!{key}"


_KEY: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_REQUIREMENT: Final = re.compile(
    rf"\s*(?:!\s*(?P<missing>{_KEY})"
    rf"|(?P<key>{_KEY})(?:"
    rf"\s+(?P<set>in|notin)\s*\(\s*(?P<values>{_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)"
    rf"|\s*(?P<sign>==?|!=)\s*(?P<value>{_VALUE}))?)\s*(?:,(?!\s*$)|$)",
    re.ASCII,
)


def read_selector(text: str) -> Selector:
    """Return the selector that a text means; an empty one means everything.

    Raises:
        InvalidValue: it is not a selector.

    >>> selector_text(read_selector("tier in (b,a), app=web,env!=dev,role"))
    'app=web,env notin (dev),role,tier in (a, b)'
    """
    return Selector(tuple(sorted(_requirements(text), key=lambda each: each.key)))


def _requirements(text: str) -> Iterator[SelectorRequirement]:
    at = 0
    while at < len(text.rstrip()):
        match = _REQUIREMENT.match(text, at)
        if match is None:
            raise InvalidValue(
                f"`{text}` is not a label selector",
                help="as in `app=web,tier in (a, b),!legacy`",
                value=text,
            )
        yield _requirement(match)
        at = match.end()


def _requirement(match: re.Match[str]) -> SelectorRequirement:
    missing, key, set_, values, sign, value = match.group(
        "missing", "key", "set", "values", "sign", "value"
    )
    if missing:
        return SelectorRequirement(missing, Operator.DOES_NOT_EXIST)
    if set_:
        listed = tuple(sorted({each.strip() for each in values.split(",")}))
        return SelectorRequirement(key, Operator.IN if set_ == "in" else Operator.NOT_IN, listed)
    if sign:
        return SelectorRequirement(key, Operator.NOT_IN if sign == "!=" else Operator.IN, (value,))
    return SelectorRequirement(key, Operator.EXISTS)
