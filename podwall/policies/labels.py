"""Labels, annotations and label selectors, as Kubernetes means and spells them.

Labels and annotations are immutable, hashable mappings of texts to texts; their order never
matters. Annotations may hold any text of up to 256 KiB together; labels are what selectors select
by.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ and
https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final, assert_never

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.syntax import label_key_problem, label_value_problem
from podwall.policies.wording import refused, shown
from podwall.quick_dataclass import dataclass

__all__ = [
    "LONGEST_ANNOTATIONS",
    "Annotations",
    "LabelSelector",
    "Labels",
    "Operator",
    "Requirement",
    "TextMap",
    "annotation_key_problem",
    "does_not_exist",
    "exists",
    "in_",
    "label_selector",
    "len_in_bytes",
    "not_in",
    "refuse_non_text",
]


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class TextMap(Mapping[str, str]):
    """Texts by texts; the order in which they are given never matters.

    Equal to any mapping with the same items, as mappings are.
    """

    _items: tuple[tuple[str, str], ...]

    def __init__(self, texts: Mapping[str, str] | None = None, *, path: str = "") -> None:
        """Check and keep the texts; `path` is the Kubernetes field that errors name."""
        given = {} if texts is None else texts
        if not isinstance(given, Mapping):
            raise refused(path, given, "is not a mapping", 'write `app="web"` or `{"app": "web"}`')
        for key, value in given.items():
            self.check_key(key, Place(path=path))
            self.check_value(value, Place(path=path).at(f"[{key}]"))
        object.__setattr__(self, "_items", tuple(sorted(given.items())))

    @staticmethod
    def check_key(key: object, place: Place) -> None:
        """Refuse what cannot be a key."""
        refuse_non_text(key, place)

    @staticmethod
    def check_value(value: object, place: Place) -> None:
        """Refuse what cannot be a value."""
        refuse_non_text(value, place)

    def __getitem__(self, key: str) -> str:
        return dict(self._items)[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self._items)})"


def refuse_non_text(value: object, place: Place) -> None:
    """Raise where a value of a mapping is no text, such as a version number without quotes."""
    if not isinstance(value, str):
        raise refused(place.path, value, "is not a text", _text_help(value))


def _text_help(value: object) -> str:
    if isinstance(value, int | float):
        return f"did you mean {shown(value)} in quotes?"
    return "give texts, one by one"


#: All keys and values of an object together, in bytes of UTF-8 (256 KiB).
LONGEST_ANNOTATIONS: Final = 256 * 1024


class Annotations(TextMap):
    """An immutable, hashable mapping of annotation keys to any text.

    >>> Annotations({"example.com/owner": "team a, floor 2"})
    Annotations({'example.com/owner': 'team a, floor 2'})
    """

    __slots__ = ()

    def __init__(
        self, annotations: Mapping[str, str] | None = None, *, path: str = "annotations"
    ) -> None:
        """Check and keep the annotations, of at most 256 KiB together."""
        super().__init__(annotations, path=path)
        size = sum(len_in_bytes(key) + len_in_bytes(value) for key, value in self.items())
        if size > LONGEST_ANNOTATIONS:
            raise InvalidValue(
                f"the annotations take {size} bytes, more than {LONGEST_ANNOTATIONS}",
                help="keep long texts elsewhere and annotate with a link",
                place=Place(path=path),
                value=size,
            )

    @staticmethod
    def check_key(key: object, place: Place) -> None:
        """Refuse a key that is no label key; unlike there, upper case is fine in its prefix."""
        refuse_non_text(key, place)
        if isinstance(key, str) and (problem := annotation_key_problem(key)):
            remedy = "an annotation key is a name such as `example.com/owner`"
            raise refused(place.path, key, problem, remedy)


def annotation_key_problem(key: str) -> str | None:
    """Return why a text is not an annotation key."""
    return label_key_problem(key.lower())


def len_in_bytes(text: str) -> int:
    """Return the length of a text in UTF-8; JSON can hold surrogates, which UTF-8 cannot."""
    return len(text.encode(errors="surrogatepass"))


class Operator(StrEnum):
    """How a requirement looks at a label.

    `NotIn` and `DoesNotExist` hold where the label is missing; `In` and `Exists` need it.
    """

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Labels(TextMap):
    """An immutable, hashable mapping of label keys to label values; the order never matters.

    >>> Labels({"role": "web", "app": "shop"})
    Labels({'app': 'shop', 'role': 'web'})
    """

    __slots__ = ()

    def __init__(self, labels: Mapping[str, str] | None = None, *, path: str = "labels") -> None:
        """Check and keep the labels; `path` is the Kubernetes field that errors name."""
        super().__init__(labels, path=path)

    @staticmethod
    def check_key(key: object, place: Place) -> None:
        """Refuse what cannot be a label key."""
        _check_text(
            key, label_key_problem, place, "a label key is such as `app` or `example.com/app`"
        )

    @staticmethod
    def check_value(value: object, place: Place) -> None:
        """Refuse what cannot be a label value; an empty text can."""
        _check_text(value, label_value_problem, place, "")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label, as in `matchExpressions`.

    The values are a set: sorted, each once. Write one with `in_`, `not_in`, `exists` or
    `does_not_exist`.
    """

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the key, the operator and the values, and order the values."""
        Labels.check_key(self.key, Place(path="matchExpressions[].key"))
        for value in self.values:
            Labels.check_value(value, Place(path="matchExpressions[].values"))
        _check_operator(self.operator)
        _check_count(self)
        object.__setattr__(self, "values", tuple(sorted(set(self.values))))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels fulfil this requirement.

        >>> not_in("app", "cli").matches({}), in_("app", "cli").matches({})
        (True, False)
        """
        match self.operator:
            case Operator.IN:
                return self.key in labels and labels[self.key] in self.values
            case Operator.NOT_IN:
                return self.key not in labels or labels[self.key] not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels
            case _:
                assert_never(self.operator)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Labels that must be there, and further requirements: all of them must hold.

    Requirements are a set: their order and their repetition say nothing. A selector is what is
    *written*: `in_("app", "web")` and `app="web"` select the same and are written differently, so
    they are not equal.
    """

    match_labels: Mapping[str, str] = field(default_factory=Labels)
    match_expressions: tuple[Requirement, ...] = ()

    def __post_init__(self) -> None:
        """Check the labels, and order the requirements."""
        if not isinstance(self.match_labels, Labels):
            object.__setattr__(self, "match_labels", Labels(self.match_labels, path="matchLabels"))
        ordered = sorted(set(self.match_expressions), key=_written_order)
        object.__setattr__(self, "match_expressions", tuple(ordered))

    @property
    def selects_everything(self) -> bool:
        """Whether nothing is required."""
        return not self.match_labels and not self.match_expressions

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels fulfil every requirement.

        >>> label_selector("podSelector", in_("tier", "web", "api")).matches({"tier": "api"})
        True
        """
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )


def in_(key: str, *values: str) -> Requirement:
    """Return the requirement that a label is there and has one of the values."""
    return Requirement(key, Operator.IN, _each_once(key, values))


def not_in(key: str, *values: str) -> Requirement:
    """Return the requirement that a label is missing or has none of the values."""
    return Requirement(key, Operator.NOT_IN, _each_once(key, values))


def exists(key: str) -> Requirement:
    """Return the requirement that a label is there, whatever its value."""
    return Requirement(key, Operator.EXISTS)


def does_not_exist(key: str) -> Requirement:
    """Return the requirement that a label is missing."""
    return Requirement(key, Operator.DOES_NOT_EXIST)


def label_selector(
    path: str, /, *conditions: Mapping[str, str] | Requirement, **labels: str
) -> LabelSelector:
    """Return the selector of labels and requirements, of which there must be at least one.

    `path` is the Kubernetes field that errors name. Labels whose keys are not Python names are
    given as mappings.
    """
    match_labels: dict[str, str] = {}
    requirements: list[Requirement] = []
    for condition in (*conditions, labels):
        if isinstance(condition, Requirement):
            _refuse_twice(condition.key, condition in requirements, f"{path}.matchExpressions")
            requirements.append(condition)
        else:
            checked = Labels(condition, path=f"{path}.matchLabels")
            for key in checked:
                _refuse_twice(key, key in match_labels, f"{path}.matchLabels")
            match_labels.update(checked)
    if not match_labels and not requirements:
        raise _nothing_selected(path)
    return LabelSelector(Labels(match_labels), tuple(requirements))


def _nothing_selected(path: str) -> InvalidValue:
    return InvalidValue(
        "no label is given",
        help="name a label; for all, say `ALL_PODS` or `ALL_NAMESPACES`, or leave `.pods()` out",
        place=Place(path=path),
    )


def _refuse_twice(key: str, repeated: bool, path: str) -> None:  # noqa: FBT001 - not a mode
    if repeated:
        raise InvalidValue(
            f"the label {shown(key)} is given twice",
            help="give each label once",
            place=Place(path=path),
            value=key,
        )


def _each_once(key: str, values: tuple[str, ...]) -> tuple[str, ...]:
    repeated = next((value for value in values if values.count(value) > 1), None)
    if repeated is not None:
        raise InvalidValue(
            f"the value {shown(repeated)} of {shown(key)} is given twice",
            help="give each value once",
            place=Place(path="matchExpressions[].values"),
            value=repeated,
        )
    return values


def _check_operator(operator: object) -> None:
    if not isinstance(operator, Operator):
        remedy = "write `in_`, `not_in`, `exists` or `does_not_exist`"
        raise refused("matchExpressions[].operator", operator, "is not an operator", remedy)


def _check_count(requirement: Requirement) -> None:
    needs_values = requirement.operator in (Operator.IN, Operator.NOT_IN)
    if needs_values == bool(requirement.values):
        return
    raise InvalidValue(
        f"`{requirement.operator}` needs at least one value"
        if needs_values
        else f"`{requirement.operator}` takes no values",
        help="to ask only whether the label is there, use `exists` or `does_not_exist`"
        if needs_values
        else "to compare values, use `in_` or `not_in`",
        place=Place(path="matchExpressions[].values"),
        value=requirement.values,
    )


def _check_text(
    value: object, problem_of: Callable[[str], str | None], place: Place, remedy: str
) -> None:
    refuse_non_text(value, place)
    if isinstance(value, str) and (problem := problem_of(value)):
        raise refused(place.path, value, problem, remedy)


def _written_order(requirement: Requirement) -> tuple[str, str, tuple[str, ...]]:
    return requirement.key, requirement.operator, requirement.values
