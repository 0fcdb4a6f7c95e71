"""Statements that would pass without saying anything, and exactly-these statements that fail."""

from __future__ import annotations

import pytest

from podwall.expectations import pods
from podwall.policies import tcp
from podwall.policies.errors import InvalidValue
from podwall.testing import Reach


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        pytest.param(
            ("shop/wbe", "shop/db"),
            "there is no workload `shop/wbe`, did you mean `shop/web`?",
            id="a source",
        ),
        pytest.param(
            ("shop/web", "shop/bd"),
            "there is no workload `shop/bd`, did you mean `shop/db`?",
            id="a destination",
        ),
        pytest.param(
            (["shop/web", "shop/wbe"], "shop/db"),
            "there is no workload `shop/wbe`",
            id="of several",
        ),
        pytest.param(("web", "shop/db"), "`web` is not an end of a connection", id="no namespace"),
        pytest.param(
            (pods("shop", {"app": "wbe"}), "shop/db"),
            "there are no pods with app=wbe of namespace shop",
            id="labels that nothing carries",
        ),
        pytest.param(("intrenet", "shop/db"), "`intrenet` is not an end", id="a word"),
        pytest.param(
            ("shop/db", "shop/db"), "`shop/db` is not asked about itself", id="twice the same"
        ),
        pytest.param(
            ("internet", "10.0.0.0/8"), "both ends are outside the cluster", id="twice outside"
        ),
    ],
)
def test_a_mistyped_end_never_passes(
    shop: Reach, ends: tuple[str | list[str], str], said: str
) -> None:
    with pytest.raises(InvalidValue) as denies:
        shop.denies(*ends)
    with pytest.raises(InvalidValue) as allows:
        shop.allows(*ends, tcp(80))
    assert said in str(denies.value)
    assert said in str(allows.value)


def test_a_mistyped_end_passes_in_no_assertion(shop: Reach) -> None:
    with pytest.raises(InvalidValue, match="did you mean `shop/api`"):
        shop.assert_only("shop/apj", "shop/db")
    with pytest.raises(InvalidValue, match="`shop/bd`, did you mean `shop/db`"):
        shop.assert_isolated("shop/bd")
    with pytest.raises(InvalidValue, match=r"there is no workload `0\.0\.0\.0/0`"):
        shop.assert_isolated("0.0.0.0/0")
    with pytest.raises(InvalidValue, match="is no direction"):
        shop.assert_isolated("shop/db", "inbound")
    with pytest.raises(InvalidValue, match="is no level"):
        shop.assert_no_findings("warnings")
    with pytest.raises(InvalidValue, match="no expectation is given"):
        shop.assert_expectations()


def test_a_mistyped_port_never_passes(shop: Reach) -> None:
    said = "`shop/db` has no port named `mian`, did you mean `main`?"
    with pytest.raises(InvalidValue) as caught:
        shop.denies("shop/web", "shop/db", tcp("mian"))
    assert said in str(caught.value)
    with pytest.raises(InvalidValue, match="are not typed ports"):
        shop.allows("shop/web", "shop/db", 5432)  # type: ignore[arg-type]  # what people write


def test_only_fails_where_something_else_reaches_it(shop: Reach) -> None:
    with pytest.raises(AssertionError) as caught:
        shop.assert_only("shop/db", "shop/api", tcp(8080))
    first, second, *rest = str(caught.value).splitlines()
    assert first == "shop/web reaches shop/api on TCP 8080"
    assert second == "  expected: only shop/db reaches shop/api on TCP 8080"
    assert any("allowed, it allows pods with app=web" in line for line in rest)


def test_only_fails_where_one_of_them_does_not_reach_it(shop: Reach) -> None:
    shop.assert_only("shop/web", "shop/api", tcp(8080))
    with pytest.raises(AssertionError, match="shop/db does not reach shop/api on TCP 8080"):
        shop.assert_only(["shop/web", "shop/db"], "shop/api", tcp(8080))
