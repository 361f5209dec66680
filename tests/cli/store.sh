#!/bin/sh
# The store of a sweep: full, locked, damaged, shared. The answer is printed whatever becomes of it, and nothing damaged is believed.
. "$(dirname "$0")/lib.sh"
run=$data/models/mixtral-8x7b.yaml
set -- sweep "$run" --gpus 32 --set training.global_batch=32 --set parallelism.pipeline=1 --set parallelism.virtual_stages=1 \
  --set parallelism.schedule=none --set architecture.layers=2 --set training.sequence_length=1024 --vary training.micro_batch=1,2 \
  --vary cluster.network.nic='100:600:100 Gbit/s' --format json

# Half of the points cannot be (32 sequences on 32 GPUs, two at a time): the others have an answer.
without_wall_time() { sed 's/"wall_time_s" *: *[^,}]*//'; }
same_answer() { without_wall_time < "$work/out" | cmp -s - "$work/answer"; }

try "$@"
expect_status 0
without_wall_time < "$work/out" > "$work/answer"

# ---- full in the middle: said at once, the answer is there, status 2; with room again the rest is kept
said="sweep --store, files of 40 KiB at most"
mkfifo "$work/pipe" # the shell's limit holds for its files, not for a pipe
(trap '' XFSZ; ulimit -f 80; exec "$moesim" "$@" --store "$work/full.sqlite" 2>&1 > "$work/pipe") > "$work/err.pipe" < /dev/null &
cat "$work/pipe" > "$work/out"
wait $!
status=$?
cp "$work/err.pipe" "$work/err"
expect_status 2
expect_err "warning: $work/full.sqlite: cannot write"
check "no answer" same_answer
try "$@" --store "$work/full.sqlite" --resume
expect_status 0
check "another answer" same_answer
try store check "$work/full.sqlite"
expect_status 0
expect_out "12 of 12"

# ---- damage is named, counted by check, and computed again
# One digit of an answer, where SQLite has no checksum of its own.
LC_ALL=C sed '0,/"step_time_s":0\.1/s//"step_time_s":0.7/' "$work/full.sqlite" > "$work/bad.sqlite"
try store check "$work/bad.sqlite"
expect_status 1
expect_out "damaged  1: "
try "$@" --store "$work/bad.sqlite" --resume
expect_status 0
expect_err "damaged points: "
check "a damaged digit is believed" same_answer
try store check "$work/bad.sqlite"
expect_status 0

# ---- what is no store
echo "title: no store" > "$work/text.sqlite"
refused "expected a store" store check "$work/text.sqlite"
refused "cannot write" store check "$work/absent.sqlite"
check "a store was made by looking" [ ! -e "$work/absent.sqlite" ]
refused "did you mean 'check'" store chek "$work/full.sqlite"

# ---- data files count by their content
printf 'extends: %s/models/mixtral-8x7b\ntraining:\n  routing: {balance: {file: counts.csv}}\n' "$data" > "$work/run.yaml"
cat > "$work/counts.csv" << 'END'
100,100,100,100,100,100,100,100
100,100,100,100,100,100,100,100
END
shift 2
set -- sweep "$work/run.yaml" "$@"
try "$@" --store "$work/counts.sqlite"
expect_status 0
without_wall_time < "$work/out" > "$work/answer"
cat > "$work/counts.csv" << 'END'
800,0,0,0,0,0,0,0
800,0,0,0,0,0,0,0
END
try "$@" --store "$work/counts.sqlite" --resume
expect_status 0
check "the older answer" sh -c "! cmp -s '$work/answer' -" < "$work/out"
without_wall_time < "$work/out" > "$work/answer"
try "$@"
without_wall_time < "$work/out" > "$work/now"
check "not the answer of the changed file" cmp -s "$work/answer" "$work/now"

# ---- a file that cannot be read is no impossible point: no descriptor is left for it
said="sweep with 10 descriptors"
(ulimit -n 10; exec "$moesim" "$@" --jobs 8) > "$work/out" 2> "$work/err" < /dev/null
status=$?
[ "$status" -eq 0 ] || expect_err "have no answer"
[ "$status" -ne 0 ] || check "another answer" same_answer

# ---- with fewer than it takes to open a store and to read an input beside it none is begun
for most in 4 5 6; do
  said="sweep --store with $most descriptors"
  (ulimit -n $most; exec "$moesim" "$@" --store "$work/few.sqlite") > "$work/out" 2> "$work/err" < /dev/null
  status=$?
  check "status 0" [ "$status" -ne 0 ]
  check "a store is left" [ -z "$(find "$work" -name 'few.sqlite*')" ]
done

finish
