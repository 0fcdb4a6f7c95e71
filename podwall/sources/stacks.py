"""Sources of what Pulumi manages, and from each what goes to one cluster.

However a plan was made, it becomes a source in one way, so that every command sees the same in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from podwall.plan.cluster import planned_cluster
from podwall.plan.documents import brought_policies, documents, with_known_namespaces
from podwall.plan.model import Plan, PlannedResource
from podwall.plan.providers import ProviderCluster, only_of, provider_clusters
from podwall.policies.errors import Finding, InvalidValue
from podwall.policies.wording import guess, listed
from podwall.sources.existence import Existence, existence
from podwall.sources.model import Source, SourceKind, Stage
from podwall.sources.pulumi_documents import PulumiPreview

__all__ = [
    "clusters_of",
    "in_cluster",
    "single_cluster",
    "source_of_plan",
    "source_of_program",
    "source_of_steps",
    "stage_of",
]


def source_of_plan(
    kind: SourceKind,
    name: str,
    plan: Plan,
    *,
    findings: Iterable[Finding] = (),
    texts: Mapping[str, bytes] | None = None,
) -> Source:
    """Return the Kubernetes objects that a plan has, and what it says about their cluster.

    Args:
        kind: where the plan comes from.
        name: what people call the source.
        plan: everything the stack will consist of.
        findings: what of the stack could not be read.
        texts: the files that hold some of the objects, by the name that their places have.
    """
    known = with_known_namespaces(plan)
    return Source(
        kind,
        name,
        stage_of(known),
        findings=tuple(findings),
        texts=texts or {},
        stack=_stack_name(known),
        plan=known,
    )


def source_of_program(plan: Plan, folder: Path) -> Source:
    """Return what the plan of the program in a folder says.

    The files that hold some of its objects are read, too, for the lines of their fields. The
    program itself is none of them: Python's lines say nothing of a field.
    """
    names = {each.place.source for each in plan.resources if each.place.source}
    files = {name: folder / name for name in names if not name.endswith(".py")}
    texts = {name: file.read_bytes() for name, file in files.items() if file.is_file()}
    return source_of_plan(SourceKind.PROGRAM, plan.project, plan, texts=texts)


def source_of_steps(
    kind: SourceKind,
    name: str,
    preview: PulumiPreview,
    *,
    findings: Iterable[Finding] = (),
) -> Source:
    """Return what the steps of a preview make, and what there is before them.

    Siblings are sorted, because the engine lists them in an order that is never twice the same.

    Args:
        kind: where the preview comes from.
        name: what people call the source.
        preview: the steps as Pulumi writes them.
        findings: what of the preview could not be read.
    """
    found = existence(preview)
    before, after = found.before, found.after
    ordered = replace(after, resources=_sorted(after.resources))
    read = source_of_plan(kind, name, ordered, findings=findings)
    return replace(
        read,
        deployed=stage_of(before),
        stack=read.stack or _stack_name(before),
        existence=found,
    )


def stage_of(plan: Plan) -> Stage:
    """Return the Kubernetes objects that a plan has, and what it says about their cluster."""
    return Stage(documents(plan), planned_cluster(plan), tuple(brought_policies(plan)))


def _stack_name(plan: Plan) -> str:
    """Return what people call the stack of a plan, which URNs tell; nothing if there are none."""
    return f"stack {plan.stack} of {plan.project}" if plan.stack and plan.project else ""


def _sorted(resources: Sequence[PlannedResource]) -> tuple[PlannedResource, ...]:
    """Return resources by type and name, each after its parent."""
    parents = {each.urn: each.parent for each in resources}
    return tuple(sorted(resources, key=lambda each: [*map(_title, _lineage(each.urn, parents))]))


def _title(urn: str) -> tuple[str, str]:
    """Return what a resource is sorted by: the last part of its type, then everything."""
    return urn.rpartition("::")[0].rpartition(":")[2], urn


def _lineage(urn: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the URNs of a resource's ancestors, the oldest first, and its own."""
    line = [urn]
    while (parent := parents.get(line[0])) and parent not in line:
        line.insert(0, parent)
    return tuple(line)


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
        unclear = next((each for each in found if each.perhaps), None)
        stack = source.stack or f"`{source.name}`"
        raise _maybe_the_same(stack, found, unclear) if unclear else _several(stack, found)
    return source


def _several(stack: str, found: Sequence[ProviderCluster]) -> InvalidValue:
    return InvalidValue(
        f"{stack} deploys to {len(found)} clusters, which have nothing to do with each other: "
        f"{listed(_names(found))}",
        help=f"choose one, as in `--cluster {found[0].name}`, or in a test "
        f'`cluster="{found[0].name}"`; where two providers speak to the same cluster, name '
        "both, with a comma",
    )


def _maybe_the_same(
    stack: str, found: Sequence[ProviderCluster], unclear: ProviderCluster
) -> InvalidValue:
    """Return the question whether providers speak to one cluster, which changes every answer."""
    both = f"{unclear.name},{min(unclear.perhaps)}"
    return InvalidValue(
        f"{stack} deploys to {len(found)} clusters, {listed(_names(found))}, unless some are the "
        f"same: nothing tells whether `{unclear.name}` and `{min(unclear.perhaps)}` are",
        help=f'if they are, say `--cluster {both}`, or in a test `cluster="{both}"`; '
        f'`--cluster {unclear.name}`, or in a test `cluster="{unclear.name}"`, takes the '
        "others for other clusters",
    )


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

    apart = {name for each in chosen for name in each.perhaps} - {each.name for each in chosen}
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
        notes=(*source.notes, *([_taken_apart(names, apart)] if apart else [])),
    )


def _taken_apart(names: str, apart: Iterable[str]) -> str:
    others = [f"`{each}`" for each in sorted(apart)]
    verb = "speak" if len(others) > 1 else "speaks"
    return (
        f"took it, as `--cluster {names}` says, that {listed(others)} {verb} to another cluster: "
        "what is deployed there is left out"
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
