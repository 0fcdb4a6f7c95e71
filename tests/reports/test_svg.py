from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from podwall.model import LabelMap, PodPeer, Snapshot, SnapshotWorkload
from podwall.policies.errors import Unknown
from podwall.reachability import reachability
from podwall.reports.reach.picture import reach_svg
from tests.core.builders import allow, cluster, peers, pod, policy, selector, tcp

SVG = "{http://www.w3.org/2000/svg}"


def _said(snapshot: Snapshot) -> list[str]:
    root = ET.fromstring(reach_svg(reachability(snapshot, "calico")))  # noqa: S314 - our own picture
    return [each.text or "" for each in root.iter(f"{SVG}title")]


def test_the_picture_says_the_answer_and_each_cell_that_is_open() -> None:
    web = policy("x", selector(app="a"), ingress=(allow(peers(app="b"), ports=(tcp(80),)),))
    said = _said(cluster(web))
    assert said[0] == "10 of 12 connections between 4 workloads in 2 namespaces are open"
    assert "x/b to x/a: TCP 80" in said
    assert "y/b to x/b: all ports" in said
    assert not any(each.startswith("y/b to x/a:") for each in said)


def test_equal_verdicts_are_equal_pictures() -> None:
    quiet, open_ = policy("x", ingress=()), policy("y", ingress=(allow(),))
    pictures = {
        reach_svg(reachability(cluster(*parts))) for parts in ((quiet, open_), (open_, quiet))
    }
    assert len(pictures) == 1


def test_many_workloads_are_drawn_by_namespace() -> None:
    pods = (SnapshotWorkload(f"n{k % 3}", f"w{k}", "Pod", LabelMap()) for k in range(60))
    said = _said(Snapshot(workloads=tuple(pods), complete=True))
    assert "n0 to n1: 400 of 400 connections" in said
    assert "n0 to n0: 380 of 380 connections" in said


def test_what_is_not_certain_is_not_counted_as_open() -> None:
    unknown = SnapshotWorkload("n0", "a", "Pod", LabelMap.of({"app": Unknown("later")}))
    pods = (SnapshotWorkload("n1", f"w{k}", "Pod", LabelMap()) for k in range(50))
    anywhere = PodPeer(selector(app="b"), selector())
    closed = policy("n1", ingress=(allow(anywhere),))
    said = _said(Snapshot(workloads=(unknown, *pods), policies=(closed,), complete=True))
    assert "n0 to n1: 0 of 50 connections, 50 more undetermined" in said


@pytest.mark.parametrize(
    "name",
    ["</text><script>alert(1)</script>", '"><b>', "a&b", "\u202eevil", "a\x00b", "\ud800"],
    ids=["a script", "an attribute", "an entity", "turned around", "a zero", "half a character"],
)
def test_a_hostile_name_is_only_text(name: str) -> None:
    pods = (SnapshotWorkload("x", each, "Pod", LabelMap()) for each in (name, "other"))
    text = reach_svg(reachability(Snapshot(workloads=tuple(pods))))
    root = ET.fromstring(text)  # noqa: S314 - our own picture
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        *("svg", "title", "style", "text", "g", "rect", "line")
    }
    assert "\u202e" not in text


def test_the_foot_says_who_the_pods_are_that_are_not_shown() -> None:
    dev = PodPeer(selector(), selector(env="dev"))
    into = policy("x", selector(app="a"), "in", ingress=(allow(dev, ports=(tcp(80),)),))
    snapshot = cluster(pod("x/a"), policy("x", name="deny", ingress=(), egress=()), into)
    root = ET.fromstring(reach_svg(reachability(replace(snapshot, complete=False))))  # noqa: S314 - our own picture
    texts = [each.text or "" for each in root.iter(f"{SVG}text")]
    assert "other pods: any pod of other namespaces with env=dev as clients" in texts
    foot = float(root.attrib["height"])
    assert all(float(each.attrib["y"]) < foot for each in root.iter(f"{SVG}text"))
