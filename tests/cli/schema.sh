#!/bin/sh
# moesim schema: every key that is read, in the program's own words.
. "$(dirname "$0")/lib.sh"

source=$2

try schema
expect_status 0
expect_quiet
check "a line of more than 100 columns" awk 'length($0) > 100 { exit 1 }' "$work/out"
for kind in Run Cluster Stack Accelerator Fabric Case; do
  expect_out "## $kind"
done
"$source/tools/inputs.sh" "$moesim" > "$work/out"
check "docs/inputs.md is not what tools/inputs.sh prints" cmp -s "$work/out" "$source/docs/inputs.md"

try schema stack
expect_status 0
expect_out "- \`sync\` (duration"
check "other kinds of files" sh -c "! grep -q '^## Run' '$work/out'"
refused "did you mean 'cluster'?" schema cluter
refused "expected one of md, json" schema run --format xml

# What a program reads of it.
try schema --format json
expect_status 0
check "not JSON" jq -e '.schemas | length == 6' "$work/out" > /dev/null
# key KIND KEY FILTER: a jq condition on that key.
key() {
  check "$2: $3" jq -e --arg key "$2" ".schemas[] | select(.schema == \"$1\") | .keys[] | select(.key == \$key) | $3" "$work/out" > /dev/null
}
key run training.precision.gemm '.kind == "word" and .default == "bf16" and (.words | index("mxfp8")) != null and .mechanism == "precision"'
key run parallelism.tensor '.kind == "integer" and .minimum == 1 and .default_value == 1 and .axis == "tensor"'
key run cluster '.required and .folder == "clusters"'
key run cluster.network.latency.leaf '.file == "cluster" and .unit == "s" and .default_value == 2.8e-6'
key run stack.host.launch '.form == "named" and .required and .unit == "s"'
key run training.routing.capacity_factor '.also == "none" and .default == "none"'
key accelerator peak.bf16 '.required and .unit == "FLOP/s"'
key case 'cases[].id' '.required'

# No key that is read is missing: every row of a table, and every key that own code asks for by name.
jq -r '.schemas[].keys[].key' "$work/out" | sed 's/.*\.//; s/\[\]$//' | sort -u > "$work/known"
cat "$source"/src/spec/*.c > "$work/spec.c"
{
  grep -oE '^ *\{"[a-zA-Z0-9_-]+", *(\.kind|MOE_FIELD|POSITIVE|PEAK|WIDTH|PRECISION|DEGREE|SECONDS|BYTES|NUMBER|METRIC|DURATION)' "$work/spec.c" |
    sed 's/^ *{"//; s/".*//'
  grep -oE 'moe_node_get\([^"()]*, "[^"]+"\)' "$work/spec.c" | sed 's/.*"\(.*\)".*/\1/'
  grep -oE 'moe_(doc|node)_find\([^"]*, "[^"]+"\)' "$work/spec.c" | sed 's/.*"\(.*\)".*/\1/' | tr . '\n'
} | sort -u > "$work/read"
check "too few keys are found in the sources" [ "$(wc -l < "$work/read")" -gt 200 ]
comm -23 "$work/read" "$work/known" > "$work/err"
check "keys that are read and not in the schema" [ ! -s "$work/err" ]

finish
