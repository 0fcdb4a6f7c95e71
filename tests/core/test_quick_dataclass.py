"""A dataclass whose methods are written when they are called is the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from podwall.quick_dataclass import dataclass as quick

standard = dataclasses.dataclass
Decorator = Callable[..., Any]

OPTIONS = [
    {"frozen": True, "slots": True},
    {"frozen": True},
    {"slots": True},
    {},
    {"frozen": True, "slots": True, "kw_only": True},
    {"frozen": True, "eq": False},
    {"frozen": True, "slots": True, "repr": False, "eq": False},
    {"frozen": True, "slots": True, "order": True},
]
GIVEN = [
    {"number": 80},
    {"number": 80, "protocol": "UDP"},
    {"number": 80, "names": ["http"]},
    {"number": 80, "also": "as written"},
    {"number": 81},
    {"number": "unhashable", "names": [[]]},
    {"number": float("nan")},
    {"number": True},
    {"number": 1},
]
METHODS = ("__init__", "__eq__", "__hash__", "__repr__", "__setattr__", "__match_args__")


def _port(decorator: Decorator, options: dict[str, bool]) -> Any:
    class Port:
        """A port."""

        known: ClassVar[int] = 3
        number: Any
        protocol: str = "TCP"
        names: list[Any] = dataclasses.field(default_factory=list)
        also: str = dataclasses.field(default="", compare=False)
        hidden: str = dataclasses.field(default="x", repr=False, hash=False)

    return decorator(**options)(Port)


def _outcome(action: Callable[[], object]) -> object:
    try:
        return action()
    except Exception as problem:  # noqa: BLE001 - which one is what is compared
        return type(problem), str(problem).split("()")[-1]


def _behaviour(cls: Any, given: dict[str, Any]) -> list[object]:
    one, two = cls(**given), cls(**given)
    other = cls(**{**given, "also": "other", "hidden": "other"})
    return [
        one == two,
        one == other,
        one == cls(number=7),
        one == 7,
        _outcome(lambda: hash(one) == hash(two)),
        _outcome(lambda: hash(one) == hash(other)),
        _outcome(lambda: setattr(one, "number", 90)),
        _outcome(lambda: delattr(two, "number")),
        _outcome(lambda: dataclasses.asdict(copy.copy(other))),
        _outcome(lambda: dataclasses.astuple(copy.deepcopy(other))),
        _outcome(lambda: dataclasses.asdict(dataclasses.replace(other, protocol="SCTP"))),
        _outcome(lambda: one < other),
    ]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_instances_behave_alike(options: dict[str, bool], given: dict[str, Any]) -> None:
    ours, theirs = _port(quick, options), _port(standard, options)
    assert _behaviour(ours, given) == _behaviour(theirs, given)
    if options.get("repr", True):
        assert repr(ours(**given)) == repr(theirs(**given))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_classes_look_alike(options: dict[str, bool]) -> None:
    ours, theirs = _port(quick, options), _port(standard, options)
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    assert [each.name for each in dataclasses.fields(ours)] == [
        each.name for each in dataclasses.fields(theirs)
    ]
    assert {name for name in METHODS if name in vars(ours)} == {
        name for name in METHODS if name in vars(theirs)
    }
    assert (ours.__hash__ is None) == (theirs.__hash__ is None)
    assert vars(ours).get("__slots__") == vars(theirs).get("__slots__")


@pytest.mark.parametrize("arguments", [(), (1, 2, 3, 4, 5, 6)], ids=["too few", "too many"])
def test_wrong_arguments_are_refused(arguments: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match=r"__init__\(\)"):
        _port(quick, {"frozen": True, "slots": True})(*arguments)


def test_what_a_class_defines_itself_stays() -> None:
    @quick(frozen=True, slots=True)
    class Word:
        """Equal whatever its case."""

        text: str

        def __post_init__(self) -> None:
            if not self.text:
                raise ValueError("empty")

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Word) and self.text.lower() == other.text.lower()

        def __hash__(self) -> int:
            return hash(self.text.lower())

        def __repr__(self) -> str:
            return f"<{self.text}>"

    assert Word("A") == Word("a")
    assert len({Word("A"), Word("a")}) == 1
    assert repr(Word("A")) == "<A>"
    with pytest.raises(ValueError, match="empty"):
        Word("")


@quick(frozen=True, slots=True)
class Base:
    """One field."""

    name: str


@quick(frozen=True, slots=True)
class Derived(Base):
    """Another field, which has a default."""

    size: int = 1


@dataclasses.dataclass(frozen=True)
class Users(Base):
    """A class of somebody who does not know of this module."""

    size: int = 1


def test_a_class_inherits_fields() -> None:
    assert Derived("a") == Derived("a", 1)
    assert Derived("a") != Base("a")
    assert repr(Derived("a", 2)) == "Derived(name='a', size=2)"
    assert repr(Users("a", 2)) == "Users(name='a', size=2)"
    for each in (Derived("a", 2), Users("a", 2), Base("b")):
        assert pickle.loads(pickle.dumps(each)) == each  # noqa: S301 - what was just written
        with pytest.raises(dataclasses.FrozenInstanceError):
            each.name = "other"  # type: ignore[misc] # that it is refused is the point


def test_a_method_is_written_when_it_is_first_asked_for() -> None:
    fresh = _port(quick, {"frozen": True, "slots": True})
    assert not inspect.isfunction(vars(fresh)["__init__"])
    fresh(80)
    assert inspect.isfunction(vars(fresh)["__init__"])
    assert not inspect.isfunction(vars(fresh)["__hash__"])
