"""Terms: the sets of pods and addresses that rules speak of, each known by a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podwall.model import IpPeer, PodPeer, Rule, Selector, Unknown
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EVERYONE", "PERHAPS_EVERYONE", "Blocks", "Terms"]

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

    def _of_peer(self, namespace: str | Unknown, peer: PodPeer) -> int:
        if peer.namespaces is None:
            return self.of_pods(namespace, peer.pods)
        spaces = self.namespace_selectors.number(peer.namespaces)
        key = (spaces, self.pod_selectors.number(peer.pods))
        number = self.across.get(key)
        if number is None:
            number = self.across[key] = len(self)
        return number
