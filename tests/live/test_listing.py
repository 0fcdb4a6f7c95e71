"""Lists are read whole: in pages, at one moment, and on where a page expires."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from podwall.live.connection import ClusterError
from podwall.live.listing import PODS, POLICIES, listed
from tests.live.stand_in import Answer, Asked, refusal, serving


def _pod(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop"}, **more}


def _page(names: str, onward: str = "", version: str = "7", left: int | None = None) -> Answer:
    metadata = {"resourceVersion": version, "continue": onward, "remainingItemCount": left}
    return Answer({"metadata": metadata, "items": [_pod(each) for each in names.split()]})


def _pages(**pages: Answer) -> Callable[[Asked], Answer]:
    return lambda asked: pages[asked.query.get("continue", "first")]


def test_pages_are_read_to_the_end() -> None:
    told: list[tuple[int, int | None]] = []
    pages = _pages(first=_page("a b", "x", left=2), x=_page("c", "y", left=1), y=_page("d"))
    with serving(pages) as server, server.connection() as connection:
        found = listed(connection, PODS, progress=lambda done, left: told.append((done, left)))
    assert [each.metadata.name for each in found.items] == ["a", "b", "c", "d"]
    assert (found.version, found.mixed) == ("7", False)
    assert told == [(2, 2), (3, 1), (4, None)]
    assert {each.query["limit"] for each in server.asked} == {"500"}


def test_a_page_that_expires_goes_on_where_the_server_says() -> None:
    expired = refusal(410, "Expired", "too old", metadata={"continue": "z"})
    pages = _pages(first=_page("a b", "x"), x=expired, z=_page("b c", version="9"))
    with serving(pages) as server, server.connection() as connection:
        found = listed(connection, PODS)
    assert [each.metadata.name for each in found.items] == ["a", "b", "c"]
    assert found.mixed


def test_a_page_that_expires_for_good_is_an_error() -> None:
    pages = _pages(first=_page("a", "x"), x=refusal(410, "Expired", "too old"))
    refused = pytest.raises(ClusterError, match="too old")
    with serving(pages) as server, server.connection() as connection, refused:
        listed(connection, PODS)


def test_a_moment_is_asked_for_exactly() -> None:
    with serving(lambda _: _page("a")) as server, server.connection() as connection:
        assert not listed(connection, PODS, version="7").mixed
    assert server.asked[0].query["resourceVersion"] == "7"
    assert server.asked[0].query["resourceVersionMatch"] == "Exact"


@pytest.mark.parametrize("code", [400, 410])
def test_a_moment_that_is_gone_is_the_present_one(code: int) -> None:
    def answer(asked: Asked) -> Answer:
        gone = refusal(code, "Expired", "too old")
        return gone if "resourceVersion" in asked.query else _page("a", version="9")

    with serving(answer) as server, server.connection() as connection:
        found = listed(connection, PODS, version="7")
    assert (len(found.items), found.version, found.mixed) == (1, "9", True)


def test_one_namespace_is_asked_for_alone() -> None:
    with serving(lambda _: _page("a")) as server, server.connection() as connection:
        listed(connection, POLICIES, "shop")
    assert server.asked[0].path == "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"items": [1]}', b'{"metadata": 1}'])
def test_what_is_no_list_is_said(body: bytes) -> None:
    refused = pytest.raises(ClusterError, match="no list of Kubernetes")
    with serving(lambda _: Answer(body)) as server, server.connection() as connection, refused:
        listed(connection, PODS)


def test_nothing_is_kept_of_what_may_be_secret() -> None:
    secret = "hunter2-hunter2"  # noqa: S105 - a test's own
    container = {
        "name": "web",
        "image": "web:1",
        "env": [{"name": "PASSWORD", "value": secret}],
        "args": [secret],
        "ports": [{"containerPort": 80, "name": "http"}],
    }
    pod = _pod("web", spec={"containers": [container], "volumes": [{"name": secret}]})
    ranges = {"service.beta.kubernetes.io/azure-allowed-ip-ranges": "198.51.100.0/24"}
    pod["metadata"]["annotations"] = {"applied": secret, "podwall.dev/ignore": "id: why"} | ranges
    page = Answer({"metadata": {"resourceVersion": "7"}, "items": [pod]})
    with serving(lambda _: page) as server, server.connection() as connection:
        (found,) = listed(connection, PODS).items
    assert secret not in repr(found)
    assert found.metadata.annotations is not None
    assert found.metadata.annotations.ignore == "id: why"
    assert found.metadata.annotations.allowed_ranges == "198.51.100.0/24"
