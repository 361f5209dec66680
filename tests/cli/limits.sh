#!/bin/sh
# Inputs that are made when the test runs: huge files, unreadable ones, devices.
. "$(dirname "$0")/lib.sh"

# 100 MB: refused by size, without being read.
head -c 100000000 /dev/zero > "$work/huge.yaml"
refused "huge.yaml: " check "$work/huge.yaml"
check "the message does not speak of the size" grep -qE '100 MB|64 MB|too large|bytes' "$work/err"

# The billion laughs: aliases are refused before they grow.
{
  echo 'a: &a [x, x, x, x, x, x, x, x, x, x]'
  previous=a
  for name in b c d e f g h i; do
    echo "$name: &$name [*$previous, *$previous, *$previous, *$previous, *$previous, *$previous, *$previous, *$previous]"
    previous=$name
  done
} > "$work/laughs.yaml"
refused "laughs.yaml:1:4" check "$work/laughs.yaml"

# A chain that is longer than anyone means.
for i in $(seq 1 40); do
  echo "extends: chain$((i + 1)).yaml" > "$work/chain$i.yaml"
done
echo "title: end" > "$work/chain41.yaml"
refused "extends" check "$work/chain1.yaml"

# Two files that extend each other.
echo "extends: two.yaml" > "$work/one.yaml"
echo "extends: one.yaml" > "$work/two.yaml"
refused "extends" check "$work/one.yaml"

# Nothing, random bytes, a folder, a device.
: > "$work/empty.yaml"
refused "empty.yaml" check "$work/empty.yaml"
head -c 4096 /bin/sh > "$work/binary.yaml"
refused "binary.yaml" check "$work/binary.yaml"
refused "directory" check "$work"
refused "/dev/zero" check /dev/zero

# ---- options out of range: never the default instead, never a machine that is brought down
run=$data/models/mixtral-8x7b.yaml
for option in variant cluster stack fidelity format gpus; do
  refused "--$option" run "$run" "--$option="
done
refused "--trace-ranks is empty" run "$run" --trace "$work/t.json" --trace-ranks ""
refused "--store is empty" sweep "$run" --vary parallelism.zero=0,1 --store ""
refused "--gpus" run "$run" --gpus 0
refused "--steps: 0, expected 1 to" run "$run" --steps 0
refused "--steps: 1000000000, expected 1 to" run "$run" --steps 1000000000
for command in "sweep $run --vary parallelism.zero=0,1" "search $run" "sensitivity $run" "validate" "goodput $run" "report $run -o $work/r.html"; do
  # shellcheck disable=SC2086 # words
  refused "--jobs: 100000, expected 0 to 1024" $command --jobs 100000
done

# ---- numbers beyond every machine: refused with their place, or a step that is too long; never a crash, never time that overflowed
for set in 'stack.host.launch.x86=1000 s' 'cluster.domain.all_to_all_efficiency=7.1e-301' 'cluster.accelerator.memory_bandwidth=1 B/s' \
  'cluster.accelerator.peak.bf16=100 kFLOP/s' 'cluster.host.memory_bandwidth=1 kB/s' 'cluster.network.nic=1 B/s' \
  'cluster.domain.latency=1e300 s' 'stack.host.sync=1e300 s'; do
  refused "--set:1:" run "$run" --set "$set"
done
refused "of one rank take" run "$run" --set 'cluster.accelerator.memory_bandwidth=1 MB/s'
refused "expected at most 2097152 passes" run "$run" --set training.global_batch=16777216
# Nothing above all of the peak without saying which input makes it so.
try run "$run" --set 'cluster.accelerator.quoted_peak=1 TFLOP/s'
expect_err "an MFU above 100 %: cluster.accelerator.quoted_peak"

# ---- layouts of several clusters are ranked together as each alone ranks its own
small="$data/models/mixtral-8x7b.yaml --limit tensor=1 --limit pipeline=1,2 --limit zero=1 --top 3 --format json"
for objective in time cost mfu; do
  for cluster in h100-hgx h200-hgx; do
    # shellcheck disable=SC2086 # a list of arguments
    "$moesim" search $small --cluster $cluster --objective $objective > "$work/$cluster.json"
  done
  jq -s --arg by $objective 'add | sort_by(if $by == "time" then .step_time_s elif $by == "cost" then .search.dollars_per_step
    else -.mfu.causal end) | [.[:3][] | [.cluster, .step_time_s, .search.dollars_per_step]]' \
    "$work/h100-hgx.json" "$work/h200-hgx.json" > "$work/both"
  # shellcheck disable=SC2086
  try search $small --clusters h100-hgx,h200-hgx --objective $objective
  jq '[.[] | [.cluster, .step_time_s, .search.dollars_per_step]]' "$work/out" > "$work/together"
  check "$objective: another ranking than of both" cmp -s "$work/both" "$work/together"
done
# A cluster without an answer is named, with its reason, beside the answers of the others and where there is none at all.
printf 'extends: h100-hgx\naccelerator: {extends: h100, memory: 2 GB}\n' > "$work/tiny.yaml"
# shellcheck disable=SC2086
try search $small --clusters "h100-hgx,$work/tiny.yaml"
expect_status 0
expect_err "tiny.yaml: none of"
check "the record names no cluster without an answer" jq -e '.[0].search.clusters_without_answer[0] | test("tiny.yaml: none of")' "$work/out"
# shellcheck disable=SC2086
refused "tiny.yaml: none of" search $small --clusters "$work/tiny.yaml,$work/tiny.yaml"
refused 'did you mean "h200-hgx"?' search "$data/models/mixtral-8x7b.yaml" --clusters h100-hgx,h200-hgxx
refused "expected names between commas" search "$data/models/mixtral-8x7b.yaml" --clusters h100-hgx,
refused "expected one of them" search "$data/models/mixtral-8x7b.yaml" --clusters h100-hgx,h200-hgx --cluster h100-hgx

# ---- as much address space as a run takes is enough; sanitizers keep terabytes of it for themselves
if ! grep -q -e __asan_init -e __tsan_init "$moesim"; then
  (ulimit -v 120000; exec "$moesim" run "$run" --format csv) > "$work/out" 2> "$work/err" < /dev/null
  check "a run in 120 MB of address space" test $? -eq 0 -a -s "$work/out"
fi

# ---- numbers of JSON are those of every reader: no 3e-09.0
try run "$run" --set 'stack.host.step=3e-9 s' --format json
expect_status 0
check "a number that is none" sh -c "! grep -E '[0-9]e[-+]?[0-9]+\.' '$work/out'"
try sweep "$run" --vary 'training.dropout=1e-9,2e-9' --format json
check "a number that is none" sh -c "! grep -E '[0-9]e[-+]?[0-9]+\.' '$work/out'"

finish
