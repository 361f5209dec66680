#!/bin/sh
# --posterior: intervals by what was learned, the same in every command that takes it.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x22b.yaml

# member KEY: its first number in $work/out.
member() { grep -oE "\"$1\" : [-+.e0-9]+" "$work/out" | head -n 1 | sed 's/.*: //'; }
# about A B: within 3 %.
about() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && a / b < 1.03 && a / b > 1 / 1.03) }'; }

# Every draw: twice as long as predicted, and every assumption of the run's at the low end of its range.
keys() {
  sed -n '/^assumptions:/,/^[a-z]/s/^  \([a-z_.0-9]*\): {.*/\1/p' "$data/models/mixtral-8x22b.yaml" "$data/clusters/h100-hgx.yaml"
}
{
  echo "posterior:"
  echo "  unknowns:"
  echo "    - {key: stack.host.sync}"
  for key in $(keys | sort -u); do echo "    - {key: $key}"; done
  echo "  models: []"
  echo "  draws:"
  n=$(($(keys | sort -u | wc -l) + 1))
  echo "    - [0.693147, 0, 0$(yes ', 0' | head -n "$n" | tr -d '\n')]"
} > "$work/posterior.yaml"

try run "$run" --samples 0 --format json
expect_status 0
step=$(member step_time_s)
low=$(member step_time_p10_s)
check "without a posterior other families' errors make the interval" [ -n "$low" ]

try run "$run" --posterior "$work/posterior.yaml" --format json
expect_status 0
twice=$(member step_time_p50_s)
check "the median is twice the prediction: $twice of $step" about "$twice" "$(awk -v s="$step" 'BEGIN { print 2 * s }')"
check "the prediction itself stays" [ "$(member step_time_s)" = "$step" ]
check "combinations of the posterior" [ "$(member samples)" = 24 ]

try compare "$run" --posterior "$work/posterior.yaml" --format json
expect_status 0
check "compare says the same" [ "$(member step_time_p50_s)" = "$twice" ]

try sweep "$run" --vary gpus=256,512 --posterior "$work/posterior.yaml" --store "$work/points.sqlite" --format json
expect_status 0
check "every point of a sweep has an interval" [ "$(grep -c step_time_p50_s "$work/out")" = 2 ]
try sweep "$run" --vary gpus=256,512 --store "$work/points.sqlite" --resume --format json
check "points by a posterior are not those without" [ "$(grep -c step_time_p50_s "$work/out")" = 0 ]

try plan "$run" --tokens 1T --gpus 256 --limit pipeline=4 --limit tensor=2 --samples 4 --seeds 2 --budget 5s --posterior "$work/posterior.yaml" --format json
check "a plan is twice as long at the median" awk '
  /step_time_s.p50/ { gsub(/,/, ""); middle = $3 + 0 } /step_time_s.predicted/ { gsub(/,/, ""); step = $3 + 0 } END { exit !(middle > 1.9 * step && middle < 2.1 * step) }' "$work/out"

sed 's/0.693147/x/' "$work/posterior.yaml" > "$work/bad.yaml"
try run "$run" --posterior "$work/bad.yaml"
expect_status 2
check "where and what: $(cat "$work/err")" grep -Eq 'bad\.yaml:[0-9]+:[0-9]+: .x. in a draw, expected a number' "$work/err"

finish
