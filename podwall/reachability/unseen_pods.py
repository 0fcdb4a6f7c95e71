"""Pods that a source does not show, as ends of connections: by the labels that policies ask for.

    any other pod of shop                          `shop/any:`
    pods with role=batch of shop                   `shop/any:role=batch`
    any pod of other namespaces                    `any:`
    pods with team=x of other namespaces with      `any:team=x@env=dev`
    env=dev

Both halves are label selectors as kubectl writes them. Other namespaces are those that the source
does not show; one that is known by name is `any:@kubernetes.io/metadata.name=kube-system`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from podwall.model import Operator, Selector
from podwall.policies.errors import InvalidValue
from podwall.policies.peers import METADATA_NAME
from podwall.policies.wording import listed
from podwall.quick_dataclass import dataclass
from podwall.rule_parts import read_selector, selector_text

__all__ = ["UnseenPods", "is_unseen", "read_unseen"]

_ANY: Final = "any:"


@dataclass(frozen=True, slots=True)
class UnseenPods:
    """Pods with some labels that the source does not show, on the pod network.

    `namespaces` are names of namespaces that it shows, sorted; or a selector, for those namespaces
    that it does not show. Pods that only differ in what `pods` does not mention are all meant.
    """

    pods: Selector
    namespaces: tuple[str, ...] | Selector

    @property
    def id(self) -> str:
        """The pods in the notation that `read_unseen` reads.

        >>> UnseenPods(read_selector("role=batch"), ("shop",)).id
        'shop/any:role=batch'
        >>> UnseenPods(read_selector("team=x"), read_selector("env=dev")).id
        'any:team=x@env=dev'
        """
        pods = selector_text(self.pods)
        if isinstance(self.namespaces, tuple):
            return f"{','.join(self.namespaces)}/{_ANY}{pods}"
        there = selector_text(self.namespaces)
        return f"{_ANY}{pods}@{there}" if there else f"{_ANY}{pods}"

    def one(self) -> UnseenPods:
        """Return the pods of one of the namespaces, for which the same holds as for the others."""
        if isinstance(self.namespaces, tuple):
            return UnseenPods(self.pods, self.namespaces[:1])
        return self

    def __str__(self) -> str:
        """Write the pods in words.

        >>> print(UnseenPods(Selector(), ("shop",)))
        any other pod of shop
        >>> print(read_unseen("any:team=x@env=dev", ()))
        pods with team=x of other namespaces with env=dev
        """
        written = selector_text(self.pods)
        if isinstance(self.namespaces, tuple):
            pods = f"pods with {written}" if written else "any other pod"
            return f"{pods} of {listed(self.namespaces)}"
        pods = f"pods with {written}" if written else "any pod"
        return f"{pods} of {_other_namespaces(self.namespaces)}"


def _other_namespaces(namespaces: Selector) -> str:
    by_name = [
        each
        for each in namespaces.requirements
        if each.key == METADATA_NAME and each.operator is Operator.IN
    ]
    rest = tuple(each for each in namespaces.requirements if each not in by_name[:1])
    labels = f" with {selector_text(Selector(rest, namespaces.unknown))}" if rest else ""
    if not by_name:
        return f"other namespaces{labels}"
    names = by_name[0].values
    return f"{'namespace' if len(names) == 1 else 'namespaces'} {listed(names)}{labels}"


def is_unseen(text: str) -> bool:
    """Return whether a text is meant as the id of unseen pods.

    >>> is_unseen("any:app=web"), is_unseen("shop/any:"), is_unseen("shop/any")
    (True, True, False)
    """
    return text.startswith(_ANY) or f"/{_ANY}" in text


def read_unseen(text: str, shown: Sequence[str]) -> UnseenPods:
    """Return the unseen pods with an id, in a source that shows some namespaces.

    Raises:
        InvalidValue: it is not such an id, or names a namespace as one that is shown, or not.
    """
    names, _, rest = f"/{text}".partition(f"/{_ANY}")
    pods, _, there = rest.partition("@")
    if not names:
        return UnseenPods(read_selector(pods), read_selector(there))
    named = tuple(sorted({each.strip() for each in names[1:].split(",")}))
    for name in named:
        if name not in shown:
            raise InvalidValue(
                f"no namespace `{name}` is shown",
                help=f"`any:{pods}@{METADATA_NAME}={name}` means pods of one that is not",
                value=text,
            )
    if there:
        raise InvalidValue(
            f"`{text}` is neither pods of `{names[1:]}` nor of other namespaces",
            help="as in `shop/any:role=web` or `any:role=web@env=dev`",
            value=text,
        )
    return UnseenPods(read_selector(pods), named)
