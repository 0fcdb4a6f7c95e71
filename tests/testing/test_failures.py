"""What the screen shows of a test that fails by a statement."""

from __future__ import annotations

import re

import pytest

from tests.testing.programs import FILES
from tests.testing.sessions import run, shop

FAILING = """
def test_allows(reach):
    assert reach.allows("shop/web", "shop/db", tcp(5432))

def test_own_words(reach):
    assert reach.denies("shop/api", "shop/db"), "nobody reads the database"

def test_two(reach):
    assert reach.allows("shop/web", "shop/api", tcp(8080)) and reach.denies("shop/web", "shop/api")

def test_all(reach):
    assert all(reach.denies(each, "shop/api") for each in ("shop/db", "shop/web"))

def test_mistyped(reach):
    assert reach.denies("shop/wbe", "shop/db")

def test_only(reach):
    reach.assert_only("shop/api", "shop/api", tcp(8080))
"""
RULE = "*spec.ingress?0? (line 43): denied, it would match if the pod carried app=api"


@pytest.mark.parametrize("style", ["long", "short"])
@pytest.mark.long
def test_a_failure_explains_itself(pytester: pytest.Pytester, style: str) -> None:
    shop(pytester, FAILING, program=FILES)
    result = run(pytester, f"--tb={style}")
    result.assert_outcomes(failed=6)
    output = result.stdout
    output.fnmatch_lines(["*AssertionError: shop/web does not reach shop/db on TCP 5432", RULE])
    output.fnmatch_lines(["*nobody reads the database", "*shop/api reaches shop/db on TCP 5432"])
    output.fnmatch_lines(["*podwall explains*", "shop/web reaches shop/api on TCP 8080"])
    output.fnmatch_lines(
        ["*InvalidValue: there is no workload `shop/wbe`, did you mean `shop/web`?"]
    )
    output.fnmatch_lines(["*expected: only shop/api reaches shop/api on TCP 8080"])
    # The screen is about the test: no frame of podwall, and no representation of an object.
    text = result.stdout.str()
    assert "podwall/testing" not in text
    assert "Ports(entries" not in text.split("test_two")[0]
    assert len(re.findall(r"^-+ podwall explains -+$", text, re.MULTILINE)) >= 2


@pytest.mark.long
def test_an_assertion_that_pytest_does_not_rewrite_is_explained_too(
    pytester: pytest.Pytester,
) -> None:
    shop(pytester, FAILING, program=FILES)
    result = run(pytester, "--assert=plain", "-k", "allows")
    result.stdout.fnmatch_lines(["*podwall explains*", "shop/web does not reach*", RULE])


@pytest.mark.long
def test_the_summary_of_a_failure_is_a_sentence(pytester: pytest.Pytester) -> None:
    shop(pytester, FAILING, program=FILES)
    result = run(pytester, "--tb=line")
    result.stdout.fnmatch_lines(
        ["*test_shop.py:6: AssertionError: shop/web does not reach shop/db*"]
    )


@pytest.mark.long
def test_failures_explain_themselves_from_other_processes(pytester: pytest.Pytester) -> None:
    shop(pytester, FAILING, program=FILES)
    result = run(pytester, "-n", "2")
    result.assert_outcomes(failed=6)
    result.stdout.fnmatch_lines([RULE])
    result.stdout.fnmatch_lines(["*podwall explains*"])
