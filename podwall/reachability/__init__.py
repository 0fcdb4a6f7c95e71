"""Who can reach whom: the exact analysis of a snapshot's network policies.

Read `replay` first: it takes one pair through every policy and rule. `analysis` gives the same
answers for all pairs at once, which tests compare.

>>> from podwall.model import LabelMap, Snapshot, SnapshotWorkload
>>> pods = [SnapshotWorkload("shop", name, "Pod", LabelMap()) for name in ("web", "api")]
>>> found = reachability(Snapshot(workloads=tuple(pods)))
>>> print(found.connection("shop/web", "shop/api").allowed)
all ports
"""

from __future__ import annotations

from podwall.engines import SPEC, Engine
from podwall.engines import engine as engine_named
from podwall.model import Snapshot
from podwall.reachability.analysis import analysis
from podwall.reachability.few_arrays import np
from podwall.reachability.result import Reachability, SourceRow
from podwall.reachability.values import (
    AnyEndpoint,
    Connection,
    Endpoint,
    ExternalRange,
    Undetermined,
    UnseenPods,
    Verdict,
    WorkloadEndpoint,
)

__all__ = [
    "AnyEndpoint",
    "Connection",
    "Endpoint",
    "ExternalRange",
    "Reachability",
    "SourceRow",
    "Undetermined",
    "UnseenPods",
    "Verdict",
    "WorkloadEndpoint",
    "np",
    "reachability",
]


def reachability(
    snapshot: Snapshot, engine: Engine | str | None = None, *, closed: bool = False
) -> Reachability:
    """Return who can reach whom in a snapshot.

    Args:
        snapshot: the namespaces, workloads, policies and services.
        engine: the network policy engine, or its name. None: the one that the snapshot declares,
            else the specification.
        closed: whether the snapshot is a whole cluster by the user's word, so that there are no
            pods but those that it shows. One that was read whole is closed without it.

    Raises:
        InvalidValue: there is no engine of that name.
    """
    if engine is None:
        engine = snapshot.engine or SPEC
    if closed:
        snapshot = snapshot.whole()
    return Reachability(
        analysis(snapshot, engine_named(engine) if isinstance(engine, str) else engine)
    )
