#!/bin/sh
# moesim validate over a folder of its own: errors by hand, a baseline kept and missed, rates and parts of a step.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x7b.yaml
step_time() { # step_time ARGUMENT...: predicted, seconds
  "$moesim" run "$run" --format json "$@" | sed -n 's/.*"step_time_s" : \([0-9.e-]*\),.*/\1/p' | head -n 1
}
step=$(step_time)
cases=$work/cases

# write_cases FACTOR: two published step times, predicted / FACTOR (its error is FACTOR - 1) and as predicted; one case is wrong.
write_cases() {
  mkdir -p "$cases"
  awk -v run="$run" -v step="$step" -v factor="$1" 'BEGIN {
    print "cases:"
    printf "  - {id: off, extends: %s, published: {step_time_s: %.12g}}\n", run, step / factor
    printf "  - {id: right, extends: %s, published: {step_time_s: %s, iteration_parts_s: {optimizer: 1}}}\n", run, step
    printf "  - {id: wrong, extends: %s, parallelism: {tensor: 3}, published: {step_time_s: 1}}\n", run
  }' > "$cases/lab.yaml"
}

write_cases 1.2
try validate --cases "$cases" --worst
expect_status 1
expect_err "1 of 3 cases have no prediction"
expect_out "1 cases without a prediction"
check "without a prediction, then the largest error, then none" \
  [ "$(awk '/^(off|right|wrong) / { printf "%s ", $1 }' "$work/out")" = "wrong off right " ]
expect_out "+20.0"
check "median of 20 and 0 %" grep -qE '^lab +2 +10\.0 +18\.0 ' "$work/out"
try validate --cases "$cases" --summary --group-by gpu
check "one accelerator" grep -qE '^h100 +2 ' "$work/out"
check "cases in a summary" sh -c "! grep -q '^off ' '$work/out'"
try validate --cases "$cases" --format csv
check "header and three cases" [ "$(wc -l < "$work/out")" -eq 4 ]
try validate --cases "$cases" --format json
expect_out '"id" : "wrong"'
check "median of 20 and 0 %" awk '/"median_abs_error"/ { sub(",", ""); exit !($3 > 0.0999 && $3 < 0.1001) }' "$work/out"
refused "--group-by: unknown word 'familly', did you mean 'family'?" validate --group-by familly
refused "absent: cannot be read, expected a folder of case files" validate --cases absent

# What is stored is not worse than itself; a larger error is, and a case that is gone.
try validate --cases "$cases" --save-baseline "$work/baseline.yaml"
expect_status 1
check "the file's two groups" [ "$(grep -c 'cases: 2, median_abs_error: 0.1000, p90_abs_error: 0.1800' "$work/baseline.yaml")" -eq 2 ]
try validate --cases "$cases" --summary --baseline "$work/baseline.yaml"
check "nothing is worse" sh -c "! grep -q 'is worse' '$work/err'"
write_cases 1.3
try validate --cases "$cases" --summary --baseline "$work/baseline.yaml"
expect_status 1
expect_err "lab is worse than the baseline: median 15.00 % (was 10.00), P90 27.00 % (was 18.00), 2 cases (were 2)"
expect_err "all is worse than the baseline"
write_cases 1.2
sed 's/cases: 2/cases: 3/' "$work/baseline.yaml" > "$work/more.yaml"
try validate --cases "$cases" --summary --baseline "$work/more.yaml"
expect_status 1
expect_err "2 cases (were 3)"
echo 'groups: [{name: gone, cases: 1, median_abs_error: 1, p90_abs_error: 1}]' > "$work/gone.yaml"
try validate --cases "$cases" --summary --baseline "$work/gone.yaml"
expect_status 1
expect_err "gone of the baseline has no case any more"
echo 'groups: [{name: lab, cases: -1, median_abs_error: 0, p90_abs_error: 0}]' > "$work/negative.yaml"
refused "negative.yaml:1:29: " validate --cases "$cases" --baseline "$work/negative.yaml"
refused "absent.yaml: No such file" validate --cases "$cases" --baseline "$work/absent.yaml"
refused "$work/absent/b.yaml: cannot write" validate --cases "$cases" --save-baseline "$work/absent/b.yaml"
# All of them before a case is read, which are none here.
refused "negative.yaml:1:29: " validate --cases absent --baseline "$work/negative.yaml"
refused "absent.yaml: No such file" validate --cases absent --baseline "$work/absent.yaml"
for option in --save-baseline --save-residuals; do
  refused "$work/absent/b.yaml: cannot write" validate --cases absent "$option" "$work/absent/b.yaml"
  refused "$work: cannot write" validate --cases absent "$option" "$work"
done
check "a file of a validation that was refused" [ ! -e "$work/absent" ]

# What a question does not read is refused.
for wrong in '--memory --worst' '--memory --baseline=b.yaml' '--parts --jobs=2' '--leave-one-out --pairs' '--stage=1' \
  '--pair=x.yaml --cases=y' '--pair=x.yaml --parts'; do
  # shellcheck disable=SC2086 # words
  refused "does not apply, expected --" validate $wrong
done
refused "--stage: '-1', expected a number from 0" validate --parts --stage=-1

# No dense case: nothing is fitted, the rate counts as 1, and the family is as good with itself as without.
try validate --cases "$cases" --leave-one-out
expect_status 0
expect_out "0 fitted parameters"
check "errors at a rate of 1" awk -v step="$step" -v at_one="$(step_time --set cluster.accelerator.training_rate=1)" '
  function size(x) { return x < 0 ? -x : x }
  /^lab / { expected = 50 * (size(1.2 * at_one / step - 1) + size(at_one / step - 1))
            exit !(size($3 - expected) < 0.2 && $3 == $5 && $4 == $6) }' "$work/out"
refused "absent: cannot be read" validate --cases absent --leave-one-out

# Parts sum to the step: all but the optimizer were not published.
try validate --cases "$cases" --parts
expect_status 0
check "one case of six parts, their sum, and a header" [ "$(wc -l < "$work/out")" -eq 8 ]
check "only the optimizer is compared" [ "$(grep -cE ' [+-][0-9.]+\s*$' "$work/out")" -eq 2 ]
refused "absent: cannot be read" validate --cases absent --parts
try validate --cases "$cases" --parts --format json
check "every part with its case" [ "$(grep -c '"case" : "right"' "$work/out")" -eq 7 ]
try validate --cases "$cases" --parts --format csv
check "a line a part, and a header" [ "$(grep -c '^right,' "$work/out")" -eq 7 ]
check "keys as in JSON" grep -q '^case,part,published_s,predicted_s,error$' "$work/out"
try validate --pair "$data/validation/measured/traces/h800-dualpipe.yaml" --format csv
check "a class of kernels" grep -q '^dense_gemm,0.0188' "$work/out"
# No family with two sizes: nothing to divide into what is paid per micro-batch and once.
try validate --cases "$cases" --once --summary
expect_status 1
expect_err "1 of 3 cases have no prediction"
check "no pair of sizes" sh -c "! sed '/^family/,\$d' '$work/out' | grep -q '^lab'"
refused "--fidelity: unknown word 'fulll', did you mean 'full'?" validate --parts --fidelity fulll

# The profiled pair of DeepSeek-V3; 129.548 ms of kernels were profiled (tests/validate/test_published_parts.c).
try validate --pair "$data/validation/measured/traces/h800-dualpipe.yaml"
expect_status 0
check "sum of the profiled kernels" grep -qE '^all kernels +129\.5' "$work/out"
refused "absent.yaml: No such file" validate --pair absent.yaml

# Memory: a published peak beside the predicted one, what ran and fits, what ran out and does not; cases of a subfolder count.
memory_of() { "$moesim" memory "$run" --format json | sed -n "s/.*\"$1\" : \([0-9.e+]*\),.*/\1/p" | head -n 1; }
mkdir -p "$work/peaks/memory"
awk -v run="$run" -v bytes="$(memory_of allocated_bytes)" 'BEGIN {
  print "cases:"
  printf "  - {id: half, extends: %s, published: {peak_memory: %.12g B, memory_kind: allocated}}\n", run, bytes / 1.5
}' > "$work/peaks/lab.yaml"
awk -v run="$run" 'BEGIN {
  print "cases:"
  printf "  - {id: out, extends: %s, memory: {headroom: 1 TB}, published: {out_of_memory: true}}\n", run
  printf "  - {id: said, extends: %s, published: {out_of_memory: true}}\n", run
}' > "$work/peaks/memory/more.yaml"
try validate --cases "$work/peaks" --memory
expect_status 0
expect_quiet
check "half as much again" grep -qE '^half .* allocated .*\+50\.0 *$' "$work/out"
check "one ran and fits" grep -qE '^ran +1 +0 ' "$work/out"
check "one of two that ran out" grep -qE '^out of memory +1 +1 +50\.0 *$' "$work/out"
check "the wrong one is named" grep -qE '^said .* out of memory' "$work/out"
try validate --cases "$work/peaks" --memory --format json
expect_out '"out_of_memory_does_not_fit" : 1'
try validate --cases "$work/peaks" --summary
check "no step time, no error" grep -qE '^all +0 +' "$work/out"
try validate --cases "$work/peaks" --memory --format csv
check "a case per line" grep -q '^id,family,.*peak_bytes,' "$work/out"
try memory "$run" --headroom "1 TB"
expect_status 1
expect_out "does not fit with 1 TB of headroom"

# What would make a run fit: the first remedy fits when it is run, and says its own step time; none when all are refused.
set -- "$run" --set training.micro_batch=4
try memory "$@"
expect_status 1
expect_err "--remedies tries what would make it fit"
try memory "$@" --remedies --format json
expect_status 0
first=$(sed -n 's/.*"set" : "\(.*\)",.*/\1/p' "$work/out" | head -n 1)
step=$(sed -n 's/.*"step_time_s" : \([0-9.e-]*\),.*/\1/p' "$work/out" | sed -n 2p)
try memory "$@" --set "$first"
expect_status 0
try run "$@" --set "$first" --format json
expect_out "\"step_time_s\" : $step,"
try memory "$@" --remedies
expect_status 0
check "those that fit come first, fastest first" awk '
  $NF == "no" { no = 1; next }
  / [0-9.]+ GB *$/ { bad += no }
  END { exit bad }' "$work/out"
try memory "$@" --remedies --format csv
check "remedies as lines" grep -qF "$first" "$work/out"
check "a remedy's step" grep -q ",$step," "$work/out"
try memory "$@" --remedies --headroom "1 TB"
expect_status 1
expect_out "0 of "

# What a layer keeps: 32 equal layers are one row, and its weights are those of the description.
try memory "$run" --layers
expect_status 0
expect_quiet
check "one row of 32 layers" grep -qE '^0 to 31 +attention +moe ' "$work/out"
refused "expected one of them" memory "$run" --layers --micro-batches
refused "expected one of them" memory "$run" --remedies --snapshot "$work/snapshot.pickle"
try memory "$run" --layers --format csv
check "layers as lines" grep -q '^0,31,attention,moe,' "$work/out"
try memory "$run" --layers --format json
check "the layers of the list" [ "$(grep -c '"first"' "$work/out")" -ge 1 ]

# Micro-batches in flight: those of all stages as CSV, of the fullest as a table.
try memory "$data/models/deepseek-v3.yaml" --micro-batches
expect_status 0
expect_quiet
check "a row of the fullest stage" grep -qE ' GB$' "$work/out"
try memory "$data/models/deepseek-v3.yaml" --micro-batches --format csv
expect_out "stage,chunk,first_layer,layers,first_micro_batch,last_micro_batch,micro_batch_bytes,bytes"
check "rows of every stage" [ "$(tail -n +2 "$work/out" | cut -d, -f1 | sort -u | wc -l)" -eq 16 ]

finish
