#!/bin/sh
# moesim diff: a prediction beside a profile, in three formats, and what is refused.
. "$(dirname "$0")/lib.sh"

run=$data/models/llama3-70b.yaml
trace=$data/tests/measured/profiles/two-steps.json

try diff "$run" --profile "$trace"
expect_status 0
expect_quiet
expect_out "1.1 ms per step, of 2 in the profile"
for title in "by cause" "kernels by layer" "by class" "matrix products"; do expect_out "$title"; done
expect_out "the model has none"

# Two steps of 1.1 ms; the rank is the trace's.
try diff "$run" --profile "$trace" --format json
expect_status 0
check "not the trace's rank" grep -qE '"rank" : 3,' "$work/out"
check "not the step of 1.1 ms" grep -qE '"measured_step_time_s" : 0.001(1|0999)' "$work/out"
try diff "$run" --profile "$trace" --format csv --rank 1 --profiled-steps 1
expect_status 0
check "CSV header" [ "$(head -n 1 "$work/out")" = \
  "by,name,predicted_s,measured_s,difference_s,difference_share,ratio,predicted_kernels,measured_kernels,meaning" ]
check "the reduction takes 100 us" grep -qE '^class,all_reduce,[0-9.e-]*,(0.0001|9.99[0-9e.-]*|1e-04)[0-9]*,' "$work/out"
check "kernels of all classes are there" grep -qE '^class,gemm,' "$work/out"

# Gzip is the same trace.
gzip -c "$trace" > "$work/trace.json.gz"
try diff "$run" --profile "$trace" --format json
grep -v '"wall_time_s"' "$work/out" > "$work/plain"
try diff "$run" --profile "$work/trace.json.gz" --format json
check "gzip is another trace" cmp -s "$work/plain" "$work/out"

# A pipe is read once.
mkfifo "$work/pipe"
cat "$trace" > "$work/pipe" &
try diff "$run" --profile "$work/pipe" --format json
expect_status 0
wait
grep -v '"wall_time_s"' "$work/out" > "$work/piped"
check "a pipe is another trace" cmp -s "$work/plain" "$work/piped"

# An export of Nsight Systems is a profile, too.
try diff "$run" --profile "$data/tests/measured/profiles/nsight.sqlite"
expect_status 0
expect_out "1.1 ms per step, of 2 in the profile"

printf '{"traceEvents": [\n {"ph": X}]}' > "$work/bad.json"
refused "bad.json:2:9: no JSON, expected one object" diff "$run" --profile "$work/bad.json"
printf '{"traceEvents": []}' > "$work/empty.json"
refused "a trace without kernels" diff "$run" --profile "$work/empty.json"
head -c 100 "$work/trace.json.gz" > "$work/cut.json.gz"
refused "cannot be unpacked" diff "$run" --profile "$work/cut.json.gz"
: > "$work/nothing.json"
refused "nothing.json:1:1: no JSON object, expected one" diff "$run" --profile "$work/nothing.json"
refused "/dev/null:1:1: no JSON object" diff "$run" --profile /dev/null
printf '{"traceEvents": [{"ph": "X", "cat": "kernel", "name": "k", "ts": 1, "dur": 0}]}' > "$work/instant.json"
refused "kernels over 0 s" diff "$run" --profile "$work/instant.json"
printf '{"traceEvents": [{"ph": "X", "cat": "kernel", "name": "k", "ts": 1, "dur": 1e300}]}' > "$work/ages.json"
refused "at most 1e+07" diff "$run" --profile "$work/ages.json"
gzip -c "$data/tests/measured/profiles/nsight.sqlite" > "$work/nsight.sqlite.gz"
refused "a database under gzip" diff "$run" --profile "$work/nsight.sqlite.gz"
refused "no --profile, expected a trace" diff "$run"
refused "--rank 64, the run has 64 GPUs" diff "$run" --profile "$trace" --rank 64
refused "--rank -1, expected a rank of the run" diff "$run" --profile "$trace" --rank=-1
refused "--rank -2, expected a rank of the run" diff "$run" --profile "$trace" --rank=-2
refused "--profiled-steps 1e-300" diff "$run" --profile "$trace" --profiled-steps 1e-300
refused "--profiled-steps -1" diff "$run" --profile "$trace" --profiled-steps=-1
for steps in 1/0 1/ /2 two 1/2/3 1e400; do refused "--profiled-steps $steps" diff "$run" --profile "$trace" --profiled-steps "$steps"; done
# A part of a step counts as often as it is in one, whatever the profiler was told of.
printf '{"traceEvents": [{"ph": "X", "cat": "user_annotation", "name": "ProfilerStep#1", "ts": 1, "dur": 7},
  {"ph": "X", "cat": "kernel", "name": "k", "ts": 1, "dur": 1000}]}' > "$work/part.json"
try diff "$run" --profile "$work/part.json" --profiled-steps 1/120 --format json
expect_status 0
check "not 120 times 1 ms" grep -qE '"measured_step_time_s" : 0.1(2|1999|2000)' "$work/out"
refused "absent.json" diff "$run" --profile absent.json
printf 'classes: [{contains: nccl, class: colective}]\n' > "$work/classes.yaml"
refused "classes.yaml:1:35:" diff "$run" --profile "$trace" --classes "$work/classes.yaml"

finish
