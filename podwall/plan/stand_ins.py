"""Values that a program computes with although nobody knows them yet.

A program that asks the cloud in the direct form, or reads a value that is encrypted, goes on in
Python with what it got. A stand-in is of the Python type that it expects as far as Python can be
kept from looking inside: text is text, everything else is an object that answers whatever is asked
of it with another stand-in, of the type that the SDK declares.

To Pulumi's SDK a stand-in is an `Unknown`: an output of one is unknown, so that its callbacks do
not run, and a property with one is the protocol's mark. A text holds that mark, wherever the
program writes it, and `podwall.plan.model` recognises a part of it as well.

Where a program decides by a stand-in (a condition, a loop, a number of rounds), no answer is right.
It goes on as if the value were there and were nothing in particular, and the line is noted: what
the program makes otherwise is not in the plan. What the SDK and Python's own modules decide is
nobody's decision.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from types import FrameType, UnionType
from typing import Any, Final, Self, Union, get_args, get_origin

from pulumi import _types
from pulumi.output import Unknown as SdkUnknown

from podwall.plan.messages import is_program, relative_path
from podwall.plan.model import UNKNOWN
from podwall.policies.errors import Place
from podwall.quick_dataclass import dataclass

__all__ = ["Decisions", "UnknownText", "UnknownValue", "stand_in", "type_of"]


@dataclass(frozen=True, slots=True)
class Decisions:
    """The lines at which the program in `folder` decided by what is not known, and by what.

    `causes` is all that it was given a stand-in for.
    """

    folder: Path
    noted: dict[Place, str] = field(default_factory=dict)
    causes: dict[str, None] = field(default_factory=dict)

    def line(self) -> Place:
        """Return the innermost line of the program that is running now."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - who asks is the whole question
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            if is_program(path, self.folder):
                return Place(relative_path(path, self.folder), frame.f_lineno)
            frame = frame.f_back
        return Place()

    def note(self, cause: str) -> bool:
        """Note the program's line, and return whether it, or a library of it, decided there."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - who asks is the whole question
        while frame is not None and frame.f_globals.get("__name__") == __name__:
            frame = frame.f_back
        if frame is None or _is_silent(str(frame.f_globals.get("__name__"))):
            return False
        place = self.line()
        if place.source:
            self.noted.setdefault(place, cause)
        return True


def _is_silent(module: str) -> bool:
    top = module.partition(".")[0]
    return top != "__main__" and (top.startswith("pulumi") or top in sys.stdlib_module_names)


def stand_in(kind: Any, cause: str, decisions: Decisions) -> Any:
    """Return a value of type `kind` that nobody knows.

    Args:
        kind: a type as the SDK annotates properties; `Any` has every attribute and item.
        cause: what is not known, as in "the answer of `azure-native:network:getVirtualNetwork`".
        decisions: where it is noted if the program decides by the value.
    """
    kind = type_of(kind)
    decisions.causes[cause] = None
    if isinstance(kind, type) and issubclass(kind, str):
        return UnknownText(cause, decisions)
    return UnknownValue(kind, cause, decisions)


def type_of(kind: Any) -> Any:
    """Return `T` of an `Optional[T]`, text of a choice with text in it, `Any` of another choice.

    >>> type_of(int | None), type_of(str | int | None), type_of(list[str])
    (<class 'int'>, <class 'str'>, list[str])
    """
    if get_origin(kind) not in {Union, UnionType}:
        return kind
    options = [each for each in get_args(kind) if each is not type(None)]
    if len(options) == 1:
        return options[0]
    return str if str in options else Any


class _Noting(SdkUnknown):
    """What all stand-ins share: why they are not known, and where decisions are noted."""

    podwall_cause: str
    podwall_decisions: Decisions

    def __init__(self, cause: str, decisions: Decisions) -> None:
        """Stand for what `cause` names."""
        self.podwall_cause = cause
        self.podwall_decisions = decisions

    def _decided(self) -> bool:
        return self.podwall_decisions.note(self.podwall_cause)

    def _of(self, kind: Any) -> Any:
        return stand_in(kind, self.podwall_cause, self.podwall_decisions)

    def __bool__(self) -> bool:
        """Return true to the program, and false to the SDK, which then asks for no type."""
        return self._decided()

    def __int__(self) -> int:
        self._decided()
        return 1

    def __float__(self) -> float:
        self._decided()
        return 1.0

    def __contains__(self, _item: object) -> bool:
        return _asked(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self


def _anew(kind: Any) -> Callable[..., Any]:
    """Return a method that computes another stand-in."""

    def computed(self: _Noting, *_args: Any, **_options: Any) -> Any:
        return self._of(kind)

    return computed


def _asked(self: _Noting, *_args: Any) -> bool:
    self._decided()
    return False


class UnknownText(_Noting, str):  # noqa: SLOT000 - the class of the SDK has no slots
    """A text that nobody knows; what is computed of it is one again."""

    def __new__(cls, _cause: str, _decisions: Decisions) -> Self:
        """Make a text that holds the protocol's mark."""
        return str.__new__(cls, UNKNOWN)

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        """Compare the mark where the SDK asks; to the program it is equal to nothing else."""
        return other is self or (not self._decided() and str.__eq__(self, other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __iter__(self) -> Iterator[str]:
        self._decided()
        yield self

    def __len__(self) -> int:
        self._decided()
        return str.__len__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (UNKNOWN,)

    def encode(self, *_args: Any, **_options: Any) -> bytes:
        """Return the mark; to a module of Python's in base64, so that what it decodes has it."""
        marked = UNKNOWN.encode()
        return marked if self._decided() else b64encode(marked)

    def partition(self, _separator: str) -> tuple[str, str, str]:
        """Return three texts that nobody knows."""
        return self, self, self

    def rpartition(self, _separator: str) -> tuple[str, str, str]:
        """Return the same."""
        return self, self, self


# What `str` answers about itself; everything else that it has computes texts, but for the lists and
# numbers named below, and for what every object has.
_QUESTIONS: Final = frozenset({"endswith", "startswith"})
_OTHERS: Final = {
    "split": Sequence[str],
    "rsplit": Sequence[str],
    "splitlines": Sequence[str],
    "find": int,
    "rfind": int,
    "index": int,
    "rindex": int,
    "count": int,
}


def _method(name: str) -> Callable[..., Any]:
    asks = name in _QUESTIONS or name.startswith("is")
    return _asked if asks else _anew(_OTHERS.get(name, str))


for _name in vars(str):
    if not _name.startswith("__") and _name not in vars(UnknownText):
        setattr(UnknownText, _name, _method(_name))
for _name in ("add", "radd", "getitem", "mod", "rmod", "mul", "rmul"):
    setattr(UnknownText, f"__{_name}__", _anew(str))
for _name in ("lt", "le", "gt", "ge"):
    setattr(UnknownText, f"__{_name}__", _asked)


class UnknownValue(_Noting):
    """A value of any other type that nobody knows: its parts are of the types that it declares."""

    podwall_kind: Any

    def __init__(self, kind: Any, cause: str, decisions: Decisions) -> None:
        """Stand for a value of type `kind`."""
        super().__init__(cause, decisions)
        self.podwall_kind = kind

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that the type has."""
        if name.startswith("__"):
            raise AttributeError(name)
        kind = self.podwall_kind
        if not (isinstance(kind, type) and _types.is_output_type(kind)):
            return self._of(Any)
        fields = _types.output_type_types(kind)
        pulumi_name = _types.resource_py_to_pulumi_names(kind).get(name)
        if pulumi_name is not None:
            return self._of(fields.get(pulumi_name, Any))
        return getattr(self._of(Any), name) if hasattr(kind, name) else _no_such(kind, name)

    def __getitem__(self, key: Any) -> Any:
        """Return an item; a part of a list is a list."""
        return self if isinstance(key, slice) else self._of(self._item_kind(key))

    def _item_kind(self, key: Any) -> Any:
        kind = self.podwall_kind
        if isinstance(kind, type) and _types.is_output_type(kind):
            return _types.output_type_types(kind).get(key, Any)
        inner = get_args(kind)
        return inner[-1] if inner else Any

    def __iter__(self) -> Iterator[Any]:
        """Go round once, with an item (of a mapping, a key) that nobody knows."""
        self._decided()
        origin = get_origin(self.podwall_kind) or self.podwall_kind
        mapped = isinstance(origin, type) and issubclass(origin, Mapping)
        yield self._of(str if mapped else self._item_kind(0))

    def __call__(self, *_args: Any, **_options: Any) -> Any:
        """Return what a method of a value of any type would."""
        return self._of(Any)

    def __len__(self) -> int:
        self._decided()
        return 1

    def __index__(self) -> int:
        self._decided()
        return 1

    def __eq__(self, other: object) -> bool:
        return other is self or _asked(self)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self)

    def __str__(self) -> str:
        return UNKNOWN

    def __format__(self, _form: str) -> str:
        return UNKNOWN

    __repr__ = __str__


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
    setattr(UnknownValue, f"__{_name}__", _anew(Any))
    setattr(UnknownValue, f"__r{_name}__", _anew(Any))
for _name in ("neg", "pos", "abs", "invert", "round"):
    setattr(UnknownValue, f"__{_name}__", _anew(Any))
for _name in ("lt", "le", "gt", "ge"):
    setattr(UnknownValue, f"__{_name}__", _asked)


def _no_such(kind: type, name: str) -> Any:
    raise AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")
