"""Arguments that several commands share, and the source and the expectations that they name."""

from __future__ import annotations

import gc
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from podwall.cli.effort import begun
from podwall.cli.typed_options import add_charts
from podwall.engines import ENGINES
from podwall.exit_code import FailOn
from podwall.policies.errors import InvalidValue
from podwall.streams import progress, write_message, write_output

if TYPE_CHECKING:
    from podwall.plan.configuration import GivenConfiguration
    from podwall.reports.formats import CsvLine
    from podwall.review import Review
    from podwall.sources import ManifestOptions, Source
    from podwall.sources.model import Stage

__all__ = [
    "ENGINE_NAMES",
    "add_closed",
    "add_cluster",
    "add_cluster_name",
    "add_engine",
    "add_expectations",
    "add_fail_on",
    "add_format",
    "add_kubeconfig",
    "add_manifests",
    "add_out",
    "add_source",
    "add_stack",
    "bound_by",
    "chosen_cluster",
    "csv_writer",
    "given_configuration",
    "keep_what_is_loaded",
    "manifest_options",
    "paused_collector",
    "planned_source",
    "read_review",
    "read_source",
    "sources_and_expectations",
    "with_choices",
    "write_notes",
    "write_out",
]


_MOST_NOTES: Final = 5
ENGINE_NAMES: Final = tuple(ENGINES)
"""The engines; `none` is a cluster in which nothing enforces policies."""


def add_format(parser: ArgumentParser, formats: Sequence[str] = ("text", "json")) -> None:
    """Add `-o`, and where CSV is one of the formats `--raw-cells`."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FORMAT",
        choices=formats,
        default=formats[0],
        help=f"{', '.join(formats[:-1])} or {formats[-1]} (default: {formats[0]})",
    )
    if "csv" in formats:
        _add_raw_cells(parser)


def _add_raw_cells(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--raw-cells",
        action="store_true",
        help="csv: every cell as it is, for programs (default: what a spreadsheet would run as a "
        "formula begins with an apostrophe)",
    )


def csv_writer(options: Namespace) -> CsvLine:
    """Return what writes a line of CSV as the options ask for it."""
    from podwall.reports.formats import csv_line, raw_csv_line  # noqa: PLC0415 - as below

    return raw_csv_line if options.raw_cells else csv_line


def add_engine(parser: ArgumentParser) -> None:
    """Add `--engine`."""
    parser.add_argument(
        "--engine",
        metavar="ENGINE",
        choices=ENGINE_NAMES,
        help=f"who enforces the policies: {', '.join(ENGINE_NAMES)} "
        "(default: what the source declares, else spec; none: nobody, so everything is open)",
    )


def add_cluster(parser: ArgumentParser) -> None:
    """Add what the source may not say of the cluster: `--cluster`, `--engine` and `--closed`."""
    add_cluster_name(parser)
    add_engine(parser)
    add_closed(parser)


def add_cluster_name(parser: ArgumentParser) -> None:
    """Add `--cluster`."""
    parser.add_argument(
        "--cluster",
        metavar="NAME",
        help="which cluster, where a stack deploys to several: the name of its provider, or of the "
        "AKS cluster (several with commas: they are one cluster)",
    )


def add_closed(parser: ArgumentParser) -> None:
    """Add `--closed` and `--accept-unread`."""
    parser.add_argument(
        "--closed",
        action="store_true",
        help="the source shows the whole cluster: there are no pods and namespaces but those in it "
        "(default: there may be others, and what admits them is open)",
    )
    parser.add_argument(
        "--accept-unread",
        metavar="KIND",
        action="append",
        default=[],
        help="objects of this kind need not be read: they bring no policy that matters, and make "
        "no pods that do, such as HelmRelease; can be given several times, and every report "
        "repeats it",
    )


def with_choices(found: Source, options: Namespace) -> Source:
    """Return a source with what the options say of it: if it is whole, what need not be read."""
    acknowledged = frozenset(getattr(options, "accept_unread", ()))
    pods = getattr(options, "pods", None)
    found = replace(found, closed=getattr(options, "closed", False), acknowledged=acknowledged)
    found = _with_assumed_engine(found, options)
    return _with_pod_kinds(found, pods) if pods else found


def _with_assumed_engine(found: Source, options: Namespace) -> Source:
    """Return a source that declares the engine of the settings, where it declares none itself."""
    assumed: str | None = getattr(options, "assumed_engine", None)
    declared = found.planned.cluster.engine
    if assumed is None:
        return found
    if declared not in {None, assumed}:
        write_message(
            f"the settings name the engine `{assumed}`: `{declared}` is declared, and counts"
        )
    deployed = found.deployed and _declaring(found.deployed, assumed)
    return replace(found, planned=_declaring(found.planned, assumed), deployed=deployed)


def _declaring(stage: Stage, engine: str) -> Stage:
    declared = stage.cluster.engine or engine
    return replace(stage, cluster=replace(stage.cluster, engine=declared))


def _with_pod_kinds(found: Source, pods: Sequence[Mapping[str, Any]]) -> Source:
    """Return a source with the kinds that settings say make pods, over those that are known."""
    from podwall.cli.settings_file import pod_kinds  # noqa: PLC0415 - help must not wait

    return replace(found, pod_kinds={**found.pod_kinds, **pod_kinds(pods)})


def add_fail_on(parser: ArgumentParser, default: FailOn = FailOn.ERROR) -> None:
    """Add `--fail-on`."""
    parser.add_argument(
        "--fail-on",
        metavar="LEVEL",
        choices=[level.value for level in FailOn],
        default=default.value,
        help="exit with 1 on any finding, on a warning or worse, or on an error; "
        f"undetermined: exit with 3 where a verdict is not certain (default: {default.value})",
    )


def add_out(parser: ArgumentParser) -> None:
    """Add `--out` for a file that is written once and then belongs to its owner, and `--force`."""
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="where the policies go (default: the standard output)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")


def write_out(text: str, options: Namespace) -> bool:
    """Write a text where `--out` says, else on the standard output; say if it is in a file now.

    Raises:
        SourceError: the file exists, and `--force` was not given.
    """
    if options.out is None:
        write_output([text])
        return False
    from podwall.reports.files import write_file  # noqa: PLC0415 - help must not wait

    write_file(options.out, text, replace=options.force)
    return True


def add_source(parser: ArgumentParser) -> None:
    """Add `SOURCE ...`, and `--stack` for the source that is a program."""
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="*",
        help="manifests (a file, a folder, or - for the standard input), the output of "
        "`pulumi preview --json --show-sames` or of `pulumi stack export`; several are one "
        "cluster; or `cluster`, the running one (default: the Pulumi program in this folder)",
    )
    add_stack(parser)


def add_manifests(parser: ArgumentParser) -> None:
    """Add what manifests, kustomizations and charts leave open."""
    parser.add_argument(
        "--namespace",
        "-n",
        metavar="NAMESPACE",
        help="where objects of manifests belong that name no namespace, as for kubectl apply "
        "(default: default); of the running cluster, the only one that is read",
    )
    add_kubeconfig(parser)
    add_charts(parser)


def add_kubeconfig(parser: ArgumentParser) -> None:
    """Add which cluster is the running one, for the source that is `cluster`."""
    parser.add_argument(
        "--kubeconfig",
        metavar="FILE",
        help="of the running cluster (default: what kubectl takes)",
    )
    parser.add_argument(
        "--context", metavar="NAME", help="the context in it (default: its current one)"
    )


def manifest_options(options: Namespace) -> ManifestOptions:
    """Return what the options say of manifests, and of the running cluster.

    Raises:
        InvalidValue: they name a cluster, and none is read.
    """
    from podwall.live import KubeContext  # noqa: PLC0415 - help must not wait
    from podwall.sources import CLUSTER, ManifestOptions  # noqa: PLC0415 - as above

    context = KubeContext(options.kubeconfig, options.context)
    if context != KubeContext() and CLUSTER not in options.sources:
        given = "--kubeconfig" if options.kubeconfig else "--context"
        raise InvalidValue(
            f"{given} names a running cluster, and none is read",
            help=f"give `{CLUSTER}` as the source",
        )
    return ManifestOptions(
        options.namespace,
        tuple(options.values),
        options.release,
        options.kube_version,
        tuple(options.api_versions),
        network=options.allow_network,
        cluster=context,
    )


def add_stack(parser: ArgumentParser) -> None:
    """Add `--stack`, `--config` and `--secret`, for commands that plan a program."""
    parser.add_argument(
        "--stack", "-s", metavar="STACK", help="the program's stack (default: dev, or the only one)"
    )
    parser.add_argument(
        "--config",
        "-c",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="configuration of the program, over what the stack's file says and written to no "
        "file; as often as there are keys",
    )
    parser.add_argument(
        "--secret",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="the same for a value that nothing may show, such as one that is encrypted in the "
        "stack's file (any stand-in of the right type does)",
    )


def given_configuration(options: Namespace) -> GivenConfiguration:
    """Return what `--config` and `--secret` give; of a key that stands twice, the last value.

    Raises:
        InvalidValue: one is not `KEY=VALUE`, or a key is given in both ways.
    """
    from podwall.plan.configuration import GivenConfiguration  # noqa: PLC0415 - help must not wait

    values: dict[str, Any] = dict(_key_and_value(text, "--config") for text in options.config)
    secrets = dict(_key_and_value(text, "--secret") for text in options.secret)
    for key in sorted(values.keys() & secrets.keys()):
        raise InvalidValue(
            f"`{key}` is given with --config and with --secret", help="leave one of them out"
        )
    answers = getattr(options, "answers", None)
    if answers:
        values.setdefault("podwall:answers", answers)
    return GivenConfiguration(values, secrets)


def _key_and_value(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        shown = key or "KEY"
        raise InvalidValue(
            f"{option} takes a key and a value, and is given `{shown if equals else key}`",
            help=f"as in `{option} {shown}=VALUE`",
        )
    return key, value


def read_source(options: Namespace) -> Source:
    """Return what is at the paths that the options name, else the program in this folder.

    Raises:
        SourceError: there is nothing to read there.
    """
    manifests = manifest_options(options)
    options.sources = options.sources or getattr(options, "default_sources", [])
    if not options.sources:
        return _program(options, manifests)
    _refuse_configuration(options)
    from podwall.sources import sources  # noqa: PLC0415 - help must not wait for the readers

    with progress("reading"):
        found = sources(options.sources, manifests)
    write_notes(found)
    return found


def write_notes(found: Source) -> None:
    """Say what was done to read a source, such as with which tool."""
    for note in found.notes[:_MOST_NOTES]:
        write_message(note)
    if len(found.notes) > _MOST_NOTES:
        write_message(f"and {len(found.notes) - _MOST_NOTES} more")


def _program(options: Namespace, manifests: ManifestOptions) -> Source:
    from podwall.sources import with_options  # noqa: PLC0415 - help must not wait

    with progress("reading"):
        return with_options(planned_source(Path.cwd(), options), manifests)


def planned_source(folder: Path, options: Namespace) -> Source:
    """Return what the program in a folder deploys, with the stack that the options name.

    Raises:
        SourceError: there is no project or no stack, or planning fails.
    """
    from podwall.planners import Planner, program_source  # noqa: PLC0415 - help must not wait

    given = given_configuration(options)
    return program_source(
        folder, options.stack, Planner.EMBEDDED, write_message, given, loaded=keep_what_is_loaded
    )


def _refuse_configuration(options: Namespace) -> None:
    """Refuse configuration beside a source that is no program: it would change nothing.

    Raises:
        InvalidValue: there is some.
    """
    parser = getattr(options, "parser", None)
    of_file = () if parser is None else parser.get_default("config")
    given = [(f"--{name}", getattr(options, name, ())) for name in ("config", "secret")]
    given = [(name, values) for name, values in given if values != of_file]
    for option, _ in (each for each in given if each[1]):
        raise InvalidValue(
            f"{option} configures a program, and `{options.sources[0]}` is what is read instead",
            help="leave SOURCE out to plan the program in this folder",
        )


def read_review(options: Namespace) -> Review:
    """Return what the source that the options name means under the engine that they name.

    Raises:
        SourceError: there is nothing to read there.
    """
    from podwall.review import review  # noqa: PLC0415 - help must not wait for numpy

    found = with_choices(read_source(options), options)
    chosen = chosen_cluster(found, options)
    if options.command.name != "verify":  # a cluster is probed for as long as that takes
        bound_by(chosen)
    return review(chosen, getattr(options, "engine", None))


def bound_by(*sources: Source) -> None:
    """Bound what the command may take from now on by how much is read."""
    begun(*([each.manifest for each in one.planned.documents] for one in sources))


def chosen_cluster(found: Source, options: Namespace) -> Source:
    """Return what of a source goes to the cluster that the options name, all of it if none."""
    if not getattr(options, "cluster", None):
        return found
    from podwall.sources import in_cluster  # noqa: PLC0415 - manifests wait for nothing of plans

    return _with_assumed_engine(in_cluster(found, options.cluster), options)


@contextmanager
def paused_collector() -> Iterator[None]:
    """Keep Python's cycle collector from looking at millions of values that all stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_what_is_loaded() -> None:
    """Spare the cycle collector the modules of the SDKs, also when the process ends.

    Python looks at everything twice on its way out: a sixth of a small preview.
    """
    gc.freeze()


def add_expectations(parser: ArgumentParser) -> None:
    """Add `[SOURCE ...] EXPECTATIONS.yaml`, and `--stack` for the source that is a program."""
    parser.add_argument(
        "words",
        metavar="[SOURCE ...] EXPECTATIONS.yaml",
        nargs="*",
        help="the file that says who may and who must not reach whom; SOURCE is manifests, a "
        "preview or a stack, several are one cluster (default: the Pulumi program in this folder)",
    )
    add_stack(parser)


def sources_and_expectations(
    words: Sequence[str], command: str, default: str | None = None
) -> tuple[list[str], str]:
    """Return the sources, which may be left out, and the file of expectations.

    Args:
        words: as they were typed.
        command: what they were typed for.
        default: the file that the settings name, which is taken where no file is typed.

    Raises:
        InvalidValue: the last word is no file of expectations, and there is no default.
    """
    if default and (not words or Path(words[-1]).is_dir()):
        return list(words), default
    if not words:
        raise InvalidValue(
            f"{command} needs a file of expectations",
            help=f"as in `podwall {command} manifests/ expectations.yaml`",
        )
    *sources, path = words
    if Path(path).is_dir():
        raise InvalidValue(
            f"`{path}` is a folder, and {command} also needs a file of expectations",
            help=f"as in `podwall {command} {shlex.join(words)} expectations.yaml`",
        )
    return sources, path
