"""The pytest plugin: fixtures that plan a program, and failures that explain themselves.

pytest loads this module in every session of an environment that podwall is installed in. So it
imports nothing but pytest; the rest comes with the first test that asks for a fixture.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from podwall.testing import Checked, Reach
    from podwall.testing.programs import AnalysisSubject, PlanCache

__all__: list[str] = []

_MARKER: Final = (
    "podwall(folder, stack, config, engine, cluster, source, closed, namespace, accept_unread): "
    "what the fixtures `reach` and `reach_of` are about: the project's folder (seen from the "
    "test's), a stack, a dict that overrides its configuration, the engine, one of several "
    "clusters; or a source or several (manifests, a preview) in place of a program, and the "
    "namespace of manifests that name none; whether it is the whole cluster, and kinds of objects "
    "that need not be read"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the settings that say what is planned where no marker does."""
    parser.addini("podwall_folder", "podwall: the Pulumi project's folder, seen from the rootdir")
    parser.addini("podwall_stack", "podwall: the stack to plan (default: dev, or the only one)")
    parser.addini("podwall_engine", "podwall: the engine (default: the one that is declared)")
    parser.addini("podwall_cluster", "podwall: the cluster, where a stack deploys to several")
    parser.addini("podwall_config", "podwall: configuration, a `key=value` a line", type="linelist")
    parser.addini("podwall_source", "podwall: manifests or a preview, in place of a program")
    parser.addini("podwall_closed", "podwall: the cluster has nothing else", type="bool")
    parser.addini("podwall_namespace", "podwall: of manifests that name no namespace")
    parser.addini("podwall_accept_unread", "podwall: kinds that need not be read", type="args")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def _podwall_planned() -> PlanCache:
    """What was planned in this session; each choice is planned once."""
    from podwall.testing.programs import PlanCache  # noqa: PLC0415 - see the module

    return PlanCache()


@pytest.fixture
def reach(request: pytest.FixtureRequest, _podwall_planned: PlanCache) -> Reach:
    """Who reaches whom once the program is deployed: `assert reach.allows(...)`.

    The program is that of the nearest `Pulumi.yaml` above the test, its stack `dev` or the only
    one. The marker `podwall`, or settings in pytest's configuration, choose another.
    """
    from podwall.policies.errors import PodwallError  # noqa: PLC0415 - see the module

    try:
        return _podwall_planned.reach(_chosen(request))
    except PodwallError as caught:
        problem = caught
    help_ = f"\n help: {problem.help}" if problem.help else ""
    pytest.fail(f"podwall: {problem}{help_}", pytrace=False)


@pytest.fixture
def reach_of(request: pytest.FixtureRequest, _podwall_planned: PlanCache) -> Callable[..., Reach]:
    """A function that plans what its arguments choose, for several stacks in one test.

    `reach_of(folder=..., stack=..., config=..., engine=..., cluster=..., source=..., closed=...,
    namespace=..., accept_unread=...)` takes what the marker takes, and what is left out is as the
    marker and the settings say.
    """
    from podwall.policies.errors import PodwallError  # noqa: PLC0415 - see the module

    def chosen(**choices: Any) -> Reach:
        __tracebackhide__ = True
        try:
            return _podwall_planned.reach(_chosen(request).but(choices))
        except PodwallError as problem:
            if problem.help:
                problem.add_note(f"help: {problem.help}")
            raise

    return chosen


def _chosen(request: pytest.FixtureRequest) -> AnalysisSubject:
    """Return what the settings choose, then the test's markers, the nearest last."""
    from podwall.testing.programs import AnalysisSubject  # noqa: PLC0415 - see the module

    start = request.path.parent
    chosen = AnalysisSubject(start, request.config.rootpath).but(
        _settings(request.config), seen_from=request.config.rootpath
    )
    for marker in reversed(list(request.node.iter_markers("podwall"))):
        if marker.args:
            pytest.fail('the marker `podwall` takes names, as in `stack="prod"`', pytrace=False)
        chosen = chosen.but(marker.kwargs)
    return chosen


_SETTINGS: Final = (
    "folder",
    "stack",
    "engine",
    "cluster",
    "source",
    "closed",
    "namespace",
    "accept_unread",
)


def _settings(config: pytest.Config) -> Mapping[str, Any]:
    given = {name: config.getini(f"podwall_{name}") for name in _SETTINGS}
    pairs = (line.partition("=") for line in config.getini("podwall_config"))
    given["config"] = {key.strip(): value.strip() for key, _, value in pairs}
    return {name: value for name, value in given.items() if value}


def pytest_runtest_setup() -> None:
    """Forget what earlier tests asked."""
    if recent := _recent():
        recent.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test that fails by a statement say why it does not hold, rule by rule.

    Where the assertion is nothing but the statement, its message becomes the explanation; where it
    says more, the explanation is a section of the report.
    """
    problem = call.excinfo.value if call.excinfo is not None else None
    meant = _meant(str(problem)) if isinstance(problem, AssertionError) else []
    if problem is not None and len(meant) == 1 and _explain(problem, meant[0]):
        meant = []
    report = yield
    report.sections.extend(("podwall explains", str(each)) for each in meant)
    return report


def _explain(problem: BaseException, meant: Checked) -> bool:
    """Put the explanation of a statement in place of what pytest says of it; say if that was all.

    What the test says itself, `assert statement, "..."`, stays.
    """
    own, found, statement_text = f"\n{problem}".rpartition("\nassert ")
    first = statement_text.partition("\n")[0]
    if not found or first.removeprefix("not ") != repr(meant):
        return False
    problem.args = (f"{own}\n{meant}".strip("\n"),)
    return True


def _recent() -> deque[Checked] | None:
    """Return what was asked since the test began, if podwall has been asked at all."""
    module = sys.modules.get("podwall.testing.reach")
    return None if module is None else module.RECENT


def _meant(message: str) -> list[Checked]:
    """Return the statements that a failed assertion names, else the last that did not hold.

    What `assert all(...)` stopped at is not in its message, and there is no message at all where
    pytest does not rewrite an assertion, as in a module of helpers.
    """
    asked = {repr(each): each for each in _recent() or ()}
    named = [each for text, each in asked.items() if text in message]
    if named or (message and not message.startswith("assert False")):
        return named
    return [each for each in asked.values() if not each][-1:]
