"""Who can reach whom, on the screen and in JSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from podwall.model import IpProtocol, SnapshotWorkload
from podwall.overview import OUTSIDE, reach_grid
from podwall.policies.errors import Unknown
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability import Reachability, reachability
from podwall.reading import Document, snapshot
from podwall.reports.formats import json_text
from podwall.reports.reach.documents import reach_document
from podwall.reports.reach.terminal import reach_lines, reach_text
from podwall.reports.screen import UNICODE, Console
from podwall.reports.words import printable, short_ports
from podwall.verdict_table import verdict_table
from tests.reports.screens import screen

HTTP = PortSet.of(IpProtocol.TCP, 80)
DNS = PortSet.of(IpProtocol.UDP, 53)


LEGEND = (
    "  all every port   80 TCP port 80   53/udp UDP port 53"
    "   · nothing   ─ the same pod   ? not certain"
)


def pod(name: str, namespace: str = "shop", **labels: Any) -> Document:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return Document({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})


def policy(name: str, namespace: str = "shop", **spec: Any) -> Document:
    metadata = {"name": name, "namespace": namespace}
    manifest = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return Document({**manifest, "metadata": metadata, "spec": {"podSelector": {}, **spec}})


def frontend(*ports: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"from": [{"podSelector": {"matchLabels": {"role": "web"}}}], "ports": list(ports)}


SHOP = (
    pod("web", role="web"),
    pod("api", role=Unknown("the role of `api`")),
    pod("scan", "tools"),
    policy("p", ingress=[frontend({"port": 80}, {"port": 53, "protocol": "UDP"})]),
)


def reach(*documents: Document, closed: bool = True) -> Reachability:
    return reachability(replace(snapshot(documents).snapshot, complete=closed))


def shown(found: Reachability, width: int = 100) -> list[str]:
    def draw(console: Any) -> None:
        console.write(reach_text(found, console, UNICODE))

    return screen(draw, width).splitlines()


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        pytest.param(NO_PORTS, "", id="none"),
        pytest.param(ALL_PORTS, "all", id="all"),
        pytest.param(HTTP | DNS, "80 53/udp", id="TCP goes without saying"),
        pytest.param(PortSet.of(IpProtocol.SCTP, 1, 9), "1-9/sctp", id="a range"),
        pytest.param(PortSet.all_of(IpProtocol.UDP), "all/udp", id="a whole protocol"),
        pytest.param(ALL_PORTS - HTTP - DNS, "1-79 81-65535 1-52/udp …", id="too many"),
    ],
)
def test_ports_in_short(ports: PortSet, text: str) -> None:
    assert short_ports(ports) == text


def test_the_table_has_names_where_they_fit() -> None:
    assert shown(reach(*SHOP)) == [
        "Who can reach whom  the NetworkPolicy specification",
        "",
        "                  shop/       shop/      tools/",
        "   from \\ to       api         web        scan    outside",
        "  ────────────────────────────────────────────────────────",
        "   shop/api         ─       80 53/udp?    all       all",
        "   shop/web     80 53/udp       ─         all       all",
        "",
        "   tools/scan       ·           ·          ─        all",
        "",
        "   outside          ·           ·         all        ·",
        "",
        LEGEND,
        "  ? the role of `api`",
    ]


def test_the_table_has_numbers_where_names_are_too_long() -> None:
    found = shown(reach(*SHOP), 56)
    assert found[2].split() == ["from", "\\", "to", "1", "2", "3", "4"]
    assert found[4].split()[:2] == ["1", "shop/api"]
    assert max(map(len, found[:10])) <= 56


def test_a_list_is_shown_where_no_table_fits() -> None:
    found = shown(reach(*SHOP), 40)
    assert "  shop/api    80 53/udp   from shop/web" in found


def test_long_names_leave_the_room_to_those_who_reach_them() -> None:
    long = "a-workload-with-the-longest-name-that-anybody-would-write"
    found = shown(reach(*(pod(f"{long}-{n}") for n in range(3))), 70)
    first = found.index(f"  shop/{long}-0")
    assert found[first + 1] == "    all  from all of shop, outside"
    assert max(map(len, found[first : first + 3])) <= 70


MANY = reach(
    *(pod(f"p{n}", f"n{n % 3}", role="web" if n else "db") for n in range(90)),
    policy("p", "n0", ingress=[frontend()]),
    policy("p", "n1", policyTypes=["Ingress", "Egress"]),
)
"""In `n0` all but one reach each other, `n1` is closed, `n2` has no policies."""


def test_many_workloads_are_shown_by_namespace() -> None:
    assert shown(MANY)[2:14] == [
        "  2,611 of 8,010 connections between 90 workloads in 3 namespaces are open",
        "",
        "   from \\ to   n0    n1   n2   outside",
        "  ─────────────────────────────────────",
        "   n0          97%   ·    ●       ●",
        "   n1           ·    ·    ·       ·",
        "   n2           ·    ·    ●       ●",
        "   outside      ·    ·    ●       ·",
        "",
        "  ● all connections are open   8% ○ some   · none   ? not certain",
        "",
        "  to look closer:",
    ]


def test_signs_stand_for_shares_where_those_do_not_fit() -> None:
    found = shown(MANY, 26)
    first = found.index("  from \\ to 1 2 3 4")
    assert found[first : first + 6] == [
        "  from \\ to 1 2 3 4",
        "  ─────────────────",
        "  1 n0      ○ · ● ●",
        "  2 n1      · · · ·",
        "  3 n2      · · ● ●",
        "  4 outside · · ● ·",
    ]


def _on_a_terminal(found: Reachability, asked: str = "") -> str:
    console = Console(io.StringIO(), width=100, is_terminal=True)
    return re.sub("\x1b\\[[0-9;]*m", "", "".join(reach_lines(found, console, asked=asked)))


def test_many_pairs_do_not_push_the_table_out_of_sight() -> None:
    ranges = [{"ipBlock": {"cidr": f"192.0.2.{2 * n}/32"}} for n in range(60)]
    blocks = policy("blocks", policyTypes=["Ingress"], ingress=[{"from": ranges}])
    few, many = reach(*SHOP), reach(*(pod(f"p{n}") for n in range(5)), blocks)
    assert re.search("shop/web +->  shop/api", _on_a_terminal(few))
    text = _on_a_terminal(many, "shop.yaml --engine calico")
    assert "->" not in text
    assert "podwall reach shop.yaml --engine calico --focus shop" in text


def test_what_a_block_leaves_of_all_addresses_is_listed_as_that() -> None:
    dns = policy("dns", policyTypes=["Egress"], egress=[{"to": [cidr("169.254.10.10/31")]}])
    found = lines(reach(pod("web"), dns), io.StringIO(), terminal=False).splitlines()
    assert [line for line in found if "->" in line and "169.254" in line] == [
        "shop/web                        ->  169.254.10.10/31                all ports",
        "0.0.0.0/0 but 169.254.10.10/31  ->  shop/web                        all ports",
        "169.254.10.10/31                ->  shop/web                        all ports",
    ]


def test_what_many_blocks_leave_is_listed_by_its_networks() -> None:
    hosts = policy("hosts", ingress=[{"from": [cidr(f"192.0.2.{9 * n}/32") for n in range(6)]}])
    found = lines(reach(pod("web"), hosts), io.StringIO(), terminal=False)
    assert " but " not in found


def cidr(network: str) -> Mapping[str, Any]:
    return {"ipBlock": {"cidr": network}}


def test_namespaces_are_listed_where_no_table_fits() -> None:
    found = shown(MANY, 18)
    assert "  n0       ○  from" in found
    assert "  n1       ·  no" in found


def lines(found: Reachability, file: io.StringIO, *, terminal: bool) -> str:
    console = Console(file, width=100, is_terminal=terminal)
    return "".join(reach_lines(found, console))


def test_a_terminal_gets_no_thousands_of_lines_and_a_pipe_gets_nothing_else() -> None:
    assert "  ->  " not in lines(MANY, io.StringIO(), terminal=True)
    piped = lines(MANY, io.StringIO(), terminal=False).splitlines()
    assert all("  ->  " in line for line in piped)
    few = lines(reach(*SHOP), io.StringIO(), terminal=True)
    assert "from \\ to" in few
    assert "  ->  " in few


def test_a_list_says_all_workloads_of_a_namespace_in_a_word() -> None:
    found = shown(reach(*(pod(name) for name in "abc"), pod("alone", "tools")), 30)
    assert "  shop/a       all  from all" in found
    assert "                    of shop," in found
    assert "                    tools/alone," in found


def test_nothing_to_show_is_said() -> None:
    assert "  no workloads are planned" in shown(reach())


def test_external_ranges_are_one_row_for_each_difference() -> None:
    block = {"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}
    grid = reach_grid(verdict_table(reach(pod("web"), policy("p", ingress=[block]))))
    assert grid.names == ("shop/web", OUTSIDE, "203.0.113.0/24")
    assert not grid.cell(1, 0).allowed
    assert grid.cell(2, 0).allowed


def _renamed(workload: SnapshotWorkload, name: str) -> SnapshotWorkload:
    return replace(workload, name=name) if workload.name == "hidden" else workload


@pytest.mark.parametrize("width", [100, 56, 30], ids=["names", "numbers", "a list"])
@pytest.mark.parametrize("name", ["\u202egpj", "a\x1b[31mb", "a\nb"])
def test_what_cannot_be_seen_in_a_name_is_made_visible(name: str, width: int) -> None:
    # No source gives such names; what plans call a thing by a name of its own may.
    read = snapshot([pod("hidden"), pod("web"), pod("api", "other")]).snapshot
    workloads = tuple(_renamed(each, name) for each in read.workloads)
    found = "\n".join(shown(reachability(replace(read, workloads=workloads)), width))
    assert name not in found
    assert printable(name) in found


def test_json_is_the_format_of_the_design() -> None:
    document = json.loads(json_text(reach_document(reach(*SHOP))))
    assert document["format"] == "podwall/reach/v2"
    assert document["engine"] == "spec"
    assert document["workloads"][1] == {
        "id": "shop/web",
        "namespace": "shop",
        "name": "web",
        "kind": "Pod",
        "labels": {"role": "web"},
        "replicas": 1,
    }
    (unsure,) = [
        each
        for each in document["connections"]
        if (each["source"], each["destination"]) == ("shop/api", "shop/web")
    ]
    assert unsure == {
        "source": "shop/api",
        "destination": "shop/web",
        "allowed": [],
        "undetermined": [
            {"protocol": "TCP", "ports": [[80, 80]], "because": "the role of `api`"},
            {"protocol": "UDP", "ports": [[53, 53]], "because": "the role of `api`"},
        ],
    }
    pairs = {(each["source"], each["destination"]) for each in document["connections"]}
    assert ("tools/scan", "shop/web") not in pairs
