"""What a migration to cilium says of the own node and of LocalDNS."""

from __future__ import annotations

import pytest

from podwall.engines import AZURE, CILIUM
from podwall.migrate import migrate
from podwall.model import IpProtocol, PortRule, Rule
from tests.core.builders import allow, block, cluster, policy, tcp

_DNS = (tcp(53), PortRule(IpProtocol.UDP, 53))


@pytest.mark.parametrize(
    ("rules", "closed"),
    [
        pytest.param((allow(),), set(), id="a rule for everyone"),
        pytest.param((allow(ports=_DNS),), {"own-node-closed"}, id="for everyone on port 53"),
        pytest.param(
            (allow(ports=(tcp(443),)),), {"own-node-closed", "local-dns-closed"}, id="on another"
        ),
        pytest.param(
            (allow(block("0.0.0.0/0")),), {"own-node-closed", "local-dns-closed"}, id="an ip block"
        ),
        pytest.param((), {"own-node-closed", "local-dns-closed"}, id="no rule"),
    ],
)
def test_a_rule_without_peers_reaches_the_own_node(
    rules: tuple[Rule, ...], closed: set[str]
) -> None:
    """Measured with Cilium 1.18.6."""
    found = migrate(cluster(policy("x", egress=rules)), AZURE, CILIUM).limits
    assert {each.id for each in found if each.id.endswith("closed")} == closed
