"""A document becomes a value, or is refused with its place and what may stand there."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, ValidationError
from msgspec import convert as converted

from podwall.documents import TypedDocument, convert
from podwall.policies.errors import InvalidValue, Place


class Wood(StrEnum):
    OAK = "oak"
    ASH = "ash"


class Door(Struct, forbid_unknown_fields=True, rename="kebab"):
    width: Annotated[int, Meta(ge=1, le=300, description="In centimetres.")]
    wood: Wood | None = None
    opens: Literal["in", "out"] = "in"
    hung_by: str | int = ""

    def __post_init__(self) -> None:
        if self.hung_by == "nobody":
            raise InvalidValue("must be hung", help="say who", place=Place(path="hung-by"))


class Room(Struct, forbid_unknown_fields=True):
    doors: Annotated[list[Door], Meta(min_length=1, description="At least one.")]
    keys: dict[str, Door] = {}
    names: dict[str, str] = {}
    beside: list[str] | Door | None = None
    anything: Any = None


class Box(Struct):
    """A struct that leaves what it does not know to others."""

    size: int = 1


DOOR = {"width": 80}
HERE = Place("house.yaml", 3, "room")


def test_a_document_becomes_a_value_and_whole_floats_are_whole_numbers() -> None:
    document = {"doors": [{"width": 80.0, "wood": "oak"}], "beside": ["hall"], "names": {"a": "b"}}
    assert convert(document, Room, HERE) == Room(
        [Door(80, Wood.OAK)], beside=["hall"], names={"a": "b"}
    )


class Crate(TypedDocument, tag_field="format", tag="box/v1"):
    size: int = 1


def test_a_document_that_says_its_format_says_the_right_one() -> None:
    assert convert({"format": "box/v1"}, Crate, HERE) == convert({}, Crate, HERE) == Crate()
    with pytest.raises(InvalidValue, match=r"room\.format: must be `box/v1`, is `bix/v1`"):
        convert({"format": "bix/v1"}, Crate, HERE)
    with pytest.raises(InvalidValue, match=r"room\.sise: there is no field `sise`, only `size`"):
        convert({"format": "box/v1", "sise": 2}, Crate, HERE)


def test_what_is_not_forbidden_is_left_to_others() -> None:
    assert convert({"sise": 2}, Box, HERE) == Box()


REFUSED = [
    pytest.param([], "", "must be a mapping, is a list", "", id="no mapping"),
    pytest.param({}, ".doors", "is missing", "at least one", id="a missing field"),
    pytest.param({"doors": []}, ".doors", "must not be empty", "at least one", id="an empty list"),
    pytest.param(
        {"doors": [DOOR], "key": {}},
        ".key",
        "there is no field `key`, only `doors`, `keys`, `names`, `beside`, `anything`",
        "did you mean `keys`?",
        id="an unknown field",
    ),
    pytest.param({"doors": [DOOR, {}]}, ".doors[1].width", "is missing", "in centimetres", id="?"),
    pytest.param(
        {"doors": [{"width": "80"}]},
        ".doors[0].width",
        "must be a whole number, is the text `80`",
        "in centimetres",
        id="digits in quotes",
    ),
    pytest.param(
        {"doors": [{"width": 1.5}]},
        ".doors[0].width",
        "must be a whole number, is `1.5`",
        "in centimetres",
        id="a half",
    ),
    pytest.param(
        {"doors": [{"width": 301}]},
        ".doors[0].width",
        "must be at most 300, is `301`",
        "in centimetres",
        id="too much",
    ),
    pytest.param(
        {"doors": [{"width": -(10**5000)}]},
        ".doors[0].width",
        "must be at least 1, is `a huge number`",
        "in centimetres",
        id="a number of thousands of digits",
    ),
    pytest.param(
        {"doors": [{**DOOR, "wood": "aok"}]},
        ".doors[0].wood",
        "must be `oak` or `ash`, is `aok`",
        "did you mean `oak`?",
        id="a misspelt choice",
    ),
    pytest.param(
        {"doors": [{**DOOR, "opens": ["in"]}]},
        ".doors[0].opens",
        "must be `in` or `out`, is a list",
        "",
        id="a list for a choice",
    ),
    pytest.param(
        {"doors": [{**DOOR, "hung-by": None}]},
        ".doors[0].hung-by",
        "must be a whole number or text, is `null`",
        "",
        id="nothing for a text",
    ),
    pytest.param(
        {"doors": [{**DOOR, "hung_by": "me"}]},
        ".doors[0].hung_by",
        "there is no field `hung_by`, only `width`, `wood`, `opens`, `hung-by`",
        "did you mean `hung-by`?",
        id="Python's spelling",
    ),
    pytest.param(
        {"doors": [DOOR], "keys": {"a": DOOR, "b.c": {"width": True}}},
        ".keys[b.c].width",
        "must be a whole number, is `true`",
        "in centimetres",
        id="inside a mapping",
    ),
    pytest.param(
        {"doors": [DOOR], "names": {"a": "b", "c": {}}},
        ".names[c]",
        "must be text, is a mapping",
        "",
        id="a value of a mapping",
    ),
    pytest.param(
        {"doors": [DOOR], "names": {1: "b"}}, ".names[1]", "must be text, is `1`", "", id="a key"
    ),
    pytest.param(
        {"doors": [DOOR], "beside": [DOOR]},
        ".beside[0]",
        "must be text, is a mapping",
        "",
        id="a part of one of several types",
    ),
    pytest.param(
        {"doors": [DOOR], "beside": "hall"},
        ".beside",
        "must be a mapping or a list, is the text `hall`",
        "",
        id="none of several types",
    ),
    pytest.param(
        {"doors": [{"width": "\ud800"}]},
        ".doors[0].width",
        r"must be UTF-8 text, is the text `\ud800`",
        "in centimetres",
        id="half of a surrogate pair",
    ),
    pytest.param(
        {"doors": [{**DOOR, "hung-by": "nobody"}]},
        ".doors[0].hung-by",
        "must be hung",
        "say who",
        id="what the struct refuses itself",
    ),
]


@pytest.mark.parametrize(("document", "path", "message", "remedy"), REFUSED)
def test_what_is_wrong_is_refused_with_its_place(
    document: object, path: str, message: str, remedy: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        convert(document, Room, HERE)
    assert refusal.value.message == message
    assert refusal.value.help == remedy
    assert refusal.value.place == Place("house.yaml", 3, f"room{path}")


HALF = st.just("\ud800")
ANY: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["doors", "width", "wood", "keys", "names", "beside", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"doors": ANY}, optional={"names": ANY, "keys": ANY, "beside": ANY}))
def test_any_document_is_read_or_refused_in_one_line(document: Any) -> None:
    try:
        assert isinstance(convert(document, Room, HERE), Room)
    except InvalidValue as problem:
        refusal = problem
    else:
        return
    assert str(refusal).startswith("house.yaml:3 room")
    assert "\n" not in str(refusal)
    with pytest.raises((ValidationError, UnicodeError)):
        converted(document, Room)


def test_a_document_that_is_nested_too_deeply_is_refused_in_one_line() -> None:
    deep = json.loads("[" * 800 + "80.0" + "]" * 800)
    with pytest.raises(InvalidValue) as caught:
        convert({"doors": deep}, Room, HERE)
    assert "\n" not in str(caught.value)
