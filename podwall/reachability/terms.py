"""Terms: the sets of pods and addresses that rules speak of, each known by a number."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from podwall.model import IpPeer, Operator, PodPeer, Rule, Selector, Unknown
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EVERYONE", "PERHAPS_EVERYONE", "Blocks", "Terms", "only_excludes"]

EVERYONE: Final = 0
"""The term of all pods and all addresses."""

PERHAPS_EVERYONE: Final = 1
"""The term of peers that are not known yet."""

Blocks = tuple[IpPeer, ...]
"""All the ip blocks of one rule."""

Pair = tuple[int, int]


class Terms:
    """Numbers the terms of a cluster in the order in which they are met.

    `within` are the pods of a namespace that a selector matches, `across` those in all namespaces
    that another selector matches; both have the two parts' numbers in the registries.
    """

    def __init__(self) -> None:
        """Begin with the two terms that always exist."""
        self.namespaces = Registry[str | Unknown]()
        self.pod_selectors = Registry[Selector]()
        self.namespace_selectors = Registry[Selector]()
        self.within: dict[Pair, int] = {}
        self.across: dict[Pair, int] = {}
        self.blocks: dict[Blocks, int] = {}

    def __len__(self) -> int:
        """Return the number of terms."""
        fixed = PERHAPS_EVERYONE + 1
        return fixed + len(self.within) + len(self.across) + len(self.blocks)

    def of_pods(self, namespace: str | Unknown, pods: Selector) -> int:
        """Return the term of the pods of one namespace that a selector matches."""
        key = (self.namespaces.number(namespace), self.pod_selectors.number(pods))
        number = self.within.get(key)
        if number is None:
            number = self.within[key] = len(self)
        return number

    def of_rule(self, namespace: str | Unknown, rule: Rule | Unknown) -> Iterator[int]:
        """Yield the terms of a rule's peers, in a policy of some namespace."""
        peers = PERHAPS_EVERYONE if isinstance(rule, Unknown) else rule.peers
        if peers is None:
            yield EVERYONE
        elif not isinstance(peers, tuple):
            yield PERHAPS_EVERYONE
        else:
            blocks: list[IpPeer] = []
            for peer in peers:
                if isinstance(peer, PodPeer):
                    yield self._of_peer(namespace, peer)
                elif isinstance(peer, IpPeer):
                    blocks.append(peer)
                else:
                    yield PERHAPS_EVERYONE
            if blocks:
                yield self.blocks.setdefault(tuple(blocks), len(self))

    def of_pods_across(self, namespaces: Selector, pods: Selector) -> int:
        """Return the term of the pods that a selector matches in the namespaces of another."""
        spaces = self.namespace_selectors.number(namespaces)
        key = (spaces, self.pod_selectors.number(pods))
        number = self.across.get(key)
        if number is None:
            number = self.across[key] = len(self)
        return number

    @property
    def vague(self) -> bool:
        """Whether a namespace or a selector is not fully known."""
        selectors = chain(self.pod_selectors.values, self.namespace_selectors.values)
        return any(isinstance(each, Unknown) for each in self.namespaces.values) or any(
            s.unknown or any(r.unknown for r in s.requirements) for s in selectors
        )

    def wholes(self) -> dict[int, int]:
        """Return the terms that only exclude, each with the term that it takes something from.

        That is the same term without its excluding selector: of pods or, if that one does not only
        exclude, of namespaces. Terms that are needed for it are added.
        """
        found = {}
        names, pods = self.namespaces.values, self.pod_selectors.values
        spaces = self.namespace_selectors.values
        for (name, selector), term in list(self.within.items()):
            if only_excludes(pods[selector]):
                found[term] = self.of_pods(names[name], _EVERYTHING)
        for (space, selector), term in list(self.across.items()):
            if only_excludes(pods[selector]):
                found[term] = self.of_pods_across(spaces[space], _EVERYTHING)
            elif only_excludes(spaces[space]):
                found[term] = self.of_pods_across(_EVERYTHING, pods[selector])
        plain = set(found.values())
        return {term: whole for term, whole in found.items() if term not in plain}

    def _of_peer(self, namespace: str | Unknown, peer: PodPeer) -> int:
        if peer.namespaces is None:
            return self.of_pods(namespace, peer.pods)
        return self.of_pods_across(peer.namespaces, peer.pods)


_EVERYTHING: Final = Selector()
_EXCLUDING: Final = frozenset({Operator.NOT_IN, Operator.DOES_NOT_EXIST})


def only_excludes(selector: Selector) -> bool:
    """Say whether a selector has conditions, and all of them exclude.

    >>> from podwall.model import Requirement
    >>> only_excludes(Selector((Requirement("app", Operator.NOT_IN, ("web",)),)))
    True
    """
    requirements = selector.requirements
    return bool(requirements) and all(each.operator in _EXCLUDING for each in requirements)
