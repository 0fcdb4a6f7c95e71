"""A module makes the policies that it was written from, and is written as a person would."""

from __future__ import annotations

import ast
import keyword
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podwall import policies
from podwall.policies import (
    ALL_PODS,
    DENY_ALL,
    DNS_PORTS,
    KUBE_DNS,
    Direction,
    NetworkPolicy,
    allow_dns,
    allow_from,
    allow_to,
    default_deny,
    exists,
    namespace,
    namespaces,
    pods,
    tcp,
    udp,
)
from podwall.python_code import policies_module
from tests.policies.strategies import network_policies
from tests.python_code.modules import judged_by_mypy, judged_by_ruff, made_by

SEVERAL = st.lists(
    network_policies(), min_size=1, max_size=6, unique_by=lambda each: (each.namespace, each.name)
)
HEADLINE = "Policies."


def module(*found: NetworkPolicy) -> str:
    """Return the module of some policies."""
    return policies_module(found, HEADLINE)


def body(*found: NetworkPolicy) -> str:
    """Return what stands between the imports and the list at the end."""
    return module(*found).split('"""\n\n')[1].split("\n\n", 1)[1].split("\n\nPOLICIES = ")[0]


@given(SEVERAL)
@pytest.mark.long
def test_a_module_makes_equal_policies(found: list[NetworkPolicy]) -> None:
    made = made_by(module(*found))
    assert list(made) == sorted({each.namespace for each in found})
    for name, listed in made.items():
        assert listed == [each for each in found if each.namespace == name]


def _collected(count: int) -> list[list[NetworkPolicy]]:
    """Return random policies, the same in every run."""
    seen: list[list[NetworkPolicy]] = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(SEVERAL)
    def collect(found: list[NetworkPolicy]) -> None:
        seen.append(found)

    collect()
    return seen


@pytest.mark.long
def test_modules_are_formatted_and_checked(tmp_path: Path) -> None:
    modules = [module(*found) for found in _collected(150)]
    for number, code in enumerate(modules):
        (tmp_path / f"module_{number}.py").write_text(code, encoding="utf-8")
    assert judged_by_ruff(tmp_path) == ""
    for hard in (" | ", "except_=[", "\n# Namespace ", ").pods(\n", "import (\n"):
        assert any(hard in code for code in modules)


@pytest.mark.timeout(900)
@pytest.mark.long
def test_a_large_module_is_typed_strictly(tmp_path: Path) -> None:
    named = {(each.namespace, each.name): each for part in _collected(40) for each in part}
    (tmp_path / "large.py").write_text(module(*named.values()), encoding="utf-8")
    assert judged_by_mypy(tmp_path) == ""
    assert judged_by_ruff(tmp_path) == ""


@given(st.text(), st.text())
def test_no_text_leaves_its_literal(one: str, other: str) -> None:
    attacks = {"a": one, "b": f'"""{other}', "c": f"'''\n{one}", "d": f'"\\{other}\n"'}
    hostile = NetworkPolicy(
        name="a", namespace="b", pod_selector=ALL_PODS, ingress=DENY_ALL, annotations=attacks
    )
    code = module(hostile)
    assert made_by(code)["b"] == [hostile]
    assert len(ast.parse(code).body) == 4  # the docstring, the import, the policy, the list
    assert all(line.isprintable() for line in code.splitlines())


def test_what_turns_writing_around_is_escaped() -> None:
    hidden = NetworkPolicy(
        name="a",
        namespace="b",
        pod_selector=ALL_PODS,
        ingress=DENY_ALL,
        annotations={"a": "x\u202ey\u00ad\ud800"},
    )
    assert '"a": "x\\u202ey\\xad\\ud800",' in module(hidden)


NAMES = {
    "api": "api",
    "web.v2-blue": "web_v2_blue",
    "8-ball": "policy_8_ball",
    "class": "x_class",
    "match": "x_match",
    "list": "x_list",
    "l": "x_l",
    "pods": "x_pods",
    "default-deny": "x_default_deny",
}


def test_variables_are_called_as_the_policies_and_hide_nothing() -> None:
    found = [default_deny("x", name=name) for name in NAMES]
    tree = ast.parse(module(*found))
    assigned = [
        each.targets[0].id
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
    ]
    assert assigned == [*(NAMES[name] for name in NAMES), "POLICIES"]
    assert not set(assigned) & set(policies.__all__)
    assert not any(map(keyword.iskeyword, assigned))


def test_equal_names_are_told_apart() -> None:
    code = module(
        default_deny("x", name="a"),
        default_deny("y", name="a"),
        default_deny("x", name="b.c"),
        default_deny("x", name="b-c"),
    )
    for definition in ("x_a = ", "y_a = ", "x_b_c = ", "x_b_c_2 = "):
        assert f"\n{definition}" in code
    assert '    "x": [x_a, x_b_c, x_b_c_2],\n    "y": [y_a],\n' in code


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        pytest.param(default_deny("x"), 'x_default_deny = default_deny("x")', id="default deny"),
        pytest.param(
            default_deny("x", name="closed"),
            'closed = default_deny("x", name="closed")',
            id="default deny of another name",
        ),
        pytest.param(allow_dns("x"), 'x_allow_dns = allow_dns("x")', id="dns"),
        pytest.param(
            allow_dns("x", clients=pods(app="a"), servers=[KUBE_DNS], name="dns"),
            'dns = allow_dns("x", clients=pods(app="a"), servers=[KUBE_DNS], name="dns")',
            id="dns for some, of some",
        ),
        pytest.param(
            default_deny("x", directions=[Direction.INGRESS], name="in"),
            'x_in = NetworkPolicy(\n    name="in",\n    namespace="x",\n'
            "    pod_selector=ALL_PODS,\n    ingress=DENY_ALL,\n)",
            id="half a default deny",
        ),
        pytest.param(
            NetworkPolicy(
                name="out",
                namespace="x",
                pod_selector=pods({"a.b/c": "d"}),
                egress=[allow_to(namespaces(exists("t")).pods({"class": "e"}), ports=DNS_PORTS)],
            ),
            'out = NetworkPolicy(\n    name="out",\n    namespace="x",\n'
            '    pod_selector=pods({"a.b/c": "d"}),\n    egress=[\n'
            '        allow_to(namespaces(exists("t")).pods({"class": "e"}), ports=DNS_PORTS),\n'
            "    ],\n)",
            id="keys that are no names",
        ),
    ],
)
def test_presets_and_plain_values(policy: NetworkPolicy, code: str) -> None:
    assert body(policy) == code


def test_what_is_long_is_one_part_a_line() -> None:
    ports = udp(8080)
    for number in range(8000, 8012):
        ports = ports | tcp(number)
    long = NetworkPolicy(
        name="in",
        namespace="x",
        pod_selector=ALL_PODS,
        ingress=[allow_from(namespace("a").pods(app="b"), ports=ports)],
    )
    assert (
        '        allow_from(\n            namespace("a").pods(app="b"),\n            ports=(\n'
        "                tcp(8000)\n                | tcp(8001)\n"
    ) in body(long)
