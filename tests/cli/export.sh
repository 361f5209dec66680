#!/bin/sh
# moesim export: traces of a step replay to the step time and traffic they came from; the GOAL file counts what was said.
. "$(dirname "$0")/lib.sh"

run=$data/models/qwen3-30b-a3b.yaml
small="--gpus 16 --set training.global_batch=16 --set architecture.layers=3"

# value KEY: its first number in the JSON of $work/out, of the causal kind where there are two
value() { tr -d ' \n' < "$work/out" | grep -oE "\"$1\":\{?(\"causal\":)?[-+.e0-9]+" | head -n 1 | sed 's/.*://'; }

# shellcheck disable=SC2086 # words
try run "$run" $small --format json
step=$(value step_time_s)
mfu=$(value mfu)
nvlink=$(value nvlink)
network=$(value network)

# ---- Chakra

# shellcheck disable=SC2086
try export chakra "$run" $small -o "$work/traces"
expect_status 0
expect_no_out
expect_err "$work/traces: 16 ranks, "
check "a file per rank, the groups and the run" [ "$(ls "$work/traces" | wc -l)" -eq 18 ]
try run --from-chakra "$work/traces" --format json
expect_status 0
expect_quiet
nodes=$(value nodes)
check "step time $(value step_time_s), simulated $step" \
  awk -v a="$(value step_time_s)" -v b="$step" 'BEGIN { exit !(a > b * 0.999999 && a < b * 1.000001) }'
check "MFU $(value mfu), simulated $mfu" awk -v a="$(value mfu)" -v b="$mfu" 'BEGIN { exit !(a > b * 0.99999 && a < b * 1.00001) }'
check "bytes over the network" awk -v a="$(value network)" -v b="$network" \
  'BEGIN { exit !(b > 0 && a > b * 0.999 && a < b * 1.001) }'
try run --from-chakra "$work/traces"
expect_out "GPUs                 16"
check "the same number of nodes" grep -qE "^nodes +$nodes\$" "$work/out"
check "MFU in the table" awk -v mfu="$mfu" '/^MFU, causal/ { seen = $3 > 100 * mfu - 0.06 && $3 < 100 * mfu + 0.06 } END { exit !seen }' "$work/out"

# Without the run beside them traces have no MFU, and need a machine.
rm "$work/traces/run.yaml"
refused "no run.yaml beside the traces, expected --cluster and --stack" run --from-chakra "$work/traces"
try run --from-chakra "$work/traces" --cluster h100-hgx --stack megatron-bridge:26.02 --format json
expect_status 0
check "an MFU without a run" [ -z "$(value mfu)" ]
check "another step time without the run: $(value step_time_s)" \
  awk -v a="$(value step_time_s)" -v b="$step" 'BEGIN { exit !(a > b * 0.999999 && a < b * 1.000001) }'
try run --from-chakra "$work/traces" --cluster h100-hgx --stack megatron-bridge:26.02 --format csv
check "a replay as a line" grep -q "^h100-hgx,[0-9]*,$step," "$work/out"
mkdir "$work/empty"
refused "$work/empty: no trace, expected files NAME.0.et, NAME.1.et, ..." \
  run --from-chakra "$work/empty" --cluster h100-hgx --stack megatron-bridge:26.02

# A folder that is there stays as it is.
mkdir "$work/there"
touch "$work/there/file"
# shellcheck disable=SC2086
refused "$work/there: cannot write: Directory not empty" export chakra "$run" $small -o "$work/there"
check "something was left behind" [ "$(ls "$work" | grep -c part)" -eq 0 ]
check "the folder was touched" [ "$(ls "$work/there")" = file ]

# ---- GOAL

# shellcheck disable=SC2086
try export goal "$run" $small -o "$work/step.goal"
expect_status 0
check "first line" [ "$(head -n 1 "$work/step.goal")" = "num_ranks 16" ]
calcs=$(grep -c ': calc ' "$work/step.goal")
sends=$(grep -c ': send ' "$work/step.goal")
expect_err "$work/step.goal: 16 ranks, $calcs calcs, $sends sends of"
check "as many receives as sends" [ "$(grep -c ': recv ' "$work/step.goal")" -eq "$sends" ]
check "bytes sent are those of the simulation" awk -v expected="$(awk -v a="$nvlink" -v b="$network" 'BEGIN { print 16 * (a + b) }')" '
  / send / { sub("b", "", $3); sum += $3 }
  END { exit !(sum > 0.999 * expected && sum < 1.001 * expected) }' "$work/step.goal"

finish
