#!/bin/sh
# Draws the figures of README and docs anew: tools/figures.sh MOESIM
set -eu
moesim=$(realpath "${1:-build/src/cli/moesim}")
cd "$(dirname "$0")/.."
out=docs/images
mkdir -p "$out"

# draw KIND ARGUMENT...: at one pixel per point, since readers load them all.
draw() {
  kind=$1
  shift
  "$moesim" plot "$kind" "$@" --scale 1 -o "$out/$kind.png"
}

draw ladder models/mai-base-1/v2.yaml models/mai-base-1/v3.yaml models/mai-base-1/v4.yaml models/mai-base-1/v5.yaml \
  models/deepseek-v3.yaml --variants --samples 20
draw scale models/mai-base-1/v5.yaml models/deepseek-v3.yaml --clusters gb200-nvl72,h800-hgx --samples 20
draw validation
draw waterfall models/deepseek-v3.yaml
draw strategies models/mixtral-8x7b.yaml --vary parallelism.zero=1,2,3
draw memory models/deepseek-v3.yaml
draw timeline models/deepseek-v3.yaml --ranks 0,1024 --window '1 s:1.02 s'
draw heatmap models/mixtral-8x7b.yaml --vary parallelism.zero=1,2,3 --vary training.micro_batch=1,2,4
draw pareto models/mixtral-8x7b.yaml --vary parallelism.zero=1,2,3 --vary training.micro_batch=1,2
draw steps models/mai-base-1/v5.yaml
draw sensitivity models/mai-base-1/v5.yaml
rm -f "$out"/*.dat
