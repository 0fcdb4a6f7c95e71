"""What `podwall walkthrough` does: predict the five steps, show them."""

from __future__ import annotations

from argparse import Namespace

from podwall.exit_code import ExitCode
from podwall.reports.formats import json_text
from podwall.reports.terminal import terminal
from podwall.reports.walkthrough import print_walkthrough, walkthrough_document
from podwall.streams import shown_json, write_output
from podwall.walkthrough import walkthrough

__all__ = ["show_walkthrough"]


def show_walkthrough(options: Namespace) -> int:
    """Show the five steps in the format that the options ask for."""
    attempts = list(walkthrough(options.engine))
    if options.output == "json":
        write_output([json_text(walkthrough_document(attempts))], shown_json)
    else:
        print_walkthrough(attempts, terminal())
    return ExitCode.FINE
