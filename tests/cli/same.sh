#!/bin/sh
# Two builds, by whatever compiler and options, print the same bytes; only the wall time may differ.
#   same.sh MOESIM OTHER
. "$(dirname "$0")/lib.sh"
other=$(realpath "$2") || exit 1

# pair ARGUMENT...: what both print.
pair() {
  try "$@"
  expect_status 0
  sed 's/"wall_time_s" *: *[^,}]*//' "$work/out" > "$work/one"
  "$other" "$@" 2> "$work/err" < /dev/null | sed 's/"wall_time_s" *: *[^,}]*//' > "$work/out"
  check "nothing is printed" [ -s "$work/one" ]
  check "the other build prints something else" cmp -s "$work/one" "$work/out"
}

# same ARGUMENT...: a pair, as many at a time as there are processors, each in a folder of its own.
pairs=0
same() {
  pairs=$((pairs + 1))
  mkdir "$work/$pairs"
  (
    work=$work/$pairs
    pair "$@"
    echo "$checks $failures" > "$work/counts"
  ) > "$work/$pairs/said" &
  [ $((pairs % $(nproc))) -ne 0 ] || wait
}

# What the pairs said and counted.
collect() {
  wait
  cat "$work"/*/said
  said="pairs"
  cat "$work"/*/counts > "$work/out"
  : > "$work/err"
  check "a pair came to no end" [ "$(wc -l < "$work/out")" -eq "$pairs" ]
  while read -r n bad; do
    checks=$((checks + n))
    failures=$((failures + bad))
  done < "$work/out"
}

# Kernels, collectives, schedules, routing, memory; logarithms, powers and random draws are where libraries and compilers may part.
for run in mai-base-1/v5 deepseek-v3 mixtral-8x7b llama3-405b; do
  same run "$data/models/$run.yaml" --format json
done
same run "$data/models/deepseek-v3.yaml" --seed 7 --set 'training.routing.balance={zipf: 0.3}' --format json
same run "$data/models/deepseek-v3.yaml" --seed 7 --set 'training.routing.balance={dirichlet: 20}' --format json
same memory "$data/models/mixtral-8x7b.yaml" --format json
same goodput "$data/models/deepseek-v3.yaml" --seeds 20 --format json
same sensitivity "$data/models/mixtral-8x7b.yaml" --samples 10 --format json
same explain "$data/models/mixtral-8x7b.yaml" --format json
same search "$data/models/mixtral-8x7b.yaml" --top 5 --gpus 64 --limit expert=8 --format json
same collective all_reduce --cluster h100-hgx --gpus 16 --format csv
same show "$data/models/deepseek-v3.yaml" --format yaml
collect
for build in "$moesim" "$other"; do
  "$build" export goal "$data/models/mixtral-8x7b.yaml" --gpus 32 --set architecture.layers=2 --set parallelism.pipeline=1 \
    --set parallelism.virtual_stages=1 --set parallelism.schedule=none -o "$work/$(echo "$build" | cksum | cut -d' ' -f1).goal" 2> "$work/err"
done
said="moesim export goal"
check "two files expected" [ "$(find "$work" -name '*.goal' | wc -l)" -eq 2 ]
check "the other build writes another file" cmp -s "$work"/*.goal

finish
