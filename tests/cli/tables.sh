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
expect_status 1
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

finish
