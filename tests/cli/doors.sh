#!/bin/sh
# Property: the MFU of a run is one number, whichever command says it. Drawn at random (SEED in the environment draws others): a run that
# publishes the peak it divides by, and a cluster that is not the one that peak was stated for.
#   doors.sh MOESIM EXAMPLE ASK
. "$(dirname "$0")/lib.sh"

seed=${SEED:-1}
rounds=${ROUNDS:-4}
example=${2:-} # docs/example.c, built
ask=${3:+$(realpath "$3")} # tests/door/ask.c, built
plans=0
libraries=0

# pick ROUND WORD...: one of the words, by seed and round.
pick() {
  round=$1
  shift
  awk -v seed="$((seed * 1000 + round))" -v words="$*" 'BEGIN { srand(seed); rand(); n = split(words, w, " "); print w[int(rand() * n) + 1] }'
}

# number KEY MEMBER: the first MEMBER below KEY of the JSON in $work/out, to 9 digits.
number() {
  awk -v key="\"$1\"" -v member="\"$2\"" '
    index($0, key " :") { inside = 1 }
    inside && index($0, member " :") { sub(/,$/, ""); printf "%.9g\n", $NF; exit }' "$work/out"
}

same() { # same DOOR NUMBER
  check "MFU $2 through $1, expected $expected" [ "$2" = "$expected" ]
}

# As the picture and the page round it.
near() { # near DOOR PERCENT
  check "MFU $2 % through $1, expected $expected" awk -v a="$2" -v b="$expected" 'BEGIN { d = a - 100 * b; exit !(d < 0.06 && d > -0.06) }'
}

round=0
while [ "$round" -lt "$rounds" ]; do
  round=$((round + 1))
  run=$data/models/$(pick $round mai-base-1/v5 mai-base-1/v4 mai-base-1/v2 gpt3-175b llama3-405b deepseek-v3 mixtral-8x7b).yaml
  cluster=$(pick $((round + 100)) h800-hgx gb200-nvl72 h100-hgx b200-hgx mi300x gb300-nvl72)
  gpus=$(pick $((round + 200)) 2048 1024 4096)
  stack=megatron-bridge:26.02 # one that has kernels for all of these
  change=$(pick $((round + 300)) training.precision.lm_head=bf16 training.precision.lm_head=fp32 memory.headroom=2GB stack.host.step=5ms)
  set -- "$run" --stack $stack --gpus "$gpus" --set "$change"

  try run "$@" --cluster "$cluster" --format json
  expect_status 0
  expected=$(number mfu causal)
  check "no MFU" [ -n "$expected" ]
  try run "$@" --set "cluster=$cluster" --format json
  same "run --set" "$(number mfu causal)"
  try compare "$@" --set "cluster=$cluster" --samples 1 --format json
  same compare "$(number mfu causal)"
  try sweep "$@" --vary "cluster=$cluster" --format json
  same "sweep --vary cluster" "$(number mfu causal)"
  try sweep "$run" --stack $stack --vary "gpus=$gpus" --set "$change" --set "cluster=$cluster" --format json
  same "sweep --vary gpus" "$(number mfu causal)"
  # A training's step is the run's.
  step=$(awk '/"step_time_s" :/ { sub(/,$/, ""); print $NF; exit }' "$work/out")
  try goodput "$@" --set "cluster=$cluster" --tokens 1T --seeds 1 --samples 0 --format json
  check "step of goodput" [ "$(awk '/"step_time_s" :/ { sub(/,$/, ""); print $NF; exit }' "$work/out")" = "$step" ]
  # The JSON door.
  if [ -n "$ask" ]; then
    said="ask predict"
    printf '{"run": "%s", "stack": "%s", "gpus": %s, "set": {"%s": "%s", "cluster": "%s"}}' "${run#"$data"/}" $stack "$gpus" "${change%%=*}" \
      "${change#*=}" "$cluster" | (cd "$data" && "$ask" predict) > "$work/out"
    same "the JSON door" "$(number mfu causal)"
  fi
  try sensitivity "$@" --set "cluster=$cluster" --samples 1 --format json
  same sensitivity "$(number mfu_causal stated)"
  try explain "$@" --set "cluster=$cluster" --orders 1 --format json
  same explain "$(number mfu causal)"
  try plot scale "$run" --stack $stack --set "$change" --set "cluster=$cluster" --gpus "$gpus" -o "$work/plot.svg"
  expect_status 0
  near "plot scale --set" "$(awk -v g="$gpus" '$1 == g { print $2; exit }' "$work/plot.dat")"
  try plot scale "$run" --stack $stack --set "$change" --clusters "$cluster" --gpus "$gpus" -o "$work/plot.svg"
  near "plot scale --clusters" "$(awk -v g="$gpus" '$1 == g { print $2; exit }' "$work/plot.dat")"
  try report "$@" --set "cluster=$cluster" --samples 0 --seeds 0 -o "$work/page.html"
  near report "$(grep -o 'MFU [0-9.]* % causal' "$work/page.html" | head -n 1 | awk '{ print $2 }')"
  # What a search ranks is what run says of it: the run's own layout, the only one that is left.
  try search "$@" --set "cluster=$cluster" --top 1 --memory-slack 100 --limit micro_batch=1 --limit pipeline=1 --limit tensor=1 \
    --limit context=1 --limit expert=1 --limit zero=1 --limit recompute=full --limit offload=0 --format json
  if [ "$status" -eq 0 ]; then
    found=$(number mfu causal)
    sets=$(awk '/"set" : \{/ { on = 1; next } on && /\}/ { exit } on { gsub(/[",]/, ""); gsub(/ : /, "="); sub(/^ */, ""); print "--set"; print }' "$work/out")
    old_ifs=$IFS
    IFS='
'
    # shellcheck disable=SC2086 # one word a line
    try run "$@" --set "cluster=$cluster" $sets --format json
    IFS=$old_ifs
    expected=$(number mfu causal)
    same search "$found"
  fi
  # What a plan names is what run says of the line it prints.
  try plan "$run" --stack $stack --set "$change" --clusters "$cluster" --gpus "$gpus" --tokens 1T --budget 3s --samples 2 --seeds 2 --format json
  if [ "$status" -eq 0 ]; then
    planned=$(awk '/"mfu_causal.predicted" :/ { sub(/,$/, ""); printf "%.9g\n", $NF; exit }' "$work/out")
    command=$(sed -n 's/^ *"command" : "moesim \(.*\)",\{0,1\}$/\1/p' "$work/out")
    eval "try $command --format json"
    expected=$(number mfu causal)
    same plan "$planned"
    plans=$((plans + 1))
  fi
  # The library, which has no options: the run as it is, on the cluster.
  try run "$run" --cluster "$cluster" --format json
  expected=$(number mfu causal)
  if [ "$status" -eq 0 ] && [ -n "$example" ]; then
    said="example $run $cluster"
    "$example" "$run" "$cluster" > "$work/out" 2> "$work/err"
    same library "$(number mfu causal)"
    libraries=$((libraries + 1))
  fi
  # Strategies take no --gpus: at the run's own size.
  try run "$run" --stack $stack --cluster "$cluster" --format json
  expected=$(number mfu causal)
  try plot strategies "$run" --stack $stack --vary "cluster=$cluster" -o "$work/plot.svg"
  near "plot strategies" "$(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "MFU %") at = i } NR == 2 { print $at }' "$work/plot.dat")"
done
said="doors of $rounds rounds"
check "no plan had an answer" [ "$plans" -gt 0 ]
check "the library had no answer" [ "$libraries" -gt 0 -o -z "$example" ]

finish
