"""One class has one name, and one name is one class."""

from __future__ import annotations

from tests.house.count import MODULES, PACKAGE, WIRE_TYPES, duplicate_names


def test_no_class_name_stands_twice() -> None:
    assert duplicate_names() == {}


def test_every_exempted_name_is_a_type_of_the_package() -> None:
    package = "".join(path.read_text() for path in MODULES if PACKAGE in path.parents)
    assert [name for name in WIRE_TYPES if f"class {name}(" not in package] == []
