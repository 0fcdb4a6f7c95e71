"""The pytest plugin, as a test-suite of its own meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.testing.programs import PROJECT, RAW
from tests.testing.sessions import HEAD, run, shop

COUNTED = 'open("planned.txt", "a").write("x")\n'
CHOICES = """
def test_dev(reach):
    assert reach.allows("shop/web", "shop/api", tcp(8080))
    reach.assert_only("shop/api", "shop/db", tcp("main"))

def test_again(reach, reach_of):
    assert reach_of() is reach
    assert reach_of(stack="dev", engine="calico").plan is reach_of(stack="dev").plan

@pytest.mark.podwall(stack="prod", engine="cilium")
def test_prod(reach):
    reach.assert_only("shop/web", "shop/db", tcp("main"))
    assert reach.found.engine.name == "cilium"

@pytest.mark.podwall(folder="..", config={"client": "db"})
class TestConfiguration:
    def test_it(self, reach):
        reach.assert_only("shop/api", "shop/db") if False else None
        assert reach.denies("shop/api", "shop/db")

    @pytest.mark.podwall(config={"client": "web"})
    def test_the_nearest_marker_counts(self, reach):
        assert reach.allows("shop/web", "shop/db", tcp(5432))

def test_several_stacks_in_one_test(reach_of):
    for stack, client in {"dev": "shop/api", "prod": "shop/web"}.items():
        reach_of(stack=stack).assert_only(client, "shop/db", tcp(5432))

@pytest.mark.podwall(source="../shop.manifests.yaml")
def test_manifests(reach, reach_of):
    assert reach.plan is None
    reach.assert_only("shop/api", "shop/db", tcp(5432))
    assert reach_of(folder="..").plan is not None
    assert (reach.found.is_closed, reach_of(closed=True).found.is_closed) == (False, True)
"""


@pytest.mark.long
def test_the_fixtures_are_there_without_a_conftest_and_plan_once(pytester: pytest.Pytester) -> None:
    shop(pytester, CHOICES, program=COUNTED + RAW)
    run(pytester).assert_outcomes(passed=7)
    # dev, dev by name, prod, and two configurations
    assert (pytester.path / "planned.txt").read_text(encoding="utf-8") == "x" * 5


TWO_CLUSTERS = """
import pulumi
import pulumi_kubernetes as k8s

for name, types in {"east": ["Ingress"], "west": []}.items():
    made = pulumi.ResourceOptions(provider=k8s.Provider(name, kubeconfig=f"{name}.yaml"))
    for app in ("web", "api"):
        metadata = {"name": app, "namespace": "shop", "labels": {"app": app}}
        spec = {"containers": [{"name": app, "image": app}]}
        k8s.core.v1.Pod(f"{name}-{app}", metadata=metadata, spec=spec, opts=made)
    for kind in types:
        metadata = {"name": "deny", "namespace": "shop"}
        spec = {"podSelector": {}, "policyTypes": [kind]}
        k8s.networking.v1.NetworkPolicy(f"{name}-deny", metadata=metadata, spec=spec, opts=made)
"""


@pytest.mark.long
def test_one_of_several_clusters_is_chosen(pytester: pytest.Pytester) -> None:
    shop(
        pytester,
        """
def test_setting(reach, reach_of):
    assert reach.denies("shop/web", "shop/api")
    assert "cluster east" in reach.about
    assert reach_of(cluster="west").allows("shop/web", "shop/api", tcp(80))

@pytest.mark.podwall(cluster="west")
def test_marker(reach):
    assert reach.allows("shop/web", "shop/api", tcp(80))
    assert {each.name for each in reach.plan.resources} >= {"west-web"}
    assert not any(each.name == "east-web" for each in reach.plan.resources)
""",
        program=TWO_CLUSTERS,
        ini="podwall_cluster = east\n",
    )
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.long
def test_where_several_clusters_are_meant_the_choice_is_named(pytester: pytest.Pytester) -> None:
    shop(pytester, "def test_it(reach): pass", program=TWO_CLUSTERS)
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*deploys to 2 clusters*", '*in a test `cluster="east"`*'])


@pytest.mark.long
def test_settings_choose_where_no_marker_does(pytester: pytest.Pytester) -> None:
    ini = "podwall_stack = prod\npodwall_engine = calico\npodwall_closed = true\n"
    ini += "podwall_config =\n    client=db\n"
    shop(
        pytester,
        """
def test_settings(reach):
    assert reach.about == "stack prod of shop, engine calico"
    assert reach.found.is_closed
    assert reach.denies("shop/web", "shop/db")

@pytest.mark.podwall(stack="dev", config={"client": "api"})
def test_marker(reach):
    assert reach.about == "stack dev of shop, engine calico"
    assert reach.allows("shop/api", "shop/db", tcp(5432))
""",
        ini=ini,
    )
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.long
def test_the_folder_of_a_setting_is_seen_from_the_rootdir(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\npodwall_folder = infra\n")
    infra = pytester.mkdir("infra")
    for name, text in {"Pulumi.yaml": PROJECT, "__main__.py": RAW}.items():
        (infra / name).write_text(text, encoding="utf-8")
    deep = pytester.mkdir("deep")
    (deep / "test_it.py").write_text(
        HEAD + "def test_it(reach): assert reach.denies('shop/web', 'shop/db')", encoding="utf-8"
    )
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.long
def test_what_cannot_be_planned_is_an_error_in_one_message(pytester: pytest.Pytester) -> None:
    shop(
        pytester,
        """
@pytest.mark.podwall(stack="prdo")
def test_stack(reach): pass

@pytest.mark.podwall(stak="prod")
def test_marker(reach): pass

@pytest.mark.podwall("prod")
def test_unnamed(reach): pass

@pytest.mark.podwall(engine="cillium")
def test_engine(reach): pass

def test_of(reach_of):
    with pytest.raises(OSError, match="there is no stack") as refused:
        reach_of(stack="prdo")
    assert refused.value.__notes__[0].startswith("help: did you mean `prod`?")
""",
    )
    result = run(pytester)
    result.assert_outcomes(errors=4, passed=1)
    result.stdout.fnmatch_lines(
        ["podwall: there is no stack `prdo`*", " help: did you mean `prod`*"]
    )
    result.stdout.fnmatch_lines(["podwall: `stak` is nothing*", " help: did you mean `stack`?"])
    result.stdout.fnmatch_lines(["*the marker `podwall` takes names*"])
    result.stdout.fnmatch_lines(["podwall: *`cillium`*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.long
def test_a_program_that_fails_is_an_error_at_its_line(pytester: pytest.Pytester) -> None:
    shop(pytester, "def test_it(reach): pass", program="import os\nos.environ['NOT_SET']\n")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["podwall: __main__.py:2: the environment variable `NOT_SET` is not set"]
    )


@pytest.mark.long
def test_a_test_without_a_project_is_told_how_to_name_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(reach): pass")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["podwall: *no Pulumi.yaml here*", "*podwall(folder=*"])


@pytest.mark.long
def test_the_programs_modules_are_those_of_its_own_stack(pytester: pytest.Pytester) -> None:
    (pytester.path / "settings.py").write_text(
        "import pulumi\nCLIENT = pulumi.Config('shop').get('client') or 'api'\n", encoding="utf-8"
    )
    (pytester.path / "conftest.py").write_text("", encoding="utf-8")  # puts the root on the path
    program = "from settings import CLIENT\n" + RAW.replace(
        'pulumi.Config().get("client") or "api"', "CLIENT"
    )
    shop(
        pytester,
        """
import settings

def test_each(reach_of):
    reach_of(stack="prod").assert_only("shop/web", "shop/db", tcp(5432))
    reach_of(stack="dev").assert_only("shop/api", "shop/db", tcp(5432))
    assert settings.CLIENT == "api"
""",
        program=program,
    )
    run(pytester).assert_outcomes(passed=1)


MOCKS = """
import asyncio, pulumi
from pulumi_kubernetes.core.v1 import ConfigMap

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        return f"own-{args.name}", dict(args.inputs)
    def call(self, args):
        return {}

@pytest.fixture(scope="module")
def mocked():
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(Mocks(), project="own", stack="test")

def test_before(mocked):
    assert pulumi.get_stack() == "test"

def test_mixed(mocked, reach):
    assert reach.denies("shop/web", "shop/db")
    assert (pulumi.get_project(), pulumi.get_stack()) == ("own", "test")

@pulumi.runtime.test
def test_after(mocked):
    made = ConfigMap("settings", data={"a": "b"})
    return made.id.apply(lambda id_: check(id_))

def check(id_):
    assert id_ == "own-settings"

def test_plan(reach):
    assert "own" not in reach.about
"""


@pytest.mark.long
def test_a_users_own_mocks_are_left_alone(pytester: pytest.Pytester) -> None:
    shop(pytester, MOCKS)
    run(pytester).assert_outcomes(passed=4)


@pytest.mark.long
def test_the_plugin_can_be_left_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    run(pytester, "-p", "no:podwall").assert_outcomes(passed=1)
    pytester.makepyfile("def test_it(reach): pass")
    result = run(pytester, "-p", "no:podwall")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'reach' not found*"])


@pytest.mark.long
def test_the_marker_and_the_fixtures_are_described(pytester: pytest.Pytester) -> None:
    run(pytester, "--markers").stdout.fnmatch_lines(["@pytest.mark.podwall(folder, stack, *"])
    result = run(pytester, "--fixtures")
    said = "*Who reaches whom once the program is deployed*"
    result.stdout.fnmatch_lines(["reach -- *plugin.py*", said])


@pytest.mark.long
def test_a_session_that_does_not_use_the_plugin_pays_nothing_for_it(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): pass", encoding="utf-8")
    code = """
import sys, pytest
assert pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-W", "error"]) == 0
roots = {name.partition(".")[0] for name in sys.modules}
print(sorted(roots & {"numpy", "pulumi", "yaml", "rich"}))
print(sorted(name for name in sys.modules if name.startswith(("podwall", "policies"))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    *_, foreign, own = done.stdout.splitlines()
    assert foreign == "[]"
    assert own == "['podwall', 'podwall.on_demand', 'podwall.testing', 'podwall.testing.plugin']"


@pytest.mark.long
def test_the_command_line_needs_no_pytest() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from podwall.cli import main\nimport podwall.cli.check, podwall.cli.lint\n"
        "from podwall.testing import reach_of_program, reach_of_source\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
