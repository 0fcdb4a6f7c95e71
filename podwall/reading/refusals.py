"""What the API server refuses of a workload, a namespace or a service.

A transcription of the rules that concern who reaches whom: names, labels, ports, selectors and
templates. What a container runs is not judged, so that a fragment of a manifest can be read. A
value that is known only after deployment is never refused.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go
https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/apps/validation/validation.go
https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/batch/validation/validation.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from podwall.policies.errors import Finding, Unknown
from podwall.policies.syntax import (
    dns_label_problem,
    dns_subdomain_problem,
    port_name_help,
    port_name_problem,
)
from podwall.policies.validation import check_metadata
from podwall.policies.validation.parts import (
    SELECTOR,
    Check,
    Findings,
    as_mapping,
    as_text,
    check_labels,
    check_number,
    check_protocol,
    check_selector,
    error,
    fields_of,
    items_of,
    whole_number,
    wrong_type,
)
from podwall.policies.wording import did_you_mean, shown
from podwall.reading.metadata import ManifestObject

__all__ = ["metadata_refusals", "refusals"]

_NAMES_DOC: Final = "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"
_API_DOC: Final = "https://kubernetes.io/docs/reference/kubernetes-api/"
_SEVERAL: Final = 2


def metadata_refusals(item: ManifestObject) -> Iterator[Finding]:
    """Yield what the API server would refuse of the name and labels of an object of any kind."""
    check = partial(check_metadata, name_problem=dns_subdomain_problem)
    for finding in as_mapping(item.manifest.get("metadata"), "metadata", None, check):
        yield replace(finding, place=item.place.at(finding.place.path), link=_NAMES_DOC)


def refusals(item: ManifestObject) -> Iterator[Finding]:
    """Yield what the API server would refuse of an object, nothing for kinds not known here."""
    kind = (item.group, item.kind)
    check = _SPECS.get(kind)
    if check is None:
        return
    for finding in _of_parts(item.manifest, _NAMES.get(kind, dns_subdomain_problem), check):
        path = finding.place.path
        link = _NAMES_DOC if path.startswith("metadata") else _API_DOC
        yield replace(finding, place=item.place.at(path), link=link)


def _of_parts(
    manifest: Mapping[str, Any], name_problem: Callable[[str], str | None], check: _Check
) -> Findings:
    metadata = partial(check_metadata, name_problem=name_problem)
    yield from as_mapping(manifest.get("metadata"), "metadata", None, metadata)
    yield from as_mapping(manifest.get("spec"), "spec", None, check)


_Check = Callable[[Mapping[str, Any], str], Findings]


def _short_name(longest: int) -> Callable[[str], str | None]:
    """Return what is wrong with a name that has to leave room, or to be a label's value."""

    def problem(name: str) -> str | None:
        too_long = f"must have at most {longest} characters" if len(name) > longest else None
        return dns_subdomain_problem(name) or too_long

    return problem


#: Whose name is no DNS subdomain. A service's may not begin with a digit, up to Kubernetes 1.34.
#: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_NAMES: Final[Mapping[tuple[str, str], Callable[[str], str | None]]] = {
    ("", "Namespace"): dns_label_problem,
    ("", "Service"): dns_label_problem,
    ("apps", "StatefulSet"): dns_label_problem,
    ("batch", "CronJob"): _short_name(52),
    ("batch", "Job"): _short_name(63),
}


def _nothing(_spec: Mapping[str, Any], _path: str) -> Findings:
    yield from ()


def _pods(spec: Mapping[str, Any], path: str) -> Findings:
    """Yield what is wrong with the spec of a pod."""
    for field in ("initContainers", "containers"):
        yield from _each(spec.get(field), f"{path}.{field}", _container)


def _container(container: object, path: str) -> Findings:
    yield from as_mapping(container, path, None, _container_fields)


def _container_fields(container: Mapping[str, Any], path: str) -> Findings:
    ports = container.get("ports")
    yield from _each(ports, f"{path}.ports", _container_port)
    yield from _repeated_names(items_of(ports), f"{path}.ports")


def _each(value: object, path: str, check: Check) -> Findings:
    """Check every element of a list, of which two may be equal."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from check(item, f"{path}[{index}]")
    elif value is not None and not isinstance(value, Unknown):
        yield wrong_type(value, path, "a list", "begin each element with `- `")


def _container_port(port: object, path: str) -> Findings:
    yield from as_mapping(port, path, None, _container_port_fields)


def _container_port_fields(port: Mapping[str, Any], path: str) -> Findings:
    if (name := port.get("name")) not in (None, ""):
        yield from _port_name(name, f"{path}.name")
    yield from _number(port.get("containerPort"), f"{path}.containerPort")
    # 0 is the same as none, as in Go.
    if port.get("hostPort"):
        yield from check_number(port["hostPort"], f"{path}.hostPort")
    yield from check_protocol(port.get("protocol") or None, f"{path}.protocol")


def _port_name(name: object, path: str) -> Findings:
    if not isinstance(name, str):
        yield from as_text(name, path, port_name_problem)
    elif problem := port_name_problem(name):
        message = f"{shown(name)} is not a port name: it {problem}"
        yield error("invalid-port-name", path, message, port_name_help(name))


def _number(number: object, path: str) -> Findings:
    if number is None:
        field = path.rpartition(".")[2]
        yield error("port-required", path, f"`{field}` is missing", "write the number of the port")
    elif not isinstance(number, Unknown):
        yield from check_number(number, path)


def _repeated_names(ports: Sequence[Any], path: str) -> Findings:
    if len(ports) < _SEVERAL:
        return
    seen: dict[str, int] = {}
    for index, port in enumerate(ports):
        name = fields_of(port).get("name")
        if isinstance(name, str) and name and seen.setdefault(name, index) != index:
            message = f"{shown(name)} is already the name of `{path}[{seen[name]}]`"
            yield error("port-name-repeated", f"{path}[{index}].name", message, "rename one")


def _template(template: object, path: str) -> Findings:
    if template is None:
        yield error(
            "template-required",
            path,
            "the template of the pods is missing",
            "describe the pods: their labels and containers",
        )
    else:
        yield from as_mapping(template, path, None, _template_fields)


def _template_fields(template: Mapping[str, Any], path: str) -> Findings:
    yield from as_mapping(template.get("metadata"), f"{path}.metadata", None, _labels)
    yield from as_mapping(template.get("spec"), f"{path}.spec", None, _pods)


def _labels(metadata: Mapping[str, Any], path: str) -> Findings:
    yield from as_mapping(metadata.get("labels"), f"{path}.labels", None, check_labels)


def _of_apps(spec: Mapping[str, Any], path: str) -> Findings:
    """Yield what is wrong with a Deployment, ReplicaSet, StatefulSet or DaemonSet."""
    selector = spec.get("selector")
    if selector is None:
        yield error("selector-required", f"{path}.selector", "the selector is missing", _SELECT)
    else:
        yield from as_mapping(selector, f"{path}.selector", SELECTOR, _controller_selector)
    yield from _template(spec.get("template"), f"{path}.template")


def _scaled(spec: Mapping[str, Any], path: str) -> Findings:
    """Yield what is wrong with one of these that says how many pods there are."""
    yield from _of_apps(spec, path)
    yield from _count(spec.get("replicas"), f"{path}.replicas")


_SELECT: Final = "name labels of the template, as `matchLabels: {app: web}`"


def _controller_selector(selector: Mapping[str, Any], path: str) -> Findings:
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield error("empty-selector", path, "the selector names no label", _SELECT)
    yield from check_selector(selector, path)


def _of_replication_controller(spec: Mapping[str, Any], path: str) -> Findings:
    yield from _replication_selector(spec, path)
    yield from _count(spec.get("replicas"), f"{path}.replicas")
    yield from _template(spec.get("template"), f"{path}.template")


def _replication_selector(spec: Mapping[str, Any], path: str) -> Findings:
    """Yield what is wrong with labels that are those of the template where there are none."""
    yield from as_mapping(spec.get("selector"), f"{path}.selector", None, check_labels)
    template, metadata = spec.get("template"), fields_of(spec.get("template")).get("metadata")
    is_known = not isinstance(template, Unknown | None) and not isinstance(metadata, Unknown)
    if is_known and not (spec.get("selector") or fields_of(metadata).get("labels")):
        yield error("empty-selector", f"{path}.selector", "the selector is missing", _SELECT)


def _of_job(spec: Mapping[str, Any], path: str) -> Findings:
    yield from _count(spec.get("parallelism"), f"{path}.parallelism")
    yield from _template(spec.get("template"), f"{path}.template")


def _of_cron_job(spec: Mapping[str, Any], path: str) -> Findings:
    job = spec.get("jobTemplate")
    if not isinstance(job, Unknown):
        inner = fields_of(job).get("spec")
        yield from as_mapping(job, f"{path}.jobTemplate", None, _nothing)
        yield from as_mapping(inner, f"{path}.jobTemplate.spec", None, _of_job)


def _count(count: object, path: str) -> Findings:
    number = whole_number(count)
    if number is not None and number < 0:
        yield error("negative-number", path, f"{shown(count)} is less than 0", "write 0 or more")


_SERVICE_TYPES: Final = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")


def _of_service(spec: Mapping[str, Any], path: str) -> Findings:
    type_, ports = spec.get("type") or "ClusterIP", spec.get("ports")
    if isinstance(type_, str) and type_ not in _SERVICE_TYPES:
        problem = f"{shown(type_)} is not a type of services"
        yield error("invalid-type", f"{path}.type", problem, did_you_mean(type_, _SERVICE_TYPES))
    yield from as_mapping(spec.get("selector"), f"{path}.selector", None, check_labels)
    if type_ == "ExternalName":
        return
    if not ports and not isinstance(ports, Unknown) and _needs_ports(spec):
        yield error("ports-required", f"{path}.ports", "the service has no port", "name its ports")
    named = len(items_of(ports)) >= _SEVERAL
    yield from _each(ports, f"{path}.ports", partial(_service_port, named=named))
    yield from _repeated_names(items_of(ports), f"{path}.ports")


def _needs_ports(spec: Mapping[str, Any]) -> bool:
    """Return whether the service certainly has an address of its own."""
    address, type_ = spec.get("clusterIP"), spec.get("type")
    return address != "None" and not isinstance(address, Unknown) and not isinstance(type_, Unknown)


def _service_port(port: object, path: str, *, named: bool) -> Findings:
    yield from as_mapping(port, path, None, partial(_service_port_fields, named=named))


def _service_port_fields(port: Mapping[str, Any], path: str, *, named: bool) -> Findings:
    name, target = port.get("name"), port.get("targetPort")
    if name not in (None, ""):
        yield from as_text(name, f"{path}.name", dns_label_problem)
    elif named:
        problem = "one of several ports has no name"
        yield error("port-name-required", f"{path}.name", problem, "name each of them")
    yield from _number(port.get("port"), f"{path}.port")
    if isinstance(target, str) and target:
        yield from _port_name(target, f"{path}.targetPort")
    elif target:
        yield from check_number(target, f"{path}.targetPort")
    yield from check_protocol(port.get("protocol") or None, f"{path}.protocol")


_SPECS: Final[Mapping[tuple[str, str], _Check]] = {
    ("", "Namespace"): _nothing,
    ("", "Pod"): _pods,
    ("", "ReplicationController"): _of_replication_controller,
    ("", "Service"): _of_service,
    ("apps", "DaemonSet"): _of_apps,
    ("apps", "Deployment"): _scaled,
    ("apps", "ReplicaSet"): _scaled,
    ("apps", "StatefulSet"): _scaled,
    ("batch", "CronJob"): _of_cron_job,
    ("batch", "Job"): _of_job,
}
