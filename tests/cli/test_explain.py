"""`podwall explain`: what it says about one flow, in every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podwall.cli import main
from podwall.cli.explain import FlowWords, flow_words
from podwall.policies.errors import InvalidValue
from tests.cli.running import ROOT, podwall

SHOP = str(Path(__file__).resolve().parents[2] / "examples" / "shop")


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the command prints about the shop."""
    assert main(["explain", SHOP, *words]) == 0
    return capsys.readouterr().out.replace(f"{SHOP}/", "")


def test_a_rule_that_allows_is_shown_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = explained(capsys, "shop/web", "shop/api", "8080")
    assert out.startswith("shop/web -> shop/api on TCP 8080: allowed\n")
    assert "policy shop/api (policies.yaml:17): allowed" in out
    assert "spec.ingress[0] (line 24): allowed, it allows pods with app=web" in out


def test_the_nearest_miss_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    out = explained(capsys, "shop/web", "shop/db", "postgres")
    assert "shop/web -> shop/db on TCP 5432: denied" in out
    assert "it would match if the pod carried app=api" in out


def test_without_a_port_all_ports_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    out = explained(capsys, "monitoring/prometheus", "shop/api")
    assert out.startswith("monitoring/prometheus -> shop/api on all ports: TCP 9090 allowed\n")


def test_an_address_is_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    out = explained(capsys, "203.0.113.7", "shop/web", "http")
    assert out.startswith("203.0.113.7/32 -> shop/web on TCP 8080: allowed\n")


def test_a_range_that_policies_cut_is_answered_part_by_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(_ONE_BLOCK, encoding="utf-8")
    assert main(["explain", str(tmp_path), "198.51.100.0/24", "x/a", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    verdicts = {each["source"]: each["verdict"] for each in document["explanations"]}
    assert verdicts == {"198.51.100.128/25": "allowed", "198.51.100.0/25": "denied"}


_ONE_BLOCK = """\
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}, spec: {containers: []}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec:
  podSelector: {}
  ingress: [{from: [{ipBlock: {cidr: 198.51.100.128/25}}]}]
"""


def test_json_follows_the_format(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(explained(capsys, "shop/web", "shop/api", "8080", "-o", "json"))
    (only,) = document["explanations"]
    assert (document["format"], document["engine"]) == ("podwall/explain/v1", "spec")
    assert only["allowed"] == [{"protocol": "TCP", "ports": [[8080, 8080]]}]
    rule = only["ingress"]["policies"][1]["rules"][0]
    assert rule["place"] == {"source": "policies.yaml", "line": 24, "path": "spec.ingress[0]"}


def test_markdown_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    out = explained(capsys, "shop/web", "shop/api", "8080", "-o", "md")
    assert out.startswith("### shop/web -\\> shop/api on TCP 8080: allowed\n")
    assert "**ingress of shop/api: allowed**" in out


@pytest.mark.parametrize(
    ("words", "message", "help_"),
    [
        pytest.param(
            ("shop/wbe", "shop/api"),
            "there is no workload or external range `shop/wbe`",
            "did you mean `shop/web`?",
            id="an endpoint that is not there",
        ),
        pytest.param(
            ("shop/web", "shop/api", "metrix"),
            "`shop/api` has no port named `metrix`",
            "did you mean `metrics`?",
            id="a port name that is not there",
        ),
        pytest.param(
            ("shop/web", "shop/api", "0"),
            "invalid port range `0` to `0`",
            "ports are 1 to 65535",
            id="a number that is no port",
        ),
        pytest.param(
            ("shop/web", "10.0.0.1/8"),
            "host bits are set in `10.0.0.1/8`",
            "did you mean `10.0.0.0/8`?",
            id="a range with host bits",
        ),
        pytest.param(
            ("10.0.0.1", "10.0.0.2"),
            "`10.0.0.1` and `10.0.0.2` are both outside the cluster",
            "has to be a workload",
            id="two addresses",
        ),
        pytest.param(
            ("shop/web", "10.0.0.1", "http"),
            "port name `http` means nothing at `10.0.0.1/32`",
            "give a number",
            id="a port name of an address",
        ),
    ],
)
def test_bad_questions_are_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str, help_: str
) -> None:
    assert main(["explain", SHOP, *words]) == 2
    said_ = capsys.readouterr()
    assert said_.out == ""
    assert message in said_.err
    assert help_ in said_.err


@pytest.mark.parametrize("port", ["8080", "http", "8000-8090"])
@pytest.mark.parametrize("protocol", ["tcp", "TCP", "udp", "sctp"])
def test_the_protocol_of_a_port_may_stand_before_or_behind_it(
    capsys: pytest.CaptureFixture[str], port: str, protocol: str
) -> None:
    answered = []
    for written in (f"{port}/{protocol}", f"{protocol}/{port}"):
        code = main(["explain", SHOP, "shop/web", "shop/api", written])
        said_ = capsys.readouterr()
        answered.append((code, said_.out, said_.err.replace(written, "PORT")))
    assert answered[0] == answered[1]


def test_a_source_without_two_ends_is_told_from_an_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(SHOP).parents[1])
    assert main(["explain", "examples/shop", "shop/web"]) == 2
    assert "explain needs FROM and TO after a source" in capsys.readouterr().err


def test_the_last_of_three_words_is_a_port_if_it_looks_like_one() -> None:
    assert flow_words(["a/b", "c/d", "80/udp"]) == FlowWords((), "a/b", "c/d", "80/udp")
    assert flow_words(["a/b", "c/d", "udp/80"]) == FlowWords((), "a/b", "c/d", "udp/80")
    assert flow_words([SHOP, "a/b", "c/d"]) == FlowWords((SHOP,), "a/b", "c/d", None)
    assert flow_words([SHOP, "web", "api"]) == FlowWords((SHOP,), "web", "api", None)
    for words in (["a/b"], ["a", "b", "c", "d", "e"]):
        with pytest.raises(InvalidValue, match="explain takes FROM and TO"):
            flow_words(words)


def test_what_is_there_is_a_source_as_long_as_two_ends_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "web"):
        (tmp_path / name).mkdir()
    pair = ("shop/web", "shop/db")
    for port in ((), ("80",), ("metrics",)):
        for found in ((), ("a",), ("a", "b"), ("a", "-")):
            expected = FlowWords(found, *pair, port[0] if port else None)
            assert flow_words([*found, *pair, *port]) == expected
    assert flow_words(["a", "web", "b"]) == FlowWords(("a",), "web", "b", None)
    assert flow_words(["web", "b", "80"]) == FlowWords((), "web", "b", "80")
    assert flow_words(["a", "gone", *pair]) == FlowWords(("a", "gone"), *pair, None)


@pytest.mark.parametrize(
    ("engine", "address", "note"),
    [
        ("azure", "169.254.10.10", "AKS LocalDNS is on the own node, so it is not filtered"),
        ("cilium", "169.254.10.11", "from Kubernetes 1.32 on no ip block matches AKS LocalDNS"),
        ("calico", "169.254.10.0/24", "an ip block can name AKS LocalDNS"),
        ("azure", "169.254.20.10", ""),
        ("azure", "0.0.0.0/0", ""),
    ],
)
def test_what_an_engine_makes_of_local_dns_is_noted(
    capsys: pytest.CaptureFixture[str], engine: str, address: str, note: str
) -> None:
    out = explained(capsys, "shop/web", address, "53/udp", "--engine", engine)
    assert note in out
    assert ("note: " in out) is bool(note)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("shop/any:app=web", "shop/api", "on all ports: TCP 8080 allowed"),
        ("shop/any:app=job", "shop/api", "it would match if the pod carried app=web"),
        ("any:app=web@team=x", "shop/api", "in namespace shop"),
        ("any:app=web@team=x", "shop/web", "on all ports: TCP 8080 allowed"),
        ("shop/any:", "shop/api", "TCP 8080 undetermined: some of these pods are meant, and some"),
        ("shop/api", "any:@team=x", "all ports: allowed"),
    ],
)
def test_pods_that_are_not_shown_are_ends(
    start: str, end: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in explained(capsys, start, end)


def test_namespaces_that_are_shown_are_not_among_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = "{apiVersion: v1, kind: Namespace, metadata: {name: x, labels: {team: t}}}\n---\n"
    (tmp_path / "a.yaml").write_text(where + _ONE_BLOCK, encoding="utf-8")
    assert main(["explain", str(tmp_path), "any:app=b@team=t", "x/a"]) == 0
    assert "ask for `x/any:app=b` as well" in capsys.readouterr().out


def test_all_explains_every_pair_with_an_end(tmp_path: Path) -> None:
    shop = str(ROOT / "examples/shop")
    found = podwall(tmp_path, "explain", shop, "--all", "shop/db", "-o", "json").json
    ends = [(each["source"], each["destination"]) for each in found["explanations"]]
    assert len(ends) == len(set(ends))
    names = ("monitoring/prometheus", "shop/api", "shop/web", "0.0.0.0/0", "::/0")
    assert set(ends) == {
        *((name, "shop/db") for name in names),
        *(("shop/db", name) for name in names),
    }
    alone = podwall(tmp_path, "explain", shop, "shop/api", "shop/db", "-o", "json").json
    assert alone["explanations"][0] in found["explanations"]


def test_all_of_everything_has_each_pair_that_somebody_can_ask_for(tmp_path: Path) -> None:
    shop = str(ROOT / "examples/shop")
    result = podwall(tmp_path, "explain", "--all", shop, "-o", "json").json
    ends = {(each["source"], each["destination"]) for each in result["explanations"]}
    # 4 workloads with each other, two of them of several pods with themselves, and 2 ranges.
    assert len(ends) == 4 * 3 + 2 + 2 * 2 * 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["a/b", "c/d"], "one end at most, not `a/b` and `c/d`", id="two ends"),
        pytest.param(["shop/wbe"], "there is no workload, namespace or address", id="no such end"),
    ],
)
def test_all_takes_one_end(tmp_path: Path, words: list[str], said: str) -> None:
    result = podwall(tmp_path, "explain", str(ROOT / "examples/shop"), "--all", *words)
    assert result.code == 2
    assert said in result.err


def test_without_words_what_is_needed_is_said(tmp_path: Path) -> None:
    result = podwall(tmp_path, "explain")
    assert result.code == 2
    assert "explain takes FROM and TO" in result.err
