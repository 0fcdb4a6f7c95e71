"""Hypothesis strategies for documents that the API server accepts, however oddly written."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.policies.strategies import LABEL_KEYS, LABEL_VALUES, NAMESPACE_NAMES

Document = dict[str, Any]
Documents = st.SearchStrategy[Document]

_ABSENT = object()


def _mostly(strategy: st.SearchStrategy[Any], *rarely: object) -> st.SearchStrategy[Any]:
    return st.integers(0, 5).flatmap(lambda dice: strategy if dice else st.sampled_from(rarely))


def _document(
    required: dict[str, st.SearchStrategy[Any]], optional: dict[str, st.SearchStrategy[Any]]
) -> Documents:
    maybe = {name: _mostly(value, _ABSENT, None) for name, value in optional.items()}
    return st.fixed_dictionaries(required | maybe).map(
        lambda fields: {name: value for name, value in fields.items() if value is not _ABSENT}
    )


def _items(item: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return _mostly(st.lists(item, min_size=1, max_size=3), [])


_LABELS = st.dictionaries(LABEL_KEYS, _mostly(LABEL_VALUES, None), max_size=2)
_VALUES = st.lists(_mostly(LABEL_VALUES, None), min_size=1, max_size=3)
_REQUIREMENTS = st.one_of(
    _document(
        {"key": LABEL_KEYS, "operator": st.sampled_from(["In", "NotIn"]), "values": _VALUES}, {}
    ),
    _document(
        {"key": LABEL_KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])},
        {"values": st.just([])},
    ),
)
SELECTORS = _document(
    {},
    {
        "matchLabels": _LABELS,
        "matchExpressions": _items(_REQUIREMENTS),
    },
)

_PROTOCOLS = st.sampled_from(["TCP", "UDP", "SCTP"])
_NUMBERS = st.integers(79, 83)
_PORTS = st.one_of(
    _document({}, {"protocol": _PROTOCOLS, "port": st.none(), "endPort": st.none()}),
    _document(
        {"port": st.sampled_from(["http", "a-1"]) | _NUMBERS | _NUMBERS.map(float)},
        {"protocol": _PROTOCOLS},
    ),
    _document({"port": _NUMBERS, "endPort": st.integers(83, 90)}, {"protocol": _PROTOCOLS}),
    st.none(),
)

_BLOCKS = st.sampled_from(
    [
        {"cidr": "10.0.0.0/8"},
        {"cidr": "10.1.2.3/8", "except": ["10.1.9.9/16", "10.1.0.0/16"]},
        {"cidr": "010.0.000.0/08", "except": []},
        {"cidr": "2001:DB8:0::1/32", "except": ["2001:db8:1::/48"]},
        {"cidr": "::ffff:10.0.0.0/104", "except": None},
        {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "10.1.0.0/16"]},
    ]
)
_PEERS = st.one_of(
    _document({"podSelector": SELECTORS}, {"namespaceSelector": SELECTORS}),
    _document({"namespaceSelector": SELECTORS}, {"podSelector": SELECTORS}),
    _document({"ipBlock": _BLOCKS}, {"podSelector": st.none()}),
)


def _rules(end: str) -> st.SearchStrategy[list[Document | None]]:
    return _items(_mostly(_document({}, {end: _items(_PEERS), "ports": _items(_PORTS)}), None))


_TYPES = st.lists(st.sampled_from(["Ingress", "Egress"]), max_size=2)
_SPECS = _document(
    {},
    {
        "podSelector": SELECTORS,
        "policyTypes": _TYPES,
        "ingress": _rules("from"),
        "egress": _rules("to"),
    },
)
_METADATA = _document(
    {"name": NAMESPACE_NAMES},
    {
        "namespace": _mostly(NAMESPACE_NAMES, ""),
        "labels": _LABELS,
        "annotations": st.dictionaries(LABEL_KEYS, st.text(max_size=5), max_size=2),
        "uid": st.just("8a6d"),
    },
)
DOCUMENTS: Documents = _document(
    {
        "apiVersion": st.just("networking.k8s.io/v1"),
        "kind": st.just("NetworkPolicy"),
        "metadata": _METADATA,
    },
    {"spec": _SPECS, "status": st.just({})},
).map(deepcopy)  # a test may damage its document, and drawn parts are shared
