#!/bin/sh
# moesim calibrate and calibrate-network: constants that rows were made with are found again, written and judged.
. "$(dirname "$0")/lib.sh"

# near FILE WORD VALUE SHARE: the number after "WORD: " in FILE, extents aside, is VALUE, to that share.
near() {
  check "$2 in $(basename "$1") is not $3" awk -v word="$2" -v value="$3" -v share="$4" '
    /extent:/ { next }
    { gsub(/[{},]/, " ")
      for (i = 1; i < NF; i++)
        if ($i == word ":") { seen = 1; bad = $(i + 1) < value * (1 - share) || $(i + 1) > value * (1 + share) } }
    END { exit !(seen && !bad) }' "$1"
}

# ---- kernels: 3 us and 3 TB/s, of the 3.35 TB/s of an H100

awk 'BEGIN {
  print "title: made\nsources: {made: {url: \"https://example.org\"}}\nseries:"
  print "  - {source: made, cluster: h100-hgx, fragment: h100, class: bandwidth, family: te, kind: norm, pass: forward,"
  print "     constants: {row_s: 0}, columns: [m, n, read, write, us], rows: ["
  for (i = 0; i < 12; i++) {
    bytes = 2 ^ (20 + i)
    printf "       [%d, 4096, %d, %d, %.4f]%s\n", bytes / 8192, bytes, bytes, 3 + 2 * bytes / 3e6, i < 11 ? "," : "]}"
  }
}' > "$work/made.yaml"

mkdir "$work/kernels"
try calibrate "$work/made.yaml" --write "$work/kernels" --wide
expect_status 0
expect_quiet
check "one table of header, fit and two sums" [ "$(wc -l < "$work/out")" -eq 4 ]
check "the twelve rows are not halves of six" grep -qE '^h100 +bandwidth-bound +te +any +forward +6 .* 6 ' "$work/out"
check "no extent of the rows" grep -q 'extent: {norm: \[' "$work/kernels/h100.yaml"
near "$work/kernels/h100.yaml" norm "$(awk 'BEGIN { print 3 / 3.35 }')" 0.002
near "$work/kernels/h100.yaml" floor_s 3e-6 0.01
check "residuals are told" grep -q 'rows: 6' "$work/kernels/h100.yaml"

# The shipped constants belong to other rows: a large error; in CSV.
try calibrate "$work/made.yaml" --shipped --csv
expect_status 0
check "CSV header" [ "$(head -n 1 "$work/out")" = "accelerator,class,family,precision,pass,fitted rows,median,P90,kept rows,median,P90" ]
check "fit, sum of the accelerator, sum of all agree on the rows" \
  [ "$(grep -c ',bandwidth-bound,.*,6,.*,6,' "$work/out")" -eq 3 ]
refused "$work/nowhere/h100.yaml: cannot write" calibrate "$work/made.yaml" --shipped --write "$work/nowhere"
sed 's/family: te/family: deepgemm/' "$work/made.yaml" > "$work/unknown.yaml"
refused "unknown.yaml:" calibrate "$work/unknown.yaml" --shipped

# ---- rows measured inside a training step hold what training loses: the rate that is bad for a benchmark is what a step has

median() { awk -F, '/^h100,GEMM,cublaslt/ { print $7 + 0 }' "$work/out"; }
made() {
  printf 'title: made\nsources: {made: {url: "https://example.org"}}\nseries:\n'
  printf '  - {source: made, cluster: h100-hgx, fragment: h100, class: gemm, family: cublaslt, precision: bf16%s,\n' "$1"
  printf '     constants: {tiles: 90}, columns: [m, n, k, tflops], rows: [[8192, 8192, 8192, 650]]}\n'
}
made "" > "$work/bench.yaml"
made ", in_step: true" > "$work/step.yaml"
try calibrate "$work/bench.yaml" --shipped --csv
expect_status 0
bench=$(median)
try calibrate "$work/step.yaml" --shipped --csv
expect_status 0
check "the row inside a step is taken for a benchmark" awk -v bench="$bench" -v step="$(median)" 'BEGIN { exit !(step < bench - 5) }'

# ---- network: rows made on a fabric whose ring and floor differ from what is shipped

sed 's/^ring:.*/ring: 0.8/; s/^floor:.*/floor: 12 us/' "$data/clusters/fabrics/nvlink4.yaml" > "$work/slower.yaml"
printf 'extends: %s\ndomain: {collectives: %s}\n' "$data/clusters/h100-hgx.yaml" "$work/slower.yaml" > "$work/cluster.yaml"
try collective all_reduce --cluster "$work/cluster.yaml" --gpus 8 --algorithm ring --sizes 1K:8G --format csv
{
  printf 'title: made\nsources: {made: "https://example.org"}\nseries:\n'
  printf '  - {id: made, system: made, source: made, status: reported, cluster: h100-hgx, op: all-reduce, gpus: 8,\n'
  printf '     domain: nvlink4, algorithm: ring, rows: ['
  awk -F, 'NR > 1 { printf "%s[%s, %s]", (NR > 2 ? ", " : ""), $1, $2 }' "$work/out"
  printf ']}\n'
} > "$work/network.yaml"

mkdir "$work/fabrics"
try calibrate-network "$work/network.yaml" --shipped --csv
expect_status 0
check "the shipped fabric predicts another one" awk -F'[, ]' '/^nvlink4,/ { exit !($3 > 5) }' "$work/out"
try calibrate-network "$work/network.yaml" --write "$work/fabrics"
expect_status 0
expect_quiet
check "all 24 rows" awk '/^all / { exit !($2 + $5 == 24) }' "$work/out"
check "errors after the fit" awk '/^nvlink4 / { exit !($3 < 0.5 && $6 < 0.5) }' "$work/out"
near "$work/fabrics/nvlink4.yaml" ring 0.8 0.005
near "$work/fabrics/nvlink4.yaml" floor 12 0.02
check "rows of rings say something of trees" grep -q '^tree: .*# not seen by the rows' "$work/fabrics/nvlink4.yaml"
refused "$work/nowhere/nvlink4.yaml: cannot write" calibrate-network "$work/network.yaml" --shipped --write "$work/nowhere"

# A profile: what it shows, and measurements that are calibrated by.
trace=$data/tests/measured/profiles/two-steps.json
try calibrate --profile "$trace"
expect_status 0
expect_out "1.1 ms, the median of 2"
expect_out "allreduce"
try calibrate --profile "$trace" --format json --cluster h100-hgx -o "$work/products.yaml"
expect_status 0
check "a product of 45 us in the median" grep -qE "\"median_s\" : (4.5|4.49999)[0-9]*e-05" "$work/out"
check "measurements" grep -qF -e '- [256, 1024, 512, 45]' "$work/products.yaml"
try calibrate "$work/products.yaml" --shipped
expect_status 0
expect_out "h100"
# Whatever is read, each format gives it, and --csv means the same everywhere.
try calibrate --profile "$trace" --format csv
check "classes as lines" grep -q '^gemm,5,' "$work/out"
cp "$work/out" "$work/format"
try calibrate --profile "$trace" --csv
check "another CSV" cmp -s "$work/out" "$work/format"
try calibrate --bench "$data/tests/measured/bench/all_reduce_perf.txt" --cluster h100-hgx -o "$work/again.yaml" --format json
check "rows as JSON" [ "$(grep -c '"predicted_s"' "$work/out")" -eq 6 ]
refused "--csv and --format, expected one of them" calibrate --profile "$trace" --csv --format json
refused "calibrate --profile: --stack-output does not apply" calibrate --profile "$trace" --stack-output "$work/stack.yaml"
refused "--output without --cluster" calibrate --profile "$trace" -o "$work/products.yaml"
# What nccl-tests printed, beside the prediction, as rows that a fabric is fitted to.
bench=$data/tests/measured/bench/all_reduce_perf.txt
try calibrate --bench "$bench" --cluster h100-hgx -o "$work/rows.yaml"
expect_status 0
expect_quiet
check "not its six rows" [ "$(grep -c '^all-reduce-8-1 ' "$work/out")" -eq 6 ]
mkdir "$work/fitted"
try calibrate-network "$work/rows.yaml" --write "$work/fitted"
expect_status 0
check "no fabric" [ -s "$work/fitted/nvlink4.yaml" ]
refused "--bench without --cluster" calibrate --bench "$bench" -o "$work/rows.yaml"
refused "--bench without --output" calibrate --bench "$bench" --cluster h100-hgx
refused "expected --op" calibrate --bench "$data/tests/measured/bench/all_gather_old.txt" --cluster h100-hgx -o "$work/rows.yaml"
refused "--op: unknown word 'all-gater', did you mean 'all-gather'?" calibrate --bench "$bench" --op all-gater \
  --cluster h100-hgx -o "$work/rows.yaml"
refused "no file clusters/h999.yaml" calibrate --bench "$bench" --cluster h999 -o "$work/nowhere.yaml"
check "written for a machine that there is not" [ ! -e "$work/nowhere.yaml" ]
refused "absent.txt" calibrate --bench absent.txt --cluster h100-hgx -o "$work/rows.yaml"

# A log, beside the prediction of its run, as a case that is judged.
log=$data/tests/measured/logs/megatron.log
try calibrate --log "$log"
expect_status 0
expect_out "Megatron, 8 of 10 lines"
mkdir "$work/cases"
try calibrate --log "$log" --run "$data/models/llama3-70b.yaml" -o "$work/cases/mine.yaml" --format json
expect_status 0
check "no error of the step" grep -q '"error" : 4\.' "$work/out"
try validate --cases "$work/cases"
expect_status 0
expect_out "mine"
refused "expected --run" calibrate --log "$log" -o "$work/cases/mine.yaml"
refused "no iteration up to here" calibrate --log "$bench"
# Names of any letters, and machines of one's own beside another folder.
mkdir "$work/a, b"
cp "$bench" "$work/größe.txt"
cp "$trace" "$work/größe.json"
cp "$log" "$work/größe.log"
cp "$data/clusters/h100-hgx.yaml" "$work/a, b/mine.yaml"
before=$PWD
cd "$work/a, b" || exit 1
try calibrate --bench ../größe.txt --cluster ./mine.yaml -o ../rows.yaml
expect_status 0
try calibrate --profile ../größe.json --cluster ./mine.yaml -o ../products.yaml
expect_status 0
try calibrate ../products.yaml --shipped
expect_status 0
cd "$before" || exit 1
try calibrate --log "$work/größe.log" --run "$data/models/llama3-70b.yaml" -o "$work/cases/mine.yaml"
expect_status 0
try validate --cases "$work/cases"
expect_status 0

# Numbers without sense are told where they stand.
printf ' iteration 1/ 5 | elapsed time per iteration (ms): 5000 | global batch size: 1e12 |\n' > "$work/batch.log"
refused "batch.log:1:78: '1e12 |' behind global batch size:" calibrate --log "$work/batch.log" --run "$data/models/llama3-70b.yaml"
printf '[config] num_tokens=4096, hidden=7168, num_topk=999999999, num_experts=1000000\n[tuning] x\n' > "$work/top.txt"
refused "top.txt:1:49: '999999999, num_exper' behind num_topk=" calibrate --bench "$work/top.txt" --cluster h100-hgx -o "$work/rows.yaml"

refused "expected one of them" calibrate --log "$log" --bench "$bench"
# What another source reads is refused, not left aside.
refused "calibrate of measurements: --rank does not apply, expected --write" calibrate "$work/made.yaml" --rank 0
refused "calibrate of measurements: --output does not apply" calibrate "$work/made.yaml" -o "$work/nowhere.yaml"
refused "calibrate --log: --cluster does not apply" calibrate --log "$log" --cluster h100-hgx
refused "calibrate --bench: --write does not apply" calibrate --bench "$bench" --write "$work"
refused "calibrate --profile --run: --family does not apply" calibrate --profile "$trace" --run "$data/models/llama3-70b.yaml" --family te
refused "--rank -1, expected a rank" calibrate --profile "$trace" --run "$data/models/llama3-70b.yaml" --rank=-1
try calibrate "$work/made.yaml" --shipped --csv
mv "$work/out" "$work/csv"
try calibrate "$work/made.yaml" --shipped --format csv
check "--format csv is --csv" cmp -s "$work/out" "$work/csv"
try calibrate "$work/made.yaml" --shipped --format json
expect_status 0
check "JSON" python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))' "$work/out"
refused "expected one of them" calibrate "$work/products.yaml" --profile "$trace"
refused "no traceEvents" calibrate --profile "$data/tests/interchange/hf/llama-3.1-70b.json"

finish
