"""Transforms change what is planned, as they change what is deployed."""

from __future__ import annotations

from pathlib import Path

from tests.plan.projects import plan_of, resource

LABEL = """
from pulumi import ComponentResource, ResourceTransformResult

def labelled(key):
    def add(args):
        if args.type_ != "kubernetes:core/v1:Pod":
            return None
        metadata = args.props["metadata"]
        labels = {**metadata.get("labels", {}), key: str(len(metadata.get("labels", {})))}
        props = {**args.props, "metadata": {**metadata, "labels": labels}}
        return ResourceTransformResult(props, args.opts)
    return add
"""


def test_the_resources_own_run_first_then_its_parents_then_the_stacks(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        f"""{LABEL}
pulumi.runtime.register_stack_transform(labelled("stack"))
part = ComponentResource(
    "shop:index:Part", "part", None, ResourceOptions(transforms=[labelled("parent")])
)
pod("web", ResourceOptions(parent=part, transforms=[labelled("own")]))
""",
    )
    labels = resource(plan, "web").inputs["metadata"]["labels"]
    assert labels == {"own": "0", "parent": "1", "stack": "2"}


def test_a_transform_may_change_options(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        """
        from pulumi import ResourceTransformResult

        def keep(args):
            more = ResourceOptions(protect=True, ignore_changes=["a"])
            return ResourceTransformResult(args.props, ResourceOptions.merge(args.opts, more))

        pod("web", ResourceOptions(transforms=[keep]))
        """,
    )
    web = resource(plan, "web")
    assert web.protect
    assert web.options.ignore_changes == ("a",)


def test_an_old_transformation_counts_as_well(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        """
        from pulumi import ResourceTransformationResult

        def protect(args):
            options = ResourceOptions.merge(args.opts, ResourceOptions(protect=True))
            return ResourceTransformationResult(args.props, options)

        pulumi.runtime.register_stack_transformation(protect)
        pod("web")
        """,
    )
    assert resource(plan, "web").protect
