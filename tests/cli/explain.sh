#!/bin/sh
# moesim explain, sensitivity, compare --samples: shapes of the answers, refusals. The figures themselves are tested beside the rooms of studies.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x7b.yaml

try explain "$run"
expect_status 0
expect_quiet
expect_out "kernels below peak"
expect_out "model FLOPs at peak"
expect_out "all orders of removal"
try explain "$run" --orders 8 --format json
expect_out '"orders" : 8'
expect_out '"share_s"'
try explain "$run" --format csv
expect_out "cause,present,accounted_s"

try explain "$run" "$run"
expect_status 0
expect_out "No key differs"
cat > "$work/other.yaml" << END
extends: $data/models/mixtral-8x7b.yaml
training: {micro_batch: 2}
stack: {extends: megatron-core:2024, host: {step: 100 ms}}
END
try explain "$run" "$work/other.yaml"
expect_status 0
expect_out "training.micro_batch"
expect_out "stack.host.step"
expect_out "interaction"
try explain "$run" "$work/other.yaml" --format csv
check "a line per change, of six cells" awk -F, 'NR == 1 { if ($1 != "change") exit 1 } { if (NF != 6) exit 1; keys += $2 } END { exit !(NR > 2 && keys >= 2) }' "$work/out"
try explain "$run" "$work/other.yaml" --format json
expect_out '"mfu_interaction"'
expect_out '"key" : "training.micro_batch"'
refused "absent.yaml" explain "$run" absent.yaml
refused "--fidelity: unknown word" explain "$run" --fidelity half
refused "too many arguments" explain "$run" "$run" "$run"
refused "--orders: negative" explain "$run" --orders=-1

try sensitivity "$run" --samples 5
expect_status 0
expect_out "P90"
expect_out "5 combinations"
try sensitivity "$run" --samples 5 --seed 1 --format json
cp "$work/out" "$work/first"
try sensitivity "$run" --samples 5 --seed 1 --format json --jobs 1
check "another number of threads, another answer" cmp -s "$work/first" "$work/out"
refused "--samples" sensitivity "$run" --samples 0
try sensitivity "$run" --samples 5 --format csv
check "as many assumptions in CSV as in JSON" [ "$(($(wc -l < "$work/out") - 1))" -eq "$(grep -c '"key" :' "$work/first")" ]

try compare "$run" --samples 4
expect_status 0
expect_out "P10"
expect_out "P90"
try compare "$run" --samples 4 --format json
check "an interval around nothing" awk '/"mfu_causal_p10"/ { low = $3 } /"mfu_causal_p90"/ { high = $3 } END { exit !(low > 0 && low + 0 < high + 0) }' "$work/out"
refused "--samples: negative" compare "$run" --samples=-4

finish
