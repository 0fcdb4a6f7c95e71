"""The page by keyboard and by screen reader."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reports.page.browser import Tab, Theme
from tests.reports.page.conftest import Show
from tests.reports.page.stacks import STACK, many

pytestmark = pytest.mark.long

FOCUSED = "document.activeElement.getAttribute('aria-label')"
STOPS = (
    "[...document.querySelectorAll('#grid, #grid [tabindex]')].filter(e => e.tabIndex === 0).length"
)
STOP = """(() => {
    const e = document.activeElement, s = getComputedStyle(e);
    const name = e.ariaLabel || e.labels?.[0]?.innerText || e.title || e.innerText;
    return [name.trim(), e.nodeName, s.outlineStyle, s.outlineWidth];
})()"""


def _in_grid(tab: Tab) -> None:
    tab.run("document.querySelector('#grid [tabindex=\"0\"]').focus()")


def test_tab_reaches_the_grid_after_the_controls(show: Show) -> None:
    tab = show(STACK)
    seen = []
    for _ in range(30):
        tab.press("Tab")
        seen.append(tab.run("document.activeElement.id || document.activeElement.className"))
        if "side" in seen[-1]:
            break
    assert seen[0] == "skip"
    assert {"from", "to", "port"} <= set(seen)
    assert "side" in seen[-1]
    assert tab.run(STOPS) == 1


def test_arrows_move_from_cell_to_cell(show: Show) -> None:
    tab = show(STACK)
    _in_grid(tab)
    path = {
        "ArrowDown": "from ops/prometheus to ops/prometheus: all ports",
        "ArrowRight": "from ops/prometheus to ops/runner: all ports",
        "End": "from ops/prometheus to ::/0: all ports",
        "ArrowLeft": "from ops/prometheus to 0.0.0.0/0: all ports",
        "Home": "from ops/prometheus to ops/prometheus: all ports",
        "ArrowUp": "namespace ops, 2 workloads",
    }
    for key, label in path.items():
        tab.press(key)
        assert tab.run(FOCUSED) == label, key
        assert tab.run(STOPS) == 1


def test_arrows_remember_the_column_across_a_namespace(show: Show) -> None:
    tab = show(STACK)
    _in_grid(tab)
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown"):
        tab.press(key)
    assert tab.run(FOCUSED).startswith("from shop/api to ops/runner")


def test_arrows_reach_the_names_of_columns_and_namespaces(show: Show) -> None:
    tab = show(STACK)
    _in_grid(tab)
    for key in ("ArrowDown", "ArrowUp", "ArrowUp"):
        tab.press(key)
    assert tab.run(FOCUSED) == "ops/prometheus"
    tab.press("ArrowUp")
    assert tab.run(FOCUSED) == "namespace ops, 2 workloads"
    tab.press("ArrowRight")
    assert tab.run(FOCUSED) == "namespace shop, 3 workloads"
    tab.press("Enter")
    assert tab.run("document.querySelectorAll('.name.leaf').length") == 4


def test_control_home_and_end_are_the_corners(show: Show) -> None:
    tab = show(STACK)
    _in_grid(tab)
    tab.press("End", ctrl=True)
    assert tab.run(FOCUSED) == "from ::/0 to ::/0: not asked"
    tab.press("Home", ctrl=True)
    assert tab.run(FOCUSED) == "namespace ops, 2 workloads"


def test_enter_explains_and_escape_closes(show: Show) -> None:
    tab = show(STACK)
    _in_grid(tab)
    for key in ("ArrowDown", "Enter"):
        tab.press(key)
    assert tab.text("#panel h2").startswith("ops/prometheus → ops/prometheus")
    assert tab.run(FOCUSED).startswith("from ops/prometheus to ops/prometheus")
    assert tab.text("#live").startswith("from ops/prometheus to ops/prometheus")
    tab.press("ArrowRight")
    tab.press("Enter")
    tab.press("s")
    assert tab.text("#panel h2").startswith("ops/runner → ops/prometheus")
    tab.press("Escape")
    assert tab.text("#panel h2") == "At a glance"


def test_f_folds_the_namespace_of_the_row(show: Show) -> None:
    tab = show(STACK)
    _in_grid(tab)
    for key in ("ArrowDown", "f"):
        tab.press(key)
    assert tab.run("document.querySelectorAll('.side.group').length") == 1
    assert tab.run("document.querySelector('#grid').contains(document.activeElement)")


def test_a_letter_typed_into_a_field_is_only_a_letter(show: Show) -> None:
    tab = show(STACK)
    tab.run("document.getElementById('from').focus()")
    tab.press("f")
    assert tab.run("document.querySelectorAll('.side.group').length") == 0


def test_help_is_a_dialog_that_escape_closes(show: Show) -> None:
    tab = show(STACK)
    _in_grid(tab)
    tab.press("?")
    assert tab.run("document.getElementById('help').open")
    tab.press("Escape")
    assert not tab.run("document.getElementById('help').open")


def test_the_focus_can_be_seen(show: Show) -> None:
    tab = show(STACK)
    _in_grid(tab)
    tab.press("ArrowDown")
    outline = tab.run("getComputedStyle(document.activeElement).outline")
    assert "solid 2px" in outline


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["matrix", "graph", "table"])
def test_every_stop_of_the_tab_key_has_a_name_and_shows_that_it_is_there(
    show: Show, view: str, theme: Theme
) -> None:
    tab = show(STACK, f"#view={view}&from=shop/web&to=shop/api")
    tab.prefer(theme)
    stops = set()
    for _ in range(25):
        tab.press("Tab")
        name, role, style, width = tab.run(STOP)
        if role == "BODY":
            break
        stops.add(name)
        assert name, role
        assert style != "none", name
        assert float(width.removesuffix("px")) >= 1, name
    assert len(stops) > 10


def test_a_cursor_that_is_scrolled_away_is_still_reached(show: Show) -> None:
    tab = show(many(4, 60))
    tab.click("#unfold")
    tab.run("(() => { document.querySelector('.viewport').scrollTop = 3000 })()")
    tab.settle()
    assert tab.run(STOPS) == 1
    tab.run("document.getElementById('grid').focus()")
    assert tab.run(FOCUSED) == "namespace team-000, 60 workloads"
    assert tab.run("document.querySelector('.viewport').scrollTop") < 100


def test_page_keys_move_by_a_screenful(show: Show) -> None:
    tab = show(many(4, 60))
    tab.click("#unfold")
    _in_grid(tab)
    tab.press("ArrowDown")
    tab.press("ArrowRight")
    tab.press("PageDown")
    row = int(tab.run("document.activeElement.dataset.r"))
    assert 15 < row < 40
    tab.press("PageUp")
    assert int(tab.run("document.activeElement.dataset.r")) <= 1


def _tree(tab: Tab) -> list[dict[str, Any]]:
    nodes = tab.send("Accessibility.getFullAXTree")["nodes"]
    return [
        {"role": node["role"]["value"], "name": node.get("name", {}).get("value", "")}
        for node in nodes
        if not node["ignored"]
    ]


def test_a_screen_reader_finds_a_grid_with_named_rows_and_cells(show: Show) -> None:
    tree = _tree(show(STACK))
    roles = [node["role"] for node in tree]
    assert roles.count("gridcell") == 49
    assert roles.count("rowheader") == 10
    assert {"grid", "main", "search", "complementary", "heading"} <= set(roles)
    unnamed = [n for n in tree if n["role"] in {"button", "gridcell", "textbox", "combobox"}]
    assert [each for each in unnamed if not each["name"]] == []


def test_the_grid_says_how_large_it_is_and_where_each_cell_is(show: Show) -> None:
    tab = show(many(4, 60))
    assert tab.run("document.getElementById('grid').getAttribute('aria-rowcount')") == "8"
    tab.click("#unfold")
    assert int(tab.run("document.getElementById('grid').getAttribute('aria-rowcount')")) > 240
    cells = tab.run(
        "[...document.querySelectorAll('.cell')].every(e => e.ariaColIndex > 1"
        " && e.parentElement.ariaRowIndex > 2)"
    )
    assert cells


@pytest.mark.parametrize("view", ["matrix", "graph", "table"])
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_wider_than_the_window(show: Show, view: str, width: int) -> None:
    tab = show(STACK, f"#view={view}&from=shop/web&to=shop/api", width=width)
    assert tab.run("document.documentElement.scrollWidth") <= width
