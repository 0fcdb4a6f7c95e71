"""Stand-ins for `pulumi-resource-azure-native` and `pulumi-resource-kubernetes`.

Real gRPC to the real engine and nothing behind it: a resource "exists" when the engine's state says
so. Each stand-in answers the way its model plans and refuses (what is replaced, what is deleted
first, what a preview cannot know), which is what our readers and guards depend on.

    wire            property structs, with the marks of unknown and secret values
    changes         what differs between two property trees, and what that replaces
    provider        what a stand-in answers, as plain values
    azure_native    the Azure stand-in
    kubernetes      the Kubernetes stand-in
    server          the gRPC edge: `python -m tests.engine.plugins azure-native`
"""
