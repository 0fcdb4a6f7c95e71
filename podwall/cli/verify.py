"""What `podwall verify` does: choose probes, make them in the running cluster, compare."""

from __future__ import annotations

import secrets
import signal
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Final

from podwall.change_review import change_review, stages
from podwall.cli.arguments import paused_collector, read_review
from podwall.cli.findings import write_reading
from podwall.exit_code import ExitCode
from podwall.live import KubeContext
from podwall.policies.errors import InvalidValue
from podwall.reachability import Reachability
from podwall.reports.findings.documents import sarif_document
from podwall.reports.findings.junit import junit_text
from podwall.reports.formats import json_text
from podwall.reports.screen import terminal
from podwall.reports.verification import (
    netassert_text,
    print_plan,
    print_verification,
    probe_plan_document,
    verification_document,
    verification_findings,
    verification_suite,
    verification_tap,
)
from podwall.review import Review, review
from podwall.sources import CLUSTER, source
from podwall.sources.expectations import expectations_in
from podwall.streams import MEDIA, progress, shown_json, write_message, write_output
from podwall.verify import (
    ProbePlan,
    Verification,
    boundary_probes,
    changed_probes,
    from_outside,
    stated_probes,
    through_services,
)

__all__ = ["ended_by_signals", "say_tag", "show_verification"]

_NOT_ENFORCED: Final = (
    "no engine is seen in this cluster, so what its policies declare is predicted, as the "
    "specification means it"
)


def show_verification(options: Namespace) -> int:
    """Prove predictions on the running cluster, show what came of it, and return the exit code."""
    if options.cleanup:
        return _clean_up(options)
    with paused_collector():
        predicted = _predicted(options)
        plan = _plan(options, predicted.reachability)
        if options.services:
            plan = through_services(plan, predicted.reachability)
        if options.outside:
            plan = from_outside(plan, predicted.reachability, options.max_probes)
    if options.export:
        write_output(netassert_text(plan, predicted.reachability))
        return ExitCode.FINE
    if options.dry_run:
        _show_plan(options, plan, predicted)
        return ExitCode.FINE
    if not options.existing:
        say_tag(options)
    found = _verified(options, predicted.reachability, plan)
    _show(options, found, predicted)
    return found.exit_code


_BY_TAG: Final = (
    "`{}` is an image by its tag, which may be another one tomorrow: pin it, as in "
    "`--image REGISTRY/busybox@sha256:...`"
)


def say_tag(options: Namespace) -> None:
    """Say that the image of the temporary pods is not pinned by its digest, where it is not."""
    if "@sha256:" not in options.image:
        write_message(_BY_TAG.format(options.image))


def _context(options: Namespace) -> KubeContext:
    return KubeContext(options.kubeconfig, options.context)


def _predicted(options: Namespace) -> Review:
    """Return what is predicted: of the cluster's own policies, or of another source."""
    given = copy(options)
    given.sources = options.sources or [CLUSTER]
    if CLUSTER not in given.sources:
        given.kubeconfig = given.context = None
    found = read_review(given)
    if not found.reachability.engine.enforces and options.engine is None:
        write_message(_NOT_ENFORCED)
        found = review(found.source, "spec")
    write_reading(found)
    return found


def _plan(options: Namespace, found: Reachability) -> ProbePlan:
    """Return what is to be probed.

    Raises:
        InvalidValue: a change and expectations are both given.
    """
    given = options.max_probes, options.seed, options.protocols
    if options.changed and options.expectations:
        raise InvalidValue(
            "--changed and --expectations each say what to probe", help="leave one of them out"
        )
    if options.changed:
        before, after = stages(source(options.changed))
        change = change_review(before, after, options.engine).difference
        return changed_probes(found, change.changes(), *given)
    if options.expectations:
        return stated_probes(found, expectations_in(options.expectations), *given)
    return boundary_probes(found, *given)


def _show_plan(options: Namespace, plan: ProbePlan, predicted: Review) -> None:
    if options.output == "json":
        document = probe_plan_document(plan, predicted.not_read)
        write_output([json_text(document)], shown_json)
    else:
        print_plan(plan, terminal())


def _verified(options: Namespace, found: Reachability, plan: ProbePlan) -> Verification:
    from podwall.verify.running import verified  # noqa: PLC0415 - a plan needs no client
    from podwall.verify.temporary import ProbeRun  # noqa: PLC0415 - as above

    how = ProbeRun(options.image, secrets.token_hex(4), options.parallel, existing=options.existing)
    with ended_by_signals(), progress("probing"):
        return verified(_context(options), found, plan, how, write_message)


def _show(options: Namespace, found: Verification, predicted: Review) -> None:
    match options.output:
        case "json":
            document = verification_document(found, predicted.locate, predicted.not_read)
            write_output([json_text(document)], shown_json)
        case "junit":
            write_output([junit_text([verification_suite(found)])], MEDIA["junit"])
        case "sarif":
            found_out = predicted.located(tuple(verification_findings(found)))
            write_output([json_text(sarif_document(found_out, category="verify"))], shown_json)
        case "tap":
            write_output(verification_tap(found))
        case _:
            print_verification(found, predicted.locate, terminal())


def _clean_up(options: Namespace) -> int:
    """Remove what verifications left behind, and say so."""
    from podwall.verify.cleanup import cleaned_up  # noqa: PLC0415 - help must not wait

    for line in cleaned_up(_context(options), options.namespace):
        write_message(line)
    return ExitCode.FINE


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let what ends a process end it as Ctrl-C does, so that everything is removed before."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
