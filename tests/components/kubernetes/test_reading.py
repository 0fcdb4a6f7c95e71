from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from components.reading import read, snake_case
from podwall.policies.errors import InvalidValue, Place


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark-blue"


@dataclass(frozen=True)
class Wheel:
    size: int
    spokes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InvalidValue("too small", help="grow", place=Place(path="size"))


@dataclass(frozen=True)
class Cart:
    colour: Colour
    spare_wheel: Wheel | None = None
    wheels: tuple[Wheel, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    port: int | str = 80
    open: bool = False


FULL = {
    "colour": "dark-blue",
    "spareWheel": {"size": 2.0},
    "wheels": [{"size": 1, "spokes": [3, 4.0]}],
    "labels": {"app": "web"},
    "port": "http",
    "open": True,
}


def test_a_document_becomes_a_value_with_every_field() -> None:
    cart = read(Cart, FULL, "cart")
    assert cart == Cart(
        colour=Colour.DARK_BLUE,
        spare_wheel=Wheel(2),
        wheels=(Wheel(1, (3, 4)),),
        labels={"app": "web"},
        port="http",
        open=True,
    )


def test_whole_numbers_that_came_as_floats_are_numbers() -> None:
    cart = read(Cart, FULL, "cart")
    assert cart.spare_wheel is not None
    assert type(cart.spare_wheel.size) is int


def test_what_is_left_out_or_null_has_its_default() -> None:
    assert read(Cart, {"colour": "red", "labels": None}, "cart") == Cart(Colour.RED)


def test_python_spelling_is_for_callers_from_python() -> None:
    document = {"colour": "red", "spare_wheel": {"size": 5}}
    assert read(Cart, document, "cart", snake_case).spare_wheel == Wheel(5)


REFUSED = [
    pytest.param(
        {"color": "red"},
        "cart.color: there is no field `color`, only `colour`, `spareWheel`, `wheels`, `labels`, "
        "`port`, `open`",
        "did you mean `colour`?",
        id="an unknown key",
    ),
    pytest.param({}, "cart.colour: is missing", "", id="a missing key"),
    pytest.param(
        {"colour": "dark-blu"},
        "cart.colour: must be `red` or `dark-blue`, is `dark-blu`",
        "did you mean `dark-blue`?",
        id="a choice that does not exist",
    ),
    pytest.param(
        {"colour": "red", "wheels": [{"size": 1}, {"size": "big"}]},
        "cart.wheels[1].size: must be a whole number, is the text `big`",
        "",
        id="a word in place of a number, inside a list",
    ),
    pytest.param(
        {"colour": "red", "wheels": [{"size": 1.5}]},
        "cart.wheels[0].size: must be a whole number, is `1.5`",
        "",
        id="half a number",
    ),
    pytest.param(
        {"colour": "red", "wheels": [{"size": True}]},
        "cart.wheels[0].size: must be a whole number, is `true`",
        "",
        id="a truth value in place of a number",
    ),
    pytest.param(
        {"colour": "red", "wheels": {"size": 1}},
        "cart.wheels: must be a list, is a mapping",
        "",
        id="a mapping in place of a list",
    ),
    pytest.param(
        {"colour": "red", "labels": ["app"]},
        "cart.labels: must be a mapping, is a list",
        "",
        id="a list in place of a mapping",
    ),
    pytest.param(
        {"colour": "red", "labels": {"app": 1}},
        "cart.labels[app]: must be text, is `1`",
        "",
        id="a number in place of a string",
    ),
    pytest.param(
        {"colour": "red", "open": "yes"},
        "cart.open: must be `true` or `false`, is the text `yes`",
        "",
        id="a word in place of a truth value",
    ),
    pytest.param(
        {"colour": "red", "spareWheel": {"size": 0}},
        "cart.spareWheel.size: too small",
        "grow",
        id="what the value itself refuses, with the document's place",
    ),
    pytest.param("red", "cart: must be a mapping, is the text `red`", "", id="no mapping at all"),
]


@pytest.mark.parametrize(("document", "message", "remedy"), REFUSED)
def test_a_wrong_document_is_refused_with_its_place(
    document: object, message: str, remedy: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        read(Cart, document, "cart")
    assert str(refusal.value) == message
    assert refusal.value.help == remedy
