"""One class has one name, and one name is one class."""

from __future__ import annotations

from tests.house.count import duplicate_names


def test_no_class_name_stands_twice() -> None:
    assert duplicate_names() == {}
