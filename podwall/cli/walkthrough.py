"""What `podwall walkthrough` does: predict the five steps, try them if asked, show them."""

from __future__ import annotations

import secrets
from argparse import Namespace

from podwall.cli.verify import ended_by_signals, say_tag
from podwall.exit_code import ExitCode
from podwall.live import KubeContext
from podwall.policies.errors import InvalidValue
from podwall.reports.formats import json_text
from podwall.reports.screen import terminal
from podwall.reports.verification import (
    live_walkthrough_document,
    print_live_walkthrough,
    print_walkthrough,
    walkthrough_document,
)
from podwall.streams import progress, shown_json, write_message, write_output
from podwall.verify import attempts_exit_code
from podwall.walkthrough import walkthrough

__all__ = ["show_walkthrough"]


def show_walkthrough(options: Namespace) -> int:
    """Show the five steps in the format that the options ask for.

    Raises:
        InvalidValue: a cluster is named, and nothing is tried on it.
    """
    if options.live:
        return _show_live(options)
    if options.kubeconfig or options.context:
        raise InvalidValue(
            "a running cluster is named, and the steps are only predicted",
            help="add `--live` to try them there",
        )
    attempts = list(walkthrough(options.engine))
    if options.output == "json":
        write_output([json_text(walkthrough_document(attempts))], shown_json)
    else:
        print_walkthrough(attempts, terminal())
    return ExitCode.FINE


def _show_live(options: Namespace) -> int:
    """Try the five steps on the running cluster, show what came of them, and return the code."""
    from podwall.verify.steps import live_walkthrough  # noqa: PLC0415 - needs a client
    from podwall.verify.temporary import ProbeRun  # noqa: PLC0415 - as above

    say_tag(options)
    context = KubeContext(options.kubeconfig, options.context)
    how = ProbeRun(options.image, secrets.token_hex(4))
    with ended_by_signals(), progress("trying the steps"):
        found = live_walkthrough(context, options.engine, how, write_message)
    if options.output == "json":
        write_output([json_text(live_walkthrough_document(found))], shown_json)
    else:
        print_live_walkthrough(found, terminal())
    return attempts_exit_code(found)
