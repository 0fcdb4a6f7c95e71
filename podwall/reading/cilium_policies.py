"""Read CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies into what their parts do.

An object is one rule (`spec`) or several (`specs`), each with a selector of pods and four lists. A
rule without peers and without ports is about nobody, one with ports alone about everyone. A
selector of peers means the policy's own namespace, unless it says something of namespaces.

    ingress, egress            isolate and allow, as a NetworkPolicy does
    ingressDeny, egressDeny    deny before all that is allowed, and isolate as well
    enableDefaultDeny: false   the rules of a direction do not isolate

https://docs.cilium.io/en/stable/security/policy/language/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from podwall.model import (
    ISOLATION,
    CiliumPolicy,
    Operator,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.policies.validation.parts import fields_of, items_of
from podwall.quick_dataclass import dataclass
from podwall.reading.cilium_rules import (
    is_plain,
    read_deny_rules,
    read_rules,
    read_subject,
)
from podwall.reading.fields import Malformed, NotEnforced, field, flag, list_of, mapping
from podwall.reading.metadata import ManifestObject

__all__ = ["CLUSTERWIDE", "KINDS", "is_cilium_policy", "read_cilium_policy"]

CLUSTERWIDE: Final = "CiliumClusterwideNetworkPolicy"
KINDS: Final = frozenset({"CiliumNetworkPolicy", CLUSTERWIDE})
"""The kinds that are read, all of them of `cilium.io/v2`."""

_SECTIONS: Final = ("ingress", "ingressDeny", "egress", "egressDeny")
_RULE_FIELDS: Final = frozenset({
    *_SECTIONS, "endpointSelector", "nodeSelector", "enableDefaultDeny", "labels", "description",
    "log",
})  # fmt: skip


def is_cilium_policy(item: ManifestObject) -> bool:
    """Return whether an object is a policy of Cilium's all of whose words are those read here.

    What any other may decide stays undetermined, such as one that is not known yet as a whole.
    """
    if (item.group, item.version) != ("cilium.io", "v2") or item.kind not in KINDS:
        return False
    written = list(_written(item.manifest))
    return not any(isinstance(each, Unknown) for each in written) and all(
        fields_of(each).keys() <= _RULE_FIELDS and is_plain(fields_of(each)) for each in written
    )


def _written(manifest: Mapping[str, Any]) -> Iterator[object]:
    """Yield the rules of an object as they are written."""
    if manifest.get("spec") is not None:
        yield manifest["spec"]
    specs = manifest.get("specs")
    yield from (specs,) if isinstance(specs, Unknown) else items_of(specs)


def read_cilium_policy(item: ManifestObject) -> CiliumPolicy:
    """Return the policy that an object is.

    Raises:
        Malformed: the API server refuses it, or (`NotEnforced`) Cilium does.
    """
    rules = _rules(item)
    if not rules:
        raise Malformed("must have `spec` or `specs`")
    reader = _Reader(item)
    parts = [reader.parts(path, spec) for path, spec in rules]
    return CiliumPolicy(
        item.kind,
        item.name,
        reader.namespace,
        tuple(each for beside, _ in parts for each in beside),
        tuple(each for _, around in parts for each in around),
        item.place,
        any(rule.get("toFQDNs") for rule in _listed(rules, "egress")),
        any(each.get("dns") for each in _requests(rules)),
        any(each.get("http") or each.get("kafka") or each.get("l7") for each in _requests(rules)),
    )


_Written = Sequence[tuple[str, Mapping[str, Any]]]


def _listed(rules: _Written, *sections: str) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of some lists of the rules of an object, as they are written."""
    for _, spec in rules:
        for key in sections:
            yield from map(fields_of, items_of(spec.get(key)))


def _requests(rules: _Written) -> Iterator[Mapping[str, Any]]:
    """Yield what the entries of `toPorts` ask of requests."""
    for rule in _listed(rules, "ingress", "egress"):
        for entry in map(fields_of, items_of(rule.get("toPorts"))):
            yield fields_of(entry.get("rules"))


def _rules(item: ManifestObject) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the rules of an object, each with its path."""
    found = []
    if item.manifest.get("spec") is not None:
        found.append(("spec", field(item.manifest, "spec", _spec, {})))
    specs = field(item.manifest, "specs", list_of(_spec), ())
    assert not isinstance(specs, Unknown), "of such an object nothing is read"
    return [*found, *((f"specs[{n}]", each) for n, each in enumerate(specs))]


def _spec(value: Any) -> Mapping[str, Any]:
    node = mapping(value)
    assert not isinstance(node, Unknown), "of such an object nothing is read"
    return node


_Parts = tuple[list[Policy], list[TierPolicy]]
_Allowed = tuple[Rule | Unknown, ...]


@dataclass(frozen=True, slots=True)
class _Side:
    """One direction of a rule at `path`: what it allows and denies, and whether it isolates."""

    path: str
    allows: _Allowed
    denies: tuple[TierRule, ...]
    isolates: bool | Unknown


class _Reader:
    """Reads the rules of one object."""

    def __init__(self, item: ManifestObject) -> None:
        self._item = item
        self.namespace = None if item.kind == CLUSTERWIDE else item.namespace

    def parts(self, path: str, spec: Mapping[str, Any]) -> _Parts:
        """Return what a rule does beside NetworkPolicies, and in tiers around them."""
        try:
            return self._parts(path, spec)
        except Malformed as problem:
            raise problem.inside(path) from None

    def _parts(self, path: str, spec: Mapping[str, Any]) -> _Parts:
        selectors = [each for each in ("endpointSelector", "nodeSelector") if spec.get(each)
                     is not None]  # fmt: skip
        if len(selectors) != 1:
            raise NotEnforced("must have one of `endpointSelector` and `nodeSelector`")
        if not any(spec.get(key) for key in _SECTIONS):
            raise NotEnforced(f"must have one of {', '.join(_SECTIONS)}")
        if selectors == ["nodeSelector"]:
            if self.namespace is not None:
                raise NotEnforced("stands in a policy of a namespace", "nodeSelector")
            return [], []
        subject = field(spec, "endpointSelector", partial(read_subject, self.namespace), None)
        assert subject is not None
        sides = {each: self._side(path, spec, each) for each in Direction}
        if subject.namespaces is None:
            return self._in_namespace(subject, sides)
        return [], list(self._everywhere(subject, sides))

    def _side(self, path: str, spec: Mapping[str, Any], direction: Direction) -> _Side:
        key = direction.field
        at = f"{path}.{key}"
        allows = field(spec, key, partial(read_rules, direction, self.namespace, at), ())
        denies = field(
            spec, f"{key}Deny", partial(read_deny_rules, direction, self.namespace, f"{at}Deny"), ()
        )
        has_rules = bool(spec.get(key)) or bool(spec.get(f"{key}Deny"))
        unknown = next((each for each in (spec.get(key), spec.get(f"{key}Deny"))
                        if isinstance(each, Unknown)), None)  # fmt: skip
        enabled = field(spec, "enableDefaultDeny", mapping, {})
        isolates = enabled if isinstance(enabled, Unknown) else field(enabled, key, flag, None)
        if isolates is None or isolates is True or not has_rules:
            isolates = unknown or has_rules
        return _Side(at, allows, denies, isolates)

    def _in_namespace(self, subject: PodPeer, sides: Mapping[Direction, _Side]) -> _Parts:
        """Return the parts of a rule about pods of the policy's own namespace."""
        ingress, egress = (_beside(sides[each]) for each in (Direction.INGRESS, Direction.EGRESS))
        namespace = self.namespace
        assert namespace is not None
        found = []
        if ingress is not None or egress is not None:
            found.append(
                Policy(
                    namespace,
                    self._item.name,
                    subject.pods,
                    ingress,
                    egress,
                    self._item.place,
                    kind=self._item.kind,
                )
            )
        own = replace(subject, namespaces=named(namespace))
        opened = {way: _not_isolating(side) for way, side in sides.items()}
        return found, list(self._around(own, sides, opened))

    def _everywhere(
        self, subject: PodPeer, sides: Mapping[Direction, _Side]
    ) -> Iterator[TierPolicy]:
        """Yield the parts of a rule about pods of any namespaces."""
        yield from self._around(subject, sides, sides)
        isolating = {way: _isolation(side) for way, side in sides.items()}
        yield from self._tier(TierName.CILIUM_ISOLATION, 0, subject, isolating)

    def _around(
        self, subject: PodPeer, sides: Mapping[Direction, _Side], opened: Mapping[Direction, _Side]
    ) -> Iterator[TierPolicy]:
        """Yield what denies, and what allows before NetworkPolicies are asked."""
        denies = {way: side.denies for way, side in sides.items()}
        yield from self._tier(TierName.CILIUM, 0, subject, denies)
        accepts = {way: tuple(map(_accepting, side.allows)) for way, side in opened.items()}
        yield from self._tier(TierName.CILIUM, 1, subject, accepts)
        narrowed = {
            way: tuple(_narrowing(side)) if side.isolates is not True else ()
            for way, side in opened.items()
        }
        yield from self._tier(TierName.CILIUM, 2, subject, narrowed)

    def _tier(
        self,
        tier: TierName,
        priority: int,
        subject: PodPeer,
        rules: Mapping[Direction, Sequence[TierRule]],
    ) -> Iterator[TierPolicy]:
        ingress, egress = (tuple(rules[each]) for each in (Direction.INGRESS, Direction.EGRESS))
        item, namespace = self._item, self.namespace
        ingress, egress = (tuple(map(self._placed, each)) for each in (ingress, egress))
        there = (
            "" if namespace is None else f"{'?' if isinstance(namespace, Unknown) else namespace}/"
        )
        if ingress or egress:
            name = f"{there}{item.name}"
            yield TierPolicy(item.kind, name, tier, priority, subject, ingress, egress, item.place)

    def _placed(self, rule: TierRule) -> TierRule:
        """Return a rule whose peers all say of which namespaces: in tiers there is no own one."""
        if self.namespace is None or not isinstance(rule.peers, tuple):
            return rule
        own = named(self.namespace)
        return replace(
            rule,
            peers=tuple(
                replace(each, namespaces=own)
                if isinstance(each, PodPeer) and each.namespaces is None
                else each
                for each in rule.peers
            ),
        )


def named(namespace: str | Unknown) -> Selector:
    """Return the selector of one namespace by its name."""
    if isinstance(namespace, Unknown):
        return Selector((SelectorRequirement(METADATA_NAME, Operator.IN, (), namespace),))
    return Selector((SelectorRequirement(METADATA_NAME, Operator.IN, (namespace,)),))


def _beside(side: _Side) -> _Allowed | Unknown | None:
    """Return the rules that isolate and allow as those of a NetworkPolicy do."""
    if isinstance(side.isolates, Unknown):
        return side.isolates
    return side.allows if side.isolates else None


def _not_isolating(side: _Side) -> _Side:
    """Return what is not said by `_beside`: what a side allows that certainly does not isolate."""
    return side if side.isolates is False else replace(side, allows=(), isolates=True)


def _accepting(rule: Rule | Unknown) -> TierRule:
    """Return a rule that allows as one of a tier; what is conditional is accepted perhaps."""
    if isinstance(rule, Unknown):
        return TierRule(rule, rule)
    return TierRule(TierAction.ACCEPT, rule.peers, rule.ports, written=rule.written)


def _narrowing(side: _Side) -> Iterator[TierRule]:
    """Yield what rules that do not isolate deny nevertheless: requests that they do not list."""
    for rule in side.allows:
        ports = rule.ports if isinstance(rule, Rule) and isinstance(rule.ports, tuple) else ()
        for entry in ports:
            if isinstance(rule, Rule) and isinstance(entry, PortRule) and entry.condition:
                plain = (replace(entry, condition=None),)
                yield TierRule(entry.condition, rule.peers, plain, written=rule.written)


def _isolation(side: _Side) -> tuple[TierRule, ...]:
    """Return the last rule of a side that isolates: what nothing allows is denied."""
    if side.isolates is False:
        return ()
    action = side.isolates if isinstance(side.isolates, Unknown) else TierAction.DENY
    return (TierRule(action, None, name=ISOLATION, written=side.path),)
