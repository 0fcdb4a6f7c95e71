"""A preview for the terminal, as JSON with secrets masked, and as the files that it leaves.

The terminal shows a tree of resources, who can reach whom, and what to know.
"""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from podwall.aks.network_engine import PLUGIN
from podwall.aks.resource_types import choice, is_cluster, is_node_pool
from podwall.documents import about
from podwall.plan.documents import stand_ins
from podwall.plan.model import Operation, Origin, Plan, PlannedResource, kind_of
from podwall.plan.plan_json import (
    FindingDocument,
    PlannedDocument,
    finding_document,
    plan_document,
    planned_fields,
)
from podwall.policies.errors import Unknown
from podwall.reports.files import LeftOut, manifests
from podwall.reports.findings.documents import (
    UnreadDocument,
    ledger_fields,
    reading_fields,
)
from podwall.reports.findings.terminal import findings_section
from podwall.reports.formats import json_text
from podwall.reports.page import html_page
from podwall.reports.reach.documents import ReachDocument, reach_document
from podwall.reports.reach.terminal import reach_text
from podwall.reports.screen import Console, Styled, Symbols, line_width, symbols
from podwall.reports.words import counted, left_out, printable
from podwall.review import Review

__all__ = [
    "PreviewDocument",
    "preview_document",
    "preview_files",
    "print_preview",
    "resource_summary",
    "resource_tree",
]


class PreviewDocument(PlannedDocument, tag="podwall/preview/v1"):
    """What `podwall preview -o json` prints: the plan, who can reach whom then, and findings."""

    reachability: ReachDocument
    findings: tuple[FindingDocument, ...]
    unread: Annotated[
        tuple[UnreadDocument, ...], about("What was not read and may change the answer.")
    ] = ()
    acknowledged: Annotated[
        tuple[UnreadDocument, ...],
        about("What was not read either, of kinds of which somebody says that this is known."),
    ] = ()


def preview_document(found: Review) -> PreviewDocument:
    """Return a preview as a document; the plan's own warnings are among the findings."""
    return PreviewDocument(
        **planned_fields(found.plan),
        reachability=reach_document(found.reachability, **reading_fields(found)),
        findings=tuple(map(finding_document, found.findings)),
        **ledger_fields(found.not_read),
    )


def preview_files(found: Review) -> tuple[Mapping[str, str], tuple[LeftOut, ...]]:
    """Return the text of each file by its path, and the objects that could not be written."""
    written = manifests(found.source.planned.documents, stand_ins(found.plan))
    files = {f"manifests/{name}": text for name, text in written.files.items()}
    files["plan.json"] = json_text(plan_document(found.plan))
    subject = f"stack {found.plan.stack}"
    files["index.html"] = html_page(
        found.reachability, subject, findings=found.findings, lacking=left_out(found.not_read)
    )
    return files, written.left_out


# As in the Pulumi CLI.
_CHANGES: Final = {
    Operation.CREATE: ("+", "green"),
    Operation.UPDATE: ("~", "yellow"),
    Operation.REPLACE: ("+-", "magenta"),
    Operation.DELETE: ("-", "red"),
    Operation.READ: (">", "cyan"),
    Operation.RETAIN: ("-=", "yellow"),
    Operation.SAME: ("=", "dim"),
}


def _policy_words(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield whose policy it is, and what each direction that it isolates allows.

    >>> spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    >>> list(_policy_words({"spec": spec}))
    ['for app=web', 'ingress closed']
    """
    spec = inputs.get("spec")
    if not isinstance(spec, Mapping):
        yield "known only after deployment"
        return
    yield f"for {_selected(spec.get('podSelector'))}"
    types = spec.get("policyTypes") or _implied_types(spec)
    for direction in ("ingress", "egress"):
        if direction.capitalize() in types:
            yield f"{direction} {_rule_count(spec.get(direction))}"


def _implied_types(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what `policyTypes` is when it is left out."""
    return ("Ingress", "Egress") if spec.get("egress") else ("Ingress",)


def _rule_count(rules: Any) -> str:
    if isinstance(rules, Unknown):
        return "[unknown]"
    number = len(rules or ())
    return counted(number, "rule") if number else "closed"


def _selected(selector: Any) -> str:
    if not isinstance(selector, Mapping):
        return "[unknown]" if isinstance(selector, Unknown) else "all pods"
    labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    if isinstance(labels, Unknown) or isinstance(expressions, Unknown):
        return "[unknown]"
    words = [*(f"{key}={value}" for key, value in labels.items()), *map(_expression, expressions)]
    return " ".join(words) or "all pods"


def _expression(expression: Any) -> str:
    if not isinstance(expression, Mapping):
        return "[unknown]"
    values = expression.get("values") or ()
    listed = f" {'|'.join(map(str, values))}" if isinstance(values, (list, tuple)) else ""
    return f"{expression.get('key')} {expression.get('operator')}{listed}".rstrip()


Inputs = Mapping[str, Any]
Words = Callable[[Inputs], Iterator[str]]


def resource_summary(resource: PlannedResource) -> str:
    """Return the properties of a resource that matter, or nothing for a kind that has none.

    >>> pool = {"vmSize": "Standard_D4ds_v5", "minCount": 1, "maxCount": 3, "mode": "User"}
    >>> resource_summary(PlannedResource("", "azure-native:containerservice:AgentPool", "p", pool))
    'User, Standard_D4ds_v5, 1 to 3 nodes'
    """
    words = _words_for(resource.type)
    return ", ".join(words(resource.inputs)) if words else ""


_PLUGINS: Final = {"azure": "Azure CNI", "none": "own networking", None: "default networking"}


def _words_for(type_: str) -> Words | None:
    if is_cluster(type_):
        return _cluster
    return _pool if is_node_pool(type_) else _BY_KIND.get(kind_of(type_))


def _cluster(inputs: Inputs) -> Iterator[str]:
    network = _mapping(inputs, "networkProfile")
    plugin = choice(inputs, PLUGIN)
    titled = _PLUGINS.get(plugin, plugin) if isinstance(plugin, str | None) else plugin
    yield " ".join(_plain(titled, network.get("networkPluginMode")))
    yield f"network policy {_text(network.get('networkPolicy', 'none'))}"
    yield from _labelled("Kubernetes", inputs.get("kubernetesVersion"))
    if _mapping(inputs, "apiServerAccessProfile").get("enablePrivateCluster"):
        yield "private"
    yield from _plain(_mapping(inputs, "sku").get("tier"), inputs.get("location"))


def _pool(inputs: Inputs) -> Iterator[str]:
    yield from _plain(inputs.get("mode"), inputs.get("vmSize"))
    least, most = inputs.get("minCount"), inputs.get("maxCount")
    if least is not None or most is not None:
        yield f"{_text(least)} to {_text(most)} nodes"
    else:
        yield from _counted(inputs.get("count"), "node")
    zones = _list(inputs, "availabilityZones")
    if zones:
        yield f"zones {' '.join(map(_text, zones))}"


def _address_space(inputs: Inputs) -> Iterator[str]:
    yield from map(_text, _list(_mapping(inputs, "addressSpace"), "addressPrefixes"))


def _subnet(inputs: Inputs) -> Iterator[str]:
    yield from _plain(inputs.get("addressPrefix"), *_list(inputs, "addressPrefixes"))


def _location(inputs: Inputs) -> Iterator[str]:
    yield from _plain(inputs.get("location"))


def _namespace(inputs: Inputs) -> Iterator[str]:
    labels = _mapping(_mapping(inputs, "metadata"), "labels")
    yield from _labelled("pod security", labels.get("pod-security.kubernetes.io/enforce"))


def _workload(inputs: Inputs) -> Iterator[str]:
    spec = _mapping(inputs, "spec")
    if _mapping(spec, "template"):
        yield from _counted(spec.get("replicas", 1), "pod")
        spec = _mapping(_mapping(spec, "template"), "spec")
    yield from _containers(spec)


def _containers(spec: Inputs) -> Iterator[str]:
    for container in _items(spec, "containers"):
        yield _text(container.get("image", "no image")).rpartition("/")[2]
        for port in _items(container, "ports"):
            yield f"port {_text(port.get('containerPort'))}"


def _service(inputs: Inputs) -> Iterator[str]:
    spec = _mapping(inputs, "spec")
    yield _text(spec.get("type", "ClusterIP"))
    yield from (f"port {_text(port.get('port'))}" for port in _items(spec, "ports"))


def _mapping(inputs: Inputs, key: str) -> Inputs:
    value = inputs.get(key)
    return value if isinstance(value, Mapping) else {}


def _items(inputs: Inputs, key: str) -> list[Inputs]:
    """Return the objects of a list, as far as they are known."""
    return [item for item in _list(inputs, key) if isinstance(item, Mapping)]


def _list(inputs: Inputs, key: str) -> Sequence[Any]:
    value = inputs.get(key)
    return value if isinstance(value, (list, tuple)) else ()


def _labelled(label: str, value: Any) -> Iterator[str]:
    if value is not None:
        yield f"{label} {_text(value)}"


def _plain(*values: Any) -> Iterator[str]:
    yield from (_text(value) for value in values if value is not None)


def _counted(number: Any, noun: str) -> Iterator[str]:
    if number is not None:
        known = isinstance(number, int)
        yield counted(number, noun) if known else f"{_text(number)} {noun}s"


def _text(value: Any) -> str:
    if isinstance(value, Unknown):
        return "[unknown]"
    return str(value)


_BY_KIND: Final[Mapping[str, Words]] = {
    "DaemonSet": _workload,
    "Deployment": _workload,
    "Job": _workload,
    "Namespace": _namespace,
    "NetworkPolicy": _policy_words,
    "Pod": _workload,
    "ResourceGroup": _location,
    "Service": _service,
    "StatefulSet": _workload,
    "Subnet": _subnet,
    "VirtualNetwork": _address_space,
}


Children = Mapping[str | None, Sequence[PlannedResource]]

_GAP: Final = 2
_LEAST_DETAILS: Final = 20
_ALWAYS_SHOWN: Final = frozenset({Operation.REPLACE, Operation.DELETE})


def resource_tree(
    plan: Plan, width: int, symbols: Symbols, most_alike: int = sys.maxsize
) -> Iterator[Styled]:
    """Yield the lines of the tree: resources under their parents, in the order of the program.

    What matters of each stands beside it, in a column of its own. In a plan of the
    Pulumi CLI each resource is marked by what happens to it; an embedded plan creates them all. Of
    resources under one parent that are of one type and change in the same way, `most_alike` are
    shown and the others are counted.
    """
    children, left_out = _thinned(_children(plan), most_alike)
    rows = list(_rows(children, None, "", symbols))
    names = max((len(row.name) for row in rows), default=0)
    column = min(names, width // 2) + _GAP
    for row in rows:
        mark = _mark(row.resource) if plan.origin is Origin.PULUMI else Styled()
        for line in _lines(row, column, max(width - column - mark.width, _LEAST_DETAILS)):
            yield Styled.of(mark, line)
            mark = Styled.of(" " * mark.width)
    for (kind, change), number in left_out.items():
        sign = _CHANGES[change][0] if plan.origin is Origin.PULUMI else ""
        more = f"{sign} {symbols.more} {number:,} more {printable(kind)}".strip()
        yield Styled.of((more, "dim"))


def _thinned(children: Children, most: int) -> tuple[Children, Mapping[tuple[str, Operation], int]]:
    """Return the children that are shown, and how many of each kind are not.

    What is protected, replaced or deleted is always shown, and what has something under it.
    """
    left_out: Counter[tuple[str, Operation]] = Counter()
    kept: dict[str | None, list[PlannedResource]] = {}
    for parent, siblings in children.items():
        seen: Counter[tuple[str, Operation]] = Counter()
        kept[parent] = []
        for each in siblings:
            alike = kind_of(each.type), each.change
            plain = (
                each.urn not in children and not each.protect and each.change not in _ALWAYS_SHOWN
            )
            seen[alike] += plain
            if plain and seen[alike] > most:
                left_out[alike] += 1
            else:
                kept[parent].append(each)
    return kept, left_out


class _Row(NamedTuple):
    """A resource with what stands before it, on its first line and on those below."""

    first: str
    below: str
    resource: PlannedResource

    @property
    def name(self) -> str:
        return f"{self.first}{self.kind} {self.resource_name}"

    @property
    def kind(self) -> str:
        return printable(kind_of(self.resource.type))

    @property
    def resource_name(self) -> str:
        return printable(self.resource.name)


def _children(plan: Plan) -> Children:
    """Return the resources by their parents; None has those whose parent is not in the plan."""
    urns = {resource.urn for resource in plan.resources}
    found: dict[str | None, list[PlannedResource]] = {}
    for resource in plan.resources:
        found.setdefault(resource.parent if resource.parent in urns else None, []).append(resource)
    return found


def _rows(children: Children, parent: str | None, stem: str, symbols: Symbols) -> Iterator[_Row]:
    """Yield a parent's children, each followed by what is under it."""
    siblings = children.get(parent, ())
    for resource in siblings:
        last = resource is siblings[-1]
        branch, trunk = symbols.last if last else symbols.middle
        inner = "" if parent is None else f"{stem}{trunk}"
        hangs = f"{inner}{symbols.middle[1]}" if resource.urn in children else inner
        yield _Row("" if parent is None else f"{stem}{branch}", hangs, resource)
        yield from _rows(children, resource.urn, inner, symbols)


def _lines(row: _Row, column: int, width: int) -> Iterator[Styled]:
    """Yield the resource's line, and more where what is beside it does not fit."""
    details = textwrap.wrap(printable(_details(row.resource)), width, break_on_hyphens=False)
    fits = len(row.name) + _GAP <= column
    beside = details.pop(0) if fits and details else ""
    kind = (row.kind, "bold")
    pad = " " * (column - len(row.name)) if beside else ""
    yield Styled.of((row.first, "dim"), kind, f" {row.resource_name}{pad}", _styled(beside))
    for more in details:
        yield Styled.of((row.below.ljust(column), "dim"), _styled(more))


def _styled(details: str) -> Styled:
    return Styled.of((details, "dim")).styled(("protected", "replaced"), "bold")


def _details(resource: PlannedResource) -> str:
    """Return what matters of a resource."""
    replaced = _replaced(resource.replaced_by)
    happens = ", ".join(filter(None, ("protected" if resource.protect else "", replaced)))
    between = "; " if replaced else ", "
    return between.join(filter(None, (happens, resource_summary(resource))))


def _replaced(reasons: Sequence[str]) -> str:
    """Return why a resource is replaced; `deletedWith` names what takes it along."""
    if tuple(reasons) == ("deletedWith",):
        return "replaced with what it is in"
    return f"replaced because of {' and '.join(reasons)}" if reasons else ""


def _mark(resource: PlannedResource) -> Styled:
    mark, style = _CHANGES[resource.change]
    return Styled.of((f"{mark:2} ", style))


_INDENT: Final = "  "
_MOST_ALIKE: Final = 20
"""So many alike resources are shown to a person; a file has them all, and so has `plan.json`."""
_PLANNED: Final = {change: f"to {change}" for change in Operation} | {Operation.SAME: "unchanged"}


def print_preview(found: Review, console: Console, asked: str = "") -> None:
    """Print a preview, as wide as the console is; `asked` are the words that say what is read."""
    shown = symbols(console.encoding)
    console.print(_resources_title(found.plan))
    most = _MOST_ALIKE if console.is_terminal else sys.maxsize
    for line in resource_tree(found.plan, console.width - len(_INDENT), shown, most):
        console.print(line, indent=_INDENT)
    console.print("")
    lacking = left_out(found.not_read)
    console.write(reach_text(found.reachability, console, shown, lacking, asked))
    for line in findings_section(found.findings, line_width(console)):
        console.print(line, wrap=False)


def _resources_title(plan: Plan) -> Styled:
    """Return how many resources there are, and what happens to them if that is not all the same."""
    resources = [each for each in plan.resources if each.type != "pulumi:pulumi:Stack"]
    changes = Counter(each.change for each in resources)
    counted = ", ".join(f"{changes[each]} {_PLANNED[each]}" for each in Operation if changes[each])
    made = {
        Origin.PULUMI: f"planned by the Pulumi CLI: {counted}",
        Origin.EMBEDDED: "planned without a cloud",
    }[plan.origin]
    return Styled.of(("Resources", "bold underline"), f"  {len(resources)} {made}")
