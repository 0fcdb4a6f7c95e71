"""Who can reach whom in a Kubernetes cluster, before anything is deployed.

    >>> import podwall
    >>> reach = podwall.reach_of_source("examples/shop")
    >>> bool(reach.allows("shop/web", "shop/api", podwall.policies.tcp(8080)))
    True

`__all__` is what is public: the names that most people need, and the rooms that hold the rest, each
with an `__all__` of its own. Whatever else the package holds may change without notice. A name is
imported when it is first used, so that `import podwall` brings neither numpy nor Pulumi.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podwall.on_demand import on_first_use

# Without `components` and `guardrails`: a type checker would read Pulumi's SDKs for every file that
# imports podwall (44 s instead of 2). `from podwall import components` is typed all the same.
if TYPE_CHECKING:
    from podwall import (
        diff,
        engines,
        expectations,
        explain,
        lint,
        migrate,
        model,
        policies,
        reachability,
        reading,
        review,
        sources,
        suggest,
        testing,
    )
    from podwall.model import Snapshot
    from podwall.policies import (
        Finding,
        InvalidManifest,
        InvalidValue,
        MissingExtra,
        NetworkPolicy,
        Place,
        PodwallError,
        Severity,
        SourceError,
    )
    from podwall.reachability import Reachability, Verdict
    from podwall.testing import Reach, reach_of_program, reach_of_source

__all__ = [
    "Finding",
    "InvalidManifest",
    "InvalidValue",
    "MissingExtra",
    "NetworkPolicy",
    "Place",
    "PodwallError",
    "Reach",
    "Reachability",
    "Severity",
    "Snapshot",
    "SourceError",
    "Verdict",
    "components",
    "diff",
    "engines",
    "expectations",
    "explain",
    "guardrails",
    "lint",
    "migrate",
    "model",
    "policies",
    "reach_of_program",
    "reach_of_source",
    "reachability",
    "reading",
    "review",
    "sources",
    "suggest",
    "testing",
]

_DEFINED_IN: Final = {
    "model": ("Snapshot",),
    "policies": (
        "Finding",
        "InvalidManifest",
        "InvalidValue",
        "MissingExtra",
        "NetworkPolicy",
        "Place",
        "PodwallError",
        "Severity",
        "SourceError",
    ),
    "reachability": ("Reachability", "Verdict"),
    "testing": ("Reach", "reach_of_program", "reach_of_source"),
}
_VALUES: Final = {
    name: f"{__name__}.{room}" for room, names in _DEFINED_IN.items() for name in names
}
_ROOMS: Final = {name: f"{__name__}.{name}" for name in __all__ if name not in _VALUES}

if not TYPE_CHECKING:  # a type checker takes every name from a `__getattr__` that it sees
    __getattr__ = on_first_use(__name__, {**_ROOMS, **_VALUES})


def __dir__() -> list[str]:
    return list(__all__)
