#!/bin/sh
# A sweep that is killed at random moments and resumed each time ends with the table of an undisturbed one, byte for byte.
#   resume.sh MOESIM [KILLS] [POINTS]    the suite kills 5 times in 120 points; 20 and 500 is the full trial
. "$(dirname "$0")/lib.sh"

kills=${2:-5}
points=${3:-120}
run=$data/models/deepseek-v3.yaml
last=$(((points + 3) / 4))

# The one value that may differ between two equal runs is left out.
without_wall_time() { sed 's/"wall_time_s" *: *[^,}]*//'; }

# Network speed and micro-batch size; with 4 and 7 sequences the layout cannot exist.
set -- sweep "$run" --set training.global_batch=8192 --vary "cluster.network.nic=101:$((100 + last)):1 Gbit/s" \
  --vary training.micro_batch=1,2,4,7

# A moment between 0 and the time of an undisturbed sweep, in seconds.
random_s() { od -An -N2 -tu2 /dev/urandom | awk -v span="$span_ms" '{printf "%.3f", $1 / 65536 * span / 1000}'; }

said="moesim sweep (undisturbed)"
start=$(date +%s%N)
"$moesim" "$@" --format json > "$work/out" 2> "$work/err"
status=$?
span_ms=$((($(date +%s%N) - start) / 1000000))
expect_status 0 # some points are illegal
without_wall_time < "$work/out" > "$work/undisturbed"
check "fewer points than asked for" [ "$(grep -c '"set"' "$work/undisturbed")" -eq $((last * 4)) ]
check "no illegal point" grep -q '"error"' "$work/undisturbed"

# The first is killed as soon as it has a store, whatever the machine's speed; the others at random.
interrupted=0
for kill in $(seq "$kills"); do
  "$moesim" "$@" --format json --store "$work/a.sqlite" --resume > "$work/out" 2> "$work/err" &
  child=$!
  if [ "$kill" -eq 1 ]; then
    while [ ! -s "$work/a.sqlite" ] && kill -0 "$child" 2> "$work/killed"; do sleep 0.01; done
  else
    sleep "$(random_s)"
  fi
  # Killed, or finished just before.
  kill -9 "$child" 2> "$work/killed" && interrupted=$((interrupted + 1))
  wait "$child" 2> "$work/killed"
done

said="moesim sweep --resume ($interrupted of $kills killed in $span_ms ms)"
"$moesim" "$@" --format json --store "$work/a.sqlite" --resume > "$work/out" 2> "$work/err"
status=$?
expect_status 0 # some points are illegal
without_wall_time < "$work/out" > "$work/resumed"
check "the resumed table differs" cmp -s "$work/undisturbed" "$work/resumed"
check "nothing was interrupted" [ "$interrupted" -gt 0 ]

said="moesim sweep --resume (done)"
"$moesim" "$@" --format json --store "$work/a.sqlite" --resume > "$work/out" 2> "$work/err"
status=$?
without_wall_time < "$work/out" > "$work/again"
check "a finished store gives another table" cmp -s "$work/undisturbed" "$work/again"

refused "holds" "$@" --store "$work/a.sqlite"
refused "belongs to another sweep" sweep "$run" --vary training.micro_batch=1,2 --store "$work/a.sqlite" --resume
refused "--resume without --store" sweep "$run" --vary training.micro_batch=1,2 --resume
refused "nothing varies" sweep "$run"
refused "a range that goes nowhere" sweep "$run" --vary parallelism.expert=8:2

echo "$interrupted of $kills killed"
finish
