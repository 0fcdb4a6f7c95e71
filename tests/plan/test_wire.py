"""Values as the protocol sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.plan import SECRET
from podwall.plan.model import UNKNOWN, planned_value
from podwall.policies.errors import Unknown

MARK = "4dabf18193072939515e22adb298388d"
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of the protocol
OUTPUT_MARK = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_MARK = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET_MARK = "c44067f5952c0a294b673a41bacd8c17"


@pytest.mark.parametrize(
    ("sent", "planned"),
    [
        pytest.param(UNKNOWN, Unknown("spec"), id="an unknown"),
        pytest.param(f"x-{UNKNOWN}", Unknown("spec"), id="an unknown inside a text"),
        pytest.param([UNKNOWN], [Unknown("spec[0]")], id="an unknown in a list"),
        pytest.param({"a/b": UNKNOWN}, {"a/b": Unknown("spec[a/b]")}, id="an unknown in a mapping"),
        pytest.param({MARK: SECRET_MARK, "value": "x"}, SECRET, id="a secret"),
        pytest.param({MARK: SECRET_MARK, "ciphertext": "x"}, SECRET, id="an encrypted secret"),
        pytest.param("[secret]", SECRET, id="a masked secret"),
        pytest.param({MARK: OUTPUT_MARK}, Unknown("spec"), id="an output without a value"),
        pytest.param({MARK: OUTPUT_MARK, "value": 80.0}, 80, id="an output with a value"),
        pytest.param({MARK: OUTPUT_MARK, "value": 1, "secret": True}, SECRET, id="a secret output"),
        pytest.param({MARK: RESOURCE_MARK, "urn": "u"}, "u", id="a reference to a resource"),
        pytest.param({MARK: ASSET_MARK, "text": "x"}, {"text": "x"}, id="an asset"),
        pytest.param(80.0, 80, id="a whole number"),
        pytest.param(0.5, 0.5, id="a fraction"),
        pytest.param(None, None, id="nothing"),
        pytest.param({"b": True, "a": ""}, {"a": "", "b": True}, id="plain values"),
    ],
)
def test_a_value_is_read(sent: Any, planned: Any) -> None:
    read = planned_value(sent, str, "spec")
    assert (read, repr(read)) == (planned, repr(planned))


@pytest.mark.parametrize(
    "level", ["[%s]", '{"a": %s}', f'{{"{MARK}": "{OUTPUT_MARK}", "value": %s}}']
)
def test_what_is_nested_too_deeply_is_unknown(level: str) -> None:
    """Of more levels Python says `RecursionError`, in this function or in one that comes later."""
    text = "80"
    for _ in range(400):
        text = level % text
    assert "nested deeper than 100 levels" in repr(planned_value(json.loads(text), str))


texts = st.text().filter(lambda text: text != "[secret]")
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_a_plain_value_stays_as_it_is(value: Any) -> None:
    assert planned_value(value, str) == value


@given(plain, st.text(min_size=1))
def test_no_secret_survives(value: Any, hidden: str) -> None:
    read = planned_value({"open": value, "kept": {MARK: SECRET_MARK, "value": hidden}}, str)
    assert read["kept"] is SECRET
