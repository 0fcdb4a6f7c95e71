"""Options by what they do: narrow an answer, render charts, link a report, or change nothing.

Who types an option expects something of it; where it does nothing, the answer would not be what it
seems. What a settings file says is no such word: it is said once for many commands. What becomes
part of a report is held against what that may have.
"""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from podwall.aks.limits import NEWEST_VERSION
from podwall.policies.errors import InvalidValue
from podwall.streams import shown_text

if TYPE_CHECKING:
    from podwall.focus import Focus

__all__ = [
    "ENDS",
    "add_charts",
    "add_comment",
    "add_focus",
    "chosen_focus",
    "line_link",
    "refuse_idle_options",
    "report_link",
    "source_words",
]


class _Need(NamedTuple):
    """An option, what it needs, in words and as a question, and what to do without it."""

    option: str
    needs: str
    is_met: Callable[[Namespace], bool]
    help: str = ""

    @property
    def key(self) -> str:
        """The name that the option's value has."""
        return self.option.removeprefix("--").replace("-", "_")


def _writes(*formats: str) -> Callable[[Namespace], bool]:
    """Return the question if one of the formats is written; `--out` of a change writes all."""

    def is_written(options: Namespace) -> bool:
        all_at_once = options.command.name == "diff" and options.out is not None
        return all_at_once or options.output in formats

    return is_written


def _has(key: str) -> Callable[[Namespace], bool]:
    return lambda options: bool(getattr(options, key, None))


def _plans_a_program(options: Namespace) -> bool:
    sources = getattr(options, "sources", None)
    return options.command.name == "diff" or not sources


_NEEDS: Final = (
    _Need("--raw-cells", "is about `-o csv`", lambda options: options.output == "csv"),
    _Need("--format-version", "is about `-o json`", lambda options: options.output == "json"),
    _Need("--subject", "is about the comment and the page", _writes("md", "html")),
    _Need("--link", "is about the comment", _writes("md"), "add `-o md`, or --out"),
    _Need("--line-link", "is about the comment", _writes("md"), "add `-o md`, or --out"),
    _Need("--direction", "is that of --focus", _has("focus"), "name the workload with --focus"),
    _Need("--force", "replaces what --out names", _has("out"), "add --out, or leave it out"),
    _Need(
        "--stack",
        "chooses the stack of a program, and something else is what is read",
        _plans_a_program,
        "leave SOURCE out to plan the program in this folder",
    ),
)


def refuse_idle_options(options: Namespace) -> None:
    """Stop where an option was typed that changes nothing.

    Raises:
        InvalidValue: there is one.
    """
    for need in _typed(options):
        if not need.is_met(options):
            given = f"-o {options.output}" if need.needs.startswith("is about") else ""
            instead = f", and this is `{given}`" if given else ""
            raise InvalidValue(f"{need.option} {need.needs}{instead}", help=need.help)


def _typed(options: Namespace) -> Iterator[_Need]:
    """Yield the needs of the options whose values are not those that the parser starts with."""
    known: dict[str, Any] = vars(options)
    for need in _NEEDS:
        is_there = need.key in known and not (need.option == "--force" and "out" not in known)
        if is_there and known[need.key] != options.parser.get_default(need.key):
            yield need


_REPEATED: Final = (
    "--engine",
    "--cluster",
    "--closed",
    "--accept-unread",
    "--namespace",
    "--kubeconfig",
    "--context",
    "--values",
    "--release",
    "--kube-version",
    "--api-versions",
    "--allow-network",
    "--config",
)
"""The options that decide what is read and answered; a secret is not repeated."""


def source_words(options: Namespace) -> str:
    """Return the words that say what is read, to be repeated in a command that is proposed.

    An option that was typed belongs to them: without it the proposed command would answer another
    question.
    """
    sources = list(getattr(options, "sources", None) or ())
    if sources == (getattr(options, "default_sources", None) or ()):
        sources = []
    stack = getattr(options, "stack", None)
    named = ["--stack", stack] if stack and not sources else []
    return shlex.join([*sources, *named, *_typed_again(options)])


def _typed_again(options: Namespace) -> Iterator[str]:
    """Yield the options that were typed, with their values."""
    known: dict[str, Any] = vars(options)
    for option in _REPEATED:
        key = option.removeprefix("--").replace("-", "_")
        value = known.get(key)
        if value is None or value == options.parser.get_default(key):
            continue
        if value is True:
            yield option
            continue
        for each in value if isinstance(value, list) else [value]:
            yield from (option, str(each))


ENDS: Final = ("--focus", "--from", "--to")
"""The options whose values are ends of connections."""
_LATEST: Final = 2
_END: Final = (
    "a workload (`shop/api`), a namespace (`shop`), several by `*`, an address or a range, or "
    "`outside`; as often as needed"
)


def add_charts(parser: ArgumentParser) -> None:
    """Add what charts do not say themselves, and what kustomize may do."""
    parser.add_argument(
        "--values",
        metavar="FILE",
        action="append",
        default=[],
        help="values of a chart, as for helm; can be given several times",
    )
    parser.add_argument(
        "--release",
        metavar="NAME",
        default="release-name",
        help="the name of a chart's release (default: release-name)",
    )
    parser.add_argument(
        "--kube-version",
        metavar="VERSION",
        default=NEWEST_VERSION,
        help="the version of Kubernetes that charts are rendered for, as for helm "
        f"(default: {NEWEST_VERSION}, the newest that AKS runs)",
    )
    parser.add_argument(
        "--api-versions",
        metavar="API",
        action="append",
        default=[],
        help="an API that the cluster has beside Kubernetes' own, such as cilium.io/v2, as charts "
        "ask for it; can be given several times",
    )
    parser.add_argument(
        "--allow-network",
        action="store_true",
        help="let kustomize fetch what a kustomization names on the network "
        "(default: such a folder is refused)",
    )


def add_focus(parser: ArgumentParser) -> None:
    """Add what narrows the answer to what is asked for."""
    for option, dest, words in (
        ("--focus", "focus", "only connections with END at one of their ends"),
        ("--from", "from_ends", "only connections from END"),
        ("--to", "to_ends", "only connections to END"),
    ):
        parser.add_argument(
            option,
            dest=dest,
            metavar="END",
            action="append",
            default=[],
            help=f"{words}; {_END if option == '--focus' else 'as for --focus'}",
        )
    parser.add_argument(
        "--direction",
        metavar="DIRECTION",
        choices=("ingress", "egress"),
        help="of --focus: ingress is what comes to it, egress what it sends (default: both)",
    )
    parser.add_argument(
        "--port", metavar="PORT", help="only these ports, as in `8080`, `53/udp` or `metrics`"
    )


def chosen_focus(options: Namespace) -> Focus | None:
    """Return what is asked for, None where that is everything.

    Raises:
        InvalidValue: an older format has no place to say so, or flows are asked for as well.
    """
    words = (options.focus, options.from_ends, options.to_ends, options.direction, options.port)
    if not any(words):
        return None
    # Imported only here: help must not wait for numpy, and few ask for a part.
    from podwall.focus import Focus  # noqa: PLC0415 - as above
    from podwall.policies.rules import Direction  # noqa: PLC0415 - as above

    way = options.direction and Direction[options.direction.upper()]
    ends = (options.focus, options.from_ends, options.to_ends)
    focus, sources, destinations = map(tuple, ends)
    found = Focus(focus, way, sources, destinations, options.port or "")
    if (
        found
        and options.output == "json"
        and getattr(options, "format_version", _LATEST) != _LATEST
    ):
        raise InvalidValue(
            "the format of version 1 can't say that only a part was asked for",
            help="leave --format-version out",
        )
    if found and getattr(options, "flows", None):
        raise InvalidValue(
            "observed flows are shown as a whole", help="leave out --focus and its like, or --flows"
        )
    return found


def add_comment(parser: ArgumentParser) -> None:
    """Add what the comment on a change says beside it: its subject, and where more is."""
    parser.add_argument(
        "--subject",
        metavar="TEXT",
        help="what changes, as the comment (md) and the page (html) call it "
        "(default: the stack of a preview or state, else the last source)",
    )
    parser.add_argument(
        "--link",
        metavar="URL",
        type=report_link,
        default="",
        help="where the comment (md) says that the rest is",
    )
    parser.add_argument(
        "--line-link",
        metavar="URL",
        type=line_link,
        help="the address of a line of a file on the host, with {path} and {line}, as in "
        "https://github.com/acme/shop/blob/COMMIT/{path}#L{line}",
    )


def report_link(text: str) -> str:
    """Return the address of a report as it is given, or nothing where nothing is given.

    It becomes the target of a link in Markdown, in a file that a build may print.

    Raises:
        ArgumentTypeError: it is no address, or has what ends a link or what an agent carries out.
    """
    if text and not _is_address(text):
        raise ArgumentTypeError(
            f"`{text}` is not an address that a link can have: {_ADDRESS_WORDS}"
        )
    return text


def line_link(text: str) -> str:
    """Return the address of lines as it is given.

    Raises:
        ArgumentTypeError: it is no address, or names no path.
    """
    if "{path}" not in text or not _is_address(text):
        message = f"`{text}` is not the address of a line: {_ADDRESS_WORDS}, and it has {{path}}"
        raise ArgumentTypeError(message)
    return text


def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None and shown_text(text) == text


_ADDRESS: Final = re.compile(r"""https?://[\w\[][^\s<>()\\`"]*""", re.ASCII)
_ADDRESS_WORDS: Final = (
    "it begins with https:// or http://, and has no space, quote, parenthesis or command of an "
    "agent (`(` is written %28)"
)
