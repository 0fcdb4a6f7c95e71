"""Follow what a running cluster means: after every change, who reaches whom that could not before.

The state before the first change and after each is one `Review`, made as that of any source; two
in a row are a `ChangeReview`. So what is said of a change is what `podwall diff` would say of two
dumps that are taken before and after it. Of an object that has not changed nothing is read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podwall.change_review import ChangeReview
from podwall.engines import Engine
from podwall.reading import KeptReadings
from podwall.review import Review, review
from podwall.sources import source_of_cluster

if TYPE_CHECKING:
    from podwall.live.watching import (  # they bring the client
        ClusterChange,
        ClusterWatch,
        WatchedObject,
    )

__all__ = ["WatchedChange", "WatchedCluster"]


@dataclass(frozen=True, slots=True)
class WatchedChange:
    """What some changed objects change: the objects in the order in which they came."""

    objects: tuple[WatchedObject, ...]
    review: ChangeReview


class WatchedCluster:
    """A cluster whose meaning is followed; `review` is that of now."""

    def __init__(self, watch: ClusterWatch, engine: Engine | str | None = None) -> None:
        """Begin with what the cluster shows now.

        Args:
            watch: what follows the cluster; its first reading is taken.
            engine: who enforces the policies; None means what runs there, at each time.

        Raises:
            ClusterError: the cluster does not answer, or refuses.
        """
        self._watch = watch
        self._engine = engine
        self._kept = KeptReadings()
        self.source = source_of_cluster(watch.first(), self._kept)
        self.review = review(self.source, engine)

    def changes(self, most: float | None = None) -> Iterator[WatchedChange]:
        """Yield every change as it comes; it ends where none comes for `most` seconds.

        Raises:
            ClusterError: the cluster refuses to be followed any further.
        """
        for change in self._watch.changes(most):
            before, self.review = self.review, self._review(change)
            yield WatchedChange(change.objects, ChangeReview(before, self.review))

    def _review(self, change: ClusterChange) -> Review:
        self.source = source_of_cluster(change.reading, self._kept)
        return review(self.source, self._engine)
