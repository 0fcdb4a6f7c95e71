#!/usr/bin/env bash
# Compares what the variables PREVIEW, MANIFESTS or PROGRAM name with what there was before, and writes every report to
# OUT. It succeeds even where the comparison fails, so that the report is posted: how the comparison ended stands in the
# output `exit-code`.
set -uo pipefail

STACK=${STACK##*/} # the CLI's `organisation/project/stack` is a file `Pulumi.stack.yaml` here
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
podwall=$home/.venv/bin/podwall
work=$(mktemp -d "${RUNNER_TEMP:-/tmp}/podwall-XXXXXX")
trap 'rm -rf "$work"' EXIT
nothing=$work/nothing.json
unplanned=$work/unplanned
rm -f "$OUT/outputs.txt" "$OUT/github-annotations.txt"
printf '{"steps": []}\n' >"$nothing"
: >"$unplanned"

# Names in a checkout are anybody's words: the runner must read no command in them.
quietly() {
    local word
    word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    echo "::stop-commands::$word"
    "$@"
    local code=$?
    echo "::$word::"
    return "$code"
}

refused() {
    echo "::error::podwall: $1"
    echo "exit-code=2" >>"$GITHUB_OUTPUT"
    exit 2
}

# Prints the folder that stands in the base at the place of the given one; it may not exist there.
in_base() {
    local prefix
    prefix=$(git -C "$1" rev-parse --show-prefix) || return
    if [ ! -d "$work/base" ]; then
        git -C "$1" worktree add --quiet --detach "$work/base" "$BASE_REF" >&2 || return
    fi
    printf '%s\n' "$work/base/$prefix"
}

# Prints the file of the plan of the program in a folder.
planned() {
    (cd "$1" && quietly "$podwall" preview --with embedded ${STACK:+--stack "$STACK"} --out "$2") >&2
    find "$2" -name plan.json -print -quit 2>/dev/null | grep . || printf '%s\n' "$unplanned"
}

no_base="the base is not in the checkout: give actions/checkout \`fetch-depth: 2\`, or name another base-ref"
case "${PREVIEW:+p}${MANIFESTS:+m}${PROGRAM:+g}" in
p)
    sources=("$PREVIEW")
    ;;
m)
    [ -d "$MANIFESTS" ] || refused "the folder of manifests is not in the checkout"
    old=$(in_base "$MANIFESTS") || refused "$no_base"
    [ -d "$old" ] || old=$nothing
    sources=("$old" "$MANIFESTS")
    ;;
g)
    [ -d "$PROGRAM" ] || refused "the folder of the program is not in the checkout"
    old=$(in_base "$PROGRAM") || refused "$no_base"
    if [ -f "$old/Pulumi.yaml" ]; then old=$(planned "$old" "$work/old"); else old=$nothing; fi
    sources=("$old" "$(planned "$PROGRAM" "$work/new")")
    ;;
*)
    refused "name one of preview, manifests and program"
    ;;
esac

server=${GITHUB_SERVER_URL:-https://github.com}/${GITHUB_REPOSITORY:-}
lines="$server/blob/$(git rev-parse HEAD 2>/dev/null || echo HEAD)/{path}#L{line}"
run="${GITHUB_SERVER_URL:-https://github.com}/${GITHUB_REPOSITORY:-}/actions/runs/${GITHUB_RUN_ID:-}"
quietly "$podwall" diff "${sources[@]}" --out "$OUT" --subject "$SUBJECT" --link "${LINK:-$run}" \
    --line-link "$lines" \
    --project "${PROGRAM:-$PROJECT}" --fail-on "$FAIL_ON" \
    ${ENGINE:+--engine "$ENGINE"} ${EXPECTATIONS:+--expectations "$EXPECTATIONS"} \
    ${ACCEPTED:+--accepted "$ACCEPTED"}
code=$?

[ -f "$OUT/outputs.txt" ] || refused "it ended with exit code $code before there was a report"
cat "$OUT/outputs.txt" >>"$GITHUB_OUTPUT"
echo "report=$OUT" >>"$GITHUB_OUTPUT"
cat "$OUT/comment.md" >>"$GITHUB_STEP_SUMMARY"
# Written and escaped by podwall, so that the runner may read commands in it: notes beside the lines of the change.
[ "$ANNOTATE" != true ] || cat "$OUT/github-annotations.txt" 2>/dev/null || true
