"""Everything that a plan records of a resource."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.plan import Operation, Plan
from podwall.policies.errors import Place, SourceError
from tests.plan.projects import plan_of, resource

PREFIX = "urn:pulumi:dev::shop::"
POD = "kubernetes:core/v1:Pod"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(
        tmp_path,
        """
        from pulumi import Alias, ComponentResource, CustomTimeouts
        from pulumi_kubernetes import Provider

        class Part(ComponentResource):
            def __init__(self):
                super().__init__("shop:index:Part", "part", None, ResourceOptions(protect=True))
                self.inner = pod("inner", ResourceOptions(parent=self))

        provider = Provider("k8s", kubeconfig="{}")
        part = Part()
        web = pod("web", ResourceOptions(
            provider=provider,
            depends_on=[part],
            deleted_with=provider,
            ignore_changes=["spec"],
            replace_on_changes=["metadata.name"],
            retain_on_delete=True,
            aliases=[Alias(name="old-web")],
            custom_timeouts=CustomTimeouts(create="5m"),
            additional_secret_outputs=["status"],
        ))
        pod("api", annotations={"web": web.metadata.name})
        Pod.get("there", "shop/there")
        pulumi.export("name", web.metadata.name)
        """,
    )


def test_everything_stands_under_the_stack(plan: Plan) -> None:
    stack = resource(plan, "shop-dev")
    assert (stack.type, stack.parent) == ("pulumi:pulumi:Stack", None)
    assert resource(plan, "web").parent == resource(plan, "part").parent == stack.urn


def test_urns_are_those_of_the_engine(plan: Plan) -> None:
    assert resource(plan, "web").urn == f"{PREFIX}{POD}::web"
    assert resource(plan, "inner").urn == f"{PREFIX}shop:index:Part${POD}::inner"


def test_a_child_has_the_component_as_parent_and_its_protection(plan: Plan) -> None:
    inner = resource(plan, "inner")
    assert inner.parent == resource(plan, "part").urn
    assert inner.protect
    assert not resource(plan, "web").protect


def test_options_are_recorded(plan: Plan) -> None:
    web = resource(plan, "web")
    assert web.provider == web.options.deleted_with == resource(plan, "k8s").urn
    assert web.options.ignore_changes == ("spec",)
    assert web.options.replace_on_changes == ("metadata.name",)
    assert web.options.retain_on_delete
    assert web.options.aliases == ("::old-web",)
    assert web.options.timeouts == {"create": "5m"}
    assert web.options.secret_outputs == ("status",)


def test_dependencies_are_recorded_for_the_whole_and_for_each_property(plan: Plan) -> None:
    assert resource(plan, "inner").urn in resource(plan, "web").dependencies
    api = resource(plan, "api")
    assert api.property_dependencies == {"metadata": (resource(plan, "web").urn,)}


def test_what_exists_already_is_read_and_not_made(plan: Plan) -> None:
    there = resource(plan, "there")
    assert there.change is Operation.READ
    assert there.options.import_id == "shop/there"
    assert resource(plan, "web").change is Operation.CREATE


def test_exports_are_the_outputs(plan: Plan) -> None:
    assert plan.outputs == {"name": "web"}


def test_a_resource_is_placed_at_the_line_that_made_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "Namespace('shop')\n\nNamespace('tools')")
    lines = [resource(plan, name).place for name in ("shop", "tools")]
    assert lines == [Place("__main__.py", 9), Place("__main__.py", 11)]


def test_aliases_that_the_sdk_adds_by_itself_are_left_out(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "from pulumi_azure_native.resources import ResourceGroup\nResourceGroup('rg')",
    )
    assert resource(plan, "rg").options.aliases == ()


def test_two_resources_of_one_kind_and_name_are_refused_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as refused:
        plan_of(tmp_path, "Namespace('shop')\nNamespace('shop')")
    assert refused.value.message == "a second Namespace is named `shop`"
    assert refused.value.help == "give it another name; the first is at __main__.py:9"
    assert refused.value.place == Place("__main__.py", 10)


@pytest.mark.long
def test_the_order_is_that_of_the_program(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(9)]
    plan = plan_of(tmp_path, f"for name in {names}: Namespace(name)")
    assert [each.name for each in plan.resources[1:]] == names


@pytest.mark.parametrize(
    ("given", "planned"),
    [
        ("type_='azure-native:resources/v20200601:ResourceGroup'", ()),
        ("name='old'", ("::old",)),
        ("type_='azure-native:resources/v20200601:ResourceGroup', name='old'",
         ("azure-native:resources/v20200601:ResourceGroup::old",)),
        ("type_='azure:core:OldGroup'", ("azure:core:OldGroup::",)),
    ],
)  # fmt: skip
@pytest.mark.long(keep=2)
def test_aliases_that_a_program_gives_stay_beside_those_of_the_sdk(
    given: str, planned: tuple[str, ...], tmp_path: Path
) -> None:
    plan = plan_of(
        tmp_path,
        "from pulumi import Alias, ResourceOptions\n"
        "from pulumi_azure_native.resources import ResourceGroup\n"
        f"options = ResourceOptions(aliases=[Alias({given})])\n"
        "ResourceGroup('rg', opts=options)\n"
        "assert len(options.aliases) == 1",
    )
    assert resource(plan, "rg").options.aliases == planned
