"""What users import of the typed language."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from podwall import policies
from podwall.policies import NetworkPolicy, Place
from podwall.policies.errors import InvalidManifest, InvalidValue, PodwallError, SourceError

MODULES = [
    "podwall.policies",
    *(found.name for found in pkgutil.walk_packages(policies.__path__, "podwall.policies.")),
]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_names_what_it_offers(name: str) -> None:
    module = import_module(name)
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


def test_the_package_shows_its_public_names_only() -> None:
    assert dir(policies) == sorted(policies.__all__)


def test_the_first_example_of_the_package_runs() -> None:
    example = (policies.__doc__ or "").split("\n\n")[1:3]
    names: dict[str, object] = {}
    exec("\n\n".join(example).replace("\n    ", "\n").strip(), names)  # noqa: S102 - our own docstring
    assert isinstance(names["api"], NetworkPolicy)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(), ""),
        (Place("shop.yaml"), "shop.yaml"),
        (Place("shop.yaml", 3, "spec"), "shop.yaml:3 spec"),
        (Place(path="spec").at("[0]").at("port"), "spec[0].port"),
    ],
)
def test_a_place_is_written_as_far_as_it_is_known(place: Place, text: str) -> None:
    assert str(place) == text


@pytest.mark.parametrize("kind", [InvalidValue, InvalidManifest, SourceError])
def test_an_error_says_where_what_and_what_to_do(kind: type[PodwallError]) -> None:
    error = kind("`x` is wrong", help="did you mean `y`?", place=Place("a.yaml", 2))
    assert str(error) == "a.yaml:2: `x` is wrong"
    assert (error.message, error.help) == ("`x` is wrong", "did you mean `y`?")
    assert str(kind("`x` is wrong")) == "`x` is wrong"
