from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from podwall.diff import ConnectionChangeKind, PolicyChangeKind, diff
from podwall.model import Policy
from podwall.policies.errors import Finding, Place, Severity
from podwall.reachability import reachability
from podwall.reports.comment import (
    ChangedConnection,
    ChangedObject,
    ChangeReport,
    change_report,
    change_sentence,
    comment,
    marker,
)
from podwall.reports.comment.wording import address_words, endpoint_words, grouped
from podwall.reports.formats import code_span, markdown_text
from tests.core.builders import EVERYTHING, allow, block, cluster, pod
from tests.reports.page.stacks import AFTER, BEFORE


def changed(
    source: str, destination: str, kind: ConnectionChangeKind = ConnectionChangeKind.ADDED
) -> ChangedConnection:
    before, after = (
        ("nothing", "TCP 80") if kind is ConnectionChangeKind.ADDED else ("all ports", "nothing")
    )
    return ChangedConnection(source, destination, kind, before, after, ("shop/web",))


REPORT = ChangeReport(
    "stack `dev`",
    (
        changed("shop/web", "shop/db"),
        changed("shop/api", "shop/db"),
        changed("203.0.113.0/24", "shop/web", ConnectionChangeKind.REMOVED),
    ),
    ranges=frozenset({"203.0.113.0/24"}),
    policies=(ChangedObject("shop/web", PolicyChangeKind.EDITED, "__main__.py:31"),),
    findings=(
        Finding("open", Severity.ERROR, "`shop/db` is open", Place("a.py", 3), "close `shop/db`"),
        Finding("quiet", Severity.WARNING, "nobody selects it"),
    ),
    state="2 of 6 connections are open",
    judged="Judged as Cilium enforces network policies.",
    artifact="https://example.com/run/7",
)


def _html(markdown: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(markdown))


def test_the_answer_comes_first_under_the_marker() -> None:
    lines = comment(REPORT).splitlines()
    assert lines[0] == marker("stack `dev`")
    assert lines[1] == "### 2 connections open in stack `dev`"
    outside = "1 connection closes from or to outside the cluster."
    assert lines[3] == f"{outside} **1 error and 1 warning** below."


def test_a_workload_under_another_generated_name_is_said_to_be_the_same() -> None:
    one = replace(REPORT, renamed=(("shop/api-7d4f", "shop/api-9c2b"),))
    same = "The same workload under another generated name: `shop/api-7d4f` is now `shop/api-9c2b`."
    assert same in comment(one)
    many = replace(REPORT, renamed=tuple((f"a/b-{n}", f"a/c-{n}") for n in range(5)))
    assert "The same workloads under other generated names: `a/b-0` is now `a/c-0`" in comment(many)
    assert "and 2 more." in comment(many)
    assert "generated name" not in comment(REPORT)


def test_connections_that_change_alike_share_a_line() -> None:
    said = comment(REPORT)
    assert "| `shop/api`, `shop/web` | `shop/db` | TCP 80 | `shop/web` (changed) |" in said
    assert "| `203.0.113.0/24` | `shop/web` | was all ports | `shop/web` (changed) |" in said


def test_errors_stand_open_and_everything_else_is_folded() -> None:
    said = comment(REPORT)
    assert said.index("`shop/db` is open") < said.index("**Opens**") < said.index("<details>")
    assert said.index("<details>") < said.index("nobody selects it")
    assert said.count("<details>") == said.count("</details>") == 3


def test_no_change_is_said_in_one_line() -> None:
    said = comment(ChangeReport("stack dev"))
    assert said.splitlines()[1:] == ["### No connection opens or closes in stack dev"]


SUBJECTS = [
    "stack a/b",
    "stack a-b",
    "stack a b",
    "stack a.b",
    "stack a.2f.b",
    "x" * 300,
    "x" * 301,
]


def test_the_marker_cannot_be_ended_by_a_name() -> None:
    assert marker("a --> <b>") == "<!-- podwall: a-.2d..2d..3e.-.3c.b.3e. -->"


@pytest.mark.parametrize("one", SUBJECTS)
def test_two_subjects_never_share_a_comment(one: str) -> None:
    assert [each for each in SUBJECTS if marker(each) == marker(one)] == [one]


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        pytest.param([ConnectionChangeKind.ADDED], "1 connection opens", id="one"),
        pytest.param([ConnectionChangeKind.REMOVED] * 2, "2 connections close", id="two"),
        pytest.param(
            [
                ConnectionChangeKind.ADDED,
                ConnectionChangeKind.NARROWED,
                ConnectionChangeKind.REMOVED,
            ],
            "1 connection opens, 1 loses some ports and 1 closes",
            id="several kinds",
        ),
    ],
)
def test_the_sentence_counts_each_kind(kinds: list[ConnectionChangeKind], sentence: str) -> None:
    changes = tuple(changed("a/b", "c/d", kind) for kind in kinds)
    assert change_sentence(replace(REPORT, connections=changes)) == sentence


@pytest.mark.parametrize("gap", ["preview-failed", "preview-without-sames"])
def test_the_sentence_claims_nothing_of_a_preview_with_gaps(gap: str) -> None:
    unseen = ChangeReport("stack `dev`", findings=(Finding(gap, Severity.ERROR, "no"),))
    assert "no connection" not in change_sentence(unseen)
    seen = replace(unseen, connections=(changed("a/b", "c/d"),))
    assert change_sentence(seen).endswith("as far as it came, 1 connection opens")


def test_the_outside_counts_once_for_each_workload_and_direction() -> None:
    ranges = frozenset(f"10.{n}.0.0/16" for n in range(4))
    changes = [changed(each, "a/b") for each in ranges] + [changed("a/b", each) for each in ranges]
    report = replace(REPORT, connections=tuple(changes), ranges=ranges)
    assert change_sentence(report) == "2 connections open from or to outside the cluster"


def test_groups_name_every_connection_exactly_once() -> None:
    changes = [changed(f"n/{i}", f"n/{j}") for i in range(6) for j in range(6) if (i * j) % 3]
    pairs = [
        (source, destination)
        for group in grouped(changes)
        for source in group.sources
        for destination in group.destinations
    ]
    assert sorted(pairs) == sorted((each.source, each.destination) for each in changes)


def test_everybody_to_everybody_is_one_row_and_says_that_it_is_not_about_itself() -> None:
    names = [f"shop/{name}" for name in "abcd"]
    everybody = [changed(one, other) for one in names for other in names if one != other]
    (group,) = grouped([*everybody[:3], *everybody[3:]])
    assert group.not_itself
    assert (group.sources, group.destinations) == (tuple(names), tuple(names))
    said = comment(replace(REPORT, connections=tuple(everybody), ranges=frozenset()))
    assert "4 workloads of `shop`" not in said
    assert "| `shop/a`, `shop/b`, `shop/c`, `shop/d`, other than itself | TCP 80 |" in said
    (with_itself,) = grouped([changed(one, other) for one in names for other in names])
    assert not with_itself.not_itself


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), unique=True))
def test_rows_mean_exactly_the_connections_that_change(pairs: list[tuple[str, str]]) -> None:
    meant = [
        (source, destination)
        for group in grouped([changed(f"s/{one}", f"s/{other}") for one, other in pairs])
        for source in group.sources
        for destination in group.destinations
        if not (group.not_itself and source == destination)
    ]
    assert sorted(meant) == sorted((f"s/{one}", f"s/{other}") for one, other in pairs)


def test_what_would_differ_under_an_engine_of_aks_is_said() -> None:
    by_address = Policy("x", "from-anywhere", EVERYTHING, ingress=(allow(block("0.0.0.0/0")),))
    pods = [pod(f"x/{name}") for name in "ab"]
    before, after = reachability(cluster(*pods)), reachability(cluster(*pods, by_address))
    judged = change_report(diff(before, after), "stack dev").judged
    assert "as no engine was named. " in judged
    assert "**Would differ under Cilium**: `x/a` → `x/b` " in judged
    named = reachability(cluster(*pods, by_address), "cilium")
    judged = change_report(diff(reachability(cluster(*pods), "cilium"), named), "stack dev").judged
    assert judged == "Judged as Cilium enforces network policies."


def test_a_namespace_but_for_one_workload_is_said_as_that() -> None:
    shop = frozenset(f"shop/{name}" for name in "abcd")
    assert (
        endpoint_words(shop - {"shop/c"}, {"shop": shop}) == "every workload of `shop` but `shop/c`"
    )


def test_rows_in_the_open_are_not_told_again() -> None:
    single = replace(REPORT, connections=REPORT.connections[:1])
    assert "Every changed connection" not in comment(single)
    assert "Every changed connection (3)" in comment(REPORT)


def test_what_changes_is_named_before_what_was_there() -> None:
    edited = replace(REPORT.connections[0], because=("a", "b", "c", "shop/web"))
    row = "| `shop/web` (changed), `a`, `b` and 1 more |"
    assert row in comment(replace(REPORT, connections=(edited,)))


def test_a_resource_without_a_line_is_named_without_its_urn() -> None:
    urn = Place("urn:pulumi:dev::shop::kubernetes:core/v1:Namespace::tools")
    said = comment(replace(REPORT, findings=(Finding("a", Severity.ERROR, "b", urn),)))
    assert "— `resource tools`" in said


def test_many_names_are_cut_with_a_count() -> None:
    many = [f"a/{n}" for n in range(9)]
    assert endpoint_words(many, {}) == "9 workloads of `a` (`a/0`, `a/1`, `a/2`, …)"
    more = [f"{name}/{n}" for name in "abcd" for n in range(9)]
    assert endpoint_words(more, {}) == "36 workloads of 4 namespaces (`a/0`, `a/1`, `a/2`, …)"
    mixed = endpoint_words([*many, "b/0", "c/0", "d/0", "e/0"], {})
    assert mixed.endswith("…), `b/0`, `c/0`, `d/0`, `e/0`")
    assert endpoint_words([f"{each}/0" for each in "abcde"], {}) == "`a/0`, `b/0`, `c/0`, 2 more"


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        pytest.param(["0.0.0.0/0", "::/0"], "anyone outside the cluster", id="everyone"),
        pytest.param(["::/0"], "any IPv6 address outside the cluster", id="a family"),
        pytest.param(
            ["0.0.0.0/1", "128.0.0.0/2", "::/0"],
            "anyone outside the cluster except `192.0.0.0/2`",
            id="nearly everyone",
        ),
        pytest.param(
            ["10.0.0.0/8", "2001:db8::/32"], "`10.0.0.0/8`, `2001:db8::/32`", id="two ranges"
        ),
        pytest.param(
            [f"10.{n}.0.0/16" for n in range(1, 9)],
            "`10.1.0.0/16`, `10.2.0.0/16`, `10.3.0.0/16`, 5 more",
            id="many ranges",
        ),
    ],
)
def test_addresses_outside_are_said_by_what_is_less(networks: list[str], words: str) -> None:
    assert address_words(map(ip_network, networks)) == words


def test_a_difference_is_reported_with_policies_and_reasons() -> None:
    report = change_report(diff(reachability(BEFORE), reachability(AFTER)), "stack dev")
    found = {(each.source, each.destination): each for each in report.connections}
    assert found["ops/runner", "shop/db"].because == ("shop/db",)
    assert "the cidr of policy" in found["shop/web", "ops/prometheus"].reason
    assert {each.name for each in report.policies} == {"shop/db", "shop/late", "ops/runner"}
    said = comment(report)
    assert "every workload of `ops` | `shop/db` | all ports | `shop/db` (new)<br>`+ " in said
    assert "anyone outside the cluster" in said


def test_more_changes_than_anybody_reads_are_counted_as_more() -> None:
    difference = diff(reachability(BEFORE), reachability(AFTER))
    said = comment(change_report(difference, "stack dev", most=2))
    assert said.splitlines()[1].startswith("### More than ")


HOSTILE = (
    "`", "``a", "a|b", "<img src=x onerror=alert(1)>", "</details>", "[a](https://evil.example)",
    "@everyone", "#12", "https://evil.example", "-->", "a\n# head", "\u202egpj", "\\", "*b*", "",
)  # fmt: skip


class _Tags(HTMLParser):
    """Collects the tags, links and text of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for key, value in attrs if key in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _tags(markdown: str) -> _Tags:
    parser = _Tags()
    parser.feed(_html(markdown))
    return parser


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text(name: str) -> None:
    finding = Finding("open", Severity.ERROR, f"policy `{name}` and {name} too", Place(name), name)
    report = replace(
        REPORT,
        connections=(replace(changed(name, name), before=name, after=name, because=(name,)),),
        policies=(ChangedObject(name, PolicyChangeKind.ADDED, name),),
        findings=(finding,),
        namespaces={name: frozenset({name, "b"})},
    )
    found = _tags(comment(report))
    assert found.tags <= {
        *("h3", "p", "strong", "ul", "li", "code", "br", "table", "thead", "tbody", "tr", "th"),
        *("td", "details", "summary", "sub", "a"),
    }
    assert set(found.links) == {"https://example.com/run/7"}


@given(st.text(alphabet=st.sampled_from("a`|\\<>&[]()*_@#:/!\n ~"), max_size=12))
def test_a_code_span_shows_exactly_what_was_written(written: str) -> None:
    found = _tags(f"| head |\n|---|\n| {code_span(written)} |\n")
    assert found.tags == {"table", "thead", "tbody", "tr", "th", "td", "code"}
    shown = "".join(found.words).split("head", 1)[1].strip()
    assert shown.split() == written.replace("\n", "\\n").split()


@given(st.text(alphabet=st.sampled_from("ab`|\\<>&[]()*_@#:/!\n ~-+."), max_size=16))
def test_a_message_makes_nothing_but_code(written: str) -> None:
    assert _tags(f"said: {markdown_text(written)}").tags <= {"p", "code"}


@pytest.mark.parametrize(
    "name",
    ["@all", "#12", "https://evil.example", "www.evil.example", "WWW.evil.example", "GH-1", "gh-1"],
)
def test_what_github_would_link_is_split(name: str) -> None:
    assert name not in markdown_text(f"see {name}")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("shop/web-GENERATED", id="a workload"),
        pytest.param("shop-GENERATED/web", id="a namespace"),
    ],
)
def test_what_stands_for_the_end_of_a_name_is_explained(name: str) -> None:
    sentence = "`GENERATED` stands for the end of a name"
    assert sentence not in comment(REPORT)
    assert sentence in comment(replace(REPORT, connections=(changed("shop/api", name),)))
    gone = ChangedObject(name, PolicyChangeKind.REMOVED)
    assert sentence in comment(replace(REPORT, connections=(), workloads=(gone,)))


def test_of_several_new_rules_the_one_that_opens_stands_at_what_it_opens() -> None:
    rules = ("+ from web on TCP 80", "+ from api on TCP 90", "- from db on TCP 1")
    report = replace(
        REPORT,
        connections=(
            replace(changed("shop/api", "shop/db"), because=("shop/db",), rules=rules[1:2]),
        ),
        policies=(ChangedObject("shop/db", PolicyChangeKind.EDITED, rules=rules),),
    )
    row = next(line for line in comment(report).splitlines() if line.startswith("| `shop/api`"))
    assert rules[1] in row
    assert rules[0] not in row
