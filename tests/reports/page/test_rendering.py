"""The page in a browser: what it shows, in both themes, on paper, and what it refuses to run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from podwall.model import PodPeer, UnreadPolicy
from podwall.reachability import reachability
from tests.core.builders import allow, policy, selector, tcp
from tests.reports.page.browser import Theme
from tests.reports.page.conftest import Show
from tests.reports.page.stacks import AFTER, BEFORE, HOSTILE, STACK, hostile

OF_DEV = PodPeer(selector(), selector(env="dev"))
LABELS = "[...document.querySelectorAll('.cell')].map(e => e.getAttribute('aria-label'))"


def test_every_cell_says_the_verdict_of_the_analysis(show: Show) -> None:
    labels = show(STACK, "#view=matrix").run(LABELS)
    found = reachability(STACK, "calico")
    ids = [each.id for each in found.workloads]
    for source in ids:
        for destination in ids:
            allowed = str(found.connection(source, destination).allowed)
            said = "denied" if allowed == "no ports" else allowed
            assert f"from {source} to {destination}: {said}" in labels


def test_the_headline_answers_at_first_glance(show: Show) -> None:
    tab = show(STACK)
    assert tab.text("h1").startswith("8 of 25 connections between 5 workloads in 2 namespaces")
    said = " ".join(tab.text("#panel").split())
    assert "3 workloads can be reached from outside the cluster: ops/prometheus" in said


def test_what_is_not_certain_is_not_called_closed(show: Show) -> None:
    unread = UnreadPolicy("CiliumClusterwideNetworkPolicy", "x", None)
    said = " ".join(show(replace(STACK, unread_policies=(unread,))).text("#panel").split())
    assert "No workload can be reached from outside the cluster for certain." in said
    assert "Every workload can perhaps be reached from outside the cluster." in said


OPEN = replace(STACK, complete=False)
TO_DEV = replace(
    OPEN,
    workloads=tuple(each for each in STACK.workloads if each.namespace == "shop"),
    policies=(
        STACK.policies[0],
        policy("shop", selector(app="db"), "db", ingress=(allow(OF_DEV, ports=(tcp(5432),)),)),
    ),
)


def test_pods_that_are_not_shown_have_a_row_that_says_who_they_are(show: Show) -> None:
    tab = show(TO_DEV, "#view=matrix")
    labels = tab.run(LABELS)
    assert "from any pod of other namespaces with env=dev to shop/db: TCP 5432" in labels
    assert "from any pod of other namespaces with env=dev to shop/api: denied" in labels
    names = tab.run("[...document.querySelectorAll('.side .label')].map(e => e.textContent)")
    assert names[-2:] == ["not shown", "any pod of other namespaces with env=dev"]


def test_a_pair_with_pods_that_are_not_shown_leads_to_who_they_are(show: Show) -> None:
    tab = show(TO_DEV, "#view=matrix&from=&to=")
    tab.click('[aria-label^="from any pod of other namespaces with env=dev to shop/db"]')
    said = " ".join(tab.text("#panel").split())
    assert "TCP 5432" in said
    assert "stands below under “Pods that are not shown”" in said
    assert "Arriving at" not in said


def test_of_many_pods_that_are_not_shown_there_is_one_row(show: Show) -> None:
    names = show(OPEN, "#view=matrix").run(
        "[...document.querySelectorAll('.side .label')].map(e => e.textContent)"
    )
    assert names.count("not shown") == 1
    assert len(names) - names.index("not shown") <= 3


@pytest.mark.parametrize("view", ["matrix", "graph", "table"])
@pytest.mark.parametrize("time", ["before", "after", "difference"])
@pytest.mark.long
def test_every_view_at_every_moment_shows_something(show: Show, view: str, time: str) -> None:
    tab = show(AFTER, f"#view={view}&time={time}", before=BEFORE)
    shown = {"matrix": ".cell", "graph": ".edge", "table": "tbody tr"}[view]
    assert tab.run(f"document.querySelectorAll('{shown}').length") > 3
    assert tab.run(f"document.querySelector('[data-view={view}]').ariaPressed") == "true"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.long
def test_the_system_chooses_the_theme_until_the_reader_does(show: Show, theme: Theme) -> None:
    tab = show(STACK)
    tab.prefer(theme)
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    first = tab.run(paper)
    tab.click("#theme")
    second = tab.run(paper)
    assert {first, second} == {"rgb(252, 252, 250)", "rgb(20, 24, 27)"}
    assert (first == "rgb(20, 24, 27)") == (theme == "dark")


SIGNS = """
'all some none maybe opens closes widens narrows changes same'.split(' ').map(s => {
  const sign = document.createElement('span');
  sign.className = `sign ${s}`;
  document.body.append(sign);
  const drawn = getComputedStyle(sign, '::before');
  return 'content borderTopWidth borderBottomWidth borderRadius width backgroundImage'.split(' ')
    .map(name => drawn[name].replaceAll(/rgba?\\([^)]*\\)/g, '')).join();
})
"""

CONTRASTS = """
(() => {
  const style = getComputedStyle(document.documentElement);
  const light = name => {
    const hex = style.getPropertyValue(name).trim();
    const parts = [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16) / 255)
      .map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2];
  };
  const ratio = (one, two) => {
    const [more, less] = [light(one), light(two)].sort((p, q) => q - p);
    return (more + .05) / (less + .05);
  };
  const cells = 'all some maybe opens widens closes narrows changes same'.split(' ');
  const pairs = [['--ink', '--paper'], ['--soft', '--paper'], ['--accent', '--sheet'],
    ['--yes', '--sheet'], ['--no', '--sheet'],
    ...cells.map(name => [`--${name}-ink`, `--${name}`])];
  return Object.fromEntries(pairs.map(pair => [pair[0], ratio(...pair)]));
})()
"""


def test_statuses_differ_without_colour(show: Show) -> None:
    assert len(set(show(STACK).run(SIGNS))) == 10


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(show: Show, theme: Theme) -> None:
    tab = show(STACK)
    tab.prefer(theme)
    # Large signs need 3, text 4.5: https://www.w3.org/TR/WCAG22/#contrast-minimum
    least = dict.fromkeys(("--opens-ink", "--closes-ink"), 3.0)
    faint = {k: r for k, r in tab.run(CONTRASTS).items() if r < least.get(k, 4.5)}
    assert faint == {}


def test_the_whole_matrix_goes_on_paper(show: Show) -> None:
    tab = show(STACK)
    tab.resize(420, 300)
    tab.settle()
    assert tab.pdf().startswith(b"%PDF-")
    tab.run("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.run("document.querySelectorAll('.cell').length") == 7 * 7
    tab.run("window.dispatchEvent(new Event('afterprint'))")


@pytest.mark.parametrize("view", ["matrix", "graph", "table"])
@pytest.mark.long
def test_hostile_names_run_nothing_and_are_shown(show: Show, view: str) -> None:
    tab = show(hostile(), f"#view={view}", engine="spec")
    tab.run("document.querySelectorAll('.cell, .end, .link').forEach(e => e.click())")
    tab.settle()
    assert tab.run("typeof window.stolen") == "undefined"
    assert tab.run("document.querySelectorAll('img, iframe, object, embed, b b').length") == 0
    assert tab.run("document.querySelectorAll('script').length") == 2
    assert HOSTILE[0] in tab.run("document.getElementById('view').textContent")
    assert "\u202e" not in tab.run("document.documentElement.innerHTML")
    assert tab.run("[...document.links].every(a => a.protocol === 'https:' || a.hash)")


def test_a_hostile_address_of_the_page_does_nothing(show: Show) -> None:
    tab = show(STACK, "#view=__proto__&time=constructor&verdicts=toString,all&from=<b>&port=<i>")
    assert tab.run("document.querySelector('[data-view=matrix]').ariaPressed") == "true"
    assert tab.run("document.querySelectorAll('#view i, #panel i').length") == 0
    assert tab.run("document.getElementById('port').getAttribute('aria-invalid')") == "true"


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param("document.body.innerHTML = '<img src=x>'", id="markup"),
        pytest.param("document.body.insertAdjacentHTML('beforeend', '<b>')", id="more markup"),
        pytest.param("document.createElement('script').text = '1'", id="the text of a script"),
        pytest.param("(0, eval)('1')", id="eval"),
    ],
)
@pytest.mark.long
def test_the_page_could_not_run_foreign_markup_even_if_it_tried(show: Show, attack: str) -> None:
    tab = show(STACK)
    refused = tab.run(
        f"(() => {{ try {{ {attack}; return 'done' }} catch {{ return 'refused' }} }})()"
    )
    assert refused == "refused"
    tab.forget()


def test_the_page_cannot_ask_the_network(show: Show) -> None:
    tab = show(STACK)
    blocked = tab.run(
        "new Promise(f => { document.addEventListener('securitypolicyviolation',"
        " e => f(e.effectiveDirective), {once: true}); fetch('https://example.invalid/?names') })"
        ".catch(String)"
    )
    assert blocked == "connect-src"
    tab.forget()


def test_the_data_in_the_page_is_the_document(show: Show) -> None:
    data = json.loads(show(STACK).run("document.getElementById('data').textContent"))
    assert data["format"] == "podwall/page/v1"
    assert [each["id"] for each in data["endpoints"]][:2] == ["ops/prometheus", "ops/runner"]
