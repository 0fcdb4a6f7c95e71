"""Whatever stops a plan is said in one message, with its place."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from podwall.plan.embedded import embedded_plan
from podwall.policies.errors import InvalidValue, Place, PodwallError, SourceError
from tests.plan.projects import project_in


def stopped(folder: Path) -> PodwallError:
    with pytest.raises(PodwallError) as refused:
        embedded_plan(folder, "dev")
    return refused.value


@pytest.mark.parametrize(
    ("program", "message", "line"),
    [
        pytest.param(
            "\nraise ValueError('no such thing.\\nmore')",
            "the program raised `ValueError`: no such thing",
            2,
            id="an exception, its first line",
        ),
        pytest.param("raise KeyError", "the program raised `KeyError`", 1, id="without a text"),
        pytest.param(
            "def f(", "the program is not Python: '(' was never closed", 1, id="a syntax error"
        ),
        pytest.param(
            "import nowhere_to_be_found",
            "the program raised `ModuleNotFoundError`: No module named 'nowhere_to_be_found'",
            1,
            id="a missing module",
        ),
        pytest.param(
            "import sys\nsys.exit(3)", "the program stopped with exit code 3", 2, id="an exit"
        ),
        pytest.param(
            "import pulumi\npulumi.Config().require('size')",
            "`shop:size` is not set",
            2,
            id="missing configuration",
        ),
        pytest.param(
            "import pulumi\npulumi.Config().require_int('word')",
            "`shop:word` is not of type `int`",
            2,
            id="configuration of another type",
        ),
        pytest.param(
            "import pulumi\nraise pulumi.RunError('Not today.')", "not today", 2, id="a RunError"
        ),
        pytest.param(
            "import pulumi\n\npulumi.Output.from_input(1).apply(lambda _: 1 / 0)",
            "the program raised `ZeroDivisionError`: division by zero",
            3,
            id="an exception in a callback",
        ),
        pytest.param(
            "raise ExceptionGroup('two', [OSError('one'), OSError('two')])",
            "the program raised `ExceptionGroup`: two (2 sub-exceptions)",
            1,
            id="a group of exceptions",
        ),
    ],
)
@pytest.mark.long(keep=1)
def test_a_program_that_fails(tmp_path: Path, program: str, message: str, line: int) -> None:
    problem = stopped(project_in(tmp_path, program, {"shop:word": "x"}))
    assert (problem.message, problem.place) == (message, Place("__main__.py", line))
    assert isinstance(problem, SourceError)


@pytest.mark.parametrize(
    "raising",
    [
        pytest.param("tcp(0)", id="directly"),
        pytest.param("pulumi.Output.from_input(0).apply(lambda n: tcp(n))", id="in a callback"),
        pytest.param("raise ExceptionGroup('x', [ValueError(), caught(tcp)])", id="in a group"),
    ],
)
@pytest.mark.long
def test_an_error_of_ours_is_the_message_at_the_programs_line(tmp_path: Path, raising: str) -> None:
    program = f"""
        import pulumi
        from podwall.policies import tcp

        def caught(function):
            try:
                function(0)
            except Exception as problem:
                return problem

        {raising}
    """
    problem = stopped(project_in(tmp_path, program))
    assert isinstance(problem, InvalidValue)
    assert problem.place.source == "__main__.py"
    assert problem.help


def test_an_error_of_ours_behind_another_one_is_the_message(tmp_path: Path) -> None:
    program = """
        from podwall.policies import tcp

        try:
            tcp(70000)
        except ValueError as problem:
            raise RuntimeError("it did not work") from problem
    """
    problem = stopped(project_in(tmp_path, program))
    assert isinstance(problem, InvalidValue)
    assert problem.place.line == 5


def test_an_error_that_the_program_logs_stops_the_plan(tmp_path: Path) -> None:
    problem = stopped(project_in(tmp_path, "import pulumi\npulumi.log.error('not like this')"))
    assert problem.message == "not like this"


@pytest.mark.parametrize(
    ("program", "help_"),
    [
        pytest.param(
            """
            from pulumi_azure_native.resources import get_resource_group

            json.loads(get_resource_group(resource_group_name="rg").location)
            """,
            '`podwall:answers: {"azure-native:resources:getResourceGroup": {...}}`',
            id="an answer",
        ),
        pytest.param(
            "json.loads(pulumi.Config().require('key'))",
            "`--secret shop:key=VALUE`",
            id="an encrypted value",
        ),
    ],
)
@pytest.mark.long(keep=1)
def test_what_is_not_known_is_named_where_a_program_needs_it(
    tmp_path: Path, program: str, help_: str
) -> None:
    whole = "import json\nimport pulumi\n" + textwrap.dedent(program)
    problem = stopped(project_in(tmp_path, whole, {"shop:key": {"secure": "v1:abc:def"}}))
    assert problem.message.startswith("the program raised `JSONDecodeError`")
    assert "is not known here" in problem.help
    assert help_ in problem.help


LATER = "later = pulumi.Output.from_input('x')\n"


@pytest.mark.parametrize(
    ("statement", "message", "help_"),
    [
        pytest.param("'app-' + later", "an output is used as if", "`.apply`", id="added"),
        pytest.param("for each in later: pass", "an output is used as if", "`.apply`", id="a loop"),
        pytest.param("json.dumps(later)", "an output is used as if", "json_dumps", id="JSON"),
        pytest.param("open(later)", "an output is used as if", "`.apply`", id="a file"),
        pytest.param("int(later)", "an output is used as if", "`.apply`", id="a number"),
        pytest.param("later < later", "an output is used as if", "`.apply`", id="compared"),
        pytest.param("'-'.join([later])", "an output is used as if", "concat", id="joined"),
        pytest.param(
            "from pulumi_kubernetes.core.v1 import Nothing",
            "there is no `core.v1.Nothing` in `pulumi_kubernetes` ",
            "the release that the program pins",
            id="a class that is not there",
        ),
        pytest.param(
            "import pulumi_kubernetes.core.v9",
            "there is no `core.v9` in `pulumi_kubernetes` ",
            "the release that the program pins",
            id="a module that is not there",
        ),
        pytest.param(
            "import pulumi_kubernetes.core.v1 as v1; v1.Nothing",
            "there is no `core.v1.Nothing` in `pulumi_kubernetes` ",
            "the release that the program pins",
            id="an attribute that is not there",
        ),
        pytest.param(
            "from pulumi_kubernetes.core.v1 import Pod; Pod('web', metadate={})",
            "`Pod` takes no `metadate` in `pulumi_kubernetes` ",
            "the release that the program pins",
            id="an argument that is not there",
        ),
        pytest.param(
            "from pulumi_kubernetes.core.v1 import ContainerArgs; ContainerArgs(nam='a')",
            "`ContainerArgs` takes no `nam` in `pulumi_kubernetes` ",
            "the release that the program pins",
            id="an argument of arguments",
        ),
        pytest.param(
            "from pulumi_azure_native.resources import Deployment; Deployment('d')",
            "a resource lacks its property `properties`",
            "where the resource is made",
            id="a property that is required",
        ),
        pytest.param(
            "os.environ['NOBODY_SETS_THIS']",
            "the environment variable `NOBODY_SETS_THIS` is not set",
            "`export NOBODY_SETS_THIS=VALUE`",
            id="a variable of the environment",
        ),
        pytest.param("{}['key']", "the program raised `KeyError`: 'key'", "--debug", id="a key"),
        pytest.param("open('nowhere.txt')", "there is no `nowhere.txt`", "begins at", id="no file"),
        pytest.param(
            "subprocess.run(['no-such-command', '--password', 'canary'])",
            "the program runs `no-such-command`, which is not on the PATH",
            "configuration",
            id="a command that is not there",
        ),
        pytest.param(
            "subprocess.run([sys.executable, '-c', 'exit(3)  # canary'], check=True)",
            "the program runs `python",
            "configuration",
            id="a command that fails",
        ),
        pytest.param(
            "urllib.request.urlopen('http://127.0.0.1:9/')",
            "the program asks a server, and gets no answer (`URLError`)",
            "configuration",
            id="a server",
        ),
    ],
)
@pytest.mark.long(keep=1)
def test_what_stops_a_program_is_told_in_pulumis_terms(
    tmp_path: Path, statement: str, message: str, help_: str
) -> None:
    head = "import json, os, subprocess, sys, urllib.request\nimport pulumi\n"
    problem = stopped(project_in(tmp_path, f"{head}{LATER}{statement}"))
    assert problem.message.startswith(message)
    assert help_ in problem.help
    assert "canary" not in str(problem)
    assert problem.place == Place("__main__.py", 4)


def test_a_module_of_the_program_is_named_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "web.py").write_text("\n\n1 / 0\n", encoding="utf-8")
    assert stopped(project_in(tmp_path, "import parts.web")).place == Place("parts/web.py", 3)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param(
            "Pulumi.dev.yaml",
            "config:\n  shop:a: [",
            "Pulumi.dev.yaml:2: malformed YAML: "
            "expected the node content, but found '<stream end>'",
            id="a list that does not end",
        ),
        pytest.param(
            "Pulumi.dev.yaml",
            "config:\n\tshop:a: b",
            "Pulumi.dev.yaml:2: malformed YAML: found character '\\t' that cannot start any token",
            id="a tab",
        ),
        pytest.param(
            "Pulumi.dev.yaml",
            "- a",
            "Pulumi.dev.yaml:1: expected a mapping of keys to values",
            id="a list instead of a mapping",
        ),
        pytest.param(
            "Pulumi.dev.yaml",
            "config: [a]",
            "Pulumi.dev.yaml:1: expected a mapping of keys to values",
            id="a list as configuration",
        ),
        pytest.param(
            "Pulumi.yaml", "runtime: python", "Pulumi.yaml: the project has no name", id="no name"
        ),
        pytest.param(
            "Pulumi.yaml",
            "name: shop\nruntime: nodejs",
            "Pulumi.yaml:2: podwall plans Python programs, and this one is `nodejs`",
            id="another language",
        ),
        pytest.param(
            "Pulumi.yaml",
            "name: shop\nruntime: python\nmain: src",
            "src/__main__.py: the program is missing",
            id="a program that is not there",
        ),
    ],
)
def test_a_file_that_is_not_right(tmp_path: Path, name: str, text: str, message: str) -> None:
    folder = project_in(tmp_path, "")
    (folder / name).write_text(text, encoding="utf-8")
    assert str(stopped(folder)) == message


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    folder = project_in(tmp_path, "")
    (folder / "Pulumi.dev.yaml").write_bytes(b"config: \xff\xfe")
    assert str(stopped(folder)) == "Pulumi.dev.yaml: malformed YAML: it is not UTF-8 text"


def test_what_the_program_says_of_a_secret_is_masked(tmp_path: Path) -> None:
    program = """
    import pulumi
    pulumi.Output.secret("a-planted-word").apply(lambda _: 0)
    raise ValueError("a-planted-word is refused")
    """
    problem = stopped(project_in(tmp_path, textwrap.dedent(program)))
    assert problem.message == "the program raised `ValueError`: [secret] is refused"
