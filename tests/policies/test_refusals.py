"""What the builder refuses, where it says it is, and what it says to do about it.

The calls are texts, because most of them are type errors too (see tests/typing).
"""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from podwall import policies
from podwall.policies import ALL_PODS, ANYWHERE, InvalidValue

PORTS = [
    pytest.param("tcp(0)", "port", 0, "ALL_TCP_PORTS", id="port 0 is not all ports"),
    pytest.param("udp(65536)", "port", 65536, "from 1 to 65535", id="a port above 65535"),
    pytest.param("tcp(-1)", "port", -1, "from 1 to 65535", id="a negative port"),
    pytest.param("tcp(True)", "port", True, "from 1 to", id="a boolean is no port"),
    pytest.param("tcp(80.0)", "port", 80.0, "from 1 to", id="a float is no port"),
    pytest.param("tcp(None)", "port", None, "ALL_TCP_PORTS", id="None is no port"),
    pytest.param('tcp("80")', "port", "80", "did you mean the number `80`", id="quoted"),
    pytest.param('tcp("")', "port", "", "name the port", id="an empty port name"),
    pytest.param('tcp("HTTP")', "port", "HTTP", "did you mean `http`", id="upper case name"),
    pytest.param('tcp("a--b")', "port", "a--b", "name the port", id="two hyphens in a row"),
    pytest.param('tcp("-a")', "port", "-a", "name the port", id="a name begins with -"),
    pytest.param('tcp("1-2")', "port", "1-2", "name the port", id="a name without a letter"),
    pytest.param('sctp("a" * 16)', "port", "a" * 16, "name the port", id="a name too long"),
    pytest.param('tcp("http\\n")', "port", "http\n", "name the port", id="a line break"),
    pytest.param("tcp(80, end_port=79)", "endPort", 79, "`port` 79 and", id="reversed"),
    pytest.param("tcp(80, end_port=65536)", "endPort", 65536, "1 to", id="end above 65535"),
    pytest.param('tcp("http", end_port=90)', "endPort", 90, "with a number", id="name range"),
    pytest.param('tcp(80, end_port="90")', "endPort", "90", "1 to", id="a quoted end"),
    pytest.param("Ports(())", "ports", (), "ALL_PORTS", id="no port at all"),
    pytest.param('Port("tcp", 80)', "protocol", "tcp", "tcp(...)", id="a text as protocol"),
    pytest.param("Port(Protocol.TCP, None, 80)", "endPort", 80, "with a number", id="end alone"),
]

BLOCKS = [
    pytest.param(
        'ip_block("10.0.0.1/24")',
        "ipBlock.cidr",
        "10.0.0.1/24",
        "`10.0.0.0/24` or `10.0.0.1/32`",
        id="host bits are set",
    ),
    pytest.param(
        'ip_block("2001:db8::1/64")',
        "ipBlock.cidr",
        "2001:db8::1/64",
        "`2001:db8::/64` or `2001:db8::1/128`",
        id="host bits of IPv6 are set",
    ),
    pytest.param(
        'ip_block("10.0.0.1")', "ipBlock.cidr", "10.0.0.1", "`10.0.0.1/32`", id="no length"
    ),
    pytest.param(
        'ip_block("10.0.0.0/255.0.0.0")',
        "ipBlock.cidr",
        "10.0.0.0/255.0.0.0",
        "did you mean `10.0.0.0/8`?",
        id="a netmask instead of a length",
    ),
    pytest.param(
        'ip_block("10.0.0.0/08")', "ipBlock.cidr", "10.0.0.0/08", "`10.0.0.0/8`", id="/08"
    ),
    pytest.param('ip_block("010.0.0.0/8")', "ipBlock.cidr", "010.0.0.0/8", "such as", id="zeros"),
    pytest.param('ip_block("999.0.0.0/8")', "ipBlock.cidr", "999.0.0.0/8", "such as", id="999"),
    pytest.param('ip_block("")', "ipBlock.cidr", "", "such as", id="an empty CIDR"),
    pytest.param("ip_block(10)", "ipBlock.cidr", 10, "such as", id="a number as CIDR"),
    pytest.param('ip_block("fe80::%eth0/64")', "ipBlock.cidr", "fe80::%eth0/64", "", id="a zone"),
    pytest.param(
        'ip_block("::ffff:10.0.0.0/104")',
        "ipBlock.cidr",
        "::ffff:10.0.0.0/104",
        "did you mean `10.0.0.0/8`?",
        id="IPv4 written as IPv6",
    ),
    pytest.param(
        'ip_block("10.0.0.0/8", except_="10.1.0.0/16")',
        "ipBlock.except",
        "10.1.0.0/16",
        '`except_=["10.1.0.0/16"]`',
        id="an exception outside a list",
    ),
    pytest.param(
        'ip_block("10.0.0.0/8", except_=["10.1.0.0/16", "10.2.0.1/16"])',
        "ipBlock.except[1]",
        "10.2.0.1/16",
        "`10.2.0.0/16` or `10.2.0.1/32`",
        id="host bits of an exception",
    ),
    pytest.param(
        'ip_block("10.0.0.0/8", except_=["10.0.0.0/8"])',
        "ipBlock.except[0]",
        "10.0.0.0/8",
        "a smaller block",
        id="an exception that is the whole block",
    ),
    pytest.param(
        'ip_block("10.0.0.0/8", except_=["11.0.0.0/16"])',
        "ipBlock.except[0]",
        "11.0.0.0/16",
        "a smaller block",
        id="an exception outside its block",
    ),
    pytest.param(
        'ip_block("0.0.0.0/0", except_=["2001:db8::/32"])',
        "ipBlock.except[0]",
        "2001:db8::/32",
        "a smaller block",
        id="an exception of the other family",
    ),
    pytest.param(
        'ip_block("10.0.0.0/8", except_=["10.1.0.0/16"] * 2)',
        "ipBlock.except[1]",
        "10.1.0.0/16",
        "once",
        id="an exception given twice",
    ),
    pytest.param(
        'IpBlock(ip_network("10.0.0.0/8"), (ip_network("10.0.0.0/7"),))',
        "ipBlock.except[0]",
        "10.0.0.0/7",
        "a smaller block",
        id="an exception larger than its block",
    ),
]

LABELS = [
    pytest.param("pods()", "podSelector", None, "ALL_PODS", id="pods without a label"),
    pytest.param("pods({})", "podSelector", None, "ALL_PODS", id="pods of empty labels"),
    pytest.param(
        "namespaces()", "namespaceSelector", None, "ALL_NAMESPACES", id="no namespace label"
    ),
    pytest.param(
        "ALL_NAMESPACES.pods()", "podSelector", None, ".pods()", id="a chain without a label"
    ),
    pytest.param('pods("app=web")', "podSelector.matchLabels", "app=web", 'app="web"', id="a text"),
    pytest.param(
        'pods(app="web server")',
        "podSelector.matchLabels[app]",
        "web server",
        "",
        id="a space in a label value",
    ),
    pytest.param(
        "pods(app=1)", "podSelector.matchLabels[app]", 1, "`1` in quotes", id="a number as value"
    ),
    pytest.param(
        'pods({"a/b/c": "x"})', "podSelector.matchLabels", "a/b/c", "example.com", id="//"
    ),
    pytest.param(
        'pods({"": "x"})', "podSelector.matchLabels", "", "example.com", id="an empty key"
    ),
    pytest.param(
        'pods({"A.com/x": "x"})',
        "podSelector.matchLabels",
        "A.com/x",
        "example.com",
        id="upper case in the prefix of a key",
    ),
    pytest.param('pods({"a" * 64: "x"})', "podSelector.matchLabels", "a" * 64, "", id="a long key"),
    pytest.param(
        'pods(app="a" * 64)', "podSelector.matchLabels[app]", "a" * 64, "", id="long value"
    ),
    pytest.param(
        'pods({"app": "a"}, app="b")', "podSelector.matchLabels", "app", "once", id="twice"
    ),
    pytest.param(
        'pods(exists("app"), exists("app"))',
        "podSelector.matchExpressions",
        "app",
        "once",
        id="the same requirement twice",
    ),
    pytest.param('in_("app")', "matchExpressions[].values", (), "`exists`", id="In without values"),
    pytest.param(
        'in_("app", "a", "a")', "matchExpressions[].values", "a", "once", id="a value twice"
    ),
    pytest.param(
        'in_("app", ["a", "b"])',
        "matchExpressions[].values",
        ["a", "b"],
        "one by one",
        id="values in a list",
    ),
    pytest.param(
        'not_in("a b", "c")', "matchExpressions[].key", "a b", "example.com", id="bad key"
    ),
    pytest.param(
        'Requirement("app", Operator.EXISTS, ("a",))',
        "matchExpressions[].values",
        ("a",),
        "`in_`",
        id="Exists with values",
    ),
    pytest.param(
        'Requirement("app", "in", ("a",))',
        "matchExpressions[].operator",
        "in",
        "`in_`",
        id="a text as operator",
    ),
    pytest.param(
        'LabelSelector({"app": "a b"})', "matchLabels[app]", "a b", "", id="a bad selector"
    ),
]

NAMESPACES = [
    pytest.param(
        'namespace("My_Shop")', "namespaceSelector", "My_Shop", "`my-shop`", id="a bad name"
    ),
    pytest.param('namespace("")', "namespaceSelector", "", "such as", id="an empty namespace"),
    pytest.param('namespace("a" * 64)', "namespaceSelector", "a" * 64, "such as", id="a long name"),
    pytest.param(
        'namespace("a.b")', "namespaceSelector", "a.b", "`a-b`", id="a dot in a namespace"
    ),
    pytest.param("namespace(None)", "namespaceSelector", None, "such as", id="None as a namespace"),
    pytest.param(
        'namespaces({"kubernetes.io/metadata.name": "shop"})',
        "namespaceSelector.matchLabels",
        "shop",
        'namespace("shop")',
        id="a namespace's name as a label",
    ),
    pytest.param('PodsIn(namespace("shop"), ALL_PODS)', "podSelector", None, ".pods()", id="all"),
]

RULES = [
    pytest.param(
        "allow_from(ANYWHERE, ALL_PODS, ports=ALL_PORTS)",
        "ingress[].from",
        (ALL_PODS,),
        "alone",
        id="anywhere and pods",
    ),
    pytest.param(
        "allow_to(ALL_PODS, ANYWHERE, ports=ALL_PORTS)",
        "egress[].to[1]",
        ANYWHERE,
        "alone",
        id="pods and anywhere",
    ),
    pytest.param(
        "allow_from(ALL_PODS, ALL_PODS, ports=tcp(80))",
        "ingress[].from[1]",
        ALL_PODS,
        "once",
        id="the same peer twice",
    ),
    pytest.param(
        'allow_from("web", ports=tcp(80))', "ingress[].from[0]", "web", "pods(", id="a text"
    ),
    pytest.param("allow_to(ALL_PODS, ports=80)", "egress[].ports", 80, "tcp(80)", id="a number"),
    pytest.param("IngressRule((), tcp(80))", "ingress[].from", (), "ANYWHERE", id="no peer at all"),
]
CASES = PORTS + BLOCKS + LABELS + NAMESPACES + RULES


def refusal(call: str) -> InvalidValue:
    """Return the error of a call that is written with the public names."""
    public = {name: getattr(policies, name) for name in policies.__all__}
    with pytest.raises(InvalidValue) as caught:
        eval(call, public | {"ip_network": ip_network})  # noqa: S307 - the calls are written in this file
    return caught.value


@pytest.mark.parametrize(("call", "path", "value", "remedy"), CASES)
def test_the_builder_refuses(call: str, path: str, value: object, remedy: str) -> None:
    error = refusal(call)
    assert (error.place.path, error.value) == (path, value)
    assert remedy in error.help
    assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize("call", [case.values[0] for case in CASES])
def test_a_refusal_is_one_short_line(call: str) -> None:
    error = refusal(call)
    for text in (error.message, error.help):
        assert "\n" not in text
        assert not text.endswith(".")
        assert len(text) < 160
