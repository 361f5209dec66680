#!/bin/sh
# The tables of sweeps and searches say what their CSV says, and what there is to say about points that cannot be.
. "$(dirname "$0")/lib.sh"

# column FILE.csv TITLE: the cells below a title. Cells before it may be quoted, and then hold commas.
column() {
  awk -v title="$2" '
    { rest = $0; n = 0
      while (rest != "") {
        if (match(rest, /^"[^"]*"/) || match(rest, /^[^,]*/)) cell[++n] = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RLENGTH + 2)
      }
      if (NR == 1) { for (i = 1; i <= n; i++) if (cell[i] == title) wanted = i } else print cell[wanted] }' "$1"
}

# shown TITLE: the cells below a title in the ranking on $work/out.
shown() {
  awk -F '  +' -v title="$1" '{ sub(/^ */, "") } /^rank / { for (i = 1; i <= NF; i++) if ($i == title) wanted = i }
    /^[0-9]+  / { print $wanted }' "$work/out"
}

# Shares on stdin as the tables print them.
percent() {
  awk '{ printf "%.1f\n", 100 * $1 }'
}

run=$data/models/mixtral-8x7b.yaml
try sweep "$run" --vary parallelism.tensor=1,2 --format csv
expect_status 0
cp "$work/out" "$work/sweep.csv"
try sweep "$run" --vary parallelism.tensor=1,2,3 --wide
expect_status 0
check "not one row for each value" [ "$(awk 'NR > 1 && !NF { exit } NR > 1 { print $1 }' "$work/out" | tr '\n' ' ')" = "1 2 3 " ]
expect_out "gpus is 64, expected a multiple of tensor x context x pipeline (12)"
column "$work/sweep.csv" mfu.causal | percent > "$work/expected"
awk 'NR > 1 && !NF { exit } NR > 1 && $2 != "-" { print $6 }' "$work/out" > "$work/printed"
check "MFU of the table and of the CSV" cmp -s "$work/expected" "$work/printed"
check "no MFU at all" [ "$(wc -l < "$work/printed")" -eq 2 ]
column "$work/sweep.csv" tokens_per_s_per_gpu | awk '{ printf "%.0f\n", $1 }' > "$work/expected"
awk 'NR > 1 && !NF { exit } NR > 1 && $2 != "-" { print $5 }' "$work/out" > "$work/printed"
check "tokens of the table and of the CSV" cmp -s "$work/expected" "$work/printed"

try sweep "$data/models/deepseek-v3.yaml" --vary training.micro_batch=1 --set memory.headroom=40GB
expect_status 0
check "it fits" grep -qE "^1 .* no  " "$work/out"

set -- search "$run" --top 3 --limit micro_batch=1,2 --limit pipeline=1,2
try "$@" --format csv
expect_status 0
cp "$work/out" "$work/search.csv"
try "$@" --wide
expect_status 0
expect_out ", by mfu; found without noise, run again with it"
awk '/^ *[0-9]+  /' "$work/out" > "$work/ranked"
check "ranks" [ "$(awk '{ print $1 }' "$work/ranked" | tr '\n' ' ')" = "1 2 3 " ]
column "$work/search.csv" mfu.causal | percent > "$work/expected"
shown "MFU causal, %" > "$work/printed"
check "MFU of the ranking and of the CSV" cmp -s "$work/expected" "$work/printed"

# The second is longer by what its causes add up to; differences of less than 0.1 % of a step are not told.
column "$work/search.csv" step_time_s > "$work/steps"
longer=$(awk 'NR == 1 { best = $1 } NR == 2 { printf "%.2f", 100 * ($1 / best - 1) }' "$work/steps")
check "not $longer % longer" grep -qE "^Second: .* Its step is $longer[0-9]* % longer than the best:" "$work/out"
sed -n '/^Second:/,/^$/s/^  \([+-]\)\([0-9.]*\) \(m\{0,1\}\)s .*/\1\2 \3/p' "$work/out" > "$work/causes"
check "no causes" [ -s "$work/causes" ]
check "the causes do not add up" awk '
  FILENAME ~ /steps$/ { step[++n] = $1; next }
  { sum += $1 * ($2 == "m" ? 1e-3 : 1) }
  END { rest = sum - (step[2] - step[1]); exit !(rest < 0.005 * step[1] && rest > -0.005 * step[1]) }' "$work/steps" "$work/causes"
expect_out "The run's own layout ranks behind at least "
expect_out " legal layouts: "

# By the cluster that is enough, with days; nothing to compare with one rank.
try search "$run" --objective gpus --tokens 1e12 --deadline 60d --limit gpus=64:256:64 --limit pipeline=1 --top 1 --wide
expect_status 0
expect_out "days"
check "a second without one" sh -c "! grep -q '^Second' '$work/out'"
days=$(shown days)
check "$days days, expected at most 60" awk -v days="$days" 'BEGIN { exit !(days > 0 && days <= 60) }'

# Days, dollars and energy of a training: the same by sweep, compare and search, in table, JSON and CSV, and what run's economy says.
rich=$data/models/deepseek-v3.yaml
same_training() { # same_training WHAT: five columns of the CSV on $work/out
  for key in tokens days dollars mwh megawatts; do column "$work/out" "training.$key"; done | awk '{ printf "%.9g\n", $1 }' > "$work/training"
  check "training by $1" cmp -s "$work/training" "$work/run-training"
}
try compare "$rich" --tokens 30T --format csv
expect_status 0
{
  echo 30000000000000
  column "$work/out" tokens_per_s | awk '{ printf "%.9g\n", 30e12 / $1 / 86400 }'
  column "$work/out" economy.dollars_per_trillion_tokens | awk '{ printf "%.9g\n", 30 * $1 }'
  column "$work/out" economy.mwh_per_trillion_tokens | awk '{ printf "%.9g\n", 30 * $1 }'
  column "$work/out" economy.stepping_power_w | awk '{ printf "%.9g\n", 2048 * $1 / 1e6 }'
} | awk '{ printf "%.9g\n", $1 }' > "$work/run-training"
same_training compare
try sweep "$rich" --vary training.micro_batch=1 --tokens 30T --format csv
same_training sweep
try sweep "$rich" --vary training.micro_batch=1 --tokens 30T
expect_out "days"
expect_out "MW"
try sweep "$rich" --vary training.micro_batch=1 --format csv
check "a training that nobody asked about" sh -c "! grep -q training.days '$work/out'"
refused "--tokens" sweep "$rich" --vary training.micro_batch=1 --tokens many
refused "--tokens" compare "$rich" --tokens 0
try search "$run" --top 1 --tokens 2T --limit pipeline=1 --limit micro_batch=1 --format csv
expect_status 0
column "$work/out" training.days > "$work/days"
column "$work/out" tokens_per_s | awk '{ print 2e12 / $1 / 86400 }' | paste "$work/days" - > "$work/pair"
check "days of search" awk '{ exit !($1 / $2 > 0.99999 && $1 / $2 < 1.00001) }' "$work/pair"
check "a whole search says so" [ "$(column "$work/out" search.complete)" = true ]
try search "$data/models/deepseek-v3.yaml" --budget 1s --top 1 --format json
check "a search cut short says so in JSON" grep -qE '"(layouts_not_looked_at" : [1-9]|enumeration_cut_short" : true)' "$work/out"
check "complete" grep -q '"complete" : false' "$work/out"

# Quick remedies under a run: what it says of a change is what the changed run says.
try run "$rich"
expect_out "each simulated:"
try run "$rich" --format json
before=$(awk '/"step_time_s"/ { print $3 + 0; exit }' "$work/out")
try run "$rich" --wide
line=$(grep -m 1 '^  try ' "$work/out")
set=${line#  try }
set=${set%%: *}
said="moesim run --set $set"
try run "$rich" --set "$set" --format json
after=$(awk '/"step_time_s"/ { print $3 + 0; exit }' "$work/out")
percent=$(echo "$before $after" | awk '{ printf "%+.1f %%", 100 * ($2 / $1 - 1) }')
check "'$line' but $percent" sh -c 'case $1 in *"step $2,"*) ;; *) exit 1 ;; esac' sh "$line" "$percent"
try run "$data/models/what-if/domain.yaml:nvl8-ep8"
expect_out "would make it fit, each simulated:"

# An MFU above 1 is an input's doing, in a sweep and a search too.
try sweep "$run" --vary parallelism.tensor=1 --set 'cluster.accelerator.quoted_peak=100 TFLOP/s'
expect_err "an MFU above 100 %: cluster.accelerator.quoted_peak is below peak.bf16"
try search "$run" --top 1 --limit pipeline=1 --limit micro_batch=1 --set 'cluster.accelerator.quoted_peak=100 TFLOP/s'
expect_err "an MFU above 100 %: cluster.accelerator.quoted_peak is below peak.bf16"

finish
