"""What is secret leaves a plan, in whichever part of it it stands."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from podwall import streams
from podwall.plan import SECRET, Plan, PlannedResource
from podwall.plan.masking import marked_secrets, masked, masked_manifest
from podwall.plan.model import SECRET_MARK
from podwall.policies.errors import Finding, Severity
from podwall.secret_words import SecretWords

WORD = "a-planted-word"
KNOWN = SecretWords([WORD])
POD = PlannedResource("", "kubernetes:core/v1:Pod", "web", MappingProxyType({"spec": {}}))
PLAN = Plan("shop", "dev", (POD,))


def test_of_warnings_the_message_and_the_link() -> None:
    said = Finding("a", Severity.WARNING, f"{WORD} is refused", link=f"https://a.example/{WORD}")
    (found,) = masked(replace(PLAN, warnings=(said,)), KNOWN).warnings
    assert WORD not in f"{found.message} {found.link}"
    assert "is refused" in found.message


def test_of_a_resource_what_was_not_seen_of_it() -> None:
    given = replace(POD, unseen=(f"spec of {WORD}",))
    (found,) = masked(replace(PLAN, resources=(given,)), KNOWN).resources
    assert WORD not in found.unseen[0]


@pytest.mark.parametrize(
    "key", ["password", "db_password", "accessKey", "client-key-data", "sas-token"]
)
def test_of_inputs_and_outputs_what_a_key_calls_secret(key: str) -> None:
    given = replace(POD, inputs=MappingProxyType({"data": {key: WORD, "other": "shown"}}))
    plan = masked(Plan("shop", "dev", (given,), outputs=MappingProxyType({key: WORD})))
    assert plan.resources[0].inputs["data"] == {key: SECRET, "other": "shown"}
    assert plan.outputs[key] is SECRET


def test_of_labels_nothing_for_who_reaches_whom_depends_on_them() -> None:
    manifest: dict[str, Any] = {"metadata": {"labels": {"token": WORD}, "name": WORD}}
    assert masked_manifest(manifest, KNOWN) == manifest


def test_of_a_secret_its_data_wherever_it_is_listed() -> None:
    secret = {"kind": "Secret", "data": {"k": "dg=="}}
    listed = {"kind": "List", "items": [secret]}
    mark = {**SECRET_MARK, "value": str(SECRET)}
    assert masked_manifest(listed, SecretWords())["items"] == [{"kind": "Secret", "data": mark}]
    assert (
        masked_manifest({"kind": "SecretList", "items": [secret]}, SecretWords())["items"] == mark
    )


def test_known_are_also_what_stands_in_base64() -> None:
    given = {"kind": "Secret", "data": {"k": b64encode(WORD.encode()).decode()}}
    assert WORD in set(marked_secrets(given))


def test_of_a_group_of_manifests_the_text() -> None:
    given = PlannedResource("", "kubernetes:yaml/v2:ConfigGroup", "all", {"yaml": "kind: Secret"})
    (found,) = masked(Plan("shop", "dev", (given,))).resources
    assert found.inputs["yaml"] is SECRET


def test_of_every_line_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of one that nobody has masked before."""
    monkeypatch.setattr(streams, "_SECRETS", SecretWords())
    streams.hide([WORD])
    streams.write_line(f"the password is {WORD}", label="error:")
    with streams.program_output() as stream:
        stream.write(f"printed {WORD}\n")
    said = capsys.readouterr().err
    assert said.splitlines() == ["error: the password is [secret]", "printed [secret]"]
