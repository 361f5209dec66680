#!/bin/sh
# Steps predicted here beside those of LogGOPSim for the same GOAL file. Outside CI. Operations, their lengths and order are ours;
# when each happens, what it waits for and who shares a port is worked out twice. The machine is LogGP's: a port per GPU, one
# latency, one rate. Prints a Markdown table; fails where a step is off by more than LIMIT % (5; skewed ones 10).
# usage: tests/interchange/loggopsim.sh MOESIM FOLDER
# FOLDER holds LogGOPSim and txt2bin as ATLAHS has them (the older spcl/LogGOPSim lets what waits for a calc on another CPU begin
# when that calc begins):
#   apt-get install g++ make gengetopt re2c libgraphviz-dev
#   git clone https://github.com/spcl/atlahs && cd atlahs && git checkout 8837294a && cd sim/LogGOPSim && rm -f *.o
#   make CXXFLAGS="-O2 -w -I/usr/include/graphviz" LDFLAGS=-lcgraph
set -eu

moesim=$(realpath "$1")
tools=$(realpath "$2")
limit=${LIMIT:-5}
MOESIM_DATA=$(realpath "$(dirname "$0")/../..")
export MOESIM_DATA
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# 50 GB/s each way and 2 us a message, rings only: rounds of one piece, as the export writes them.
cat > flat.yaml << END
title: one port per GPU
extends: $MOESIM_DATA/clusters/h100-hgx.yaml
domain: {gpus: 1, of: 1, bandwidth: 450 GB/s, efficiency: 1, multicast: false}
host: {gpus: 1}
network:
  nic: 400 Gbit/s
  efficiency: 1
  topology: {kind: fat-tree, tiers: 2, rails: 0, oversubscription: 1.0}
  latency: {leaf: 2 us, spine: 2 us}
  collectives: {generation: hopper, tuner: plugin, path: 2 us, floor: 0 us, step: 2 us, chunk: 0 us, ring: 1, tree: 1, multicast: 1,
    send: 2 us, send_chunk: 0 us, message: 0 us, exchange: 2 us}
END
picoseconds_a_byte=20
latency_ps=2000000

# write_run FILE ARCHITECTURE
write_run() {
  cat > "$1" << END
extends: $MOESIM_DATA/models/architectures/$2.yaml
title: eight layers on 16 GPUs
architecture: {layers: 8}
training: {sequence_length: 4096, global_batch: 32, micro_batch: 1, precision: {gemm: bf16, gradient_reduce: fp32}}
parallelism: {gpus: 16, tensor: 1, pipeline: 1, zero: 1, overlap: {gradient_reduce: true, parameter_gather: true}}
recompute: {mode: none}
cluster: $work/flat.yaml
stack: {extends: megatron-core, collectives: {nvls: false, algorithms: ring, expert_library: nccl}}
END
}

# GOAL counts nanoseconds, LogGOPSim integers: three more digits make them picoseconds.
theirs_s() {
  sed 's/calc \([0-9]*\)/calc \1000/' step.goal > picoseconds.goal
  "$tools/txt2bin" -i picoseconds.goal -o step.bin > /dev/null
  "$tools/LogGOPSim" -f step.bin -L $latency_ps -o 0 -g 0 -G $picoseconds_a_byte -O 0 -S 2147483647 > out
  awk '/^Host/ {if ($3 > last) last = $3} END {print last * 1e-12}' out
}

failures=0
# compare NAME RUN OPTION...
compare() {
  name=$1
  shift
  "$moesim" run "$@" --fidelity full --format json > run.json
  "$moesim" export goal "$@" -o step.goal 2> /dev/null
  ours_s=$(sed -n 's/.*"step_time_s" *: *\([0-9.e-]*\).*/\1/p' run.json | head -1)
  line=$(awk -v name="$name" -v a="$ours_s" -v b="$(theirs_s)" 'BEGIN {
    printf "| %s | %.1f ms | %.1f ms | %+.2f %% |", name, a * 1e3, b * 1e3, 100 * (a / b - 1)
  }')
  echo "$line"
  echo "$line" | awk -F'|' -v limit="$limit" '{exit $5 + 0 > limit || $5 + 0 < -limit}' || failures=$((failures + 1))
}

write_run dense.yaml llama3-8b
write_run moe.yaml mixtral-8x7b
echo '| 16 GPUs | here | LogGOPSim | difference |'
echo '|---|---|---|---|'
compare 'dense, ZeRO-0' dense.yaml --set parallelism.zero=0
compare 'dense, ZeRO-1' dense.yaml
compare 'dense, ZeRO-3' dense.yaml --set parallelism.zero=3
compare 'tensor 4' dense.yaml --set parallelism.tensor=4 --set parallelism.sequence_parallel=true
compare 'pipeline 4, 1F1B' dense.yaml --set parallelism.pipeline=4 --set parallelism.schedule=1f1b
compare 'pipeline 4, interleaved by 2' dense.yaml --set parallelism.pipeline=4 --set parallelism.schedule=interleaved \
  --set parallelism.virtual_stages=2
compare 'pipeline 2, tensor 2' dense.yaml --set parallelism.pipeline=2 --set parallelism.schedule=1f1b --set parallelism.tensor=2
compare 'experts over 8' moe.yaml --set parallelism.expert=8
compare 'experts over 4, pipeline 2' moe.yaml --set parallelism.expert=4 --set parallelism.pipeline=2 \
  --set parallelism.schedule=1f1b
# Under skew ranks with less to wait for go on here only with the others: docs/model-network.md.
limit=10
compare 'experts over 8, loads by Zipf 0.3' moe.yaml --set parallelism.expert=8 --set 'training.routing.balance={zipf: 0.3}'
compare 'experts over 8, loads by Zipf 0.6' moe.yaml --set parallelism.expert=8 --set 'training.routing.balance={zipf: 0.6}'
[ "$failures" -eq 0 ] || { echo "$failures of them differ by more than their limit" >&2 && exit 1; }
