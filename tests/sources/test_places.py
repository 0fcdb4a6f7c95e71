"""The line of the program that stands for what a preview shows."""

from __future__ import annotations

from pathlib import Path

from tests.sources.test_previews import planned, pod, preview, real, resource


def test_places_are_lines_of_the_program() -> None:
    places = {str(policy.place) for policy in planned(real("allow")).policies}
    assert places == {"__main__.py:20", "__main__.py:22"}


def test_what_a_component_of_a_library_makes_is_at_the_line_of_the_component(
    tmp_path: Path,
) -> None:
    outer = resource("acme:Shop", "shop", {}, sourcePosition="project:///__main__.py#7")
    inner = resource(
        "acme:Part", "part", {}, parent=outer["urn"], sourcePosition="project:///.venv/../acme.py#3"
    )
    made = pod("web", parent=inner["urn"], sourcePosition="project:///site-packages/acme.py#9")
    own = pod("api", parent=inner["urn"], sourcePosition="project:///shop.py#5")
    lost = pod("db", parent=own["urn"].replace("api", "gone"))
    steps = (("create", None, each) for each in (outer, inner, made, own, lost))
    places = {each.name: each.place for each in planned(preview(tmp_path, *steps)).workloads}
    assert str(places["web"]) == "__main__.py:7"
    assert str(places["api"]) == "shop.py:5"
    assert places["db"].line is None
