#!/bin/sh
# moesim goodput: what can be said by hand of trainings that nothing interrupts, and of the interval between checkpoints.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x7b.yaml
never="--mtbf 0 --host-mtbf 0 --link-mtbf 0"

# value KEY [INNER]: number of the JSON in $work/out
value() { tr -d ' \n' < "$work/out" | grep -oE "\"$1\":${2:+\{\"$2\":}[-+.e0-9]+" | head -n 1 | sed 's/.*://'; }
near() { # near WHAT VALUE EXPECTED SHARE
  check "$1 is $2, expected $3" awk -v a="$2" -v b="$3" -v share="$4" 'BEGIN { exit !(a >= b * (1 - share) && a <= b * (1 + share)) }'
}

# Nothing fails: 954 steps of 1,048,576 tokens hold a billion, and the wall-clock is their time.
# shellcheck disable=SC2086 # words
try goodput "$run" --tokens 1e9 --seeds 2 $never --format json
expect_status 0
expect_one_line
expect_err "nothing fails: neither the run, its cluster nor --mtbf says how often parts do"
check "954 steps" [ "$(value steps)" -eq 954 ]
near "ideal time" "$(value ideal_s)" "$(awk -v step="$(value step_time_s)" 'BEGIN { printf "%.9g", 954 * step }')" 1e-6
near "wall-clock" "$(value wall_s mean)" "$(value ideal_s)" 1e-9
near "goodput" "$(value goodput mean)" 1 1e-9
ideal=$(value ideal_s)
# At 2 dollars an hour, 64 GPUs.
# shellcheck disable=SC2086
try goodput "$run" --tokens 1e9 --seeds 2 $never --price 2 --format json
near "dollars" "$(value dollars)" "$(awk -v ideal="$ideal" 'BEGIN { printf "%.9g", 2 * 64 * ideal / 3600 }')" 1e-6

# Some GPU is slow from the first seconds on, and for longer than the training lasts.
for slowdown in 2 1.5; do
  # shellcheck disable=SC2086
  try goodput "$run" --tokens 1e9 --seeds 2 $never --degraded "1 s,1000 h,$slowdown" --format json
  near "wall-clock at a slowdown of $slowdown" "$(value wall_s mean)" "$(awk -v a="$ideal" -v b="$slowdown" 'BEGIN { print a * b }')" 1e-4
done

# 64 GPUs that fail once in 100 h stop the job once in 5625 s; Young: sqrt(2 x cost x MTBF), here the cost of the copy.
try goodput "$run" --tokens 1e10 --seeds 2 --mtbf 100h --checkpoint optimum --format json
expect_quiet
near "MTBF of the job" "$(value job_mtbf_s)" 5625 1e-9
near "Young's interval" "$(value young_interval_s)" "$(awk -v c="$(value copy_s)" 'BEGIN { print sqrt(2 * c * 5625) }')" 1e-5
check "the optimum is taken" [ "$(value interval_s)" = "$(value optimum_interval_s)" ]
optimum=$(value goodput mean)
try goodput "$run" --tokens 1e10 --seeds 2 --mtbf 100h --checkpoint 1h --format json
check "the interval said is taken" [ "$(value interval_s)" = 3600.0 ]
check "goodput at the optimum below that at an hour" awk -v a="$optimum" -v b="$(value goodput mean)" 'BEGIN { exit !(a > b) }'

# Published days are of the tokens and the GPUs of the file.
v5=$data/models/mai-base-1/v5.yaml
try goodput "$v5" --seeds 2 --format json
check "published wall-clock" [ "$(value published wall_s)" = 1836000.0 ]
try goodput "$v5" --seeds 2 --gpus 4096 --format json
check "no published wall-clock at 4,096 GPUs" [ "$(value published wall_s)" = 0.0 ]
try goodput "$v5" --seeds 2 --tokens 1e12 --format json
check "no published wall-clock for other tokens" [ "$(value published wall_s)" = 0.0 ]
# Days and dollars of what does not fit are said to be of nothing.
try goodput "$v5" --seeds 2 --set offload.activations=0 --cluster h800-hgx
expect_status 0
expect_err "does not fit: stage 0 needs"
expect_err "of headroom"

refused "--degraded: slowdown 0.5 is below 1" goodput "$run" --degraded '1 h,1 h,0.5'
refused '--degraded: expected a duration such as "2 us"' goodput "$run" --degraded '1 h,x,2'
refused "--stragglers: expected MTBF,LENGTH,SLOWDOWN" goodput "$run" --stragglers '1 h'
refused "--seeds: expected a positive number" goodput "$run" --tokens 1e9 --seeds 0
refused "--jobs: -1, expected 0 to 1024" goodput "$run" --tokens 1e9 --jobs=-1
refused "--checkpoint:" goodput "$run" --tokens 1e9 --checkpoint often
refused "absent.yaml" goodput absent.yaml

finish
