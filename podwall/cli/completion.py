"""Completion for shells: what `podwall completion SHELL` prints, and what the shells then ask.

How it works: each script is a few lines that hand over the words of the command line, as in
`podwall --complete =sho explain manifests/`: the word that is typed comes first, behind a sign, so
that it is never empty, which some shells drop. The answer is a proposal a line. Where there is
none, the shell proposes files. So there is one completion, in Python, for all shells.

Names of workloads are those of the files that are named before, or of the plan that the last
preview left here: no program runs and no cluster is asked because somebody presses a key. There is
no library for it: those for argparse want every command's arguments declared, which podwall does
only for the command that is typed.
"""

from __future__ import annotations

import contextlib
import re
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from podwall.cli.parser import Command
from podwall.cli.typed_options import ENDS

if TYPE_CHECKING:
    from podwall.reachability import WorkloadEndpoint

__all__ = ["SCRIPTS", "arguments", "proposals", "show_script"]

_BASH: Final = """\
_podwall() {
    local word=${COMP_WORDS[COMP_CWORD]} line
    [ "$word" = "=" ] && word=
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("${COMP_WORDS[0]}" --complete "=$word" "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
}
complete -o default -F _podwall podwall
"""
_ZSH: Final = """\
#compdef podwall
_podwall() {
    local -a found
    local -a before
    before=("${(@)words[2,CURRENT-1]}")
    found=("${(@f)$("${words[1]}" --complete "=${words[CURRENT]}" "${before[@]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -- "${found[@]}"
    else
        _files
    fi
}
if [[ "${zsh_eval_context[-1]}" == loadautofunc ]]; then
    _podwall "$@"
else
    compdef _podwall podwall
fi
"""
_FISH: Final = """\
function __podwall_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] --complete "=$current" $words[2..-1] 2>/dev/null
end
complete -c podwall -a '(__podwall_complete)'
"""
_POWERSHELL: Final = """\
Register-ArgumentCompleter -Native -CommandName podwall -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | ForEach-Object { $_.Extent.Text })
    $before = @($words | Select-Object -Skip 1)
    if ($wordToComplete -ne '') { $before = @($before | Select-Object -SkipLast 1) }
    & $words[0] --complete "=$wordToComplete" @before 2>$null | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
"""
SCRIPTS: Final[Mapping[str, str]] = {
    "bash": _BASH,
    "zsh": _ZSH,
    "fish": _FISH,
    "powershell": _POWERSHELL,
}


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall completion`."""
    parser.add_argument("shell", metavar="SHELL", choices=tuple(SCRIPTS), help=", ".join(SCRIPTS))


def show_script(options: Namespace) -> int:
    """Print the script for a shell."""
    from podwall.streams import write_output  # noqa: PLC0415 - help must not wait

    write_output([SCRIPTS[options.shell]])
    return 0


def proposals(commands: Sequence[Command], asked: Sequence[str]) -> Iterator[str]:
    """Yield what may stand where a word is typed, each proposal a whole word.

    Args:
        commands: those that there are.
        asked: what is typed of the word, behind `=`, and then the words before it.
    """
    typed, words = asked[0].removeprefix("="), [each for each in asked[1:] if each != "="]
    by_name = {each.name: each for each in commands}
    if not words:
        yield from _beginning(typed, [*by_name, "--help", "--version"])
    elif words[0] in by_name:
        yield from _of_command(by_name[words[0]], words[1:], typed)


def _of_command(command: Command, words: Sequence[str], typed: str) -> Iterator[str]:
    parser = ArgumentParser(add_help=False)
    command.declare(parser)
    options = {name: each for each in parser._actions for name in each.option_strings}  # noqa: SLF001 - argparse tells them nowhere else
    option, equals, value = typed.partition("=")
    if equals and option in options:
        found = _beginning(value, _values(options[option], option, words))
        yield from (f"{option}={each}" for each in found)
    elif words and _wants_value(options.get(words[-1])):
        yield from _beginning(typed, _values(options[words[-1]], words[-1], words))
    elif typed.startswith("-"):
        yield from _beginning(typed, sorted(each for each in options if each.startswith("--")))
    else:
        yield from _beginning(typed, _of_words(command, parser, options, words))


def _wants_value(action: Action | None) -> bool:
    return action is not None and action.nargs is None


def _beginning(typed: str, words: Iterable[str]) -> Iterator[str]:
    return (each for each in words if each.startswith(typed))


def _values(action: Action, option: str, words: Sequence[str]) -> Iterable[str]:
    if action.choices is not None:
        return map(str, action.choices)
    if option in ENDS:
        namespaces = (f"{each.namespace}" for each in _workloads(words))
        return dict.fromkeys((*(each.id for each in _workloads(words)), *namespaces, "outside"))
    if option in {"--stack", "-s"}:
        return sorted(path.name.split(".")[1] for path in Path().glob("Pulumi.?*.yaml"))
    return ()


def _of_words(
    command: Command, parser: ArgumentParser, options: Mapping[str, Action], words: Sequence[str]
) -> Iterable[str]:
    """Return what may be a word of a command: an end or the port of a flow, or one of a choice."""
    own = next((each for each in parser._actions if not each.option_strings), None)  # noqa: SLF001 - as above
    if own is not None and own.choices is not None:
        return map(str, own.choices)
    if command.name != "explain":
        return ()
    typed = list(_without_options(words, options))
    ends = [each for each in typed if not Path(each).exists()]
    workloads = _workloads(typed)
    if len(ends) < _BOTH:
        return [each.id for each in workloads]
    servers = (each for each in workloads if each.id == ends[1])
    return [port for each in servers for port in _ports(each)]


_BOTH: Final = 2
_PLAIN: Final = re.compile(r"[\w./#-]+", re.ASCII)
"""A name that a shell takes for nothing else: files that strangers wrote are read here."""


def _without_options(words: Sequence[str], options: Mapping[str, Action]) -> Iterator[str]:
    rest = iter(words)
    for each in rest:
        if each.startswith("-") and each != "-":
            if _wants_value(options.get(each)):
                next(rest, None)
        else:
            yield each


def _ports(workload: WorkloadEndpoint) -> Iterator[str]:
    for port in workload.workload.ports:
        number = f"{port.number}/{port.protocol.lower()}"
        yield port.name if port.name and _PLAIN.fullmatch(port.name) else number


def _workloads(words: Sequence[str]) -> Sequence[WorkloadEndpoint]:
    """Return the workloads of the files that words name, or of what the last preview left here.

    What can't be read has none: nobody wants an error while typing.
    """
    paths = [each for each in words if Path(each).exists()] or _last_plans()
    if not paths:
        return ()
    with contextlib.suppress(Exception):
        return [each for each in _read(paths) if _PLAIN.fullmatch(each.id)]
    return ()


def _last_plans() -> list[str]:
    plans = sorted(Path("out").glob("*/plan.json"), key=lambda each: each.stat().st_mtime)
    return [str(each) for each in plans[-1:]]


def _read(paths: Sequence[str]) -> Sequence[WorkloadEndpoint]:
    # Imported only here: the script and help must not wait for numpy.
    from podwall.review import review  # noqa: PLC0415 - as above
    from podwall.sources import sources  # noqa: PLC0415 - as above

    return review(sources(paths)).reachability.workloads
