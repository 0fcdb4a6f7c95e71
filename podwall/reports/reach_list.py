"""Who can reach whom, as a list: each server with the clients that reach it."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from podwall.reports.reach_grid import Cell, Grid
from podwall.reports.short_ports import short_ports
from podwall.reports.symbols import Symbols

__all__ = ["reach_list"]


def reach_list(grid: Grid, symbols: Symbols) -> Table:
    """Return a line for each server and each set of ports, with the clients that may use them."""
    table = Table.grid(padding=(0, 2))
    members = _members(grid)
    for destination in grid.names:
        clients: dict[Cell, list[str]] = {}
        for source in grid.names:
            cell = grid.cell(source, destination)
            if cell.allowed or cell.unsure:
                clients.setdefault(cell, []).append(source)
        told = {cell: _folded(names, members, destination) for cell, names in clients.items()}
        _add(table, destination, told, symbols)
    return table


def _members(grid: Grid) -> dict[str, set[str]]:
    """Return the workloads of each namespace."""
    members: dict[str, set[str]] = {}
    for name in grid.names:
        members.setdefault(grid.namespace(name), set()).add(name)
    members.pop("", None)
    return members


def _folded(names: list[str], members: Mapping[str, set[str]], itself: str) -> list[str]:
    """Return names, with `all of` a namespace in the place of its workloads, if it has several.

    A pod counts as one of those that reach it.
    """
    found = {*names, itself}
    whole = {
        name: f"all of {namespace}"
        for namespace, all_of_it in members.items()
        if all_of_it <= found and len(all_of_it & set(names)) > 1
        for name in all_of_it
    }
    return list(dict.fromkeys(whole.get(name, name) for name in names))


def _add(table: Table, destination: str, clients: dict[Cell, list[str]], symbols: Symbols) -> None:
    if not clients:
        table.add_row(Text(destination, "bold"), Text(symbols.denied, "dim"), "no one")
    for number, (cell, names) in enumerate(clients.items()):
        head = Text("" if number else destination, "bold")
        table.add_row(head, _ports(cell, symbols), f"from {', '.join(names)}")


def _ports(cell: Cell, symbols: Symbols) -> Text:
    allowed = short_ports(cell.allowed, symbols.more) if cell.allowed else ""
    unsure = f"{short_ports(cell.unsure, symbols.more)}?" if cell.unsure else ""
    return Text.assemble((allowed, "green"), " " if allowed and unsure else "", (unsure, "yellow"))
