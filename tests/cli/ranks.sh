#!/bin/sh
# Several processes give the table of one; a worker that is killed costs nothing.
#   ranks.sh MOESIM [SPEEDS]    so many network speeds, at three batch sizes each
. "$(dirname "$0")/lib.sh"
speeds=${2:-200}

if ! command -v mpirun > /dev/null; then
  echo "no mpirun: skipped"
  exit 77
fi
# What the MPI library itself leaks is not ours to report.
export ASAN_OPTIONS=detect_leaks=0
# Open MPI asks twice before it runs as root, as in a container.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# Every other command would pay for the libraries of Open MPI when it starts.
said="ldd moesim"
ldd "$moesim" > "$work/out" 2> "$work/err"
check "MPI is loaded without mpirun" sh -c '! grep -q libmpi "$1"' sh "$work/out"

set -- sweep "$data/models/deepseek-v3.yaml" --set training.global_batch=8192 --vary "cluster.network.nic=101:$((100 + speeds)):1 Gbit/s" \
  --vary training.micro_batch=1,2,7 --format json
without_wall_time() { sed 's/"wall_time_s" *: *[^,}]*//'; }

said="moesim sweep"
"$moesim" "$@" 2> "$work/err" | without_wall_time > "$work/one"
said="mpirun -n 4 moesim sweep"
timeout 300 mpirun -n 4 --oversubscribe "$moesim" "$@" > "$work/out" 2> "$work/err"
status=$?
expect_status 0 # 7 sequences divide no batch
without_wall_time < "$work/out" > "$work/four"
check "four processes give another table" cmp -s "$work/one" "$work/four"

# The last process of the job is a worker: rank 0 is started first. Whether Open MPI carries the job on without it depends on its
# recovery (tests/cli/ranks-recovery.sh, by hand); what was committed is never lost, and --resume finishes the rest.
said="mpirun -n 4 moesim sweep, one worker killed, resumed"
timeout --kill-after=1 20 mpirun -n 4 --oversubscribe "$moesim" "$@" --store "$work/a.sqlite" > "$work/out" 2> "$work/err" &
job=$!
sleep 1
worker=$(pgrep -f "^$moesim sweep .*$work/a.sqlite" | tail -n 1)
[ -z "$worker" ] || kill -9 "$worker"
wait "$job"
pkill -9 -f "^$moesim sweep .*$work/a.sqlite"
"$moesim" "$@" --store "$work/a.sqlite" --resume 2> "$work/err" | without_wall_time > "$work/resumed"
check "a killed worker changes the table" cmp -s "$work/one" "$work/resumed"


# Every process of a search knows the same; the first one answers.
set -- search "$data/models/deepseek-v3.yaml" --limit expert=64 --limit tensor=1 --limit zero=1 --jobs 1 --format json
said="moesim search"
"$moesim" "$@" 2> "$work/err" | without_wall_time > "$work/one"
for n in 2 4; do
  said="mpirun -n $n moesim search"
  timeout 300 mpirun -n $n --oversubscribe "$moesim" "$@" > "$work/out" 2> "$work/err"
  status=$?
  expect_status 0
  without_wall_time < "$work/out" > "$work/several"
  check "$n processes give another answer" cmp -s "$work/one" "$work/several"
done
said="mpirun -n 2 moesim search --budget"
timeout 60 mpirun -n 2 --oversubscribe "$moesim" "$@" --budget 5s > "$work/out" 2> "$work/err"
status=$?
check "a budget is not refused" grep -q 'budget: expected one process' "$work/err"
check "a refusal has status 0" test "$status" -ne 0

finish
