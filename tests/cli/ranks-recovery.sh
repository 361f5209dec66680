#!/bin/sh
# By hand: a worker killed under mpirun --enable-recovery costs nothing. Open MPI 4.1 does not always carry on; then --resume does.
# usage: tests/cli/ranks-recovery.sh MOESIM
. "$(dirname "$0")/lib.sh"

if ! command -v mpirun > /dev/null; then
  echo "no mpirun: skipped"
  exit 77
fi
# Open MPI asks twice before it runs as root, as in a container.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

set -- sweep "$data/models/deepseek-v3.yaml" --set training.global_batch=8192 --vary "cluster.network.nic=101:300:1 Gbit/s" \
  --vary training.micro_batch=1,2,7 --format json
without_wall_time() { sed 's/"wall_time_s" *: *[^,}]*//'; }

said="moesim sweep"
"$moesim" "$@" 2> "$work/err" | without_wall_time > "$work/one"
# The last process of the job is a worker: rank 0 is started first.
said="mpirun -n 4 --enable-recovery moesim sweep, one worker killed"
timeout 120 mpirun -n 4 --oversubscribe --enable-recovery "$moesim" "$@" --store "$work/a.sqlite" > "$work/out" 2> "$work/err" &
job=$!
sleep 1
worker=$(pgrep -f "^$moesim sweep .*$work/a.sqlite" | tail -n 1)
check "no worker to kill" [ -n "$worker" ]
kill -9 "$worker"
wait "$job"
status=$?
expect_status 0
without_wall_time < "$work/out" > "$work/killed"
check "a killed worker changes the table" cmp -s "$work/one" "$work/killed"

finish
