"""The presets by name: what they are, at which sizes they run, and what they must not exceed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks import antrea, presets
from benchmarks.guarded import guarded
from benchmarks.mix import random_mix
from podwall.model import Snapshot

__all__ = ["CATALOGUE", "Goal", "Preset"]


@dataclass(frozen=True, slots=True)
class Goal:
    """The most CPU seconds, and the most megabytes of the process, at the largest size."""

    seconds: float | None = None
    megabytes: int | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A way to make clusters of a size; None among the sizes is the size of the original."""

    name: str
    make: Callable[..., Snapshot]
    sizes: tuple[int, ...]
    goal: Goal = Goal()


_PRESETS: Final = (
    Preset("A1 small namespaces", antrea.small_namespaces, (25_000,), Goal(1.5)),
    Preset("A2 large namespaces", antrea.large_namespaces, (100,), Goal(0.5, 300)),
    Preset("A3 one namespace", antrea.one_namespace, (10_000,)),
    Preset("A4 policy per pod", antrea.netpol_per_pod, (10_000,)),
    Preset("A5 across namespaces", antrea.cluster_scoped, (1_000,), Goal(0.5, 300)),
    Preset("B1 ladder", presets.ladder, (100, 300, 1_000, 2_000, 3_000, 10_000, 100_000)),
    Preset("B2 distinct ports", presets.distinct_ports, (5, 10, 20, 40, 80, 200)),
    Preset("B3 full mesh", presets.full_mesh, (1_000, 10_000, 100_000)),
    Preset("B4 dense rules", presets.dense_rules, (1_000, 10_000, 100_000)),
    Preset("B5 address blocks", presets.address_blocks, (200, 400, 800, 1_600, 10_000)),
    Preset(
        "B6 a port for each pod", presets.distinct_pods, (1_000, 10_000, 100_000), Goal(None, 2_000)
    ),
    Preset(
        "B6 each but one",
        presets.every_pod_excludes_one,
        (1_000, 10_000, 100_000),
        Goal(None, 2_000),
    ),
    Preset("B8 random mix", random_mix, (200, 2_000, 10_000, 50_000)),
    Preset("C1 guarded by tiers", guarded, (10, 100), Goal(1, 400)),
)

CATALOGUE: Final = {each.name: each for each in _PRESETS}
