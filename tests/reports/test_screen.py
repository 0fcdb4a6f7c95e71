"""Texts and tables of the terminal, held against a library that draws them as well."""

from __future__ import annotations

import doctest
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich import box
from rich.console import Console as RichConsole
from rich.table import Table as RichTable

from podwall.reports import screen
from podwall.reports.screen import Column, Console, Styled, Table

WORDS = st.text("abc/-✓", min_size=1, max_size=6)
LINES = st.lists(WORDS, max_size=4).map(" ".join)
CELLS = st.lists(LINES, min_size=1, max_size=2).map("\n".join)


def drawn_by_rich(heads: list[str], rows: list[list[str]], *, centred: bool) -> str:
    table = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    for head in heads:
        table.add_column(head, vertical="bottom", justify="center" if centred else "left")
    for row in rows:
        table.add_row(*row)
    file = io.StringIO()
    RichConsole(file=file, width=400, highlight=False, markup=False).print(table)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).rstrip()


@given(st.data(), st.integers(1, 4), st.booleans())
def test_a_table_with_room_is_drawn_as_rich_draws_it(
    data: st.DataObject,
    width: int,
    centred: bool,  # noqa: FBT001 - hypothesis passes it so
) -> None:
    heads = data.draw(st.lists(CELLS, min_size=width, max_size=width))
    line = st.lists(LINES, min_size=width, max_size=width)
    rows = data.draw(st.lists(line, min_size=1, max_size=4))
    columns = tuple(Column(Styled.of(head), centred=centred) for head in heads)
    table = Table(columns, gap="   ", edge=" ", rule="─").with_rows(rows)
    # rich draws no line of a text that ends with a line break.
    if not any(head.endswith("\n") for head in heads):
        assert str(table).rstrip() == drawn_by_rich(heads, rows, centred=centred)


@given(LINES, st.integers(1, 30))
def test_wrapping_keeps_every_word_and_fits_where_words_do(text: str, width: int) -> None:
    lines = Styled.of((text, "bold")).lines(width)
    assert " ".join(line.plain for line in lines).split() == text.split()
    longest = max(map(len, text.split()), default=0)
    assert all(line.width <= max(width, longest) for line in lines)
    assert all(style == "bold" for line in lines for _, style in line.pieces)


def test_the_widest_column_gives_way_first_and_names_stay_whole() -> None:
    name = Column(wraps=False)
    table = Table((name, Column())).with_rows([["shop/web", "from all of tools, shop/api"]])
    assert [line.plain for line in table.lines(24)] == [
        "shop/web  from all of   ",
        "          tools,        ",
        "          shop/api      ",
    ]


def test_wide_and_combining_characters_take_the_cells_that_they_take() -> None:
    assert [Styled.of(text).width for text in ("ab", "日本", "e\u0301")] == [2, 4, 1]


def test_an_escape_of_a_stranger_is_shown_and_a_style_is_not_theirs() -> None:
    text = Styled.of("a\x1b[31mb", ("c", "bold red"))
    assert text.plain == r"a\x1b[31mbc"
    assert text.coded() == "a\\x1b[31mb\x1b[1;31mc\x1b[0m"


@pytest.mark.parametrize(
    ("variables", "terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, None, True),
        ({}, None, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    terminal: bool | None,  # noqa: FBT001 - as below
    coloured: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    printed = Console(io.StringIO(), is_terminal=terminal).printed(Styled.of(("a", "red")))
    assert ("\x1b[" in printed) is coloured


def test_a_console_is_as_wide_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    console = Console(io.StringIO())
    assert console.width == 20
    console_lines = console.printed("one two three four five", indent="  ").splitlines()
    assert console_lines == ["  one two three four", "  five"]


def test_examples_run() -> None:
    assert doctest.testmod(screen).failed == 0
