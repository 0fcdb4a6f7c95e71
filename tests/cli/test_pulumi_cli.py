"""`podwall preview` with a Pulumi CLI; here one that says what the test wants it to say."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import ROOT, Result, podwall
from tests.plan.projects import project_in

FIRST = json.loads((ROOT / "tests/data/previews/first.json").read_text(encoding="utf-8"))
ALLOW = json.loads((ROOT / "tests/data/previews/allow.json").read_text(encoding="utf-8"))
PROGRAM = "import pulumi\npulumi.export('planned', 'embedded')"

CLI = """#!{python}
import json, sys
from pathlib import Path

said = json.loads(Path({answers!r}).read_text(encoding="utf-8"))
if sys.argv[1] == "stack":
    print(said["stack"])
    sys.exit(0 if said["stack"] else 1)
assert sys.argv[1:4] == ["preview", "--json", "--show-sames"], sys.argv
assert "--non-interactive" in sys.argv
if "--config-file" in sys.argv:
    file = Path(sys.argv[sys.argv.index("--config-file") + 1])
    file.write_text(file.read_text(encoding="utf-8") + "# saved", encoding="utf-8")
    given = " ".join(sys.argv[sys.argv.index("--config-file") + 2 :])
    Path("given.txt").write_text(f"{{file.name}} {{given}}", encoding="utf-8")
sys.stdout.write(said["out"])
sys.stderr.write(said["err"])
sys.exit(said["code"])
"""


def with_cli(folder: Path, *arguments: str, **answers: Any) -> Result:
    """Run `podwall preview` in a small project, with a `pulumi` that gives these answers."""
    said = {"stack": "dev", "out": "", "err": "", "code": 0, **answers}
    path = folder / "answers.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    cli = folder / "bin" / "pulumi"
    cli.parent.mkdir()
    cli.write_text(CLI.format(python=sys.executable, answers=str(path)), encoding="utf-8")
    cli.chmod(cli.stat().st_mode | stat.S_IXUSR)
    project = project_in(folder / "project", PROGRAM)
    return podwall(project, "preview", *arguments, PATH=f"{cli.parent}{os.pathsep}/usr/bin")


def changed(name: str, **step: Any) -> Mapping[str, Any]:
    """Return the recorded preview with something else in the step of one resource."""
    steps = [
        {**each, **step} if each["urn"].endswith(f"::{name}") else each for each in ALLOW["steps"]
    ]
    return {**ALLOW, "steps": steps}


def test_the_plan_of_pulumi_goes_through_the_same_screens(tmp_path: Path) -> None:
    result = with_cli(tmp_path, out=json.dumps(FIRST))
    assert result.code == 0
    assert result.err.startswith("planning stack `dev` with the Pulumi CLI\n")
    assert "planned by the Pulumi CLI: " in result.out
    assert "NetworkPolicy default-deny" in result.out
    assert "Who can reach whom  Azure Network Policy Manager" in result.out


def test_the_plan_of_pulumi_is_written_as_json_as_well(tmp_path: Path) -> None:
    document = with_cli(tmp_path, "-o", "json", out=json.dumps(ALLOW)).json
    assert document["planner"] == "pulumi"
    created = [each["type"] for each in document["resources"] if each["change"] == "create"]
    assert created == ["kubernetes:networking.k8s.io/v1:NetworkPolicy"]
    pairs = {
        (each["source"], each["destination"]) for each in document["reachability"]["connections"]
    }
    assert ("shop/web", "shop/api") in pairs


def test_a_cluster_that_would_be_replaced_is_an_error_and_exit_code_1(tmp_path: Path) -> None:
    reasons = ["networkProfile.networkPolicy"]
    document = changed("aks", op="replace", replaceReasons=reasons, detailedDiff=None)
    result = with_cli(tmp_path, out=json.dumps(document))
    assert result.code == 1
    assert "error[cluster-replace]" in result.out
    assert "replaced because of networkProfile.networkPolicy" in result.out


def test_what_is_deleted_is_shown_and_reaches_no_one(tmp_path: Path) -> None:
    steps = [
        {**each, "op": "delete", "newState": None} if each["urn"].endswith("::scan") else each
        for each in ALLOW["steps"]
    ]
    document = with_cli(tmp_path, "-o", "json", out=json.dumps({**ALLOW, "steps": steps})).json
    changes = {each["name"]: each["change"] for each in document["resources"]}
    assert changes["scan"] == "delete"
    assert [each["id"] for each in document["reachability"]["workloads"]] == [
        "shop/api",
        "shop/web",
    ]


def test_warnings_of_pulumi_are_findings_once(tmp_path: Path) -> None:
    warning = {"severity": "warning", "message": "warning: old plugin\n"}
    document = {**FIRST, "diagnostics": [warning, warning]}
    result = with_cli(tmp_path, "-o", "json", out=json.dumps(document))
    found = [each["message"] for each in result.json["findings"] if each["id"] == "program-warning"]
    assert found == ["old plugin"]


def test_what_the_program_says_is_found_where_it_is_about(tmp_path: Path) -> None:
    steps = FIRST["steps"]
    (aks,) = [each["urn"] for each in steps if each["urn"].endswith("ManagedCluster::aks")]
    (stack,) = [each["urn"] for each in steps if "pulumi:pulumi:Stack::" in each["urn"]]
    said = [
        {"severity": "warning", "message": "warning: it ends (https://aka.ms/end)\n", "urn": aks},
        {"severity": "info", "message": "it is open\n", "urn": aks},
        {"severity": "info", "message": "printed\n", "urn": stack},
        {"severity": "info#err", "message": "progress\n", "urn": aks},
    ]
    document = {**FIRST, "diagnostics": said}
    found = with_cli(tmp_path, "-o", "json", out=json.dumps(document)).json["findings"]
    told = [each for each in found if each["id"].startswith("program-")]
    assert [(each["id"], each["message"], each.get("link")) for each in told] == [
        ("program-warning", "it ends", "https://aka.ms/end"),
        ("program-note", "it is open", None),
    ]


def test_the_order_in_which_the_engine_tells_of_resources_does_not_matter(tmp_path: Path) -> None:
    told = json.dumps(ALLOW), json.dumps({**ALLOW, "steps": ALLOW["steps"][::-1]})
    folders = [tmp_path / "first", tmp_path / "second"]
    shown = []
    for folder, document in zip(folders, told, strict=True):
        folder.mkdir()
        shown.append(with_cli(folder, "-o", "json", out=document).json["resources"])
    assert shown[0] == shown[1]
    urns = [each["urn"] for each in shown[0]]
    parents = [(each["parent"], each["urn"]) for each in shown[0] if each["parent"]]
    assert parents
    assert all(urns.index(parent) < urns.index(urn) for parent, urn in parents)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        pytest.param(
            {"err": "error: no stack named 'dev' found\nmore\n", "code": 255},
            "error: pulumi preview: no stack named 'dev' found\n",
            id="what it says on the error stream",
        ),
        pytest.param(
            {
                "out": json.dumps({"diagnostics": [{"severity": "error", "message": "Bad luck."}]}),
                "code": 255,
            },
            "error: pulumi preview: bad luck\n",
            id="what its document says",
        ),
        pytest.param(
            {"err": "Program failed with an exception:\n  Traceback\nKeyError: 'a'", "code": 1},
            "error: pulumi preview: program failed with an exception: KeyError: 'a'\n",
            id="a traceback, in one line",
        ),
        pytest.param(
            {"code": 3}, "error: pulumi preview: it ended with exit code 3\n", id="silence"
        ),
        pytest.param({"out": "hello"}, "error: pulumi preview: hello\n", id="no document at all"),
    ],
)
def test_a_cli_that_fails(tmp_path: Path, answers: dict[str, Any], message: str) -> None:
    result = with_cli(tmp_path, "--with", "pulumi", **answers)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert " help: `--with embedded` plans without the Pulumi CLI" in result.err
    assert not (tmp_path / "project" / "out").exists()


def test_without_a_selected_stack_podwall_plans_by_itself_and_says_so(tmp_path: Path) -> None:
    result = with_cli(tmp_path, "-o", "json", stack="")
    assert result.json["outputs"] == {"planned": "embedded"}
    assert result.err.startswith("planning without the Pulumi CLI, which has no stack selected\n")


def test_embedded_asks_no_cli(tmp_path: Path) -> None:
    result = with_cli(tmp_path, "--with", "embedded", "-o", "json", out=json.dumps(FIRST))
    assert result.json["planner"] == "embedded"
    assert "planning" not in result.err


def test_given_configuration_reaches_the_pulumi_cli_and_no_file_of_the_project(
    tmp_path: Path,
) -> None:
    result = with_cli(
        tmp_path, "--config", "app=web", "-c", "aws:region=x=y", out=json.dumps(FIRST)
    )
    assert result.code == 0, result.err
    project = tmp_path / "project"
    given = (project / "given.txt").read_text(encoding="utf-8")
    assert given.startswith("Pulumi.dev.yaml --config app=web --config aws:region=x=y ")
    assert "# saved" not in (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")


def test_a_secret_is_not_given_to_the_pulumi_cli(tmp_path: Path) -> None:
    result = with_cli(tmp_path, "--secret", "key=hidden", out=json.dumps(FIRST))
    assert result.err.startswith("planning without the Pulumi CLI, which is given no secrets")
    assert "planned without a cloud" in result.out
    (tmp_path / "again").mkdir()
    refused = with_cli(tmp_path / "again", "--secret", "key=hidden", "--with", "pulumi")
    assert refused.code == 2
    assert "pulumi config set --secret key VALUE" in refused.err
    assert "hidden" not in result.err + result.out + refused.err + refused.out
