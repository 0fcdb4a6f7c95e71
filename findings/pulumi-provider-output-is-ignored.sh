#!/usr/bin/env bash
# Pulumi for Python: a provider that is an output, given as the option `provider`, is dropped without a word.
#
# What surprises: a component of a package gives back its Kubernetes provider as an output, as every value of a component from another
# process is one. `ResourceOptions(provider=cluster.provider)` with the provider itself sends the object to that cluster. With the
# output of it neither an error nor a warning comes, in `provider` and in `providers`: the object goes to the default provider.
#
# Why it matters: the default Kubernetes provider is the current context of whoever runs `pulumi up`. A NetworkPolicy that is meant
# for the cluster of the program is made in another one, perhaps production, and the program's own cluster stays open; the preview
# looks the same but for one URN. A program that moves from a component of Python to the same one of a package meets it unchanged.
#
# Documented: the type of the option is `ProviderResource`, which a type checker holds; that another value is left out is not.
#
# Needs bash, python3 (3.10 or newer) with pip, and a package index. Output seen with pulumi 3.272.0 and pulumi-kubernetes 4.34.2,
# under Pulumi's mocks, which show the provider that a resource is sent with; the engine 3.272.0 was seen to do the same:
#:
#: provider=the provider itself: cluster
#: provider=an output of it: the default
#: providers=[an output of it]: the default
#: provider= inside an apply: cluster
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
python3 -m pip --version >/dev/null 2>&1 || unable "needs python3 with pip on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/probe.py" <<'PYTHON'
import pulumi

SENT = {}


class Mocks(pulumi.runtime.Mocks):
    """Remember the provider of each resource."""

    def new_resource(self, args):
        SENT[args.name] = "cluster" if "::cluster::" in args.provider else "the default"
        return args.name, args.inputs

    def call(self, args):
        return {}


pulumi.runtime.set_mocks(Mocks())
import pulumi_kubernetes as k8s  # noqa: E402 - after the mocks


def config_map(name, **options):
    """Make an object with some options, or remember what is raised."""
    try:
        k8s.core.v1.ConfigMap(name, opts=pulumi.ResourceOptions(**options))
    except Exception as error:  # noqa: BLE001 - whichever it is
        SENT[name] = type(error).__name__


@pulumi.runtime.test
def program():
    provider = k8s.Provider("cluster", kubeconfig="{}")
    output = pulumi.Output.from_input("later").apply(lambda _: provider)
    config_map("provider=the provider itself", provider=provider)
    config_map("provider=an output of it", provider=output)
    config_map("providers=[an output of it]", providers=[output])
    return output.apply(lambda it: config_map("provider= inside an apply", provider=it))


program()
for name in (
    "provider=the provider itself",
    "provider=an output of it",
    "providers=[an output of it]",
    "provider= inside an apply",
):
    print(f"{name}: {SENT[name]}")
PYTHON

python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" pulumi==3.272.0 pulumi-kubernetes==4.34.2 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "pulumi 3.272.0 and pulumi-kubernetes 4.34.2 can't be installed"; }
PYTHONPATH="$folder/lib" python3 "$folder/probe.py" >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "an output as a provider is treated in another way than it was" >&2
    exit 1
fi
echo "as before: an output as provider= is dropped, and the object goes to the default cluster"
