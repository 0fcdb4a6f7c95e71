"""Take from a source what goes to one cluster: objects of several are never analysed as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from podwall.plan.model import Plan, PlannedResource
from podwall.plan.provider_clusters import ProviderCluster, only_of, provider_clusters
from podwall.policies.errors import InvalidValue
from podwall.policies.wording import guess, listed
from podwall.sources.existence import Existence
from podwall.sources.model import Source
from podwall.sources.stacks import stage_of

__all__ = ["clusters_of", "in_cluster", "single_cluster"]


def clusters_of(source: Source) -> tuple[ProviderCluster, ...]:
    """Return the clusters that the objects of a source go to; none where it does not tell them."""
    if source.plan is None or source.cluster:
        return ()
    before = () if source.existence is None else (source.existence.before,)
    return provider_clusters(source.plan, *before)


def single_cluster(source: Source) -> Source:
    """Return a source if all of it is in one cluster.

    Raises:
        InvalidValue: its objects go to several.
    """
    found = clusters_of(source)
    if len(found) > 1:
        raise InvalidValue(
            f"{source.stack or f'`{source.name}`'} deploys to {len(found)} clusters, which have "
            f"nothing to do with each other: {listed(_names(found))}",
            help=f"choose one, as in `--cluster {found[0].name}`, or in a test "
            f'`cluster="{found[0].name}"`; where two providers speak to the same cluster, name '
            "both, with a comma",
        )
    return source


def _names(clusters: Sequence[ProviderCluster]) -> list[str]:
    return [
        f"`{each.name}`" + (f" ({listed(sorted(each.also))})" if each.also else "")
        for each in clusters
    ]


def in_cluster(source: Source, names: str) -> Source:
    """Return what of a source goes to one cluster.

    Args:
        source: what was opened or planned.
        names: what the cluster is called: by its provider, or by its AKS cluster. Several names,
            with commas between them, say that their providers speak to the same cluster.

    Raises:
        InvalidValue: there is no such cluster.
    """
    found = clusters_of(source)
    chosen = [_chosen(each.strip(), source, found) for each in names.split(",")]
    wanted = frozenset(urn for each in chosen for urn in each.providers)
    others = frozenset(urn for each in found for urn in each.providers) - wanted

    def part(plan: Plan) -> Plan:
        return only_of(plan, wanted, others)

    plan = part(source.plan or Plan("", ""))
    kept = source.existence and _existence(source.existence, part)
    return replace(
        source,
        planned=stage_of(plan),
        deployed=source.deployed and stage_of(kept.before if kept else plan),
        stack=f"{source.stack}, cluster {names}",
        plan=plan,
        existence=kept,
        cluster=names,
    )


def _chosen(name: str, source: Source, found: Sequence[ProviderCluster]) -> ProviderCluster:
    for each in found:
        if name == each.name or name in each.also or name in each.providers:
            return each
    if not found:
        raise InvalidValue(
            f"`{source.name}` does not say which clusters it is about",
            help="leave the cluster out",
        )
    names = [each.name for each in found]
    proposed = guess(name, [*names, *(also for each in found for also in each.also)])
    raise InvalidValue(
        f"no object goes to a cluster `{name}`",
        help=proposed or f"there is {listed([f'`{each}`' for each in names])}",
    )


def _existence(found: Existence, part: Callable[[Plan], Plan]) -> Existence:
    """Return what happens in one cluster."""

    def is_there(resource: PlannedResource) -> bool:
        stays = part(replace(found.before, resources=_with(found, resource))).resources
        return any(each is resource for each in stays)

    return replace(
        found,
        before=part(found.before),
        after=part(found.after),
        absences=tuple(each for each in found.absences if is_there(each.policy)),
        takings=tuple(each for each in found.takings if is_there(each.cause)),
        lost=tuple(filter(is_there, found.lost)),
        drift=tuple((then, now) for then, now in found.drift if is_there(then)),
    )


def _with(found: Existence, resource: PlannedResource) -> tuple[PlannedResource, ...]:
    """Return a resource among all that it may depend on."""
    others = (*found.before.resources, *found.after.resources)
    return (*(each for each in others if each.urn != resource.urn), resource)
