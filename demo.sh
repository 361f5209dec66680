#!/bin/sh
# Installs what is missing (Debian 12), builds, predicts MAI-Base-1 and DeepSeek-V3, draws the figures into plots/out/.
# A second run takes seconds: nothing is installed or built again.
set -eu
cd "$(dirname "$0")"

./tools/install.sh build gnuplot
./tools/build.sh build --buildtype=release -Dtests=false # a build for use does without Check

moesim=build/src/cli/moesim
out=plots/out
mkdir -p "$out"

echo
echo "== Predicted beside published"
"$moesim" compare models/mai-base-1/v1.yaml models/mai-base-1/v2.yaml models/mai-base-1/v3.yaml models/mai-base-1/v4.yaml \
  models/mai-base-1/v5.yaml --variants models/deepseek-v3.yaml

echo
echo "== One run: where the time goes"
"$moesim" run models/mai-base-1/v5.yaml

echo
echo "== The whole training: failures, checkpoints, wall-clock, energy"
"$moesim" goodput models/mai-base-1/v5.yaml

echo
echo "== Figures"
"$moesim" plot scale models/mai-base-1/v5.yaml models/deepseek-v3.yaml --clusters gb200-nvl72,h800-hgx -o "$out/scale.png"
"$moesim" plot ladder models/mai-base-1/v2.yaml models/mai-base-1/v3.yaml models/mai-base-1/v4.yaml models/mai-base-1/v5.yaml \
  --variants models/deepseek-v3.yaml -o "$out/ladder.png"
"$moesim" plot memory models/deepseek-v3.yaml -o "$out/memory-deepseek-v3.png"
"$moesim" plot strategies models/mai-base-1/v2.yaml models/mai-base-1/v4.yaml models/mai-base-1/v5.yaml --variants \
  models/deepseek-v3.yaml -o "$out/strategies.png"
"$moesim" report models/deepseek-v3.yaml -o "$out/deepseek-v3.html"
for figure in "$out"/*.png "$out"/*.html; do
  echo "$figure"
done

echo
echo "== Which cluster for 30 T tokens in 90 days"
# Exit status 1 would say that none keeps the deadline.
"$moesim" plan models/mai-base-1/v5.yaml --tokens 30T --clusters gb200-nvl72,h800-hgx --gpus 4096,8192,16384 --deadline 90d

echo
echo "== To play with it"
echo "$moesim serve --open    # the page: http://127.0.0.1:8421/"
