#!/bin/sh
# moesim plan: rows that can be run again, and which of them is recommended.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x7b.yaml
quick="--budget 8s --samples 2 --seeds 2"

# numbers KEY: those of all rows, one a line.
numbers() { grep -oE "\"$1\" : [-+.e0-9]+" "$work/plan.json" | sed 's/.*: //'; }

# shellcheck disable=SC2086 # words
try plan "$run" --tokens 1T --clusters h100-hgx,h800-hgx --gpus 64,128 --deadline 60d --limit pipeline=1,2,4 --limit tensor=1,2 $quick \
  --format json -o "$work/best.yaml" --megatron "$work/best.sh"
expect_status 0
cp "$work/out" "$work/plan.json"
check "four rows" [ "$(numbers gpus | wc -l)" -eq 4 ]

# Each row is what its command prints.
numbers step_time_s.predicted > "$work/expected"
grep -o '"command" : ".*"' "$work/plan.json" | sed 's/.*: "moesim //; s/"$//; s/\\"/"/g' > "$work/commands"
check "four commands" [ "$(wc -l < "$work/commands")" -eq 4 ]
: > "$work/found"
while read -r command; do
  eval "\"$moesim\" $command --format json" 2> "$work/err" | grep -oE '"step_time_s" : [0-9.e-]+' | head -n 1 | sed 's/.*: //' >> "$work/found"
done < "$work/commands"
check "rows are not what their commands print" cmp -s "$work/expected" "$work/found"
awk '/"fits" : false/ { exit 1 }' "$work/plan.json"
check "P10, P50 and P90 are in order" awk '
  /wall_s.p10/ { low = $3 + 0 } /wall_s.p50/ { middle = $3 + 0 } /wall_s.p90/ { high = $3 + 0; n++; if (!(low <= middle && middle <= high)) bad = 1 }
  END { exit bad || n != 4 }' "$work/plan.json"

# The recommended run stands in the file.
at=$(($(numbers decided) + 1))
try run "$work/best.yaml" --format json
expect_status 0
check "the file is another run" [ "$(grep -oE '"step_time_s" : [0-9.e-]+' "$work/out" | head -n 1 | sed 's/.*: //')" = "$(sed -n "${at}p" "$work/expected")" ]
check "no launch line" grep -q -- --tensor-model-parallel-size "$work/best.sh"

# No deadline is kept in no time: the answer is no.
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --gpus 64 --deadline 1h --limit pipeline=1 $quick
expect_status 1
expect_out "None keeps 60 min in nine cases of ten"
expect_out "0 %"
expect_out "moesim run $run --gpus 64"
# A size that no layout divides is a row with its reason.
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --gpus 64,7 --limit pipeline=1 $quick
expect_out "7 GPUs: no answer: "
# What rows without an answer leave of the time goes to those whose search it ended: nothing is out of time early.
begun=$(date +%s)
try plan "$data/models/deepseek-v3.yaml" --tokens 1T --clusters h800-hgx,a100-hgx --gpus 2048,1000,1008 --budget 6s --samples 2 --seeds 2
spent=$(($(date +%s) - begun))
check "out of time after $spent s of 6" [ "$spent" -ge $((2 * $(grep -c 'out of time' "$work/out"))) ]
# Twice the price is twice the bill.
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --gpus 64 --limit pipeline=1 --limit micro_batch=1 $quick --price 2 --format csv
expect_status 0
cp "$work/out" "$work/two"
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --gpus 64 --limit pipeline=1 --limit micro_batch=1 $quick --price '$4' --format csv
column() { awk -F, -v key="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == key) at = i } NR == 2 { print $at }' "$1"; }
check "dollars at twice the price" awk -v a="$(column "$work/two" dollars.p50)" -v b="$(column "$work/out" dollars.p50)" 'BEGIN { exit !(a > 0 && b / a > 1.999999 && b / a < 2.000001) }'

# 35,064 dollars over four years of 8,766 hours are a dollar an hour, and free power adds little.
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --gpus 64 --limit pipeline=1 --limit micro_batch=1 $quick --own 35064,4,1e-9 --format csv
check "a dollar an hour" awk -v p="$(column "$work/out" price_gpu_hour_dollars)" 'BEGIN { exit !(p > 0.999999 && p < 1.000001) }'
# A price that was set has not the source of the one in the file.
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --gpus 64 --limit pipeline=1 --limit micro_batch=1 $quick --set cluster.price.gpu_hour=2.22
expect_out 'h100-hgx: $2.22'
check "another price's source" sh -c '! grep -qE "[$]2[.]22.*(, 20|:)" "$1"' - "$work/out"
# What is owned is not called rent, nor unknown.
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --gpus 64 --limit pipeline=1 --limit micro_batch=1 $quick --own 35064,4,0.05
expect_out 'Owned at $35.06 K per GPU, written off over 4 years, power at $0.05 per kWh; per GPU-hour:'
check "neither rent nor unknown" sh -c '! grep -qE "Rent per|purchase unknown" "$1"' - "$work/out"
# Beside the rent stands what owning takes, where a purchase price is known; a range the wrong way round is none.
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --gpus 64 --limit pipeline=1 --limit micro_batch=1 $quick --set cluster.price.purchase=35064
expect_out "Owned instead, per GPU-hour, written off over 4 years (3 to 6)"
expect_out '($0.'
expect_out '$35.06 K per GPU'
refused "prices from 5 to 0, expected low <= high, both or none" run "$run" --set cluster.price.purchase_low=5

refused "--own: expected DOLLARS,YEARS,DOLLARS-PER-KWH" plan "$run" --tokens 1T --own 1,2,3,4

for option in --output --megatron; do # looked at before anything is searched
  refused "$work/nowhere/best: cannot write" plan "$work/no-run.yaml" --tokens 1T "$option" "$work/nowhere/best"
done
refused "tokens to train on are not said" plan "$run" --gpus 64
refused "--gpus: 'many', expected a whole number" plan "$run" --tokens 1T --gpus many
refused "no file clusters/h10-hgx.yaml" run "$run" --cluster h10-hgx
# shellcheck disable=SC2086
try plan "$run" --tokens 1T --clusters h10-hgx --gpus 64 --wide $quick
expect_status 1
expect_out 'did you mean "h100-hgx"'

finish
