#!/bin/sh
# Draws the figures of README and docs anew: tools/figures.sh MOESIM
set -eu
moesim=$(realpath "${1:-build/src/cli/moesim}")
cd "$(dirname "$0")/.."
out=docs/images
mkdir -p "$out"
"$moesim" plot ladder models/mai-base-1/v2.yaml models/mai-base-1/v3.yaml models/mai-base-1/v4.yaml models/mai-base-1/v5.yaml \
  --variants models/deepseek-v3.yaml -o "$out/ladder.png"
"$moesim" plot scale models/mai-base-1/v5.yaml models/deepseek-v3.yaml --clusters gb200-nvl72,h800-hgx -o "$out/scale.png"
"$moesim" plot validation -o "$out/validation.png"
rm -f "$out"/*.dat
