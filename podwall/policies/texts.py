"""An immutable, hashable mapping of texts to texts: what labels and annotations are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.wording import shown

__all__ = ["TextMap", "refuse_non_text"]


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
            raise InvalidValue(
                f"{shown(given)} is not a mapping",
                help='write `app="web"` or `{"app": "web"}`',
                place=Place(path=path),
                value=given,
            )
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
        raise InvalidValue(
            f"{shown(value)} is not a text", help=_remedy(value), place=place, value=value
        )


def _remedy(value: object) -> str:
    if isinstance(value, int | float):
        return f"did you mean {shown(value)} in quotes?"
    return "give texts, one by one"
