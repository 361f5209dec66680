#!/bin/sh
# Answers that once misled: each way of asking says what it does, or is refused.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x7b.yaml
v5=$data/models/mai-base-1/v5.yaml
case=$data/validation/bridge.yaml:bridge-26.08-dsv3-gb200-mxfp8

# value KEY: the first number of that key in the JSON of $work/out
value() { grep -oE "\"$1\" : [-+.e0-9]+" "$work/out" | head -n 1 | sed 's/.*: //'; }

# A unit behind the last value is that of the bare numbers before it.
try sweep "$run" --vary 'cluster.network.nic=200,400 Gbit/s' --format csv
expect_status 0
sed 's/,[^,]*$//' "$work/out" > "$work/units" # less the time the prediction took
try sweep "$run" --vary 'cluster.network.nic=200 Gbit/s,400 Gbit/s' --format csv
sed 's/,[^,]*$//' "$work/out" > "$work/each"
check "one unit, two values" cmp -s "$work/units" "$work/each"

# A number that was asked for is printed as it was asked for, not with the digits of its binary form.
for format in table csv; do
  try sweep "$run" --vary cluster.domain.efficiency=0.3,0.7 --format $format
  check "$format: 0.3 and 0.7" [ "$(grep -cE '^0\.[37][ ,]' "$work/out")" -eq 2 ]
done

# A value that nobody can read is refused before anything is computed, wherever it stands; a layout that cannot be is a point with a reason.
for wrong in 'cluster.network.nic=400 Gbit/s,8 parsec' 'training.micro_batch={a: 1},2' parallelism.zero=1,9 cluster=h100-hgx,nowhere gpus=64,many; do
  try sweep "$run" --vary training.micro_batch=1 --vary "$wrong" --format csv
  case $wrong in training.*) try sweep "$run" --vary "$wrong" --format csv ;; esac
  expect_status 2
  expect_no_out
done
# What is wrong with a value is said of the option that it came in.
refused "--vary training.micro_batch=x: " sweep "$run" --vary training.micro_batch=1,x
refused "--vary training.micro_btch=1: unknown key" sweep "$run" --vary training.micro_btch=1,2
refused "--vary cluster=h100-hgxx: no file clusters/h100-hgxx.yaml, did you mean \"h100-hgx\"" sweep "$run" --vary cluster=h100-hgx,h100-hgxx

try sweep "$run" --vary parallelism.tensor=1,3 --wide
expect_status 0
expect_err "1 of 2 points cannot be"
expect_out "gpus is 64, expected a multiple of"
mkdir "$work/cases"
sed -n '1,/^cases:/p' "$data/validation/bridge.yaml" > "$work/cases/one.yaml"
cat >> "$work/cases/one.yaml" << EOF2
  - {id: good, extends: $run, published: {mfu: 0.4}}
  - {id: impossible, extends: $run, parallelism: {tensor: 3}, published: {mfu: 0.4}}
EOF2
try validate --cases "$work/cases"
expect_status 1
expect_err "1 of 2 cases have no prediction"

# Ranks that a folded run does not simulate are named.
try run "$run" --trace "$work/trace.json" --trace-ranks 0,8
expect_status 0
expect_err "ranks 8 do the same as another rank"
try run "$run" --trace "$work/trace.json" --trace-ranks 0
expect_quiet

# Two runs: options change both, --with the second.
try explain "$run" "$run" --set training.micro_batch=2
expect_status 0
expect_err "change both runs"
try explain "$run" --with training.micro_batch=2
expect_status 0
expect_quiet
expect_out "micro_batch"
refused "explain: --with and a second run" explain "$run" "$run" --with training.micro_batch=2

# Help offers what is taken.
try show --help
expect_out "table, yaml, csv or json"
for format in table yaml csv json; do
  try show "$run" --format "$format"
  expect_status 0
done
try report --help
check "report offers --format" sh -c "! grep -q -- --format '$work/out'"
# A message is one line, whatever it quotes.
refused 'unknown word '"'table\\nx'" run "$run" --format 'table
x'
refused "unknown word 'xml'" schema runn --format xml
refused 'no\nsuch.yaml: No such file' run 'no
such.yaml'
# An option that is offered is read: nonsense in it is refused by every command.
for command in run explain memory "sweep --vary training.micro_batch=1" search "plan --tokens 1T" goodput fabric sensitivity show compare \
  "report -o $work/x.html" "export goal -o $work/x.goal" "export megatron"; do
  "$moesim" "${command%% *}" --help > "$work/help"
  for option in --format=nonsense --fidelity=nonsense --steps=0 --seed=-1 --scaling=nonsense --gpus=0; do
    grep -q -- " ${option%%=*}=" "$work/help" || continue
    # shellcheck disable=SC2086 # words
    try $command "$run" "$option"
    expect_status 2
  done
done
for example in gemm attention; do
  try calibrate "$data/validation/measured/$example.yaml"
  expect_status 0
done

cd "$data" || exit 1
# What others extend is checked by them.
try check models/mai-base-1/common.yaml
expect_status 0
expect_out "common.yaml: base, good in models/mai-base-1/v1.yaml"
grep -v '^cluster' "$run" > "$work/alone.yaml"
sed -i "s,extends: ,extends: $data/models/," "$work/alone.yaml"
try check "$work/alone.yaml"
expect_status 2

# A case is a run.
try run "$case" --format json
expect_status 0
step=$(value step_time_s)
check "no step" [ -n "$step" ]
try compare "$case" --format json
check "compare of a case" [ "$(value step_time_s)" = "$step" ]
try sweep "$case" --vary parallelism.gpus=256 --format json
check "sweep of a case" [ "$(value step_time_s)" = "$step" ]
try explain "$case" --orders 1 --format json
check "explain of a case" [ "$(value step_time_s)" = "$step" ]
for command in memory show "goodput --tokens 1T --seeds 1"; do
  # shellcheck disable=SC2086
  set -- $command
  verb=$1
  shift
  try "$verb" "$case" "$@"
  expect_status 0
done
refused 'did you mean "bridge-26.08-dsv3-gb200-mxfp8"' run "${case}x"
refused "a file of cases, expected FILE:ID" run "$data/validation/bridge.yaml"

# Whether the batch follows.
try run "$run" --gpus 128 --format json
check "--gpus is weak" [ "$(value global_batch)" = 512 ]
try run "$run" --gpus 128 --scaling strong --format json
check "--gpus with --scaling strong" [ "$(value global_batch)" = 256 ]
try run "$run" --set parallelism.gpus=128 --format json
check "parallelism.gpus is strong" [ "$(value global_batch)" = 256 ]
try run "$run" --set parallelism.gpus=128 --scaling weak --format json
check "parallelism.gpus with --scaling weak" [ "$(value global_batch)" = 512 ]
try sweep "$run" --vary gpus=64,128 --scaling strong --wide
expect_out "batch"
check "batches of the rows" [ "$(awk 'NR > 1 && !NF { exit } NR > 1 { print $3 }' "$work/out" | tr '\n' ' ')" = "256 256 " ]
refused "--scaling: unknown word 'some'" run "$run" --scaling some

# Numbers as they are printed.
try goodput "$run" --tokens 30T --price '$3' --seeds 1 --format json
expect_status 0
check "30T" [ "$(value tokens)" = 30000000000000.0 ]
try goodput "$run" --tokens 30e12 --price 3 --seeds 1 --format json
cp "$work/out" "$work/plain"
try goodput "$run" --tokens '30 T' --price 3.00 --seeds 1 --format json
check "30 T and 30e12" cmp -s "$work/plain" "$work/out"
try run "$v5" --gpus 8.192k --format json
check "8.192k GPUs" [ "$(value gpus)" = 8192 ]
try sweep "$run" --vary gpus=64:0.128k:*2 --format json
expect_status 0
refused "--gpus: '8 GB', expected a whole number" run "$run" --gpus '8 GB'

# Overrides keep each other, whichever comes first, and along an axis.
try run "$run" --set cluster.price.gpu_hour=3.21 --set cluster=h200-hgx --format json
check "price of another cluster" [ "$(value price_gpu_hour_dollars)" = 3.21 ]
try sweep "$run" --vary cluster=h200-hgx --set cluster.price.gpu_hour=3.21 --format json
check "price along an axis" [ "$(value price_gpu_hour_dollars)" = 3.21 ]

# A winner that failures would make late is none: with one every 9 minutes on 64 GPUs the training takes twice as long.
set -- --limit gpus=64,128 --limit tensor=1 --limit pipeline=1 --limit context=1 --limit expert=8 --limit micro_batch=1 --limit zero=2 \
  --limit recompute=full --limit offload=0
try search "$run" "$@" --limit gpus=64 --top 1 --format json
expect_status 0
deadline=$(awk -v step="$(value step_time_s)" 'BEGIN { print 954 * step * 1.05 }')
try search "$run" "$@" --objective gpus --tokens 1e9 --deadline "$deadline" --top 1 --format json --set 'cluster.reliability.gpu_mtbf=0 h'
check "64 GPUs that never fail" [ "$(value gpus)" = 64 ]
try search "$run" "$@" --objective gpus --tokens 1e9 --deadline "$deadline" --top 1 --format json --set 'cluster.reliability.gpu_mtbf=10 h'
check "64 GPUs that fail every 9 minutes" [ "$(value gpus)" != 64 ]

# What decides stands under an answer; a wider interval than failures alone give stands under a training.
try run "$v5"
expect_out "assumptions that decide most"
expect_out "training.precision.lm_head: "
try goodput "$v5" --seeds 5 --samples 4
expect_out "All told "
expect_out "the model's own error"
try goodput "$v5" --seeds 5 --samples 4 --format json
check "all told is wider than failures alone" awk '
  /"p10" :/ && !low { low = $3 + 0 } /"p90" :/ && !high { high = $3 + 0 } /wall_s_p10/ { a = $3 + 0 } /wall_s_p90/ { b = $3 + 0 }
  END { exit !(a > 0 && a < low && b > high) }' "$work/out"

# One interval, whoever tells it: assumptions and the model's own error together, with the share of each.
interval() { sed -n '/"interval" : {/,/}/p' "$work/out" | tr -d ' '; }
try run "$run" --samples 6 --format json
interval > "$work/told"
check "shares of the interval" grep -q model_error_share "$work/told"
try sensitivity "$run" --samples 6 --format json
interval > "$work/again"
check "the interval of sensitivity" cmp -s "$work/told" "$work/again"
try sweep "$run" --vary training.micro_batch=1 --samples 6 --format json
interval > "$work/again"
check "the interval of sweep" cmp -s "$work/told" "$work/again"
try sensitivity "$run" --samples 6
expect_out "P10 to P90 made of: assumptions "
expect_out "assumptions alone: P10"
try report "$run" --samples 6 --seeds 0 -o "$work/page.html"
expect_status 0
check "shares in a report" grep -q "made of assumptions [0-9.]* %, the model.*s own error" "$work/page.html"

# A training that does not fit says so where its days stand.
try goodput "$v5" --cluster h800-hgx --seeds 2 --samples 0
expect_status 0
expect_out "DOES NOT FIT: "
try goodput "$v5" --cluster h800-hgx --seeds 2 --samples 0 --format json
expect_out '"fits" : false'
try goodput "$v5" --seeds 2 --samples 0
check "what fits is not warned of" sh -c "! grep -q 'DOES NOT FIT' '$work/out'"

finish
