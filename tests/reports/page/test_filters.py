"""Filters: by namespace, workload, label, port and verdict, alone and together."""

from __future__ import annotations

import pytest

from tests.reports.page.browser import Tab
from tests.reports.page.conftest import Show
from tests.reports.page.stacks import AFTER, BEFORE, STACK

ROWS = "[...document.querySelectorAll('.side.leaf')].map(e => e.title)"
COLUMNS = "[...document.querySelectorAll('.name.leaf')].map(e => e.title)"
WAIT = "new Promise(f => setTimeout(f, 200))"


def _typed(tab: Tab, field: str, text: str) -> None:
    tab.type(f"#{field}", text)
    tab.run(WAIT)
    tab.settle()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("ops/", ["ops/prometheus", "ops/runner"], id="a namespace"),
        pytest.param("shop/db", ["shop/db"], id="a workload"),
        pytest.param("R", ["ops/prometheus", "ops/runner"], id="a part of a name"),
        pytest.param("tier=data", ["shop/db"], id="a label"),
        pytest.param("tier=data, runner", ["ops/runner", "shop/db"], id="one or the other"),
        pytest.param("outside", ["0.0.0.0/0", "::/0"], id="whatever is outside the cluster"),
    ],
)
@pytest.mark.long
def test_the_source_filter_keeps(show: Show, text: str, left: list[str]) -> None:
    tab = show(STACK)
    _typed(tab, "from", text)
    assert tab.run(ROWS) == left
    assert len(tab.run(COLUMNS)) == 7


def test_the_destination_filter_keeps_columns(show: Show) -> None:
    tab = show(STACK)
    _typed(tab, "to", "shop/")
    assert tab.run(COLUMNS) == ["shop/api", "shop/db", "shop/web"]
    assert len(tab.run(ROWS)) == 7


@pytest.mark.long
def test_the_port_filter_shows_the_verdict_on_that_port(show: Show) -> None:
    tab = show(STACK)
    cell = "[aria-label^='from shop/web to shop/api:']"
    assert tab.run(f'document.querySelector("{cell}").ariaLabel').endswith("TCP 8080")
    _typed(tab, "port", "8080")
    assert tab.run(f'document.querySelector("{cell}").ariaLabel').endswith("allowed")
    _typed(tab, "port", "udp/8080")
    assert tab.run(f'document.querySelector("{cell}").ariaLabel').endswith("denied")


@pytest.mark.parametrize("text", ["70000", "0", "http", "tcp/80/udp", "-1", "80 81"])
@pytest.mark.long
def test_what_is_no_port_is_said_and_changes_nothing(show: Show, text: str) -> None:
    tab = show(STACK)
    _typed(tab, "port", text)
    assert tab.run("document.getElementById('port').getAttribute('aria-invalid')") == "true"
    assert not tab.run("document.getElementById('port-help').hidden")
    assert len(tab.run(ROWS)) == 7


@pytest.mark.long
def test_the_verdict_filter_keeps_rows_and_columns_that_have_it(show: Show) -> None:
    tab = show(STACK)
    tab.click("[data-status=some]")
    assert tab.run(ROWS) == ["ops/prometheus", "ops/runner", "shop/web", "0.0.0.0/0"]
    assert tab.run(COLUMNS) == ["shop/api", "shop/web"]
    tab.click("[data-status=some]")
    assert len(tab.run(ROWS)) == 7


def test_the_difference_can_be_filtered_by_kind(show: Show) -> None:
    tab = show(AFTER, before=BEFORE)
    tab.click("[data-status=closes]")
    assert tab.run(COLUMNS) == ["ops/runner"]


@pytest.mark.long
def test_nothing_left_is_said(show: Show) -> None:
    tab = show(STACK)
    _typed(tab, "from", "no such workload")
    assert tab.text("#empty") == "Nothing matches the filters."
    assert tab.text("#live") == "Nothing matches the filters"
    tab.click("#clear")
    assert len(tab.run(ROWS)) == 7


@pytest.mark.long
def test_filters_are_kept_in_the_address(show: Show) -> None:
    tab = show(STACK)
    _typed(tab, "from", "ops/")
    _typed(tab, "port", "9090")
    tab.click("[data-view=table]")
    address = tab.run("location.hash")
    again = show(STACK, address)
    assert again.run("document.getElementById('from').value") == "ops/"
    assert again.text("caption") == "9 connections that are not denied; 5 between workloads"
    assert tab.text("caption") == again.text("caption")


def test_namespaces_fold_and_unfold(show: Show) -> None:
    tab = show(STACK)
    tab.click("#fold")
    assert tab.run("document.querySelectorAll('.cell').length") == 9
    assert tab.run("document.querySelector('.cell').ariaLabel") == (
        "from namespace ops to namespace ops: 4 of 4 connections open, in short all"
    )
    tab.click(".side.group")
    assert tab.run(ROWS) == ["ops/prometheus", "ops/runner"]
    tab.click(".side.band")
    assert tab.run(ROWS) == []
    tab.click("#unfold")
    assert len(tab.run(ROWS)) == 7


def test_the_table_counts_what_it_shows(show: Show) -> None:
    tab = show(STACK, "#view=table&source=shop/")
    assert tab.text("caption") == "1 connection that is not denied; 1 between workloads"
    assert "TCP 8080" in tab.text("tbody")
