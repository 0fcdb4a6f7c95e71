"""Prove predictions on a running cluster: what to probe, and what the observed says about it.

What is here needs no cluster; `podwall.verify.running` makes the probes in one.
"""

from __future__ import annotations

from podwall.verify.choosing import (
    MOST_PROBES,
    boundary_probes,
    changed_probes,
    from_outside,
    port_sides,
    stated_probes,
    through_services,
)
from podwall.verify.comparing import (
    Agreement,
    ComparedProbe,
    ConnectionProbe,
    MadeProbes,
    NotProbed,
    Observation,
    ObservedAttempt,
    ProbeOutcome,
    ProbePlan,
    Verification,
    attempts_exit_code,
    compared,
    counts,
    unforeseen,
    verification,
)

__all__ = [
    "MOST_PROBES",
    "Agreement",
    "ComparedProbe",
    "ConnectionProbe",
    "MadeProbes",
    "NotProbed",
    "Observation",
    "ObservedAttempt",
    "ProbeOutcome",
    "ProbePlan",
    "Verification",
    "attempts_exit_code",
    "boundary_probes",
    "changed_probes",
    "compared",
    "counts",
    "from_outside",
    "port_sides",
    "stated_probes",
    "through_services",
    "unforeseen",
    "verification",
]
