#!/bin/sh
# Prints the two tables of docs/model-network.md, "What acts on MAI-Base-1", made anew.
# usage: tools/network.sh MOESIM
set -eu

moesim=$(realpath "$1")
cd "$(dirname "$0")/.."
MOESIM_DATA=$PWD
export MOESIM_DATA

# "5.03 s, 19.9 %": step and causal MFU of a run. step MODEL OPTION...
step() {
  model=$1
  shift
  "$moesim" run "models/mai-base-1/$model.yaml" --format json "$@" 2> /dev/null | awk -F'[:,]' '
    /"step_time_s"/ && !step {step = $2}
    /"mfu"/ {inside = 1}
    inside && /"causal"/ && !mfu {mfu = $2}
    END {printf " %.2f s, %.1f %% |", step, 100 * mfu}'
}

# row NAME OPTION...
row() {
  printf '| %s |' "$1"
  shift
  for model in v4 v5; do
    for communicators in flat two-level; do
      step $model --set stack.collectives.communicators=$communicators "$@"
    done
  done
  echo
}

echo '| change, 8,192 GPUs | v4 flat | v4 two-level | v5 flat | v5 two-level |'
echo '|---|---|---|---|---|'
row 'as it is (top-k 8, 512 experts, 8 TB/s, 13 us)'
row 'top-k 4' --set architecture.moe.top_k=4
row 'top-k 1' --set architecture.moe.top_k=1
row '256 experts' --set architecture.moe.experts=256
row '128 experts' --set architecture.moe.experts=128
row 'HBM 16 TB/s' --set 'cluster.accelerator.memory_bandwidth=16 TB/s'
row 'HBM 4 TB/s' --set 'cluster.accelerator.memory_bandwidth=4 TB/s'
row 'launch 100 us' --set 'stack.host.launch.grace=100 us'
row 'launch 200 us' --set 'stack.host.launch.grace=200 us'
echo
echo '| GPUs, one sequence each (v5) | flat, rings | flat, trees too | two-level | shards of 64 | symmetric windows, NCCL 2.30.4 |'
echo '|---|---|---|---|---|---|'
for gpus in 4096 8192 16384 32768 65536; do
  printf '| %s |' "$gpus"
  step v5 --gpus $gpus --scaling weak
  step v5 --gpus $gpus --scaling weak --set stack.collectives.algorithms=tuned
  step v5 --gpus $gpus --scaling weak --set stack.collectives.communicators=two-level
  step v5 --gpus $gpus --scaling weak --set parallelism.shard_group=64
  step v5 --gpus $gpus --scaling weak --set stack.collectives.symmetric=true --set stack.collectives.nvls=true \
    --set stack.collectives.nccl=2.30.4
  echo
done
