"""The shapes of a document: mappings, lists and texts, any of which may be known only later.

Every check is a generator of findings; it never raises. Paths are relative to the document.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final

from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.unknown import Unknown
from podwall.policies.wording import did_you_mean, shown

__all__ = [
    "Check",
    "Findings",
    "as_list",
    "as_mapping",
    "as_text",
    "entry",
    "error",
    "fields_of",
    "items_of",
    "note",
    "repeated",
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
