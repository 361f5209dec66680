#!/bin/sh
# The JSON door answers what the command line prints, byte for byte but for wall_time_s.
# usage: same.sh MOESIM ASK
set -u

moesim=$(realpath "$1")
ask=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$MOESIM_DATA" || exit 1
failures=0

# same QUESTION REQUEST ARGUMENT... : the answer and the output of the command are the same
same() {
  question=$1
  printf '%s' "$2" | "$ask" "$question" | grep -v '"wall_time_s"' > "$work/door"
  shift 2
  "$moesim" "$@" --format json 2> /dev/null | grep -v '"wall_time_s"' > "$work/command"
  if [ ! -s "$work/command" ] || ! cmp -s "$work/door" "$work/command"; then
    echo "FAIL $question: not what moesim $* prints"
    diff "$work/door" "$work/command" | head -n 5
    failures=$((failures + 1))
  fi
}

run=models/mixtral-8x7b.yaml
same predict '{"run": "mixtral-8x7b"}' run $run
same predict '{"run": "models/mixtral-8x7b.yaml", "gpus": "256", "seed": 3, "steps": 2}' run $run --gpus 256 --seed 3 --steps 2
same predict '{"run": "mai-base-1/v5:before", "set": {"parallelism.zero": 3, "cluster.network.nic": "800 Gbit/s"}}' \
  run models/mai-base-1/v5.yaml:before --set parallelism.zero=3 --set 'cluster.network.nic=800 Gbit/s'
same predict '{"run": "mixtral-8x7b", "cluster": "gb200-nvl72", "gpus": 256, "scaling": "strong", "fidelity": "folded"}' \
  run $run --cluster gb200-nvl72 --gpus 256 --scaling strong --fidelity folded
same memory '{"run": "mixtral-8x7b", "headroom": "4 GB"}' memory $run --headroom '4 GB'
same memory '{"run": "mixtral-8x7b", "remedies": true, "set": {"memory.headroom": "40 GB"}}' \
  memory $run --remedies --set 'memory.headroom=40 GB'
same explain '{"run": "mixtral-8x7b", "orders": 2}' explain $run --orders 2
same explain '{"run": "mixtral-8x7b", "with": {"training.micro_batch": 2}}' explain $run --with training.micro_batch=2
same explain '{"run": "models/mixtral-8x7b.yaml", "other": "models/mixtral-8x22b.yaml", "keys": true}' \
  explain $run models/mixtral-8x22b.yaml --keys
same sensitivity '{"run": "mixtral-8x7b", "samples": 4, "seed": 2}' sensitivity $run --samples 4 --seed 2
same sweep '{"run": "mixtral-8x7b", "vary": {"training.micro_batch": [1, 2], "gpus": "128:256:*2"}}' \
  sweep $run --vary training.micro_batch=1,2 --vary 'gpus=128:256:*2'
same goodput '{"run": "mixtral-8x7b", "tokens": "2T", "mtbf": "50000 h", "spares": 4, "degraded": "60000 h,72 min,1.35", "seeds": 5}' \
  goodput $run --tokens 2T --mtbf '50000 h' --spares 4 --degraded '60000 h,72 min,1.35' --seeds 5
same search '{"run": "mixtral-8x7b", "top": 3, "limit": {"tensor": [1, 2], "pipeline": "2:4:*2"}}' \
  search $run --top 3 --limit tensor=1,2 --limit 'pipeline=2:4:*2'
same search '{"run": "mixtral-8x7b", "clusters": ["h100-hgx", "h200-hgx"], "objective": "cost", "top": 3, "limit": {"tensor": 1, "pipeline": [2, 4], "context": 1}}' \
  search $run --clusters h100-hgx,h200-hgx --objective cost --top 3 --limit tensor=1 --limit pipeline=2,4 --limit context=1
same sweep '{"run": "mixtral-8x7b", "vary": {"training.micro_batch": [1]}, "samples": 3}' \
  sweep $run --vary training.micro_batch=1 --samples 3
same plan '{"run": "models/mixtral-8x7b.yaml", "tokens": "2T", "gpus": [128, 256], "clusters": ["h100-hgx"], "samples": 2, "seeds": 2, "limit": {"pipeline": 4, "tensor": 1}, "deadline": "90d"}' \
  plan $run --tokens 2T --gpus 128,256 --clusters h100-hgx --samples 2 --seeds 2 --limit pipeline=4 --limit tensor=1 --deadline 90d

echo "$failures differences between the doors"
[ "$failures" -eq 0 ]
